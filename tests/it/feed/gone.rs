//! What is kept no more: forgotten after its time, or lost with a disk. No reader skips it without being told.

use std::sync::Arc;
use std::time::{Duration, Instant};

use flashsale::sale::{
    Command, EventId, HoldId, Outcome, PlaceHold, ProductId, Quantity, Timestamp,
};
use flashsale::store::{self, Access, Depth, Durability, EventsAfter, Gone, no_more};
use rusqlite::Connection;
use serde_json::json;

use super::{events, ids, sell, serve_feed, waits};
use crate::database;
use crate::sale_time::Wrong;
use crate::server::Premises;
use crate::shop::{DAY, Hands, MICROSECOND, OPENING, Shop, config, item, terms, with_feed};
use crate::waiting::wait_until;
use crate::wire::answer;

/// One day.
fn shop_that_forgets() -> Shop {
    let config = config(|it| it.events_ttl_s = 86_400);
    Shop::on_terms(vec![item("tee", 100)], with_feed(config))
}

fn paid_order(shop: &Shop, key: &str) {
    let order = shop.ordered("tee", 1);
    shop.pay(key, order).ok();
}

#[test]
fn events_are_forgotten_after_their_time_the_oldest_first() {
    let shop = shop_that_forgets();
    paid_order(&shop, "a");
    shop.after(Duration::from_secs(3600));
    paid_order(&shop, "b");
    shop.after(DAY - Duration::from_secs(3600) - MICROSECOND);
    shop.sweep();
    assert_eq!(shop.told().len(), 4, "a moment before");
    shop.after(MICROSECOND);
    shop.sweep();
    shop.feed("")
        .failed_with(410, "events_forgotten")
        .says("oldest", 3);
    shop.feed("?after=1")
        .failed_with(410, "events_forgotten")
        .says("oldest", 3);
    let body = shop.feed("?after=2").ok().body;
    assert_eq!(ids(&body["data"]), [3, 4]);
    shop.after(DAY);
    shop.sweep();
    shop.feed("?after=3")
        .failed_with(410, "events_forgotten")
        .says("oldest", 5);
    let body = shop.feed("?after=4").ok().body;
    assert_eq!(
        (ids(&body["data"]), &body["caught_up"]),
        (vec![], &json!(true))
    );
    paid_order(&shop, "c");
    assert_eq!(ids(&shop.feed("?after=4").ok().body["data"]), [5, 6]);
    // A waiting request is told at once, too.
    shop.feed("?after=3&wait_s=30")
        .failed_with(410, "events_forgotten")
        .says("oldest", 5);
}

/// By the writer itself, without anybody's request.
#[test]
fn an_idle_server_forgets_by_itself() {
    let premises = Premises::stocked(10);
    premises.file("flash_sale.toml", "events_ttl_s = 1\n");
    let server = serve_feed(&premises);
    sell(&server, "a");
    let gone = |oldest| {
        let (_, body) = events(&server, "");
        body["code"] == "events_forgotten" && body["oldest"] == oldest
    };
    wait_until("the first events are forgotten", || gone(3));
    server.stop();
    premises.books_are_right();
}

/// Two events of an order; and a second sweep in one transaction finds what the first has left.
#[test]
fn a_sweep_forgets_as_many_as_it_may() {
    let folder = tempfile::tempdir().unwrap();
    let hands = Hands::at_opening();
    let place = database::place_of_shop(folder.path(), &hands);
    let database = store::open(&place, Access::CreateOrMigrate).unwrap();
    let mut store = database.store(Durability::Normal).unwrap();
    let mut transact = |now: i64, commands: &[Command]| {
        hands.set(now);
        let time = |_| Timestamp::from_micros(now);
        let decided = store.transact(&terms(), &time, commands, &mut no_more);
        decided.unwrap().pop().unwrap().unwrap()
    };
    let hold = Command::PlaceHold(PlaceHold {
        product: ProductId::FIRST,
        quantity: Quantity::new(1).unwrap(),
        customer: None,
        key: None,
    });
    let mut sale = vec![item("gift", 10).price(0).load()];
    for id in (1..=5).filter_map(HoldId::new) {
        sale.extend([
            hold.clone(),
            Command::PlaceOrder {
                hold: id,
                key: None,
            },
        ]);
    }
    transact(OPENING, &sale);
    let sweep = Command::Sweep {
        rows_max: 4,
        keys_max: 0,
    };
    let mut forgotten = |now, sweeps: usize| {
        let Outcome::Swept(swept) = transact(now, &vec![sweep.clone(); sweeps]) else {
            panic!("a sweep is never refused");
        };
        swept.events_forgotten
    };
    let due = OPENING + i64::from(terms().events_ttl_s) * 1_000_000;
    assert_eq!(forgotten(due - 1, 1), 0);
    assert_eq!(forgotten(due, 1), 4);
    assert_eq!(forgotten(due, 2), 0, "each batch looks once what is due");
    assert_eq!(forgotten(due, 1), 2);
    let reader = database.reader(Arc::new(hands.clone()), 1).unwrap();
    let oldest = EventId::new(11).unwrap();
    let gone = EventsAfter::Gone(Gone::Forgotten { oldest });
    assert_eq!(reader.events(0, 10).unwrap(), gone);
    let checks = database.books().unwrap().audit(Depth::Quick).unwrap();
    assert!(checks.iter().all(|check| check.broken == 0), "{checks:?}");
}

