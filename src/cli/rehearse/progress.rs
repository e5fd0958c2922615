//! How the rehearsal goes on, on stderr: bars on a terminal, else a line each second.

use std::io::{self, IsTerminal};
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use crate::cli::report::print_to_stderr;
use crate::rehearsal::{Glance, counted, milliseconds};

/// How often it is looked at.
pub const POLL: Duration = Duration::from_millis(50);
const LINE_EVERY: Duration = Duration::from_secs(1);
const DRAW_EVERY: Duration = Duration::from_millis(100);

pub struct Progress {
    buyers: u32,
    shown: Shown,
    last: Glance,
    next_at: Instant,
}

enum Shown {
    Bars {
        served: ProgressBar,
        held: ProgressBar,
        sold: ProgressBar,
        rates: ProgressBar,
    },
    Lines,
}

impl Progress {
    pub fn begin(buyers: u32, stock_units: i64) -> Progress {
        let shown = if io::stderr().is_terminal() {
            bars(u64::from(buyers), stock_units.unsigned_abs())
        } else {
            Shown::Lines
        };
        Progress {
            buyers,
            next_at: Instant::now() + shown.every(),
            shown,
            last: Glance::default(),
        }
    }

    /// Shows how far it is, if it is time to.
    pub fn show(&mut self, glance: impl FnOnce() -> Glance) {
        if Instant::now() < self.next_at {
            return;
        }
        self.next_at += self.shown.every();
        let glance = glance();
        self.draw(&glance);
        self.last = glance;
    }

    pub fn finish(mut self, glance: &Glance) {
        self.draw(glance);
        if let Shown::Bars {
            served,
            held,
            sold,
            rates,
        } = &mut self.shown
        {
            for bar in [served, held, sold, rates] {
                bar.abandon();
            }
        }
    }

    fn draw(&self, glance: &Glance) {
        let over = (glance.elapsed - self.last.elapsed).as_secs_f64();
        let rate = (glance.requests - self.last.requests) as f64 / over.max(0.001);
        let rates = format!(
            "{} requests/s, p99 {}",
            counted(rate as u64),
            milliseconds(glance.p99_ms)
        );
        match &self.shown {
            Shown::Bars {
                served,
                held,
                sold,
                rates: message,
            } => {
                served.set_position(glance.served);
                held.set_position(glance.held.unsigned_abs());
                sold.set_position(glance.sold.unsigned_abs());
                message.set_message(rates);
            }
            Shown::Lines => print_to_stderr(&format!(
                "{:.1} s: {} of {} buyers served, {} units held, {} sold, {rates}\n",
                glance.elapsed.as_secs_f64(),
                counted(glance.served),
                counted(self.buyers.into()),
                counted(glance.held.unsigned_abs()),
                counted(glance.sold.unsigned_abs()),
            )),
        }
    }
}

impl Shown {
    fn every(&self) -> Duration {
        match self {
            Shown::Bars { .. } => DRAW_EVERY,
            Shown::Lines => LINE_EVERY,
        }
    }
}

fn bars(buyers: u64, stock_units: u64) -> Shown {
    let all = MultiProgress::new();
    let bar = |label: &'static str, of: u64| {
        let bar = all.add(ProgressBar::new(of)).with_prefix(label);
        let style = ProgressStyle::with_template("{prefix:14} {wide_bar} {human_pos}/{human_len}");
        match style {
            Ok(style) => bar.with_style(style),
            Err(_) => bar,
        }
    };
    let (served, held, sold) = (
        bar("buyers served", buyers),
        bar("units held", stock_units),
        bar("units sold", stock_units),
    );
    let rates = all.add(ProgressBar::new(1));
    if let Ok(style) = ProgressStyle::with_template("{msg}") {
        rates.set_style(style);
    }
    Shown::Bars {
        served,
        held,
        sold,
        rates,
    }
}
