//! What each command says, and with which status it ends, where there is nothing for it to do its work on.

use std::fs;

use crate::server::Premises;

/// Every command that works on a database, and the two that make one.
const READS: [&[&str]; 5] = [
    &["verify"],
    &["export", "orders"],
    &["backup", "copy.db"],
    &["restore", "flash_sale.db", "restored.db"],
    &["sweep-holds"],
];
const MAKES: [&[&str]; 2] = [&["seed"], &["serve", "--listen", "127.0.0.1:0"]];

fn all() -> impl Iterator<Item = &'static [&'static str]> {
    READS.into_iter().chain(MAKES)
}

#[test]
fn a_missing_database_is_said_with_what_makes_one() {
    for command in READS {
        let premises = Premises::new();
        premises.run(command).exited(66).complains(
            "flash_sale.db: there is no database; `flashsale seed` and `flashsale serve` make one (`flashsale serve --demo` ",
        );
        let left = fs::read_dir(premises.path()).unwrap().count();
        assert_eq!(left, 0, "{command:?} leaves nothing behind");
        premises.file("notes.txt", "no folder");
        let db = ["--db", "notes.txt/shop.db"];
        premises.run(&[command, &db].concat()).exited(66);
    }
}

#[test]
fn what_is_not_ours_or_not_of_this_version_is_left_alone() {
    for (version, code, said) in [
        (Some(1), 75, "its schema is older than this program"),
        (Some(99), 65, "its schema has version 99"),
        (None, 65, "it is not a flashsale database"),
    ] {
        for command in READS
            .into_iter()
            .chain(MAKES.into_iter().filter(|_| code == 65))
        {
            let premises = Premises::stocked(1);
            let path = premises.path().join("flash_sale.db");
            match version {
                Some(version) => {
                    let conn = rusqlite::Connection::open(&path).unwrap();
                    conn.pragma_update(None, "user_version", version).unwrap();
                }
                None => fs::write(&path, "not a database ".repeat(1000)).unwrap(),
            }
            let before = fs::read(&path).unwrap();
            // `restore` migrates what it has copied, which is not of version 1.
            let (code, said) = match (version, command[0]) {
                (Some(1), "restore") => (65, "it is not a whole flashsale database"),
                _ => (code, said),
            };
            premises.run(command).exited(code).complains(said);
            assert!(fs::read(&path).unwrap() == before, "{command:?}");
        }
    }
}

/// It says that it is ours, and is not whole.
#[test]
fn a_database_without_its_figures_is_bad_data_and_no_failing_disk() {
    for (tampering, said) in [
        ("drop table meta", "no such table: meta"),
        ("delete from meta", "it is not a whole flashsale database"),
    ] {
        for command in all() {
            let premises = Premises::stocked(1);
            let path = premises.path().join("flash_sale.db");
            let conn = rusqlite::Connection::open(&path).unwrap();
            conn.execute_batch(tampering).unwrap();
            drop(conn);
            premises.run(command).exited(65).complains(said);
        }
    }
}

#[test]
fn a_wrong_configuration_is_told_by_every_command_before_it_does_anything() {
    for command in all() {
        let premises = Premises::new();
        premises.file("shop.toml", "db = \"flash_sale.db\"\nhold_tll_s = 5\n");
        premises
            .run(&[command, &["--config", "shop.toml"]].concat())
            .exited(78)
            .complains(
                "shop.toml, line 2: hold_tll_s: there is no such key; did you mean hold_ttl_s?",
            );
        premises
            .run(&[command, &["--config", "missing.toml"]].concat())
            .exited(66)
            .complains("missing.toml: there is no such file");
        assert!(!premises.path().join("flash_sale.db").exists());
        let mut command = premises.command(command);
        let output = command.env("FLASHSALE_QUEUE_MAX", "many").output().unwrap();
        crate::server::Ran(output)
            .exited(78)
            .complains("environment, FLASHSALE_QUEUE_MAX: queue_max: it must be a whole number from 1 to 1000000");
    }
}

#[test]
fn an_unknown_variable_is_a_warning() {
    let premises = Premises::stocked(1);
    let mut command = premises.command(&["verify", "--quick"]);
    let output = command.env("FLASHSALE_HOLD_TLL_S", "5").output().unwrap();
    crate::server::Ran(output).succeeded().complains(
        "FLASHSALE_HOLD_TLL_S is set, but there is no such key; did you mean hold_ttl_s?",
    );
}

