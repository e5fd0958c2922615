//! The time of the sale. It never runs back and never stands still: ahead of a wall clock that was set back it runs at half
//! speed, and a wall clock that was set forward counts as time passed. Every deadline is compared with it; only the log and
//! measurements of durations read other clocks.

use std::fs;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::sale::Timestamp;
use crate::store::ReadingTime;

/// Where the time comes from: the system, or a test.
pub trait TimeSource: Send + Sync {
    fn wall(&self) -> Timestamp;

    /// Time since some fixed moment; never runs back.
    fn monotonic(&self) -> Duration;

    /// Time since a moment that is the same for every process of the machine; `None` where the system does not say.
    fn since_boot(&self) -> Option<Duration> {
        None
    }
}

pub struct SystemTime {
    started: Instant,
}

impl Default for SystemTime {
    fn default() -> SystemTime {
        SystemTime {
            started: Instant::now(),
        }
    }
}

impl TimeSource for SystemTime {
    fn wall(&self) -> Timestamp {
        Timestamp::from_micros(chrono::Utc::now().timestamp_micros())
    }

    fn monotonic(&self) -> Duration {
        self.started.elapsed()
    }

    /// In hundredths of a second (proc_uptime(5)).
    fn since_boot(&self) -> Option<Duration> {
        let uptime = fs::read_to_string("/proc/uptime").ok()?;
        let seconds = uptime.split_ascii_whitespace().next()?.parse().ok()?;
        Duration::try_from_secs_f64(seconds).ok()
    }
}

/// The sale's time: the wall clock's, unless the sale is ahead of it; then the sale's time runs at half speed, until the
/// wall clock has caught up.
pub struct Clock {
    source: Box<dyn TimeSource>,
    /// Whether batches are told their time by another clock, the database's: this one only goes on from there.
    is_led: bool,
    state: Mutex<State>,
}

struct State {
    /// Where the sale's time was last set, by the wall clock or by a floor; from there it runs at half speed at least.
    anchor: Timestamp,
    anchored_at: Duration,
    /// The time at which the batch in flight is judged; `None` when none is.
    in_flight: Option<Timestamp>,
    wall_lags: bool,
}

/// A wall clock that is this far behind is worth a line in the log.
const LAG_WORTH_LOGGING_MICROS: i64 = 1_000_000;

impl Clock {
    pub fn new(source: impl TimeSource + 'static) -> Clock {
        let state = State {
            anchor: source.wall(),
            anchored_at: source.monotonic(),
            in_flight: None,
            wall_lags: false,
        };
        Clock {
            source: Box::new(source),
            is_led: false,
            state: Mutex::new(state),
        }
    }

    /// A clock that is set by each batch, to the latest time that is given to it, and goes on from there. The wall clock of
    /// this machine counts only until the first batch.
    pub fn led(source: impl TimeSource + 'static) -> Clock {
        Clock {
            is_led: true,
            ..Clock::new(source)
        }
    }

    pub fn system() -> Clock {
        Clock::new(SystemTime::default())
    }

    pub fn now(&self) -> Timestamp {
        self.now_from(&mut self.state(), NO_FLOOR)
    }

    /// The time of the system's clock. The sale's time may be ahead of it.
    pub fn wall(&self) -> Timestamp {
        self.source.wall()
    }

    /// Whether the sale's time is ahead of the wall clock that it goes by.
    pub fn is_ahead(&self) -> bool {
        !self.ahead().is_zero()
    }

    /// By how much it is.
    pub fn ahead(&self) -> Duration {
        if self.is_led {
            return Duration::ZERO;
        }
        let ahead = self.now().micros() - self.wall().micros();
        Duration::from_micros(u64::try_from(ahead).unwrap_or(0))
    }

    /// A text with the wall clock's time, for other processes of the machine to compare theirs with, now or later. Every
    /// one has the same length.
    pub fn beacon(&self) -> String {
        let since_boot = self.source.since_boot().map_or(0, |time| time.as_micros());
        format!("{:>20} {since_boot:>20}\n", self.wall().micros())
    }

