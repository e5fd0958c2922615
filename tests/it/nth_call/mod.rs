//! The n-th call to the system fails, or the process is killed at it: at every n of a scripted sale on the real binary, and of
//! every command that writes.
//!
//! By default a sample of all points is tried; `FLASHSALE_TEST_FAULTS` sets how many of each test, `all` tries every one.
//! `FLASHSALE_TEST_SEED` moves the sample.

mod commands;
mod judge;
pub mod process;
pub mod sale;
mod steps;

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use tempfile::TempDir;

use crate::dice::Dice;
use crate::faults::compile;

/// As `calls.c` numbers them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Call {
    Write,
    Sync,
    Truncate,
    Open,
    Unlink,
}

const CALLS: [Call; 5] = [
    Call::Write,
    Call::Sync,
    Call::Truncate,
    Call::Open,
    Call::Unlink,
];

/// What happens at it, as `calls.c` reads it.
const HAPPENINGS: [&str; 7] = [
    "EIO once",
    "EIO all",
    "ENOSPC once",
    "ENOSPC all",
    "before once",
    "after once",
    "within once",
];

/// At which call what happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Point {
    pub call: Call,
    happening: &'static str,
    /// From 1.
    n: u64,
}

impl Point {
    pub fn kills(&self) -> bool {
        !self.happening.starts_with('E')
    }
}

impl fmt::Display for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} {} {}", self.call, self.n, self.happening)
    }
}

pub type Counts = [u64; CALLS.len()];

/// Every point of a run that makes so many calls.
fn points(counts: Counts) -> Vec<Point> {
    let mut points = Vec::new();
    for (call, count) in CALLS.into_iter().zip(counts) {
        for happening in HAPPENINGS {
            let is_possible = call == Call::Write || !happening.starts_with("within");
            let ns = (1..=count).filter(|_| is_possible);
            points.extend(ns.map(|n| Point { call, happening, n }));
        }
    }
    points
}

/// All, or so many of each call, in equal steps from a chance beginning.
fn sample<T: Clone>(points: &[T], by_default: usize) -> Vec<T> {
    let text = std::env::var("FLASHSALE_TEST_FAULTS").ok();
    let count = match text.as_deref() {
        Some("all") => points.len(),
        Some(count) => count
            .parse()
            .expect("FLASHSALE_TEST_FAULTS is a number, or all"),
        None => by_default,
    };
    let seed = std::env::var("FLASHSALE_TEST_SEED").ok();
    let seed = seed.and_then(|text| text.parse().ok()).unwrap_or(1);
    let step = (points.len() / count.max(1)).max(1);
    let begin = Dice::new(seed).below(i64::try_from(step).unwrap());
    let begin = usize::try_from(begin).unwrap();
    points.iter().skip(begin).step_by(step).cloned().collect()
}

/// Tries each, several at once, and prints and demands that no verdict is wrong.
#[track_caller]
pub fn all_are_right<T: Clone + fmt::Display + Sync>(
    what: &str,
    tried: &[T],
    verdict: impl Fn(&T) -> Result<String, String> + Sync,
) {
    let wrong = Mutex::new(Vec::new());
    let outcomes: Mutex<BTreeMap<String, usize>> = Mutex::default();
    let next = AtomicUsize::new(0);
    let work = || {
        while let Some(point) = tried.get(next.fetch_add(1, Ordering::SeqCst)) {
            let judged = catch_unwind(AssertUnwindSafe(|| verdict(point)));
            let judged = judged.unwrap_or_else(|panic| {
                let text = panic.downcast_ref::<String>();
                Err(text.map_or("the test panicked", String::as_str).to_owned())
            });
            match judged {
                Ok(outcome) => *outcomes.lock().unwrap().entry(outcome).or_default() += 1,
                Err(why) => wrong.lock().unwrap().push(format!("{point}: {why}")),
            }
        }
    };
    let threads = 2 * thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(work);
        }
    });
    let (wrong, outcomes) = (wrong.into_inner().unwrap(), outcomes.into_inner().unwrap());
    println!(
        "{what}: {} points, wrong verdicts {}; {outcomes:?}",
        tried.len(),
        wrong.len()
    );
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What is preloaded into the processes.
pub struct Shims {
    calls: PathBuf,
    clock: PathBuf,
    _folders: [TempDir; 2],
}

impl Shims {
    #[track_caller]
    pub fn new() -> Shims {
        let folders = [(); 2].map(|()| tempfile::tempdir().unwrap());
        Shims {
            calls: compile("nth_call/calls.c", folders[0].path()),
            clock: compile("sale_time/clock.c", folders[1].path()),
            _folders: folders,
        }
    }
}

/// What the processes of one run share: the calls that they made, and a wall clock.
pub struct Gauges(TempDir);

impl Gauges {
    pub fn new() -> Gauges {
        let gauges = Gauges(tempfile::tempdir().unwrap());
        fs::write(gauges.counts_file(), [0; 8 * CALLS.len()]).unwrap();
        gauges.set_ahead(0);
        gauges
    }

    fn counts_file(&self) -> PathBuf {
        self.0.path().join("counts")
    }

    fn clock_file(&self) -> PathBuf {
        self.0.path().join("ahead")
    }

    /// Of the wall clock, in seconds.
    pub fn set_ahead(&self, seconds: i64) {
        let draft = self.0.path().join("draft");
        fs::write(&draft, seconds.to_string()).unwrap();
        fs::rename(draft, self.clock_file()).unwrap();
    }

    pub fn counts(&self) -> Counts {
        let bytes = fs::read(self.counts_file()).unwrap();
        let mut counts = Counts::default();
        for (count, bytes) in counts.iter_mut().zip(bytes.chunks_exact(8)) {
            *count = u64::from_ne_bytes(bytes.try_into().unwrap());
        }
        counts
    }

    /// Has the command's calls on files in the folder counted, and one of them struck.
    pub fn are_over(
        &self,
        command: &mut Command,
        shims: &Shims,
        folder: &Path,
        at: Option<&Point>,
    ) {
        self.clock_is_over(command, shims);
        let preloaded = format!("{} {}", shims.calls.display(), shims.clock.display());
        command
            .env("LD_PRELOAD", preloaded)
            .env("CALLS_FOLDER", folder.canonicalize().unwrap())
            .env("CALLS_COUNTS", self.counts_file());
        if let Some(Point { call, happening, n }) = at {
            command.env("CALLS_PLAN", format!("{} {n} {happening}", *call as usize));
        }
    }

    pub fn clock_is_over(&self, command: &mut Command, shims: &Shims) {
        command
            .env("LD_PRELOAD", &shims.clock)
            .env("CLOCK_AHEAD", self.clock_file());
    }
}
