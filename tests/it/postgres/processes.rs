//! The real binary on PostgreSQL: its commands, and several servers at once, killed and stopped under load.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use super::Schema;
use crate::server::{Premises, Server, send_signal};
use crate::shop::SECOND;
use crate::waiting::wait_until;

/// A folder whose configuration names the schema's server.
pub fn premises(schema: &Schema) -> Premises {
    let premises = Premises::new();
    premises.file("flash_sale.toml", &configuration(&schema.url()));
    premises
}

fn configuration(url: &str) -> String {
    format!("db = \"{url}\"\ndurability = \"normal\"\n")
}

pub fn seeded(schema: &Schema, stock: i64) -> Premises {
    let premises = premises(schema);
    let catalogue = format!("sku,name,price,total_stock\ntee,Tee,99.99,{stock}\n");
    premises.seed(&catalogue).succeeded();
    premises
}

#[test]
fn every_command_works_on_a_server() {
    let Some(schema) = Schema::new() else {
        return;
    };
    let premises = premises(&schema);
    premises
        .run(&["verify"])
        .exited(66)
        .complains("there is no database");
    let server = premises.serve_with(&["--demo", "--hold-ttl-s", "1"]);
    let beside = premises.serve();
    let (status, hold) = server.hold(2);
    assert_eq!(status, 201, "{hold}");
    let (status, shown) = beside.get(&format!("/api/holds/{}", hold["hold_id"]));
    assert_eq!((status, &shown["hold_id"]), (200, &hold["hold_id"]));
    let seeded = premises
        .seed("sku,name,price,total_stock\nmug,Mug,5.00,7\n")
        .succeeded();
    assert!(seeded.stdout().contains('1'), "{}", seeded.stdout());
    premises.run(&["sweep-holds"]).succeeded();
    premises.run(&["verify"]).succeeded().prints("ok");
    let exported = premises.run(&["export", "holds"]).succeeded();
    assert_eq!(
        exported.stdout().lines().count(),
        2,
        "{}",
        exported.stdout()
    );
    premises
        .run(&["backup", "copy.db"])
        .exited(78)
        .complains("pg_basebackup");
    assert!(!premises.path().join("copy.db").exists());
    premises
        .run(&["clock", "--set-back"])
        .exited(78)
        .complains("clock of its PostgreSQL server");
    premises.run(&["clock"]).succeeded().prints("sale's time");
    let log = server.stop_and_read_log();
    assert!(!log.contains("flashsale@"), "{log}");
    beside.stop();
    premises.run(&["verify"]).succeeded();
}

#[test]
fn what_cannot_be_served_says_why_and_never_the_password() {
    let Some(schema) = Schema::new() else {
        return;
    };
    let refused = |url: &str, code: i32, why: &str| {
        let premises = Premises::new();
        let file = premises.file("flash_sale.toml", &configuration(url));
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o600);
        std::fs::set_permissions(file, mode).unwrap();
        let ran = premises.run(&["serve", "--listen", "127.0.0.1:0"]);
        let ran = ran.exited(code).complains(why);
        assert!(!ran.stderr().contains("s3cret"), "{}", ran.stderr());
    };
    refused("postgres://ada:s3cret@127.0.0.1:port/shop", 78, "not a URL");
    refused(
        "postgres://ada:s3cret@127.0.0.1:1/shop",
        74,
        "cannot be reached",
    );
    refused(
        "postgres://ada:s3cret@db.example/shop?sslmode=prefer",
        78,
        "sslmode",
    );
    let url = schema.url();
    let nobody = url.replace("flashsale@", "nobody:s3cret@");
    refused(&nobody, 77, "nobody");
    schema
        .session()
        .execute("create table orders (id bigint)")
        .unwrap();
    refused(&url, 65, "not a flashsale database");

    let premises = Premises::new();
    let with_password = "postgres://ada:s3cret@127.0.0.1:1/shop";
    premises.file("flash_sale.toml", &configuration(with_password));
    premises.run(&["verify"]).exited(78).complains("chmod 600");
    let ran = Premises::new().run(&["verify", "--db", with_password]);
    let ran = ran.exited(78).complains("command line");
    assert!(!ran.stderr().contains("s3cret"), "{}", ran.stderr());
}

#[test]
fn a_server_that_would_lose_commits_is_refused_unless_that_is_wanted() {
    // The shared cluster runs without fsync.
    let Some(schema) = Schema::new() else {
        return;
    };
    let premises = Premises::new();
    premises.file("flash_sale.toml", &format!("db = \"{}\"\n", schema.url()));
    let ran = premises.run(&["serve", "--listen", "127.0.0.1:0"]);
    ran.exited(78).complains("fsync = off");
}

/// However exactly the driver's own lines are asked for: below `warn` they show parameters, which are payloads and secrets.
#[test]
fn no_log_shows_what_statements_are_given() {
    let Some(schema) = Schema::new() else {
        return;
    };
    let premises = premises(&schema);
    premises
        .seed("sku,name,price,total_stock\ntee,Tee,99.99,7\n")
        .succeeded();
    for level in ["trace", "info,tokio_postgres::query=trace"] {
        for format in ["text", "json"] {
            let mut command = premises.command(&["serve"]);
            command.env("RUST_LOG", level);
            command.env("FLASHSALE_LOG_FORMAT", format);
            let server = premises.serve_by(&mut command);
            let body = serde_json::json!({"product_id": 1, "quantity": 1, "customer": "ada-4711"});
            let (status, hold) = server.post("/api/holds", &body);
            assert_eq!(status, 201, "{hold}");
            let log = server.stop_and_read_log();
            assert!(log.contains("/api/holds"), "{log}");
            for told in ["ada-4711", "tokio_postgres", "insert into"] {
                assert!(!log.contains(told), "{told} with {level}: {log}");
            }
        }
    }
}