    /// By how many seconds this wall clock is ahead of the one that gave the beacon; `None` if it gave none.
    ///
    /// The time since the machine started says how old the beacon is. Where the two processes do not agree on that, as in
    /// separate sandboxes, the beacon is taken for new.
    pub fn seconds_ahead_of(&self, beacon: &str) -> Option<i64> {
        let mut figures = beacon.split_ascii_whitespace().map(str::parse::<i64>);
        let (wall, since_boot) = (figures.next()?.ok()?, figures.next()?.ok()?);
        let now_since_boot = self.source.since_boot().map(|time| time.as_micros());
        let age = now_since_boot
            .and_then(|now| i64::try_from(now).ok())
            .map_or(0, |now| now.saturating_sub(since_boot).max(0));
        let if_new = self.wall().micros().saturating_sub(wall);
        let ahead = [if_new, if_new.saturating_sub(age)]
            .into_iter()
            .min_by_key(|micros| micros.abs())?;
        Some(ahead / 1_000_000)
    }

    /// The time to judge a batch at, taken while the write lock is held; `last_now` is the latest time of any batch before.
    ///
    /// The time is taken and shown to readers under one lock: a reading was either taken before, and is no later than the
    /// batch's time, or it is the batch's time at most.
    pub fn begin_batch(&self, last_now: Timestamp) -> Timestamp {
        let mut state = self.state();
        let now = self.now_from(&mut state, last_now);
        state.in_flight = Some(now);
        now
    }

    /// Called once the batch is committed or rolled back.
    pub fn end_batch(&self) {
        self.state().in_flight = None;
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now_from(&self, state: &mut State, floor: Timestamp) -> Timestamp {
        let monotonic = self.source.monotonic();
        let passed = monotonic.saturating_sub(state.anchored_at).as_micros();
        if self.is_led {
            return state.led(passed, floor, monotonic);
        }
        let wall = self.source.wall();
        let half = i64::try_from(passed / 2).unwrap_or(i64::MAX);
        let at_half_speed = Timestamp::from_micros(state.anchor.micros().saturating_add(half));
        let now = wall.max(at_half_speed).max(floor);
        if now > at_half_speed {
            state.anchor = now;
            state.anchored_at = monotonic;
        }
        let lag_micros = now.micros().saturating_sub(wall.micros());
        let wall_lags = lag_micros > LAG_WORTH_LOGGING_MICROS;
        if wall_lags && !state.wall_lags {
            log::warn!(
                "the sale's time is {:.1} s ahead of the wall clock, and runs at half speed until that has caught up",
                lag_micros as f64 / 1e6
            );
        }
        state.wall_lags = wall_lags;
        now
    }
}

impl State {
    fn led(&mut self, passed: u128, floor: Timestamp, monotonic: Duration) -> Timestamp {
        if floor > NO_FLOOR {
            self.anchor = floor;
            self.anchored_at = monotonic;
            return floor;
        }
        let passed = i64::try_from(passed).unwrap_or(i64::MAX);
        Timestamp::from_micros(self.anchor.micros().saturating_add(passed))
    }
}

impl ReadingTime for Clock {
    fn reading(&self) -> Timestamp {
        let mut state = self.state();
        let now = self.now_from(&mut state, NO_FLOOR);
        state.in_flight.map_or(now, |in_flight| now.min(in_flight))
    }

    fn present(&self) -> Timestamp {
        self.now()
    }
}

const NO_FLOOR: Timestamp = Timestamp::FIRST;

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

    use super::*;

    #[derive(Default)]
    struct ManualTime {
        wall: AtomicI64,
        monotonic: AtomicI64,
    }

    impl TimeSource for Arc<ManualTime> {
        fn wall(&self) -> Timestamp {
            Timestamp::from_micros(self.wall.load(Ordering::SeqCst))
        }

        fn monotonic(&self) -> Duration {
            Duration::from_micros(self.monotonic.load(Ordering::SeqCst).unsigned_abs())
        }
    }

    fn set_at(wall_micros: i64) -> (Arc<ManualTime>, Clock) {
        let time = Arc::new(ManualTime::default());
        time.wall.store(wall_micros, Ordering::SeqCst);
        (time.clone(), Clock::new(time))
    }

