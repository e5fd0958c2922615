//! The log: what a line looks like, and how it gets to stderr without anybody waiting for it. Lines are collected and
//! written by a thread of their own; a reader that stalls costs lines, which are counted, and never an answer.

use std::fmt::{self, Write as _};
use std::fs::File;
use std::io::{self, Write as _};
use std::mem;
use std::os::fd::AsFd;
use std::panic;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use env_logger::fmt::Formatter;
use env_logger::{Builder, Env, Target};
use log::Record;
use log::kv::{Error, Key, Value, VisitSource};
use serde_json::{Map, json};

use super::access_log::{self, Logged, Quota, Unlogged};
use crate::api::{AccessEntry, AccessLog};
use crate::config::LogFormat;

/// What may wait to be written.
const SPOOL_BYTES_MAX: usize = 1024 * 1024;
/// Lines of this long are written together.
const COLLECT: Duration = Duration::from_millis(20);
/// What a stalled reader may keep the process from ending.
const FINISH_MAX: Duration = Duration::from_secs(1);
/// Until somebody says that there is something.
const FOR_LONG: Duration = Duration::from_secs(3600);

/// The level is set by `RUST_LOG`.
pub fn start(format: LogFormat) {
    let mut builder = Builder::from_env(Env::default().default_filter_or("info"));
    builder.target(Target::Pipe(Box::new(IntoSpool)));
    match format {
        LogFormat::Text => builder.format(text_line),
        LogFormat::Json => builder.format(json_line),
    };
    // Not by way of io::stderr(), whose lock would be held while a reader stalls.
    let mut out: Box<dyn io::Write + Send> = match io::stderr().as_fd().try_clone_to_owned() {
        Ok(descriptor) => Box::new(File::from(descriptor)),
        Err(_) => Box::new(io::stderr()),
    };
    let spawned = thread::Builder::new()
        .name("log".into())
        .spawn(move || SPOOL.write_out(&mut out, tell_in_time));
    if spawned.is_ok() {
        builder.init();
        IS_STARTED.store(true, Ordering::SeqCst);
        // A panic is told to nobody's stderr but through the log: it must not wait for a reader either.
        panic::set_hook(Box::new(|panic| log::error!("{panic}")));
    } else {
        eprintln!("flashsale: no thread can be started, and so there is no log");
    }
}

/// The last thing to say, and the end of the log. Even that waits for nobody for long.
pub fn finish_with(last: Option<&str>) {
    if !IS_STARTED.load(Ordering::SeqCst) {
        return last.into_iter().for_each(|last| eprintln!("{last}"));
    }
    if let Some(requests) = REQUESTS.get() {
        requests.tell_last();
    }
    if let Some(last) = last {
        SPOOL.add(format!("{last}\n").as_bytes());
    }
    SPOOL.finish();
}

fn tell_in_time() {
    if let Some(requests) = REQUESTS.get() {
        requests.tell_in_time();
    }
}

static IS_STARTED: AtomicBool = AtomicBool::new(false);

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

/// Most lines need no more.
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

/// A line is a line, and a terminal is not to be commanded by what clients send.
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
    let requests = REQUESTS.get_or_init(|| Requests {
        format,
        quota: Quota::new(per_s),
    });
    Box::new(move |entry| {
        if log::log_enabled!(target: access_log::TARGET, log::Level::Info) {
            requests.tell(entry);
        }
    })
}

/// What the lines of requests are written by, once a server has any.
static REQUESTS: OnceLock<Requests> = OnceLock::new();

struct Requests {
    format: LogFormat,
    quota: Quota,
}

impl Requests {
    fn tell(&self, entry: &AccessEntry) {
        let now = access_log::present();
        let (logged, unlogged) = self.quota.admit(now.0, entry);
        self.tell_unlogged(now, unlogged);
        match logged {
            Logged::Line => {
                let mut line = String::with_capacity(LINE_BYTES);
                if access_log::print(&mut line, self.format, now, entry).is_ok() {
                    SPOOL.add(line.as_bytes());
                }
            }
            Logged::Counted { is_first: true } => SPOOL.wake_in(Duration::from_secs(1)),
            Logged::Counted { is_first: false } | Logged::Not => {}
        }
    }

    /// If its second is over, and nobody has told of it since.
    fn tell_in_time(&self) {
        let now = access_log::present();
        let unlogged = self.quota.take_before(now.0);
        self.tell_unlogged(now, unlogged);
    }

