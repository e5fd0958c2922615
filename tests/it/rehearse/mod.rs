//! `flashsale rehearse`: a crowd comes to a copy of the sale, and what it was told is compared with the copy.

mod doctored;
mod memory;
mod warnings;

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::server::{Premises, Ran, send_signal};

const KEYS: &str = "seed buyers arrivals over_s abandon patience connections catalogue products stock_units cores memory_bytes \
    file_system fsync_ms seconds requests requests_per_s holds holds_per_s orders units_held units_sold units_reserved \
    units_available sold_out_after_s buyers_paid buyers_abandoned buyers_empty_handed buyers_failed commits commits_per_s \
    commands_per_commit bytes_written bytes_per_sold_unit server_cpu_s buyers_cpu_s refusals refused errors_5xx \
    errors_transport limited_by sentence oversold_units missing_writes books_broken";
const KINDS: [&str; 5] = ["look", "hold", "order", "payment", "storm"];
const WAIT_MAX: Duration = Duration::from_secs(60);

fn rehearse(premises: &Premises, arguments: &[&str]) -> Ran {
    let always = ["rehearse", "--buyers", "200", "--format", "json"];
    premises.run(&[&always[..], arguments].concat())
}

fn sum(figures: &Value, names: &[&str]) -> i64 {
    let figure = |name: &&str| {
        figures[*name]
            .as_i64()
            .unwrap_or_else(|| panic!("{name}: {figures}"))
    };
    names.iter().map(figure).sum()
}

fn entries(premises: &Premises) -> Vec<String> {
    let names = fs::read_dir(premises.path()).unwrap();
    let names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.collect();
    names.sort();
    names
}

#[test]
fn a_rehearsal_of_the_sample_tells_every_figure_and_they_add_up() {
    let premises = Premises::new();
    let ran = rehearse(&premises, &["--arrivals", "poisson", "--over", "0.5"]).succeeded();
    assert_eq!(ran.stdout().lines().count(), 1);
    let figures = ran.json();
    let mut names: Vec<String> = KEYS.split_whitespace().map(String::from).collect();
    for kind in KINDS {
        names.extend(
            ["count", "p50_ms", "p99_ms", "p999_ms", "max_ms"].map(|it| format!("{kind}_{it}")),
        );
    }
    names.sort();
    let mut told: Vec<_> = figures.as_object().unwrap().keys().cloned().collect();
    told.sort();
    assert_eq!(told, names);

    assert_eq!(figures["catalogue"], "sample");
    let units = ["units_sold", "units_reserved", "units_available"];
    assert_eq!(sum(&figures, &units), sum(&figures, &["stock_units"]));
    let buyers = [
        "buyers_paid",
        "buyers_abandoned",
        "buyers_empty_handed",
        "buyers_failed",
    ];
    assert_eq!(sum(&figures, &buyers), 200);
    let counts = KINDS.map(|kind| format!("{kind}_count"));
    let counts: Vec<&str> = counts.iter().map(String::as_str).collect();
    assert_eq!(sum(&figures, &counts), sum(&figures, &["requests"]));
    let wrong = [
        "oversold_units",
        "missing_writes",
        "books_broken",
        "errors_5xx",
    ];
    assert_eq!(sum(&figures, &wrong), 0);
    assert!(
        figures["sentence"]
            .as_str()
            .unwrap()
            .starts_with("This machine sold ")
    );
    assert!(
        ran.stderr().contains(" of 200 buyers served"),
        "{}",
        ran.stderr()
    );
    assert_eq!(entries(&premises), Vec::<String>::new());
}

#[test]
fn the_real_sale_is_not_touched_while_it_is_served() {
    let premises = Premises::selling(
        "sku,name,price,total_stock,max_per_customer,starts_at\ntee,Tee,9.99,60,2,2099-01-01T00:00:00Z\n",
    );
    let config = "require_tokens = true\nadmin_token = \"0123456789abcdef0123456789abcdef\"\nmetrics_listen = \"127.0.0.1:0\"\n\
        webhook_secrets = [\"whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=\"]\n";
    let file = premises.file("flash_sale.toml", config);
    let only_mine = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    fs::set_permissions(file, only_mine).unwrap();
    let server = premises.serve();
    let files = || {
        ["flash_sale.db", "flash_sale.db-wal"]
            .map(|name| fs::read(premises.path().join(name)).unwrap())
    };
    let (before, there) = (files(), entries(&premises));
    let figures = rehearse(&premises, &[]).succeeded().json();
    assert!(files() == before, "a file of the database has changed");
    assert_eq!(entries(&premises), there);
    assert_eq!(
        (&figures["catalogue"], &figures["stock_units"]),
        (&json!("database"), &json!(60))
    );
    assert!(
        sum(&figures, &["units_sold"]) > 0 && sum(&figures, &["refused"]) > 0,
        "{figures}"
    );
    assert_eq!(server.get("/api/products/1").1["available_stock"], 60);
    server.stop();
}

