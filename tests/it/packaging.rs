//! What packagers install beside the binary: completions and the manual page.

use std::fs;
use std::process::Command;

use crate::server::Premises;

const COMMANDS: [&str; 13] = [
    "serve",
    "seed",
    "sweep-holds",
    "verify",
    "backup",
    "restore",
    "copy",
    "clock",
    "export",
    "health",
    "rehearse",
    "completions",
    "man",
];

#[test]
fn each_shell_has_completions_of_every_command() {
    let premises = Premises::new();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = premises.run(&["completions", shell]).succeeded().stdout();
        for command in COMMANDS {
            assert!(script.contains(command), "{shell} completes {command}");
        }
        assert!(script.contains("sweep-holds"), "{shell}");
    }
    premises.run(&["completions", "tcsh"]).exited(2);
}

#[test]
fn bash_understands_its_completions() {
    let premises = Premises::new();
    let script = premises.run(&["completions", "bash"]).succeeded().stdout();
    let file = premises.file("flashsale.bash", &script);
    let completes = "COMP_WORDS=(flashsale sw); COMP_CWORD=1; _flashsale flashsale sw flashsale; echo ${COMPREPLY[@]}";
    let script = format!("source {}; {completes}", file.display());
    let ran = Command::new("bash").args(["-c", &script]).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&ran.stdout).trim(), "sweep-holds");
}

#[test]
fn the_manual_is_one_page_with_every_command_its_example_and_every_exit_status() {
    let premises = Premises::new();
    let page = premises.run(&["man"]).succeeded().stdout();
    let page = page.replace("\\-", "-");
    let sections = page.lines().filter(|line| line.starts_with(".SH"));
    let sections: Vec<&str> = sections.collect();
    let expected = [
        ".SH NAME",
        ".SH SYNOPSIS",
        ".SH DESCRIPTION",
        ".SH OPTIONS",
        ".SH \"OPTIONS OF EVERY COMMAND\"",
        ".SH COMMANDS",
        ".SH \"FILES AND ENVIRONMENT\"",
        ".SH \"EXIT STATUS\"",
    ];
    assert_eq!(sections, expected);
    for command in COMMANDS {
        let heading = format!(".SS \"flashsale {command}\"");
        assert!(page.contains(&heading), "{heading}");
        let example = format!("Example: flashsale {command}");
        assert!(page.contains(&example), "{example}");
        let help = premises.run(&[command, "--help"]).succeeded().stdout();
        assert!(help.contains(&example), "{help}");
    }
    for row in exit_statuses_in_the_docs() {
        let [status, meaning] = &row[..] else {
            panic!("{row:?} has two cells");
        };
        let entry = format!("\\fB{status}\\fR\n{meaning}\n");
        assert!(page.contains(&entry), "{entry}");
    }
}

fn exit_statuses_in_the_docs() -> Vec<Vec<String>> {
    let docs = fs::read_to_string("docs/operations.md").unwrap();
    let table = docs
        .split("| status | means |\n|---|---|\n")
        .nth(1)
        .unwrap();
    let rows = table.lines().take_while(|line| line.starts_with('|'));
    let cells = |row: &str| {
        row.trim_matches('|')
            .split('|')
            .map(|cell| cell.trim().to_owned())
            .collect()
    };
    let rows: Vec<Vec<String>> = rows.map(cells).collect();
    assert_eq!(rows.len(), 15);
    rows
}

#[test]
fn neither_needs_a_configuration_that_is_right() {
    let premises = Premises::new();
    premises.file("flash_sale.toml", "listen = 8000");
    premises.run(&["verify"]).exited(78);
    premises.run(&["man"]).succeeded();
    premises.run(&["completions", "fish"]).succeeded();
}
