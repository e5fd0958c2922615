//! The example of a consumer of events, against the real binary: killed at any point, it misses nothing.

use std::fs::{File, OpenOptions};
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use super::{sell, serve_feed};
use crate::dice::Dice;
use crate::server::{Premises, Server};
use crate::shop::FEED_TOKEN;
use crate::waiting::wait_until;

fn start(premises: &Premises, server: &Server, output: File) -> Option<Child> {
    start_keeping(premises, "place", server, output)
}

/// None where there is no Python.
fn start_keeping(premises: &Premises, place: &str, server: &Server, output: File) -> Option<Child> {
    let mut command = Command::new("python3");
    command
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/examples/consumer.py"))
        .arg(&server.base)
        .arg(premises.path().join(place))
        .env("FLASHSALE_FEED_TOKEN", FEED_TOKEN)
        .stdout(output)
        .stderr(Stdio::null());
    let started = command.spawn();
    if started.is_err() {
        eprintln!("left out: there is no python3");
    }
    started.ok()
}

fn end(mut consumer: Child) {
    consumer.kill().unwrap();
    consumer.wait().unwrap();
}

/// Ids of the events that were printed whole, in order.
fn printed(premises: &Premises) -> Vec<i64> {
    let text = std::fs::read_to_string(premises.path().join("events")).unwrap();
    let lines = text
        .split_inclusive('\n')
        .filter(|line| line.ends_with('\n'));
    let events = lines.map(|line| serde_json::from_str::<Value>(line).unwrap());
    events.map(|event| event["id"].as_i64().unwrap()).collect()
}

#[test]
fn a_consumer_that_is_killed_at_any_point_misses_no_event() {
    let premises = Premises::stocked(1_000);
    let server = serve_feed(&premises);
    let mut dice = Dice::new(7);
    let (mut kills, mut sold) = (0, 0);
    premises.file("events", "");
    while kills < 12 {
        for _ in 0..3 {
            sell(&server, &sold.to_string());
            sold += 1;
        }
        let output = OpenOptions::new()
            .append(true)
            .open(premises.path().join("events"))
            .unwrap();
        let Some(consumer) = start(&premises, &server, output) else {
            return;
        };
        let before = printed(&premises).len();
        let more = usize::try_from(dice.below(5)).unwrap() + 1;
        wait_until("the consumer goes on", || {
            printed(&premises).len() >= before + more
        });
        end(consumer);
        kills += 1;
    }
    let output = OpenOptions::new()
        .append(true)
        .open(premises.path().join("events"))
        .unwrap();
    let Some(consumer) = start(&premises, &server, output) else {
        return;
    };
    // One that waits is woken by what comes.
    wait_until("the consumer goes on", || {
        printed(&premises).last() == Some(&(2 * sold))
    });
    sell(&server, &sold.to_string());
    wait_until("the consumer goes on", || {
        printed(&premises).last() == Some(&(2 * sold + 2))
    });
    end(consumer);
    let mut events = printed(&premises);
    assert!(events.is_sorted(), "{events:?}");
    let again = events.len();
    events.dedup();
    assert_eq!(events, (1..=2 * sold + 2).collect::<Vec<_>>());
    let again = again - events.len();
    assert!(
        again <= kills,
        "only what was in hand is printed again: {again}"
    );
    server.stop();
}

/// The number is safe before the event is out, so that a kill has to hit the instant between the two to repeat one.
#[test]
fn a_consumer_that_cannot_keep_its_place_prints_nothing() {
    let premises = Premises::stocked(1);
    let server = serve_feed(&premises);
    sell(&server, "once");
    let output = File::create(premises.path().join("events")).unwrap();
    let Some(mut consumer) = start_keeping(&premises, "no folder/place", &server, output) else {
        return;
    };
    assert!(!consumer.wait().unwrap().success());
    assert_eq!(printed(&premises), Vec::<i64>::new());
    server.stop();
}
