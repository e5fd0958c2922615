//! A database that stands still: requests wait for it as long as they may, and no longer.

use std::thread;
use std::time::{Duration, Instant};

use super::cluster::Cluster;
use crate::server::{Premises, Server};

fn premises(cluster: &Cluster) -> Premises {
    let premises = Premises::new();
    let configuration = format!("db = \"{}\"\ndurability = \"normal\"\n", cluster.url(""));
    premises.file("flash_sale.toml", &configuration);
    premises
        .seed("sku,name,price,total_stock\ntee,Tee,99.99,1000\n")
        .succeeded();
    premises
}

fn serve(premises: &Premises, deadline_ms: &str) -> Server {
    let mut command = premises.command(&["serve"]);
    let server = premises.serve_by(command.env("FLASHSALE_REQUEST_DEADLINE_MS", deadline_ms));
    assert_eq!(server.hold(1).0, 201);
    server
}

/// What a request was answered, and after how long.
fn timed(ask: impl FnOnce() -> (u16, serde_json::Value)) -> (u16, Duration) {
    let began = Instant::now();
    let (status, _) = ask();
    (status, began.elapsed())
}

/// Longer than any wait that is not the request's own.
const STANDS_STILL: Duration = Duration::from_secs(4);

#[test]
fn a_database_that_stands_still_is_waited_for_as_long_as_a_request_may_wait() {
    let Some(cluster) = Cluster::start(&["fsync=off", "full_page_writes=off"]) else {
        return;
    };
    let premises = premises(&cluster);
    let [patient, hasty] = [serve(&premises, "60000"), serve(&premises, "500")];
    thread::scope(|scope| {
        let stands_still = cluster.pause();
        let began = Instant::now();
        let waits = [
            scope.spawn(|| patient.hold(1).0),
            scope.spawn(|| patient.get("/api/products/1").0),
        ];
        // A busy machine may be late once, and is not every time.
        let is_in_time = |(status, after): (u16, Duration)| {
            assert_eq!(status, 503, "after {after:?}");
            after < Duration::from_millis(2_500)
        };
        let mut asked = (0..5).map(|_| timed(|| hasty.hold(1)));
        assert!(asked.any(is_in_time), "a hold waits for longer than it may");
        let mut asked = (0..5).map(|_| timed(|| hasty.get("/api/products/1")));
        assert!(asked.any(is_in_time), "a look waits for longer than it may");
        while began.elapsed() < STANDS_STILL {
            assert!(waits.iter().all(|wait| !wait.is_finished()));
            thread::yield_now();
        }
        drop(stands_still);
        let [hold, look] = waits.map(|wait| wait.join().unwrap());
        assert_eq!((hold, look), (201, 200));
    });
    let log = patient.stop_and_read_log();
    assert!(
        !log.contains("in doubt") && !log.contains("reached"),
        "the connection was given up: {log}"
    );
    hasty.stop();
    premises.run(&["verify"]).succeeded();
}