    #[test]
    fn time_never_runs_back_and_never_stands_still() {
        let (time, clock) = set_at(1_000);
        assert_eq!(clock.now().micros(), 1_000);

        time.wall.store(400, Ordering::SeqCst);
        assert_eq!(clock.now().micros(), 1_000, "the wall clock was set back");
        for _ in 0..50 {
            time.monotonic.fetch_add(1, Ordering::SeqCst);
            clock.now();
        }
        assert_eq!(
            clock.now().micros(),
            1_025,
            "time goes on at half speed, however often it is asked for"
        );

        time.wall.store(9_000, Ordering::SeqCst);
        assert_eq!(
            clock.now().micros(),
            9_000,
            "a forward step counts as time passed"
        );
        assert_eq!(
            clock.begin_batch(Timestamp::from_micros(20_000)).micros(),
            20_000
        );
        time.monotonic.fetch_add(6, Ordering::SeqCst);
        assert_eq!(clock.now().micros(), 20_003);
    }

    #[test]
    fn a_sale_ahead_of_the_wall_clock_is_caught_up_with() {
        let (time, clock) = set_at(1_000_000);
        let ahead = Timestamp::from_micros(1_600_000);
        clock.begin_batch(ahead);
        clock.end_batch();
        let mut before = ahead;
        for second in 1..=2_000 {
            time.wall.fetch_add(1_000, Ordering::SeqCst);
            time.monotonic.fetch_add(1_000, Ordering::SeqCst);
            let now = clock.now();
            assert!(now > before, "{second}");
            before = now;
            let wall = time.wall.load(Ordering::SeqCst);
            assert_eq!(now.micros(), wall.max(1_600_000 + second * 500));
        }
        assert_eq!(clock.now(), clock.wall());
    }

    #[test]
    fn a_led_clock_goes_on_from_the_time_of_the_last_batch() {
        let time = Arc::new(ManualTime::default());
        time.wall.store(9_000_000, Ordering::SeqCst);
        let clock = Clock::led(time.clone());
        let told = Timestamp::from_micros(1_000_000);
        assert_eq!(clock.begin_batch(told), told);
        clock.end_batch();
        time.wall.fetch_add(7_000_000, Ordering::SeqCst);
        time.monotonic.fetch_add(300, Ordering::SeqCst);
        assert_eq!(clock.now().micros(), 1_000_300);
        assert!(!clock.is_ahead());
        let told = Timestamp::from_micros(1_000_200);
        assert_eq!(
            clock.begin_batch(told),
            told,
            "it ran ahead, and is led back"
        );
    }

    #[test]
    fn a_clock_knows_how_far_it_is_from_another() {
        let ((_, ours), (time, theirs)) = (set_at(100_000_000), set_at(100_000_000));
        assert_eq!(ours.seconds_ahead_of(&theirs.beacon()), Some(0));
        time.wall.store(161_500_000, Ordering::SeqCst);
        assert_eq!(ours.seconds_ahead_of(&theirs.beacon()), Some(-61));
        assert_eq!(theirs.seconds_ahead_of(&ours.beacon()), Some(61));
        assert_eq!(ours.seconds_ahead_of(""), None);
        let system = Clock::system();
        assert_eq!(system.seconds_ahead_of(&system.beacon()), Some(0));
    }

    #[test]
    fn readings_do_not_run_back_while_batches_come_and_go() {
        let clock = Clock::system();
        let is_over = AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                for _ in 0..20_000 {
                    clock.begin_batch(NO_FLOOR);
                    clock.end_batch();
                }
                is_over.store(true, Ordering::SeqCst);
            });
            for _ in 0..2 {
                scope.spawn(|| {
                    let mut before = clock.reading();
                    while !is_over.load(Ordering::SeqCst) {
                        let reading = clock.reading();
                        assert!(reading >= before, "{reading} after {before}");
                        before = reading;
                    }
                });
            }
        });
    }

    #[test]
    fn a_reader_beside_a_batch_judges_no_later_than_the_batch() {
        let time = Arc::new(ManualTime::default());
        time.wall.store(1_000, Ordering::SeqCst);
        let clock = Clock::new(time.clone());
        let batch = clock.begin_batch(Timestamp::from_micros(0));
        time.wall.store(2_000, Ordering::SeqCst);
        assert!(clock.reading() <= batch);
        clock.end_batch();
        assert_eq!(clock.reading().micros(), 2_000);
    }
}