#[test]
fn what_cannot_be_rehearsed_is_refused_before_it_begins() {
    let premises = Premises::new();
    rehearse(&premises, &["--db", "nope.db"])
        .exited(66)
        .complains("nope.db");
    premises.file("there.html", "mine");
    for place in ["there.html", "no/folder.html"] {
        let ran = rehearse(&premises, &["--report", place]).exited(73);
        assert!(!ran.stderr().contains("buyers served"), "{}", ran.stderr());
    }
    assert_eq!(
        fs::read_to_string(premises.path().join("there.html")).unwrap(),
        "mine"
    );
    for arguments in [
        ["--buyers", "0"],
        ["--abandon", "1.1"],
        ["--over", "nan"],
        ["--arrivals", "queue"],
    ] {
        premises
            .run(&[&["rehearse"], &arguments[..]].concat())
            .exited(2);
    }
    // A limit on the size of files stands for a disk that is nearly full.
    let mut limited = premises.command_after(
        "trap '' XFSZ; ulimit -f 1024",
        &["rehearse", "--buyers", "100000"],
    );
    Ran(limited.output().unwrap())
        .exited(73)
        .complains("no folder for the rehearsal");
    assert_eq!(entries(&premises), ["there.html"]);
}

#[test]
fn equal_seeds_make_equal_crowds() {
    let premises = Premises::new();
    let choices = |seed: &str| {
        let figures = rehearse(&premises, &["--seed", seed]).succeeded().json();
        let names = [
            "buyers_paid",
            "buyers_abandoned",
            "orders",
            "units_held",
            "units_sold",
            "hold_count",
        ];
        names.map(|name| sum(&figures, &[name]))
    };
    let first = choices("5");
    assert_eq!(choices("5"), first);
    assert_ne!(choices("6"), first);
}

#[test]
fn the_report_is_one_page_that_asks_for_nothing() {
    let premises = Premises::new();
    let figures = rehearse(&premises, &["--report", "page.html"])
        .succeeded()
        .json();
    let page = fs::read_to_string(premises.path().join("page.html")).unwrap();
    assert!(
        page.contains(figures["sentence"].as_str().unwrap()),
        "{page}"
    );
    assert_eq!(
        page.matches("role=\"img\"").count(),
        4,
        "a chart each of requests, waits, stock and batches"
    );
    for asked in ["<script", "http:", "https:", "<link", "url(", "NaN", "inf "] {
        assert!(!page.contains(asked), "{asked}: {page}");
    }
    assert_eq!(entries(&premises), ["page.html"]);
}

/// A rehearsal that goes on for long, once its server sells.
fn begun(premises: &Premises) -> (Child, PathBuf) {
    let mut command = premises.command(&[
        "rehearse",
        "--format",
        "json",
        "--buyers",
        "300",
        "--arrivals",
        "poisson",
        "--over",
        "8",
    ]);
    let mut child = command
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stderr = BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    while !line.contains("buyers served") {
        line.clear();
        assert!(stderr.read_line(&mut line).unwrap() > 0, "it has ended");
    }
    child.stderr = Some(stderr.into_inner());
    let folder = entries(premises)
        .into_iter()
        .find(|name| name.starts_with(".flashsale-rehearsal-"));
    let database = premises.path().join(folder.unwrap()).join("rehearsal.db");
    (child, database)
}

/// Whether a process was started with this in its arguments.
fn is_served(database: &str) -> bool {
    let processes = fs::read_dir("/proc")
        .unwrap()
        .map(|entry| entry.unwrap().path().join("cmdline"));
    let mut arguments = processes.filter_map(|path| fs::read(path).ok());
    arguments.any(|it| String::from_utf8_lossy(&it).contains(database))
}

#[test]
fn a_signal_takes_the_server_and_the_folder_along() {
    for (signal, code) in [("-INT", 130), ("-TERM", 143)] {
        let premises = Premises::new();
        let (mut child, database) = begun(&premises);
        let database = database.to_str().unwrap();
        assert!(is_served(database));
        let sent = Instant::now();
        send_signal(child.id(), signal);
        assert_eq!(child.wait().unwrap().code(), Some(code));
        assert!(sent.elapsed() < WAIT_MAX, "{:?}", sent.elapsed());
        assert!(!is_served(database), "its server still runs");
        assert_eq!(entries(&premises), Vec::<String>::new());
    }
}
