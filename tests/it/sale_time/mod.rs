//! A wall clock that was wrong, or is: what the sale's time does then, and the way back.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::faults::compile;
use crate::server::{Premises, Ran, Server};
use crate::wire::{call, post_with_key};

/// A wall clock that is ahead by so many seconds, for those who are under it.
pub struct Wrong {
    folder: TempDir,
    shim: PathBuf,
}

impl Wrong {
    pub fn by(seconds: i64) -> Wrong {
        let folder = tempfile::tempdir().unwrap();
        let shim = compile("sale_time/clock.c", folder.path());
        let wrong = Wrong { folder, shim };
        wrong.step_to(seconds);
        wrong
    }

    /// At once, as nobody would see it half done.
    fn step_to(&self, seconds: i64) {
        let draft = self.folder.path().join("draft");
        fs::write(&draft, seconds.to_string()).unwrap();
        fs::rename(draft, self.folder.path().join("ahead")).unwrap();
    }

    pub fn is_over(&self, command: &mut Command) {
        command
            .env("LD_PRELOAD", &self.shim)
            .env("CLOCK_AHEAD", self.folder.path().join("ahead"));
    }

    fn serve(&self, premises: &Premises) -> Server {
        let mut command = premises.command(&["serve"]);
        self.is_over(&mut command);
        premises.serve_by(&mut command)
    }

    fn run(&self, premises: &Premises, arguments: &[&str]) -> Ran {
        let mut command = premises.command(arguments);
        self.is_over(&mut command);
        Ran(command.stdin(Stdio::null()).output().unwrap())
    }
}

const HOUR: i64 = 3600;

fn clock(premises: &Premises, arguments: &[&str]) -> Value {
    let all = [&["clock", "--format", "json"], arguments].concat();
    premises.run(&all).succeeded().json()
}

fn micros(time: &Value) -> i64 {
    let time = chrono::DateTime::parse_from_rfc3339(time.as_str().unwrap()).unwrap();
    time.timestamp_micros()
}

/// Seconds from now.
fn from_now(time: &Value) -> f64 {
    (micros(time) - chrono::Utc::now().timestamp_micros()) as f64 / 1e6
}

/// A sale that was served for a moment by a clock that was two hours ahead: a hold, an order, two early
/// events, a key.
fn poisoned() -> Premises {
    let premises = Premises::stocked(100);
    let server = Wrong::by(2 * HOUR).serve(&premises);
    assert_eq!(server.hold(1).0, 201);
    let wish = json!({"product_id": 1, "quantity": 2});
    post_with_key(&server, "/api/holds", "key-1", &wish).is(201);
    assert_eq!(server.post("/api/orders", &json!({"hold_id": 2})).0, 201);
    let early = json!({"idempotency_key": "early", "order_id": 2, "status": "success"});
    assert_eq!(server.post("/api/payments/webhook", &early).0, 202);
    let early = json!({"idempotency_key": "earlier", "hold_id": 1, "status": "success"});
    assert_eq!(server.post("/api/payments/webhook", &early).0, 202);
    server.stop();
    premises
}

#[test]
fn a_sale_far_ahead_of_the_wall_clock_is_set_back() {
    let premises = poisoned();
    for command in [
        &["serve", "--listen", "127.0.0.1:0"][..],
        &["seed"],
        &["sweep-holds"],
    ] {
        premises
            .run(command)
            .exited(78)
            .complains("flashsale clock --set-back");
    }
    premises.books_are_right();
    let before = clock(&premises, &[]);
    let ahead = before["ahead_s"].as_f64().unwrap();
    assert!((7000.0..7201.0).contains(&ahead), "{before}");
    assert_eq!(before["set_back"], false);
    let text = premises.run(&["clock"]).succeeded().stdout();
    assert!(text.contains("half speed"), "{text}");

    let set_back = clock(&premises, &["--set-back"]);
    assert_eq!(set_back["ahead_s"], 0.0, "{set_back}");
    assert_eq!(set_back["set_back"], true);
    assert_eq!(
        set_back["pulled_in"],
        json!({"holds": 1, "orders": 1, "payments": 2, "keys": 1})
    );
    premises.books_are_right();
    let conn = rusqlite::Connection::open(premises.path().join("flash_sale.db")).unwrap();
    let sql = "select expires_at - parked_until from payments join holds on holds.id = named_hold";
    let outwaits = conn.query_row(sql, [], |row| row.get(0));
    assert_eq!(
        outwaits,
        Ok(0_i64),
        "no event outwaits the hold that it names"
    );
    drop(conn);
    let server = premises.serve();
    let deadlines = [
        (&server.get("/api/holds/1").1["expires_at"], 120.0),
        (&server.get("/api/orders/1").1["pay_by"], 900.0),
    ];
    for (deadline, fresh) in deadlines {
        let left = from_now(deadline);
        assert!((fresh - 60.0..=fresh).contains(&left), "{deadline}: {left}");
    }
    assert_eq!(server.hold(1).0, 201);
    let paid = json!({"idempotency_key": "k", "order_id": 1, "status": "success"});
    assert_eq!(
        server.post("/api/payments/webhook", &paid).1["order_status"],
        "paid"
    );
    server.stop();
    premises.books_are_right();
    assert_eq!(clock(&premises, &["--set-back"])["set_back"], false);
}

