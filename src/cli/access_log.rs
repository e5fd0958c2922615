//! Lines of answered requests: what one looks like, and how many there are. Of each second so many are written, and further ones
//! are counted by route and status, so that a burst does not fill the disk; 5xx answers always have their lines.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt::{self, Write as _};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use chrono::{DateTime, Utc};
use serde_json::json;

use crate::api::AccessEntry;
use crate::config::LogFormat;
use crate::http::Method;

/// The target by which `RUST_LOG=info,request=off` switches these lines off.
pub const TARGET: &str = "request";

/// Decides which answers of a second have lines of their own, and counts the others.
pub struct Quota {
    per_s: u32,
    window: Mutex<Window>,
}

#[derive(Default)]
struct Window {
    /// Since 1970.
    second: i64,
    lines: u32,
    unlogged: Counts,
}

/// Answers by route and status.
type Counts = BTreeMap<(&'static str, u16), u64>;

/// Answers of one second that have no lines of their own.
#[derive(Debug, PartialEq, Eq)]
pub struct Unlogged {
    second: i64,
    counts: Counts,
}

impl Quota {
    pub fn new(per_s: u32) -> Quota {
        Quota {
            per_s,
            window: Mutex::default(),
        }
    }

    /// Whether the answer has a line of its own; and what was counted in the second before, if this one is the first answer of
    /// another.
    pub fn admit(&self, second: i64, entry: &AccessEntry) -> (bool, Option<Unlogged>) {
        let mut window = self.window();
        let before = window.turn_to(second);
        let has_line = window.lines < self.per_s || entry.status >= 500;
        if has_line {
            window.lines = window.lines.saturating_add(1);
        } else if self.per_s > 0 {
            let answer = (entry.route.unwrap_or("-"), entry.status);
            *window.unlogged.entry(answer).or_insert(0) += 1;
        }
        (has_line, before)
    }

    /// The counts of a second before `second`.
    pub fn take_before(&self, second: i64) -> Option<Unlogged> {
        self.window().turn_to(second)
    }

    /// The counts so far, whether their second is over or not.
    pub fn take(&self) -> Option<Unlogged> {
        self.window().take()
    }

    fn window(&self) -> MutexGuard<'_, Window> {
        self.window.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Window {
    /// A thread may come with the second before, if it took the time at that second's end.
    fn turn_to(&mut self, second: i64) -> Option<Unlogged> {
        if (self.second - 1..=self.second).contains(&second) {
            return None;
        }
        let unlogged = self.take();
        self.second = second;
        self.lines = 0;
        unlogged
    }

    fn take(&mut self) -> Option<Unlogged> {
        let counts = std::mem::take(&mut self.unlogged);
        let second = self.second;
        (!counts.is_empty()).then_some(Unlogged { second, counts })
    }
}

/// The present second of the wall clock, and the microseconds since it began.
pub fn present() -> (i64, u32) {
    let now = DateTime::<Utc>::from(SystemTime::now());
    (now.timestamp(), now.timestamp_subsec_micros())
}

/// Written by hand: there may be tens of thousands a second.
pub fn print(
    line: &mut String,
    format: LogFormat,
    now: (i64, u32),
    entry: &AccessEntry,
) -> fmt::Result {
    with_time(now, |time| match format {
        LogFormat::Text => print_text(line, time, entry),
        LogFormat::Json => print_json(line, time, entry),
    })
}

fn print_text(line: &mut String, time: fmt::Arguments<'_>, entry: &AccessEntry) -> fmt::Result {
    let AccessEntry {
        status, request_id, ..
    } = entry;
    let method = entry.method.as_ref().map_or("-", Method::as_str);
    let latency_us = entry.latency.as_micros();
    write!(
        line,
        "{time} INFO  {TARGET}: method={method} route={} status={status} code={} latency_us={latency_us} client=",
        entry.route.unwrap_or("-"),
        entry.code.unwrap_or("-"),
    )?;
    match entry.client {
        Some(client) => write!(line, "{client}")?,
        None => line.push('-'),
    }
    writeln!(line, " request_id={request_id}")
}

fn print_json(line: &mut String, time: fmt::Arguments<'_>, entry: &AccessEntry) -> fmt::Result {
    let fields = json!({
        "time": time.to_string(),
        "level": "INFO",
        "target": TARGET,
        "message": "answered",
        "method": entry.method.as_ref().map(Method::as_str),
        "route": entry.route,
        "status": entry.status,
        "code": entry.code,
        "latency_us": u64::try_from(entry.latency.as_micros()).unwrap_or(u64::MAX),
        "client": entry.client,
        "request_id": &*entry.request_id,
    });
    writeln!(line, "{fields}")
}

/// One line for all of them.
pub fn print_unlogged(
    line: &mut String,
    format: LogFormat,
    now: (i64, u32),
    unlogged: &Unlogged,
) -> fmt::Result {
    let second = DateTime::from_timestamp(unlogged.second, 0).unwrap_or_default();
    let second = second.format("%Y-%m-%dT%H:%M:%SZ");
    let count: u64 = unlogged.counts.values().sum();
    with_time(now, |time| {
        if format == LogFormat::Json {
            let answers = unlogged.counts.iter();
            let answers = answers.map(|((route, status), count)| {
                json!({"route": route, "status": status, "count": count})
            });
            let fields = json!({
                "time": time.to_string(),
                "level": "INFO",
                "target": TARGET,
                "message": "answered without lines of their own",
                "second": second.to_string(),
                "count": count,
                "answers": answers.collect::<Vec<_>>(),
            });
            return writeln!(line, "{fields}");
        }
        write!(
            line,
            "{time} INFO  {TARGET}: {count} more answers in the second {second}"
        )?;
        let mut sign = ':';
        for ((route, status), count) in &unlogged.counts {
            write!(line, "{sign} route={route} status={status} count={count}")?;
            sign = ',';
        }
        line.push('\n');
        Ok(())
    })
}

/// The time as lines have it. A thread prints each second once and keeps the text.
fn with_time<T>((second, micros): (i64, u32), then: impl FnOnce(fmt::Arguments<'_>) -> T) -> T {
    thread_local! {
        static PRINTED: RefCell<(i64, String)> = const { RefCell::new((0, String::new())) };
    }
    PRINTED.with_borrow_mut(|(printed_second, text)| {
        if *printed_second != second {
            *printed_second = second;
            let time = DateTime::from_timestamp(second, 0).unwrap_or_default();
            *text = time.format("%Y-%m-%dT%H:%M:%S").to_string();
        }
        then(format_args!("{text}.{micros:06}Z"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(route: Option<&'static str>, status: u16) -> AccessEntry {
        AccessEntry {
            method: Some(Method::Get),
            route,
            status,
            code: None,
            latency: std::time::Duration::from_micros(7),
            client: None,
            request_id: "mine-1".into(),
        }
    }

    fn lines(quota: &Quota, second: i64, status: u16, count: usize) -> usize {
        let answers = (0..count).map(|_| quota.admit(second, &answer(Some("/healthz"), status)).0);
        answers.filter(|has_line| *has_line).count()
    }

    #[test]
    fn a_second_has_so_many_lines_and_all_5xx() {
        let quota = Quota::new(3);
        assert_eq!(lines(&quota, 1, 200, 2), 2);
        assert_eq!(lines(&quota, 1, 404, 10), 1);
        assert_eq!(lines(&quota, 1, 503, 10), 10);
        assert_eq!(lines(&quota, 1, 500, 1), 1);
        assert_eq!(lines(&quota, 2, 503, 5), 5);
        assert_eq!(lines(&quota, 2, 200, 5), 0, "those were lines too");
        assert_eq!(lines(&quota, 3, 200, 5), 3);
    }

    #[test]
    fn what_has_no_line_is_counted_once() {
        let quota = Quota::new(1);
        let admit = |second, route, status| quota.admit(second, &answer(route, status));
        assert_eq!(admit(7, None, 200), (true, None));
        assert_eq!(admit(7, Some("/b"), 200), (false, None));
        for _ in 0..2 {
            assert_eq!(admit(7, Some("/a"), 404), (false, None));
        }
        assert_eq!(admit(7, None, 431), (false, None));
        assert_eq!(quota.take_before(7), None, "the second is not over");
        let (has_line, unlogged) = admit(8, Some("/a"), 200);
        assert!(has_line);
        let unlogged = unlogged.unwrap();
        let mut text = String::new();
        print_unlogged(&mut text, LogFormat::Text, (8, 5), &unlogged).unwrap();
        assert_eq!(
            text,
            "1970-01-01T00:00:08.000005Z INFO  request: 4 more answers in the second 1970-01-01T00:00:07Z: \
             route=- status=431 count=1, route=/a status=404 count=2, route=/b status=200 count=1\n"
        );
        assert_eq!(quota.take(), None, "it was taken");
    }

    #[test]
    fn with_no_lines_only_5xx_are_logged() {
        let quota = Quota::new(0);
        assert_eq!(lines(&quota, 1, 200, 5), 0);
        assert_eq!(lines(&quota, 1, 500, 5), 5);
        assert_eq!(quota.take(), None);
    }

    #[test]
    fn a_clock_that_was_set_back_begins_another_second() {
        let quota = Quota::new(2);
        assert_eq!(lines(&quota, 9, 200, 3), 2);
        assert_eq!(
            lines(&quota, 8, 200, 3),
            0,
            "threads may be late by a little"
        );
        assert_eq!(lines(&quota, 4, 200, 3), 2);
    }
}
