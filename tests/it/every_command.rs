//! What holds for every command: which files none of them takes for a database of its own, and whose clock it goes by.

use std::fs;
use std::process::Stdio;

use crate::sale_time::Wrong;
use crate::server::{Premises, Ran};

const SERVE: &[&str] = &["serve", "--listen", "127.0.0.1:0"];

/// Every command that opens a database.
const COMMANDS: &[&[&str]] = &[
    SERVE,
    &["seed"],
    &["seed", "--dry-run"],
    &["sweep-holds"],
    &["verify"],
    &["export", "orders"],
    &["clock"],
    &["clock", "--set-back"],
    &["backup", "copy.db"],
    &["restore", "flash_sale.db", "new.db"],
];

/// Each command ends so, and changes and makes nothing.
#[track_caller]
fn all_refuse(premises: &Premises, code: i32, about: &str) {
    let file = premises.path().join("flash_sale.db");
    let before = fs::read(&file).unwrap();
    for command in COMMANDS {
        premises.run(command).exited(code).complains(about);
        assert!(fs::read(&file).unwrap() == before, "{command:?}");
        for made in ["copy.db", "new.db"] {
            assert!(!premises.path().join(made).exists(), "{command:?}");
        }
    }
}

#[test]
fn a_database_of_a_newer_version_is_opened_by_no_command() {
    let premises = Premises::stocked(1);
    let conn = premises.database();
    conn.pragma_update(None, "user_version", 99).unwrap();
    drop(conn);
    all_refuse(&premises, 65, "version 99");
}

#[test]
fn a_database_of_another_program_is_opened_by_no_command() {
    let premises = Premises::new();
    premises
        .database()
        .execute_batch("create table t (x); insert into t values (1);")
        .unwrap();
    all_refuse(&premises, 65, "not a flashsale database");
}

#[test]
fn a_database_of_two_names_or_by_a_link_is_opened_by_no_command() {
    let premises = Premises::stocked(1);
    let file = premises.path().join("flash_sale.db");
    let other = premises.path().join("other.db");
    fs::hard_link(&file, &other).unwrap();
    all_refuse(&premises, 78, "2 names");
    fs::remove_file(&file).unwrap();
    std::os::unix::fs::symlink(&other, &file).unwrap();
    all_refuse(&premises, 78, "symbolic link");
}

/// A sale of a moment ago, to a command whose wall clock is ahead by so many seconds.
fn run_at(seconds: i64, command: &[&str]) -> (Premises, Ran) {
    let premises = Premises::stocked(5);
    let server = premises.serve();
    assert_eq!(server.hold(1).0, 201);
    server.stop();
    let wrong = Wrong::by(seconds);
    if (command, seconds > 0) == (SERVE, true) {
        let mut serve = premises.command(&["serve"]);
        wrong.is_over(&mut serve);
        premises.serve_by(&mut serve).stop();
        let ran = premises.run(&["verify"]);
        return (premises, ran);
    }
    let mut command = premises.command(command);
    wrong.is_over(&mut command);
    let ran = Ran(command.stdin(Stdio::null()).output().unwrap());
    (premises, ran)
}

/// The hour has passed for it, and what was due in it.
#[test]
fn a_wall_clock_that_is_ahead_is_believed_by_every_command() {
    for command in COMMANDS {
        let (premises, ran) = run_at(3600, command);
        ran.succeeded();
        premises.books_are_right();
    }
}

/// Who would write waits to be told; who reads is told by the sale's own time.
#[test]
fn a_wall_clock_that_is_behind_keeps_commands_from_writing_alone() {
    for command in COMMANDS {
        let writes = [SERVE, &["seed"], &["sweep-holds"]].contains(command);
        let (premises, ran) = run_at(-3600, command);
        if writes {
            ran.exited(78).complains("flashsale clock --set-back");
        } else {
            ran.succeeded();
        }
        premises.books_are_right();
    }
}