    fn tell_last(&self) {
        self.tell_unlogged(access_log::present(), self.quota.take());
    }

    fn tell_unlogged(&self, now: (i64, u32), unlogged: Option<Unlogged>) {
        let mut line = String::new();
        if let Some(unlogged) = unlogged
            && access_log::print_unlogged(&mut line, self.format, now, &unlogged).is_ok()
        {
            SPOOL.add(line.as_bytes());
        }
    }
}

/// Where all lines go.
static SPOOL: Spool = Spool::new();

struct IntoSpool;

impl io::Write for IntoSpool {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        SPOOL.add(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Lines on their way to stderr.
struct Spool {
    waiting: Mutex<Waiting>,
    changed: Condvar,
}

struct Waiting {
    bytes: Vec<u8>,
    lines_lost: usize,
    /// When there may be something to tell, though nobody has added it yet.
    wake_at: Option<Instant>,
    is_writing: bool,
    is_finishing: bool,
}

impl Spool {
    const fn new() -> Spool {
        Spool {
            waiting: Mutex::new(Waiting {
                bytes: Vec::new(),
                lines_lost: 0,
                wake_at: None,
                is_writing: false,
                is_finishing: false,
            }),
            changed: Condvar::new(),
        }
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(&self, line: &[u8]) {
        let mut waiting = self.waiting();
        if waiting.bytes.len() + line.len() > SPOOL_BYTES_MAX {
            waiting.lines_lost += 1;
            return;
        }
        let is_first = waiting.bytes.is_empty();
        waiting.bytes.extend_from_slice(line);
        if is_first {
            self.changed.notify_all();
        }
    }

    /// Has the writing thread look again whether there is something to tell.
    fn wake_in(&self, time: Duration) {
        self.waiting().wake_at = Some(Instant::now() + time);
        self.changed.notify_all();
    }

    fn write_out(&self, out: &mut impl io::Write, look: impl Fn()) -> ! {
        loop {
            while !self.has_lines() {
                look();
            }
            let bytes = self.collect();
            // An error here could only be told to stderr, which is what it is about.
            out.write_all(&bytes).ok();
            self.waiting().is_writing = false;
            self.changed.notify_all();
        }
    }

    /// Waits for the next line, or until it is time to look whether there is one.
    fn has_lines(&self) -> bool {
        let mut waiting = self.waiting();
        while waiting.bytes.is_empty() {
            let now = Instant::now();
            let time = match waiting.wake_at {
                Some(at) if at <= now => {
                    waiting.wake_at = None;
                    return false;
                }
                Some(at) => at - now,
                None => FOR_LONG,
            };
            let waited = self.changed.wait_timeout(waiting, time);
            (waiting, _) = waited.unwrap_or_else(PoisonError::into_inner);
        }
        true
    }

    /// The lines that there are, and what else comes soon after.
    fn collect(&self) -> Vec<u8> {
        let collected = self
            .changed
            .wait_timeout_while(self.waiting(), COLLECT, |waiting| !waiting.is_finishing);
        let (mut waiting, _) = collected.unwrap_or_else(PoisonError::into_inner);
        waiting.is_writing = true;
        let mut bytes = mem::take(&mut waiting.bytes);
        let lines_lost = mem::take(&mut waiting.lines_lost);
        if lines_lost > 0 {
            bytes.extend_from_slice(
                format!("({lines_lost} lines of the log were lost: nobody took them)\n").as_bytes(),
            );
        }
        bytes
    }

    fn finish(&self) {
        let mut waiting = self.waiting();
        waiting.is_finishing = true;
        self.changed.notify_all();
        let finished = self
            .changed
            .wait_timeout_while(waiting, FINISH_MAX, |waiting| {
                waiting.is_writing || !waiting.bytes.is_empty()
            });
        let (mut waiting, _) = finished.unwrap_or_else(PoisonError::into_inner);
        waiting.is_finishing = false;
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

    #[test]
    fn what_nobody_takes_is_bounded_and_counted() {
        let spool = Spool::new();
        let line = [b'x'; 1000];
        for _ in 0..2 * SPOOL_BYTES_MAX / line.len() {
            spool.add(&line);
        }
        let bytes = spool.collect();
        assert!(bytes.len() < SPOOL_BYTES_MAX + 100);
        let text = String::from_utf8(bytes).unwrap();
        assert!(text.contains("lines of the log were lost"));
    }
}