#[test]
fn sweep_holds_forgets_all_that_is_due() {
    let premises = Premises::stocked(400);
    let server = serve_feed(&premises);
    for number in 0..150 {
        sell(&server, &number.to_string());
    }
    server.stop();
    let sweep = premises.run(&["sweep-holds"]).succeeded();
    assert!(
        sweep.stdout().starts_with("holds_expired: 0"),
        "{}",
        sweep.stdout()
    );
    assert_eq!(premises.contents().events.len(), 300);
    let mut command = premises.command(&["sweep-holds"]);
    command.env("FLASHSALE_EVENTS_TTL_S", "1");
    let later = Wrong::by(2);
    later.is_over(&mut command);
    assert!(command.output().unwrap().status.success());
    assert_eq!(premises.contents().events.len(), 0);
    premises.books_are_right();
}

#[test]
fn a_reader_learns_that_a_disk_was_lost() {
    let premises = Premises::stocked(10);
    let server = serve_feed(&premises);
    sell(&server, "a");
    premises.run(&["backup", "night.db"]).succeeded();
    sell(&server, "b");
    let (_, read) = events(&server, "");
    assert_eq!(read["next_after"], 4);
    server.stop();
    std::fs::remove_file(premises.path().join("flash_sale.db")).unwrap();
    // A server that ends under load may leave its log, which goes with the disk too.
    for beside in ["flash_sale.db-wal", "flash_sale.db-shm"] {
        std::fs::remove_file(premises.path().join(beside)).ok();
    }
    premises
        .run(&["restore", "night.db", "flash_sale.db", "--skip-ids", "100"])
        .succeeded();
    let server = serve_feed(&premises);
    let (status, gone) = events(&server, "?after=4");
    assert_eq!(
        (status, &gone["code"], &gone["oldest"]),
        (410, &json!("events_restored"), &json!(103))
    );
    let (_, all) = events(&server, "");
    assert_eq!(ids(&all["data"]), [1, 2], "what was backed up is told");
    let began = Instant::now();
    let (_, nothing) = events(&server, "?after=2&wait_s=1");
    assert_eq!(ids(&nothing["data"]), Vec::<i64>::new());
    assert!(
        began.elapsed() >= Duration::from_secs(1),
        "it waits beyond the gap"
    );
    let mut waiting = waits(&server, "?after=2&wait_s=30");
    sell(&server, "c");
    let (_, all) = events(&server, "");
    assert_eq!(ids(&all["data"]), [1, 2, 103, 104]);
    let told = answer(&mut waiting).unwrap().is(200);
    assert_eq!(ids(&told.body["data"])[0], 103);
    assert_eq!(events(&server, "?after=101").0, 410);
    let (_, rest) = events(&server, "?after=102");
    assert_eq!(ids(&rest["data"]), [103, 104]);
    let (_, rest) = events(&server, "?after=2");
    assert_eq!(ids(&rest["data"]), [103, 104]);
    server.stop();
    premises.books_are_right();
}

/// A sale of before there were events: nothing is told of it, and its books are right.
#[test]
fn a_migrated_sale_tells_of_what_happens_from_then_on() {
    let premises = Premises::of_version_1();
    let server = serve_feed(&premises);
    let (_, all) = events(&server, "");
    assert_eq!(ids(&all["data"]), Vec::<i64>::new());
    server.stop();
    premises.books_are_right();
    let conn: Connection = premises.database();
    let since: i64 = conn
        .query_row("select events_since - last_now from meta", [], |row| {
            row.get(0)
        })
        .unwrap();
    assert!(since <= 0, "{since}");
}