/// Ends those who buy, however the test goes on.
pub struct Over<'a>(pub &'a AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

#[derive(Default)]
pub struct Acknowledged {
    ids: Mutex<Vec<i64>>,
    longest: Mutex<Duration>,
}

impl Acknowledged {
    /// One unit after the other, until the server is gone or the end has come.
    fn buy(&self, server: &Server, is_over: &AtomicBool) {
        while !is_over.load(Ordering::SeqCst) {
            let began = Instant::now();
            let body = serde_json::json!({"product_id": 1, "quantity": 1});
            let Ok((status, hold)) = server.try_post("/api/holds", &body) else {
                return;
            };
            assert_eq!(status, 201, "{hold}");
            self.ids
                .lock()
                .unwrap()
                .push(hold["hold_id"].as_i64().unwrap());
            let mut longest = self.longest.lock().unwrap();
            *longest = longest.max(began.elapsed());
        }
    }

    /// The same, until nothing is sold any more.
    pub fn buy_until_refused(&self, server: &Server) {
        let body = serde_json::json!({"product_id": 1, "quantity": 1});
        while let Ok((201, hold)) = server.try_post("/api/holds", &body) {
            let id = hold["hold_id"].as_i64().unwrap();
            self.ids.lock().unwrap().push(id);
        }
    }

    pub fn count(&self) -> usize {
        self.ids.lock().unwrap().len()
    }

    /// Every acknowledged hold is there, and no id was given to two.
    pub fn are_kept(&self, premises: &Premises) {
        let ids = self.ids.lock().unwrap();
        let distinct: BTreeSet<i64> = ids.iter().copied().collect();
        assert_eq!(ids.len(), distinct.len(), "ids were given twice");
        let exported = premises.run(&["export", "holds"]).succeeded().stdout();
        let kept: BTreeSet<i64> = exported
            .lines()
            .skip(1)
            .map(|line| line.split(',').next().unwrap().parse().unwrap())
            .collect();
        let lost: Vec<&i64> = distinct.difference(&kept).collect();
        assert!(lost.is_empty(), "lost: {lost:?}");
        premises.run(&["verify"]).succeeded();
    }
}

/// SIGKILL of one of two servers under load, again and again.
#[test]
fn nothing_acknowledged_is_lost_when_one_of_two_servers_is_killed() {
    let Some(schema) = Schema::new() else {
        return;
    };
    let rounds = super::number("FLASHSALE_TEST_KILLS", 10);
    let premises = seeded(&schema, 2_000_000_000);
    let survivor = premises.serve();
    let acknowledged = Acknowledged::default();
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        let over = Over(&is_over);
        let (survivor, acknowledged, is_over) = (&survivor, &acknowledged, &is_over);
        for _ in 0..3 {
            scope.spawn(move || acknowledged.buy(survivor, is_over));
        }
        for round in 0..rounds {
            let server = premises.serve();
            let before = acknowledged.count();
            thread::scope(|clients| {
                for _ in 0..3 {
                    clients.spawn(|| acknowledged.buy(&server, is_over));
                }
                wait_until("holds are acknowledged", || {
                    acknowledged.count() > before + (round * 7919) % 97
                });
                server.signal("-KILL");
            });
        }
        drop(over);
    });
    let longest = *acknowledged.longest.lock().unwrap();
    println!(
        "{} holds acknowledged, the longest after {longest:?}",
        acknowledged.count()
    );
    survivor.stop();
    acknowledged.are_kept(&premises);
}

/// A server that stands still while it may have the turn: the server behind takes it away, and another one goes on; the first
/// finds out what became of its batch.
#[test]
fn a_server_that_stands_still_keeps_no_other_from_selling() {
    let Some(schema) = Schema::new() else {
        return;
    };
    let premises = seeded(&schema, 2_000_000_000);
    // Longer than a server stands still: its clients are answered what became of their batch.
    let servers = [(); 2].map(|()| {
        let mut command = premises.command(&["serve"]);
        premises.serve_by(command.env("FLASHSALE_REQUEST_DEADLINE_MS", "60000"))
    });
    let (stopped, other) = (Acknowledged::default(), Acknowledged::default());
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        let over = Over(&is_over);
        let is_over = &is_over;
        for _ in 0..4 {
            scope.spawn(|| stopped.buy(&servers[0], is_over));
            scope.spawn(|| other.buy(&servers[1], is_over));
        }
        for round in 0..super::rounds(4) {
            let before = (stopped.count(), other.count());
            wait_until("both servers sell", || {
                stopped.count() >= before.0 + 100 && other.count() >= before.1 + 100
            });
            servers[0].pause();
            // The other one goes on, for less than the turn may be kept, or for longer.
            let lasts = [SECOND * 9 / 10, 3 * SECOND][round % 2];
            let began = Instant::now();
            while began.elapsed() < lasts {
                let before = other.count();
                wait_until("the other server sells", || other.count() > before);
            }
            send_signal(servers[0].id(), "-CONT");
        }
        drop(over);
    });
    let longest = *other.longest.lock().unwrap();
    println!("the longest wait beside a server that stood still: {longest:?}");
    assert!(longest < 2 * SECOND, "{longest:?}");
    for acknowledged in [&stopped, &other] {
        acknowledged.are_kept(&premises);
    }
    let [one, two] = servers;
    one.stop();
    two.stop();
}
