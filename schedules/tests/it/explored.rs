//! A story in many orders of its threads.

use std::panic::{self, AssertUnwindSafe};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use shuttle::scheduler::{PctScheduler, RandomScheduler, Scheduler};
use shuttle::{Config, Runner};

/// Of each of the schedulers.
const SCHEDULES: usize = 1_000;
const SEEDS: [u64; 2] = [1, 2];
/// How many changes of the thread that runs a bug may take to be seen, of those which no thread waits for.
const DEPTH: usize = 4;
const STACK_BYTES: usize = 512 * 1024;

/// No order of the threads breaks the story.
pub fn holds(name: &str, story: fn()) {
    let told = Arc::new(AtomicUsize::new(0));
    for seed in SEEDS {
        for run in [random, prioritized] {
            println!("{name}: seed {seed}");
            run(seed, counted(&told, story));
        }
    }
    println!("{name}: {} schedules", told.load(Ordering::SeqCst));
}

/// One of them does: the program has a bug.
pub fn breaks(name: &str, story: fn()) {
    let told = Arc::new(AtomicUsize::new(0));
    let breaks = [random, prioritized].into_iter().any(|run| {
        let run = || run(1, counted(&told, story));
        panic::catch_unwind(AssertUnwindSafe(run)).is_err()
    });
    let told = told.load(Ordering::SeqCst);
    assert!(breaks, "{name}: not found in {told} schedules");
    println!("{name}: found in schedule {told}");
}

type Story = Box<dyn Fn() + Send + Sync>;

fn counted(told: &Arc<AtomicUsize>, story: fn()) -> Story {
    let told = told.clone();
    Box::new(move || {
        told.fetch_add(1, Ordering::SeqCst);
        story();
    })
}

fn schedules() -> usize {
    let asked = std::env::var("FLASHSALE_TEST_SCHEDULES");
    asked.map_or(SCHEDULES, |asked| asked.parse().unwrap())
}

/// At every step any thread may run.
fn random(seed: u64, story: Story) {
    run(RandomScheduler::new_from_seed(seed, schedules()), story);
}

/// The thread of the highest priority runs, and priorities change now and then: finds what takes few changes at the wrong
/// moments.
fn prioritized(seed: u64, story: Story) {
    run(PctScheduler::new_from_seed(seed, DEPTH, schedules()), story);
}

fn run(scheduler: impl Scheduler + 'static, story: Story) {
    let mut config = Config::new();
    config.stack_size = STACK_BYTES;
    Runner::new(scheduler, config).run(story);
}
