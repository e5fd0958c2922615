//! The feed of a sale with several processes: each tells what the others did.

use std::time::{Duration, Instant};

use super::Schema;
use super::processes::premises;
use crate::feed::{events, ids, sell, serve_feed, waits};
use crate::wire::{answer, stirs_within};

/// What the contract gives: half a second from the commit to the answer.
const SOON: Duration = Duration::from_millis(500);

#[test]
fn what_another_node_sold_is_told_soon() {
    let Some(schema) = Schema::new() else {
        return;
    };
    let premises = premises(&schema);
    premises
        .seed("sku,name,price,total_stock\ntee,Tee,99.99,10\n")
        .succeeded();
    let (one, other) = (serve_feed(&premises), serve_feed(&premises));
    let mut waiting = waits(&one, "?wait_s=30");
    assert!(!stirs_within(&waiting, Duration::from_millis(300)));
    sell(&other, "a");
    let sold = Instant::now();
    let page = answer(&mut waiting).unwrap().is(200);
    assert!(sold.elapsed() < SOON, "{:?}", sold.elapsed());
    assert_eq!(ids(&page.body["data"])[0], 1);
    sell(&one, "b");
    for server in [&one, &other] {
        let (_, page) = events(server, "");
        assert_eq!(ids(&page["data"]), [1, 2, 3, 4]);
    }
    one.stop();
    other.stop();
    premises.books_are_right();
}