#[test]
fn a_wrong_flag_says_which_one_is_meant_or_where_the_key_stands() {
    let premises = Premises::new();
    for (arguments, said) in [
        (&["serve", "--lisen", ":0"][..], "'--listen'"),
        (&["serve", "--port", "80"], "--listen 127.0.0.1:8000"),
        (&["serve", "--drain-s", "1"], "FLASHSALE_DRAIN_S"),
        (
            &["serve", "--admin-token=0123456789abcdef"],
            "FLASHSALE_ADMIN_TOKEN",
        ),
        (&["verify", "--hold-ttl-s", "1"], "FLASHSALE_HOLD_TTL_S"),
        (&["srve"], "'serve'"),
        (&["verify", "--format", "xml"], "json"),
        (&[], "Usage: flashsale"),
    ] {
        let ran = premises.run(arguments).exited(2).complains(said);
        assert!(!ran.stderr().contains("0123456789"), "{}", ran.stderr());
        assert_eq!(ran.stdout(), "");
    }
    premises
        .run(&["serve", "--listen", "8000"])
        .exited(78)
        .complains("--listen: listen: it must be an address and a port: 127.0.0.1:8000, localhost:8000 or :8000");
    for arguments in [&["--help"][..], &["--version"], &["seed", "--help"]] {
        let ran = premises.run(arguments).succeeded();
        assert!(
            ran.stdout().to_lowercase().contains("flashsale"),
            "{}",
            ran.stdout()
        );
    }
}

/// What a flag is about stands above it.
#[test]
fn help_groups_the_options() {
    let premises = Premises::new();
    let help = |command| premises.run(&[command, "--help"]).succeeded().stdout();
    let under = |help: &str, heading: &str, flag: &str| {
        let group = help.split(&format!("\n{heading}:\n")).nth(1);
        let group = group.unwrap_or_else(|| panic!("{heading}: {help}"));
        let group = group.split("\n\n").next().unwrap_or_default();
        assert!(group.contains(flag), "{flag} is under {heading}: {help}");
    };
    for command in ["serve", "seed", "verify"] {
        let help = help(command);
        under(&help, "Options", "--help");
        under(&help, "Options of every command", "--config <FILE>");
        under(&help, "Options of every command", "--db <FILE>");
    }
    let serve = help("serve");
    under(&serve, "Options", "--demo");
    under(&serve, "Keys of the configuration", "--listen <VALUE>");
    under(&help("seed"), "Options", "--dry-run");
    let rehearse = help("rehearse");
    under(&rehearse, "The crowd", "--buyers <N>");
}

#[test]
fn a_server_says_which_database_it_serves_and_whether_the_sample_is_in_it() {
    let premises = Premises::new();
    let server = premises.serve();
    let log = server.stop_and_read_log();
    assert!(
        log.contains("flash_sale.db has no products yet: `flashsale seed FILE`"),
        "{log}"
    );
    for said in [
        "the sample catalogue was loaded into flash_sale.db",
        "flash_sale.db has products, and so the sample catalogue was not loaded",
    ] {
        let log = premises.serve_with(&["--demo"]).stop_and_read_log();
        assert!(log.contains(said), "{log}");
        assert!(log.contains("serving flash_sale.db"), "{log}");
        assert!(
            log.contains("stopped; all that was acknowledged is in flash_sale.db"),
            "{log}"
        );
        assert!(!log.contains("no products yet"), "{log}");
    }
}

#[test]
fn an_address_that_cannot_be_had_says_what_to_do() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().unwrap().to_string();
    let premises = Premises::new();
    for (address, said) in [
        (
            taken.as_str(),
            "another program listens there, and --listen names another address",
        ),
        ("192.0.2.1:80", "this machine has no such address"),
    ] {
        let mut command = premises.command(&["serve", "--listen", address]);
        let output = command
            .env("FLASHSALE_ALLOW_OPEN", "true")
            .output()
            .unwrap();
        crate::server::Ran(output).exited(69).complains(said);
    }
    assert!(!premises.path().join("flash_sale.db").exists());
}
