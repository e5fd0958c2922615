//! No answer comes from what a primary alone has. One that has crashed while a commit waited for its standby shows that commit
//! at once when it is back; one that was relieved and does not know it, what has not been true for a while.

use std::thread;

use flashsale::store::postgres::{Role, Session, Step};
use serde_json::{Value, json};

use super::cluster::Cluster;
use super::failover::{configuration, cut_off, make_synchronous, pair};
use crate::server::{Premises, Server, send_signal};
use crate::waiting::wait_until;

/// Of sessions whose commits wait for a standby.
fn waiting(primary: &Cluster) -> Vec<i32> {
    // It may be starting just now.
    let Ok(mut session) = Session::connect(&primary.server(""), Role::Report) else {
        return Vec::new();
    };
    let step = Step::new("select pid from pg_stat_activity where wait_event = 'SyncRep'");
    let answers = session.run(&[step]).unwrap_or_default();
    let rows = answers.into_iter().flatten();
    rows.map(|row| row.get("pid")).collect()
}

/// A session that has crashed takes all others of its server with it, and the server starts anew.
fn crash(session: i32) {
    send_signal(u32::try_from(session).unwrap(), "-KILL");
}

fn premises([primary, standby]: &[Cluster; 2], deadline_ms: u32) -> Premises {
    let premises = Premises::new();
    let configuration = configuration(primary, standby);
    premises.file(
        "flash_sale.toml",
        &format!("{configuration}request_deadline_ms = {deadline_ms}\n"),
    );
    premises
        .seed("sku,name,price,total_stock\ntee,Tee,99.99,7\n")
        .succeeded();
    premises
}

/// An event whose commit waits is reported; the primary crashes, comes back and is lost; the standby goes on. What is
/// acknowledged in the end is there.
fn is_kept(report: impl FnOnce(&[Server; 2], &Value, &Cluster, &dyn Fn()) -> (u16, Value)) {
    let Some(pair) = pair() else {
        return;
    };
    let [primary, standby] = &pair;
    make_synchronous(primary);
    let premises = premises(&pair, 120_000);
    let servers = [premises.serve(), premises.serve()];
    for server in &servers {
        assert_eq!(server.hold(1).0, 201);
    }
    cut_off(primary);
    let event = json!({"idempotency_key": "evt-1", "hold_id": 1, "status": "success"});
    let (status, answer) = report(&servers, &event, primary, &|| {
        primary.kill();
        standby.promote();
    });
    assert!(status < 300, "{answer}");
    let exported = premises.run(&["export", "payments"]).succeeded().stdout();
    assert!(
        exported.contains("evt-1"),
        "acknowledged, and lost: {answer}"
    );
    premises.run(&["verify"]).succeeded();
}

const PATH: &str = "/api/payments/webhook";

#[test]
fn a_batch_in_doubt_has_not_committed_before_the_standby_has_it() {
    is_kept(|[server, _], event, primary, fail_over| {
        thread::scope(|scope| {
            let told = scope.spawn(|| server.post(PATH, event));
            wait_until("a commit waits for the standby", || {
                !waiting(primary).is_empty()
            });
            crash(waiting(primary)[0]);
            wait_until("a commit waits, or is told", || {
                told.is_finished() || !waiting(primary).is_empty()
            });
            fail_over();
            told.join().unwrap()
        })
    });
}

#[test]
fn a_repeated_request_is_not_answered_by_what_the_standby_has_not_got() {
    is_kept(|[first, other], event, primary, fail_over| {
        thread::scope(|scope| {
            let told = scope.spawn(|| first.try_post(PATH, event));
            wait_until("a commit waits for the standby", || {
                !waiting(primary).is_empty()
            });
            first.signal("-KILL");
            assert!(told.join().unwrap().is_err());
            crash(waiting(primary)[0]);
            let told = scope.spawn(|| other.post(PATH, event));
            wait_until("a commit waits, or is told", || {
                told.is_finished() || !waiting(primary).is_empty()
            });
            fail_over();
            told.join().unwrap()
        })
    });
}

/// It can be written, and commits nothing, since its standby leads by now.
#[test]
fn a_primary_that_was_relieved_refuses_nothing_and_is_left_for_the_new_one() {
    let Some(pair) = pair() else {
        return;
    };
    let [primary, standby] = &pair;
    make_synchronous(primary);
    let premises = premises(&pair, 1_000);
    let server = premises.serve();
    assert_eq!(server.hold(1).0, 201);
    cut_off(primary);
    standby.promote();
    let mut beside = premises.command(&["serve"]);
    let beside = premises.serve_by(beside.env("FLASHSALE_DB", standby.url("")));
    let (status, hold) = beside.hold(1);
    assert_eq!(status, 201, "{hold}");
    let order = json!({"hold_id": hold["hold_id"]});
    let mut told = (503, Value::Null);
    wait_until("the server follows to the new primary", || {
        told = server.post("/api/orders", &order);
        told.0 != 503
    });
    assert_eq!(told.0, 201, "{}", told.1);
    // Reads have followed.
    let (status, order) = server.get(&format!("/api/orders/{}", told.1["order_id"]));
    assert_eq!(status, 200, "{order}");
    let verified = premises
        .command(&["verify"])
        .env("FLASHSALE_DB", standby.url(""))
        .output();
    assert!(verified.unwrap().status.success());
}
