//! The log: what a line looks like. A thread of its own writes it (`log_writer.rs`).

use std::fmt::{self, Write as _};
use std::io::{self, Write as _};
use std::panic;
use std::sync::OnceLock;

use env_logger::fmt::Formatter;
use env_logger::{Builder, Env, Target};
use log::kv::{Error, Key, Value, VisitSource};
use log::{LevelFilter, Record};
use serde_json::{Map, json};

use super::access_log::{self, Quota, Unlogged};
use super::log_writer::LogWriter;
use crate::api::{AccessEntry, AccessLog};
use crate::config::LogFormat;

/// `None` before the log is started, and in a process that cannot start its thread.
static WRITER: OnceLock<LogWriter> = OnceLock::new();

/// Starts the log. The level is set by `RUST_LOG`.
pub fn start(format: LogFormat) {
    let writer = match LogWriter::start(log_counted_requests) {
        Ok(writer) => WRITER.get_or_init(|| writer),
        Err(error) => {
            return eprintln!("flashsale: there is no log: its thread cannot be started: {error}");
        }
    };
    let mut builder = Builder::from_env(Env::default().default_filter_or("info"));
    builder.target(Target::Pipe(Box::new(writer.clone())));
    let line = match format {
        LogFormat::Text => text_line,
        LogFormat::Json => json_line,
    };
    builder.format(move |to, record| {
        if may_show_parameters(record) {
            return Ok(());
        }
        line(to, record)
    });
    builder.init();
    // The default hook prints to stderr, and would wait for its reader.
    panic::set_hook(Box::new(|panic| log::error!("{panic}")));
}

/// Below this level the PostgreSQL driver logs the parameters of statements, which are payloads and secrets. No setting of
/// `RUST_LOG`, however exact, shows them.
fn may_show_parameters(record: &Record<'_>) -> bool {
    record.level() > LevelFilter::Warn && record.target().starts_with("tokio_postgres")
}

/// Writes `last` and ends the log.
pub fn finish_with(last: Option<&str>) {
    let Some(writer) = WRITER.get() else {
        return last.into_iter().for_each(|last| eprintln!("{last}"));
    };
    if let Some(requests) = REQUESTS.get() {
        requests.log_counted(access_log::present(), requests.quota.take());
    }
    if let Some(last) = last {
        writer.add(format!("{last}\n").into_bytes());
    }
    writer.finish();
}

fn text_line(to: &mut Formatter, record: &Record<'_>) -> io::Result<()> {
    let mut line = String::with_capacity(LINE_BYTES);
    let time = to.timestamp_micros();
    write!(line, "{time} {:5} {}: ", record.level(), record.target()).map_err(io::Error::other)?;
    push_escaped(&mut line, *record.args());
    record
        .key_values()
        .visit(&mut TextFields(&mut line))
        .map_err(io::Error::other)?;
    line.push('\n');
    to.write_all(line.as_bytes())
}

/// Most lines are not longer.
const LINE_BYTES: usize = 256;

struct TextFields<'a>(&'a mut String);

impl<'kvs> VisitSource<'kvs> for TextFields<'_> {
    fn visit_pair(&mut self, key: Key<'kvs>, value: Value<'kvs>) -> Result<(), Error> {
        self.0.push(' ');
        self.0.push_str(key.as_str());
        self.0.push('=');
        push_escaped(self.0, value);
        Ok(())
    }
}

/// Escapes control characters, so that a text cannot begin a line of its own or command a terminal.
fn push_escaped(line: &mut String, shown: impl fmt::Display) {
    let start = line.len();
    if write!(line, "{shown}").is_err() {
        line.push('?');
    }
    let is_plain = |byte: u8| (b' '..=b'~').contains(&byte);
    if line.as_bytes()[start..].iter().copied().all(is_plain) {
        return;
    }
    let text = line.split_off(start);
    for character in text.chars() {
        if character.is_control() || matches!(character, '\u{2028}' | '\u{2029}') {
            line.extend(character.escape_default());
        } else {
            line.push(character);
        }
    }
}

fn json_line(to: &mut Formatter, record: &Record<'_>) -> io::Result<()> {
    let mut line = Map::new();
    line.insert("time".into(), to.timestamp_micros().to_string().into());
    line.insert("level".into(), record.level().as_str().into());
    line.insert("target".into(), record.target().into());
    line.insert("message".into(), record.args().to_string().into());
    record.key_values().visit(&mut JsonFields(&mut line)).ok();
    writeln!(to, "{}", json!(line))
}

struct JsonFields<'a>(&'a mut Map<String, serde_json::Value>);

impl<'kvs> VisitSource<'kvs> for JsonFields<'_> {
    fn visit_pair(&mut self, key: Key<'kvs>, value: Value<'kvs>) -> Result<(), Error> {
        let number = value.to_u64().map(serde_json::Value::from);
        let value = number.unwrap_or_else(|| value.to_string().into());
        self.0.insert(key.as_str().into(), value);
        Ok(())
    }
}

/// A line for each answered request, at level info, up to so many a second.
pub fn access_log(format: LogFormat, per_s: u32) -> AccessLog {
    let requests = REQUESTS.get_or_init(|| RequestLog {
        format,
        quota: Quota::new(per_s),
    });
    Box::new(move |entry| {
        if log::log_enabled!(target: access_log::TARGET, log::Level::Info) {
            requests.log(entry);
        }
    })
}

/// Set by a server.
static REQUESTS: OnceLock<RequestLog> = OnceLock::new();

/// The lines of answered requests. They do not go by way of `log::info!`, which is slower.
struct RequestLog {
    format: LogFormat,
    quota: Quota,
}

impl RequestLog {
    fn log(&self, entry: &AccessEntry) {
        let now = access_log::present();
        let (has_line, unlogged) = self.quota.admit(now.0, entry);
        self.log_counted(now, unlogged);
        if has_line {
            write(|line| access_log::print(line, self.format, now, entry));
        }
    }

    /// One line for answers that have no lines of their own.
    fn log_counted(&self, now: (i64, u32), unlogged: Option<Unlogged>) {
        if let Some(unlogged) = unlogged {
            write(|line| access_log::print_unlogged(line, self.format, now, &unlogged));
        }
    }
}

/// Logs the answers that were counted in a second that is over, where no further answer has brought that about.
fn log_counted_requests() {
    if let Some(requests) = REQUESTS.get() {
        let now = access_log::present();
        requests.log_counted(now, requests.quota.take_before(now.0));
    }
}

fn write(print: impl FnOnce(&mut String) -> fmt::Result) {
    let mut line = String::with_capacity(LINE_BYTES);
    if let (Ok(()), Some(writer)) = (print(&mut line), WRITER.get()) {
        writer.add(line.into_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_stay_in_their_line() {
        let mut line = String::new();
        push_escaped(&mut line, "a\nb\u{1b}[2J\u{9b}\u{2028}ü");
        assert_eq!(line, "a\\nb\\u{1b}[2J\\u{9b}\\u{2028}ü");
    }
}
