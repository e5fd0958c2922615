//! The machine of the database is lost, and its standby goes on.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Instant;

use flashsale::store::postgres::{Role, Session, Step};
use serde_json::json;

use super::cluster::Cluster;
use super::processes::Over;
use crate::server::{Premises, Server};
use crate::waiting::wait_until;

/// A primary with a standby that streams.
pub fn pair() -> Option<[Cluster; 2]> {
    let primary = Cluster::start(&[])?;
    let standby = primary.standby();
    let step = || Step::new("select 1 from pg_stat_replication where state = 'streaming'");
    wait_for(&primary, step);
    Some([primary, standby])
}

/// Until the question has an answer.
fn wait_for(cluster: &Cluster, question: impl Fn() -> Step) {
    let mut session = Session::connect(&cluster.server(""), Role::Read).unwrap();
    wait_until("the question has an answer", || {
        !session.run(&[question()]).unwrap()[0].is_empty()
    });
}

/// From now on commits wait for the standby.
pub fn make_synchronous(primary: &Cluster) {
    let mut session = Session::connect(&primary.server(""), Role::Read).unwrap();
    let waits = "alter system set synchronous_standby_names = 'standby'";
    for sql in [waits, "select pg_reload_conf()"] {
        session.execute_patiently(sql).unwrap();
    }
    wait_for(primary, || {
        Step::new("select 1 from pg_stat_replication where sync_state = 'sync'")
    });
}

/// The standby is cut off: it gets nothing more.
pub fn cut_off(primary: &Cluster) {
    primary.admit("local all all trust\n");
    let mut session = Session::connect(&primary.server(""), Role::Read).unwrap();
    session.execute("select pg_reload_conf()").unwrap();
    // The new rules may hold a moment after the old connection has ended.
    wait_until("the standby is cut off", || {
        let ends = Step::new("select pg_terminate_backend(pid) from pg_stat_replication");
        session.run(&[ends]).unwrap()[0].is_empty()
    });
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

/// Servers take the first of the two that can be written.
pub fn configuration(primary: &Cluster, standby: &Cluster) -> String {
    let [primary, standby] = [primary.host(), standby.host()];
    format!("db = \"postgres://flashsale@{primary},{standby}/postgres\"\n")
}

/// What those who bought were told, and what is there after the primary was lost.
struct Told {
    ids: Vec<i64>,
    kept: BTreeSet<i64>,
    /// Of the servers, one after the other.
    log: String,
}

impl Told {
    fn distinct(&self) -> BTreeSet<i64> {
        self.ids.iter().copied().collect()
    }

    /// How many were told an id that another one was told too.
    fn duplicates(&self) -> usize {
        self.ids.len() - self.distinct().len()
    }

    fn lost(&self) -> Vec<i64> {
        self.distinct().difference(&self.kept).copied().collect()
    }
}

/// Two servers sell; the primary is killed after something has happened to it, and the standby goes on.
fn fail_over([primary, standby]: &[Cluster; 2], before: fn(&Cluster)) -> Told {
    let premises = Premises::new();
    premises.file("flash_sale.toml", &configuration(primary, standby));
    premises
        .seed("sku,name,price,total_stock\ntee,Tee,99.99,2000000000\n")
        .succeeded();
    let servers = [premises.serve(), premises.serve()];
    let ids = Mutex::new(Vec::new());
    let is_over = AtomicBool::new(false);
    let wait_for_more = || {
        let before = ids.lock().unwrap().len();
        wait_until("holds are acknowledged", || {
            ids.lock().unwrap().len() >= before + 300
        });
    };
    thread::scope(|scope| {
        let over = Over(&is_over);
        for server in &servers {
            for _ in 0..4 {
                scope.spawn(|| buy(server, &ids, &is_over));
            }
        }
        wait_for_more();
        before(primary);
        wait_for_more();
        primary.kill();
        standby.promote();
        let promoted = Instant::now();
        let before = ids.lock().unwrap().len();
        wait_until("holds are acknowledged", || {
            ids.lock().unwrap().len() > before
        });
        println!("sold again {:?} after the promotion", promoted.elapsed());
        wait_for_more();
        drop(over);
    });
    let exported = premises.run(&["export", "holds"]).succeeded().stdout();
    let kept = exported
        .lines()
        .skip(1)
        .map(|line| line.split(',').next().unwrap().parse().unwrap())
        .collect();
    premises.run(&["verify"]).succeeded();
    let log = servers.map(Server::stop_and_read_log).concat();
    Told {
        ids: ids.into_inner().unwrap(),
        kept,
        log,
    }
}

#[test]
fn nothing_acknowledged_is_lost_by_a_failover_to_a_synchronous_standby() {
    for _ in 0..super::rounds(1) {
        let Some(pair) = pair() else {
            return;
        };
        make_synchronous(&pair[0]);
        let told = fail_over(&pair, |_| {});
        assert_eq!(told.duplicates(), 0, "ids were given twice");
        assert_eq!(told.lost(), [0; 0], "lost");
        println!("{} holds acknowledged, lost 0", told.ids.len());
        assert!(
            !told.log.contains("synchronous_standby_names"),
            "{}",
            told.log
        );
    }
}

/// The control: what such a failover loses is found, and the server has warned.
#[test]
fn a_failover_to_an_asynchronous_standby_loses_what_it_had_not_got_and_gives_ids_twice() {
    let Some(pair) = pair() else {
        return;
    };
    let told = fail_over(&pair, cut_off);
    let (lost, duplicates) = (told.lost().len(), told.duplicates());
    println!(
        "{} holds acknowledged, lost {lost}, given twice {duplicates}",
        told.ids.len()
    );
    assert!(duplicates > 0, "no id was given twice, lost {lost}");
    assert!(
        told.log.contains("synchronous_standby_names"),
        "{}",
        told.log
    );
}
