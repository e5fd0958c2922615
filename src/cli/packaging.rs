//! `flashsale completions` and `flashsale man`: what packagers install beside the binary, made from the command line's own
//! definition. No configuration is read.

use std::io::{self, Write};
use std::process::ExitCode;

use clap::{Args, Command};
use clap_complete::Shell;
use clap_mangen::Man;
use clap_mangen::roff::{Roff, bold, roman};

use super::cli_error::CliError;
use super::exit_status::{IO_ERROR, MEANINGS};

#[derive(Args)]
pub struct Completions {
    /// The shell that is to complete `flashsale`
    shell: Shell,
}

impl Completions {
    pub fn run(&self, mut command: Command) -> Result<ExitCode, CliError> {
        let name = command.get_name().to_owned();
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut command, name, &mut script);
        print(&script)
    }
}

/// One page for all commands, as roff.
pub fn print_manual(mut command: Command) -> Result<ExitCode, CliError> {
    command.build();
    let page = manual(&command)
        .map_err(|error| CliError::new(IO_ERROR, format!("the manual page: {error}")))?;
    print(&page)
}

fn manual(command: &Command) -> io::Result<Vec<u8>> {
    let mut page = Vec::new();
    let man = Man::new(command.clone());
    man.render_title(&mut page)?;
    man.render_name_section(&mut page)?;
    man.render_synopsis_section(&mut page)?;
    man.render_description_section(&mut page)?;
    man.render_options_section(&mut page)?;
    let mut commands = Roff::new();
    commands.control("SH", ["COMMANDS"]);
    commands.to_writer(&mut page)?;
    let shown = command
        .get_subcommands()
        .filter(|command| !command.is_hide_set());
    for subcommand in shown.filter(|command| command.get_name() != "help") {
        page.extend(section(command, subcommand)?);
    }
    files().to_writer(&mut page)?;
    exit_statuses().to_writer(&mut page)?;
    Ok(page)
}

/// A command's own arguments, one level below the page's sections.
fn section(program: &Command, command: &Command) -> io::Result<Vec<u8>> {
    let name = format!("{} {}", program.get_name(), command.get_name());
    let about = command
        .get_about()
        .map(ToString::to_string)
        .unwrap_or_default();
    let globals: Vec<_> = program
        .get_arguments()
        .map(|argument| argument.get_id().clone())
        .collect();
    let command = command.clone().mut_args(|argument| {
        let is_global = globals.contains(argument.get_id()) || argument.get_id() == "help";
        argument.hide(is_global)
    });
    let example = command.get_after_help().map(ToString::to_string);
    let mut head = Roff::new();
    head.control("SS", [name.as_str()]);
    head.text([roman(about)]);
    head.control("PP", []);
    let mut text = Vec::new();
    head.to_writer(&mut text)?;
    let man = Man::new(command);
    let mut parts = Vec::new();
    man.render_synopsis_section(&mut parts)?;
    man.render_options_section(&mut parts)?;
    let is_heading = |line: &&[u8]| line.starts_with(b".SH");
    let lines = parts.split_inclusive(|&byte| byte == b'\n');
    for line in lines.filter(|line| !is_heading(line)) {
        text.extend(line);
    }
    if let Some(example) = example {
        let mut tail = Roff::new();
        tail.control("PP", []);
        tail.text([roman(example)]);
        tail.to_writer(&mut text)?;
    }
    Ok(text)
}

fn files() -> Roff {
    let mut files = Roff::new();
    files.control("SH", ["FILES AND ENVIRONMENT"]);
    for (name, what) in [
        (
            "flash_sale.toml",
            "the configuration, in the working directory or where --config says",
        ),
        (
            "flash_sale.db",
            "the database, with its log beside it (-wal, -shm) while it is open",
        ),
        (
            "FLASHSALE_KEY",
            "a variable for each key of the configuration, in capitals",
        ),
        (
            "RUST_LOG",
            "the level of the log: error, warn, info or debug",
        ),
    ] {
        files.control("TP", []);
        files.text([bold(name)]);
        files.text([roman(what)]);
    }
    files
}

fn exit_statuses() -> Roff {
    let mut statuses = Roff::new();
    statuses.control("SH", ["EXIT STATUS"]);
    for (status, meaning) in [(0, "done")].iter().chain(MEANINGS) {
        statuses.control("TP", []);
        statuses.text([bold(status.to_string())]);
        statuses.text([roman(*meaning)]);
    }
    statuses
}

fn print(text: &[u8]) -> Result<ExitCode, CliError> {
    let mut stdout = io::stdout().lock();
    let printed = stdout.write_all(text).and_then(|()| stdout.flush());
    printed.map_err(|error| CliError::new(IO_ERROR, format!("stdout: {error}")))?;
    Ok(ExitCode::SUCCESS)
}
