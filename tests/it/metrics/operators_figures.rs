//! What `GET /admin/api/stats` tells of the process and of its files.

use std::io::{Read, Write};
use std::time::SystemTime;

use chrono::{DateTime, Utc};
use serde_json::Value;

use crate::server::{Premises, Server, read};
use crate::shop::ADMIN_TOKEN;
use crate::waiting::wait_until;
use crate::wire::{get, statuses};

fn operated(premises: &Premises) -> Server {
    let mut command = premises.command(&["serve"]);
    premises.serve_by(command.env("FLASHSALE_ADMIN_TOKEN", ADMIN_TOKEN))
}

fn stats(server: &Server) -> Value {
    let path = "/admin/api/stats";
    let request = server.agent.get(format!("{}{path}", server.base));
    let bearer = format!("Bearer {ADMIN_TOKEN}");
    let (status, body) = read("GET", path, request.header("Authorization", bearer).call()).unwrap();
    assert_eq!(status, 200, "{body}");
    body
}

fn backup_of(stats: &Value) -> Option<DateTime<Utc>> {
    let at = stats["last_backup_at"].as_str()?;
    Some(at.parse().unwrap())
}

#[test]
fn connections_are_told_apart_by_what_they_are_doing() {
    let premises = Premises::stocked(5);
    let server = operated(&premises);
    let _idle = [server.connect(), server.connect()];
    // A connection that was made is counted once its event loop has looked at it.
    wait_until("each connection is counted as what it is", || {
        let connections = &stats(&server)["connections"];
        let all = connections.as_object().unwrap().values();
        let all: i64 = all.map(|count| count.as_i64().unwrap()).sum();
        assert!(all <= 3, "{connections}");
        connections["idle"] == 2 && connections["working"] == 1
    });
    server.stop();
}

/// Of ten megabytes the system keeps some; the rest leaves once there is room.
#[test]
fn a_client_that_does_not_read_is_written_to_until_it_has_read_all() {
    let name = "\u{1f39f}".repeat(255);
    let products = (0..100).map(|number| format!("sku-{number},{name},1.00,1\n"));
    let catalogue = products.collect::<String>();
    let premises = Premises::selling(&format!("sku,name,price,total_stock\n{catalogue}"));
    let mut command = premises.command(&["serve"]);
    command.env("FLASHSALE_ADMIN_TOKEN", ADMIN_TOKEN);
    // Or else each look at an overdue write would send some of it.
    command.env("FLASHSALE_WRITE_TIMEOUT_S", "60");
    let server = premises.serve_by(&mut command);
    let mut stream = server.connect();
    let last = "GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    let requests = get("/api/products?limit=100").repeat(100) + last;
    stream.write_all(requests.as_bytes()).unwrap();
    wait_until("it is written to", || {
        stats(&server)["connections"]["writing"] == 1
    });
    let mut told = String::new();
    stream.read_to_string(&mut told).unwrap();
    assert_eq!(statuses(&told), [200; 101]);
    server.stop();
}

#[test]
fn the_last_backup_is_known_for_as_long_as_the_server_runs() {
    let premises = Premises::stocked(5);
    let server = operated(&premises);
    assert_eq!(backup_of(&stats(&server)), None);
    let before = DateTime::<Utc>::from(SystemTime::now());
    premises.run(&["backup", "copy.db"]).succeeded();
    let after = DateTime::<Utc>::from(SystemTime::now());
    let first = backup_of(&stats(&server)).unwrap();
    assert!(
        before <= first && first <= after,
        "{before} {first} {after}"
    );
    premises.run(&["backup", "copy.db"]).exited(73);
    assert_eq!(backup_of(&stats(&server)), Some(first), "none was made");
    premises.run(&["backup", "again.db"]).succeeded();
    assert!(backup_of(&stats(&server)) > Some(first));
    server.stop();
    let server = operated(&premises);
    assert_eq!(backup_of(&stats(&server)), None, "of an earlier server");
    server.stop();
}
