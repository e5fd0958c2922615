//! A large table beside a server: constant memory, no one held up, each row once, and how it ends.

use std::collections::BTreeSet;
use std::fs::{self, OpenOptions};
use std::io::{BufRead, BufReader, Read};
use std::process::Stdio;

use crate::crowd::beside_buyers;
use crate::server::{Premises, Ran};

/// So many movements of one product: holds placed and released.
fn with_movements(count: i64) -> Premises {
    let premises = Premises::stocked(10);
    premises
        .database()
        .execute_batch(&format!(
            "pragma foreign_keys = off; begin;
             with recursive numbers (n) as (select 2 union all select n + 1 from numbers where n < {count})
             insert into movements (product_id, version, at, kind, available, reserved, sold, hold_id)
             select 1, n, n * 1000000, iif(n % 2 = 0, 'hold_placed', 'hold_released'),
                iif(n % 2 = 0, -1, 1), iif(n % 2 = 0, 1, -1), 0, n / 2 from numbers;
             update products set version = {count}; commit;"
        ))
        .unwrap();
    premises
}

/// The most memory that an export ever had, in KiB, read while its last rows wait for us: more than a pipe holds.
#[track_caller]
fn peak_of_export(premises: &Premises, format: &str, lines: usize) -> u64 {
    const LAST_LINES: usize = 2_000;
    let mut child = premises.start_export(&["movements", "--format", format]);
    let stdout = BufReader::new(child.stdout.take().unwrap());
    let mut printed = stdout.split(b'\n').map(Result::unwrap);
    assert!(printed.nth(lines - LAST_LINES - 1).is_some());
    let status = fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap();
    let peak = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .unwrap();
    let peak = peak.trim().trim_end_matches(" kB").parse().unwrap();
    assert_eq!(printed.count(), LAST_LINES);
    assert_eq!(child.wait().unwrap().code(), Some(0));
    peak
}

/// But for SQLite's cache of pages, which is 2 MiB once it is full.
#[test]
fn memory_does_not_grow_with_the_table() {
    let few = with_movements(3_000);
    let many = with_movements(200_000);
    for (format, header) in [("csv", 1), ("json", 0)] {
        let few = peak_of_export(&few, format, 3_000 + header);
        let many = peak_of_export(&many, format, 200_000 + header);
        assert!(many <= few + 4 * 1024, "{format}: {few} KiB, {many} KiB");
    }
}

/// Whoever reads it has read one line and then stalls.
#[test]
fn a_stalled_export_holds_nobody_up_and_what_comes_meanwhile_is_not_in_it() {
    let premises = with_movements(9_500);
    let mut child = premises.start_export(&["movements"]);
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    let mut text = String::new();
    stdout.read_line(&mut text).unwrap();
    stdout.read_line(&mut text).unwrap();

    let server = premises.serve();
    assert_eq!(server.hold(1).0, 201);
    let checkpoint = "pragma wal_checkpoint(truncate)";
    let busy: i64 = premises
        .database()
        .query_row(checkpoint, [], |row| row.get(0))
        .unwrap();
    assert_eq!(busy, 0, "the log is cut short");
    server.stop();

    stdout.read_to_string(&mut text).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert_eq!(text.lines().count(), 1 + 9_500);
    assert_eq!(premises.csv("movements").1.len(), 9_501);
}

#[test]
fn an_export_in_a_crowd_ends_and_has_each_hold_acknowledged_before_it_once() {
    let premises = Premises::stocked(1_000_000);
    let server = premises.serve();
    beside_buyers(&server, |_, before| {
        for (table, name) in [("holds", "hold_id"), ("movements", "hold_id")] {
            let rows = premises.json_lines(table);
            let ids: Vec<i64> = rows.iter().filter_map(|row| row[name].as_i64()).collect();
            let once: BTreeSet<i64> = ids.iter().copied().collect();
            assert_eq!(ids.len(), once.len(), "a row came twice");
            assert!(before.is_subset(&once), "an acknowledged hold is missing");
        }
    });
    server.stop();
    premises.books_are_right();
}

#[test]
fn whoever_has_read_enough_may_leave() {
    let premises = with_movements(10_000);
    for format in ["csv", "json"] {
        let mut child = premises.start_export(&["movements", "--format", format]);
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        stdout.read_line(&mut String::new()).unwrap();
        drop(stdout);
        let ran = Ran(child.wait_with_output().unwrap()).succeeded();
        assert_eq!(ran.stderr(), "");
    }
}

#[test]
fn an_export_that_cannot_be_written_has_failed() {
    let premises = Premises::stocked(1);
    let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
    let mut command = premises.command(&["export", "holds"]);
    let output = command.stdout(full).stderr(Stdio::piped()).output();
    Ran(output.unwrap()).exited(74).complains("stdout: ");
}

#[test]
fn what_cannot_be_exported_has_its_status() {
    let premises = Premises::new();
    premises
        .export(&["orders"])
        .exited(66)
        .complains("there is no database");
    for arguments in [&["customers"][..], &[], &["orders", "--format", "xml"]] {
        premises.export(arguments).exited(2);
    }
    premises.file("notes.txt", &"not a database ".repeat(100));
    premises.export(&["orders", "--db", "notes.txt"]).exited(65);

    let premises = Premises::stocked(1);
    for (version, code) in [(1, 75), (99, 65)] {
        let conn = premises.database();
        conn.pragma_update(None, "user_version", version).unwrap();
        drop(conn);
        let ran = premises.export(&["orders"]).exited(code);
        assert_eq!(ran.stdout(), "");
    }
}