#[test]
fn where_nothing_is_ahead_nothing_is_set_back() {
    let premises = Premises::stocked(5);
    let path = premises.path().join("flash_sale.db");
    let before = fs::read(&path).unwrap();
    let text = premises.run(&["clock", "--set-back"]).succeeded().stdout();
    assert!(text.contains("nothing was changed"), "{text}");
    assert!(fs::read(&path).unwrap() == before);
    assert!(!premises.path().join("flash_sale.db.lock").exists());
    Premises::new().run(&["clock"]).exited(66);

    let server = premises.serve();
    assert_eq!(clock(&premises, &[])["ahead_s"], 0.0);
    premises
        .run(&["clock", "--set-back"])
        .exited(75)
        .complains("another flashsale");
    server.stop();
}

#[test]
fn a_sale_a_little_ahead_is_served_and_caught_up_with() {
    let premises = Premises::stocked(100);
    let server = Wrong::by(240).serve(&premises);
    server.hold(1);
    server.stop();
    let ahead = clock(&premises, &[])["ahead_s"].as_f64().unwrap();
    assert!((200.0..=240.0).contains(&ahead), "{ahead}");
    let server = premises.serve();
    let (_, hold) = server.hold(1);
    assert!(from_now(&hold["expires_at"]) > 300.0, "{hold}");
    dates_are_the_sales(&server);
    premises.run(&["seed"]).succeeded();
    premises.run(&["sweep-holds"]).succeeded();
    let log = server.stop_and_read_log();
    assert!(log.contains("half speed"), "{log}");
}

/// Pages count deadlines down by `Date`, and so it tells the time that ends them.
fn dates_are_the_sales(server: &Server) {
    let answer = call(server, "GET /api/products/1", &[], b"").is(200);
    let date = answer
        .head
        .lines()
        .find_map(|line| line.strip_prefix("Date: "));
    let date = httpdate::parse_http_date(date.unwrap()).unwrap();
    let since = date.duration_since(std::time::UNIX_EPOCH).unwrap();
    let server_time = micros(&answer.body["server_time"]) / 1_000_000;
    let behind = server_time - i64::try_from(since.as_secs()).unwrap();
    // The sale is some 240 s ahead of the wall clock.
    assert!((-30..=30).contains(&behind), "{behind} s");
}

/// The wall clock is stepped back beneath a server: its time goes on from where it was, at half speed.
#[test]
fn time_does_not_run_back_when_the_wall_clock_does() {
    let premises = Premises::stocked(1000);
    let wrong = Wrong::by(HOUR);
    let server = wrong.serve(&premises);
    let (_, first) = server.hold(1);
    wrong.step_to(0);
    let began = std::time::Instant::now();
    let (mut before, mut passed) = (micros(&first["expires_at"]), 0);
    while passed < 400_000 {
        let (_, next) = server.hold(1);
        let expires_at = micros(&next["expires_at"]);
        assert!(expires_at > before);
        (passed, before) = (expires_at - micros(&first["expires_at"]), expires_at);
    }
    let really = i64::try_from(began.elapsed().as_micros()).unwrap();
    assert!(passed < really * 3 / 4, "{passed} in {really}");
    server.stop();
}

#[test]
fn a_command_whose_clock_is_not_the_servers_leaves_its_rows_alone() {
    let premises = Premises::stocked(100);
    let server = premises.serve();
    assert_eq!(server.hold(1).0, 201);
    for seconds in [HOUR, -HOUR, 75] {
        let wrong = Wrong::by(seconds);
        for command in ["seed", "sweep-holds"] {
            wrong
                .run(&premises, &[command])
                .exited(75)
                .complains("that of the server");
        }
    }
    let wrong = Wrong::by(30);
    wrong.run(&premises, &["sweep-holds"]).succeeded();
    assert_eq!(server.get("/api/holds/1").1["status"], "active");
    server.stop();
    Wrong::by(HOUR).run(&premises, &["sweep-holds"]).succeeded();
}

fn told(server: &Server) -> i64 {
    micros(&server.get("/api/products/1").1["server_time"])
}

/// A server whose sale is ahead of the wall clock, and the last time that it told, so many microseconds after the first.
fn read_ahead(premises: &Premises, wrong: &Wrong, for_micros: i64) -> (Server, i64) {
    let server = wrong.serve(premises);
    assert_eq!(server.hold(1).0, 201);
    wrong.step_to(0);
    let first = told(&server);
    let mut last = first;
    while last < first + for_micros {
        last = told(&server);
    }
    (server, last)
}

/// Ahead of the wall clock, nothing but the database knows what time readers were told.
#[test]
fn a_restart_does_not_take_back_what_was_read_ahead_of_the_wall_clock() {
    let (premises, wrong) = (Premises::stocked(10), Wrong::by(100));
    let (server, last) = read_ahead(&premises, &wrong, 700_000);
    server.stop();
    let server = wrong.serve(&premises);
    let again = told(&server);
    assert!(again >= last, "{last} was told, then {again}");
    server.stop();
    premises.books_are_right();
}

/// The same without an orderly end, but for the last second.
#[test]
fn a_crash_takes_back_a_second_at_most() {
    let (premises, wrong) = (Premises::stocked(10), Wrong::by(100));
    let (server, last) = read_ahead(&premises, &wrong, 1_700_000);
    server.kill();
    let server = wrong.serve(&premises);
    let again = told(&server);
    assert!(again > last - 1_200_000, "{last} was told, then {again}");
    server.stop();
    premises.books_are_right();
}
