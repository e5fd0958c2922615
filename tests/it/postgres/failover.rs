//! The machine of the database is lost, and its standby goes on.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use flashsale::store::postgres::{Role, Session, Step};
use serde_json::json;

use super::cluster::Cluster;
use super::processes::{Over, wait_until};
use crate::server::{Premises, Server};

/// A primary whose commits wait for its standby.
fn pair() -> Option<[Cluster; 2]> {
    let primary = Cluster::start(&[])?;
    let standby = primary.standby();
    let mut session = Session::connect(&primary.server(""), Role::Read).unwrap();
    let waits = "alter system set synchronous_standby_names = 'standby'";
    session.execute_patiently(waits).unwrap();
    session
        .execute_patiently("select pg_reload_conf()")
        .unwrap();
    loop {
        let step = Step::new("select 1 from pg_stat_replication where sync_state = 'sync'");
        if !session.run(&[step]).unwrap()[0].is_empty() {
            return Some([primary, standby]);
        }
        thread::yield_now();
    }
}

/// Holds one unit after the other, and notes what is acknowledged. While nothing can be written, the answer says so.
fn buy(server: &Server, ids: &Mutex<Vec<i64>>, is_over: &AtomicBool) {
    while !is_over.load(Ordering::SeqCst) {
        let (status, answer) = server.post("/api/holds", &json!({"product_id": 1, "quantity": 1}));
        if status == 201 {
            ids.lock()
                .unwrap()
                .push(answer["hold_id"].as_i64().unwrap());
        } else {
            assert_eq!(status, 503, "{answer}");
        }
    }
}

#[test]
fn nothing_acknowledged_is_lost_by_a_failover_to_a_synchronous_standby() {
    let Some([primary, standby]) = pair() else {
        return;
    };
    let premises = Premises::new();
    let url = format!(
        "postgres://flashsale@{},{}/postgres",
        primary.host(),
        standby.host()
    );
    premises.file("flash_sale.toml", &format!("db = \"{url}\"\n"));
    premises
        .seed("sku,name,price,total_stock\ntee,Tee,99.99,2000000000\n")
        .succeeded();
    let servers = [premises.serve(), premises.serve()];
    let ids = Mutex::new(Vec::new());
    let is_over = AtomicBool::new(false);
    let wait_for_more = || {
        let before = ids.lock().unwrap().len();
        wait_until(|| ids.lock().unwrap().len() >= before + 300);
    };
    thread::scope(|scope| {
        let over = Over(&is_over);
        for server in &servers {
            for _ in 0..4 {
                scope.spawn(|| buy(server, &ids, &is_over));
            }
        }
        wait_for_more();
        primary.kill();
        standby.promote();
        wait_for_more();
        drop(over);
    });
    let ids = ids.into_inner().unwrap();
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
    println!("{} holds acknowledged, lost 0", distinct.len());
    premises.run(&["verify"]).succeeded();
    for server in servers {
        server.stop();
    }
}
