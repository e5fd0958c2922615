//! What the crowd counts while it buys. Memory does not grow with the number of requests: waits are kept in histograms, and
//! the course of the sale in windows, of which there is a limited number.

use std::collections::BTreeMap;

use hdrhistogram::Histogram;

/// What a request is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Look,
    Hold,
    Order,
    Payment,
    /// Of a client that only makes trouble.
    Storm,
}

impl Kind {
    pub const ALL: [Kind; 5] = [
        Kind::Look,
        Kind::Hold,
        Kind::Order,
        Kind::Payment,
        Kind::Storm,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Kind::Look => "look",
            Kind::Hold => "hold",
            Kind::Order => "order",
            Kind::Payment => "payment",
            Kind::Storm => "storm",
        }
    }
}

pub struct Tally {
    waits: [Histogram<u64>; Kind::ALL.len()],
    pub refusals: BTreeMap<String, u64>,
    pub errors_5xx: u64,
    pub errors_transport: u64,
    /// Statuses that no honest client should get, and what was said with the first of them.
    pub unexpected: BTreeMap<u16, String>,
    pub course: Course,
    /// Hold requests that were answered in each 100 ms.
    hold_answers: Vec<u32>,
    /// When the last answer came, in microseconds after the opening.
    pub last_answer_us: u64,
}

/// Three digits are as many as such waits repeat.
const DIGITS: u8 = 3;
const WAIT_US_MAX: u64 = 3_600_000_000;
const HOLDS_WINDOW_US: u64 = 100_000;
/// The refusals that are told apart.
const CODES_MAX: usize = 64;

impl Default for Tally {
    fn default() -> Tally {
        let waits = Kind::ALL.map(|_| {
            Histogram::new_with_bounds(1, WAIT_US_MAX, DIGITS).expect("the bounds are in order")
        });
        Tally {
            waits,
            refusals: BTreeMap::new(),
            errors_5xx: 0,
            errors_transport: 0,
            unexpected: BTreeMap::new(),
            course: Course::default(),
            hold_answers: Vec::new(),
            last_answer_us: 0,
        }
    }
}

impl Tally {
    /// An answer has come at `now_us` to what a client wanted to ask at `wanted_us`.
    pub fn answered(&mut self, kind: Kind, wanted_us: u64, now_us: u64, status: u16) {
        let wait = now_us.saturating_sub(wanted_us);
        self.waits[kind as usize].saturating_record(wait);
        self.last_answer_us = self.last_answer_us.max(now_us);
        self.errors_5xx += u64::from(status >= 500);
        let window = self.course.at(now_us);
        window.requests += 1;
        if kind != Kind::Storm {
            window.waits.saturating_record(wait);
        }
        if kind == Kind::Hold {
            window.refused_holds += u64::from(status >= 400);
            let index = (now_us / HOLDS_WINDOW_US) as usize;
            if self.hold_answers.len() <= index {
                self.hold_answers.resize(index + 1, 0);
            }
            self.hold_answers[index] += 1;
        }
    }

    pub fn refused(&mut self, code: &str) {
        let is_known = self.refusals.contains_key(code) || self.refusals.len() < CODES_MAX;
        let code = if is_known { code } else { "other" };
        *self.refusals.entry(code.to_owned()).or_default() += 1;
    }

    pub fn count(&self, kind: Kind) -> u64 {
        self.waits[kind as usize].len()
    }

    pub fn wait_ms(&self, kind: Kind, quantile: f64) -> f64 {
        self.waits[kind as usize].value_at_quantile(quantile) as f64 / 1e3
    }

    pub fn wait_max_ms(&self, kind: Kind) -> f64 {
        self.waits[kind as usize].max() as f64 / 1e3
    }

    pub fn requests(&self) -> u64 {
        Kind::ALL.iter().map(|kind| self.count(*kind)).sum()
    }

    /// Hold requests answered a second, over the busiest windows, as many as it takes to have half of all of them.
    pub fn holds_per_s(&self) -> f64 {
        let mut windows = self.hold_answers.clone();
        windows.sort_unstable_by(|one, other| other.cmp(one));
        let half = self.count(Kind::Hold).div_ceil(2);
        let (mut answers, mut count) = (0, 0);
        for window in windows {
            if answers >= half {
                break;
            }
            answers += u64::from(window);
            count += 1;
        }
        let seconds = f64::from(count) * HOLDS_WINDOW_US as f64 / 1e6;
        if count == 0 {
            0.0
        } else {
            answers as f64 / seconds
        }
    }

    /// Takes over what another thread has counted.
    pub fn add(&mut self, other: Tally) {
        for (mine, others) in self.waits.iter_mut().zip(&other.waits) {
            *mine += others;
        }
        for (code, count) in other.refusals {
            *self.refusals.entry(code).or_default() += count;
        }
        self.errors_5xx += other.errors_5xx;
        self.errors_transport += other.errors_transport;
        self.unexpected.extend(other.unexpected);
        self.course.add(other.course);
        let length = self.hold_answers.len().max(other.hold_answers.len());
        self.hold_answers.resize(length, 0);
        for (mine, others) in self.hold_answers.iter_mut().zip(other.hold_answers) {
            *mine += others;
        }
        self.last_answer_us = self.last_answer_us.max(other.last_answer_us);
    }
}

/// The course of the sale, window by window. The windows grow, two of them into one, as the sale gets longer.
pub struct Course {
    pub window_us: u64,
    pub windows: Vec<Window>,
}

pub struct Window {
    pub requests: u64,
    pub refused_holds: u64,
    /// In microseconds, of buyers.
    pub waits: Histogram<u32>,
}

const WINDOW_US_MIN: u64 = 100_000;
const WINDOWS_MAX: usize = 240;
const WINDOW_DIGITS: u8 = 2;

impl Default for Course {
    fn default() -> Course {
        Course {
            window_us: WINDOW_US_MIN,
            windows: Vec::new(),
        }
    }
}

impl Course {
    fn at(&mut self, now_us: u64) -> &mut Window {
        while now_us / self.window_us >= WINDOWS_MAX as u64 {
            self.widen();
        }
        let index = (now_us / self.window_us) as usize;
        while self.windows.len() <= index {
            self.windows.push(Window::default());
        }
        &mut self.windows[index]
    }

    fn widen(&mut self) {
        self.window_us *= 2;
        let mut narrow = std::mem::take(&mut self.windows).into_iter();
        while let Some(mut window) = narrow.next() {
            if let Some(next) = narrow.next() {
                window.add(&next);
            }
            self.windows.push(window);
        }
    }

    fn add(&mut self, mut other: Course) {
        while self.window_us < other.window_us {
            self.widen();
        }
        while other.window_us < self.window_us {
            other.widen();
        }
        let window_us = self.window_us;
        for (index, window) in other.windows.iter().enumerate() {
            self.at(index as u64 * window_us).add(window);
        }
    }
}

impl Default for Window {
    fn default() -> Window {
        Window {
            requests: 0,
            refused_holds: 0,
            // Bounded, as one that grows takes no value beyond its present bounds when it saturates.
            waits: Histogram::new_with_bounds(1, WAIT_US_MAX, WINDOW_DIGITS)
                .expect("the bounds are in order"),
        }
    }
}

impl Window {
    fn add(&mut self, other: &Window) {
        self.requests += other.requests;
        self.refused_holds += other.refused_holds;
        self.waits += &other.waits;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_threads_have_counted_adds_up() {
        let mut sum = Tally::default();
        for thread in 1..=2 {
            let mut tally = Tally::default();
            for answer in 0..100 {
                tally.answered(Kind::Hold, 0, answer * thread * 10_000, 201);
                tally.answered(Kind::Storm, 0, 5, 200);
            }
            tally.refused("insufficient_stock");
            sum.add(tally);
        }
        assert_eq!((sum.count(Kind::Hold), sum.requests()), (200, 400));
        assert_eq!(sum.refusals["insufficient_stock"], 2);
        assert_eq!(sum.last_answer_us, 1_980_000);
        let requests = sum.course.windows.iter().map(|window| window.requests);
        assert_eq!(requests.sum::<u64>(), 400);
        // In each of the first ten windows the first thread has ten answers, and the second five.
        assert_eq!(sum.holds_per_s(), 150.0);
    }

    #[test]
    fn a_window_knows_how_long_its_buyers_waited() {
        let mut tally = Tally::default();
        tally.answered(Kind::Hold, 10_000, 910_000, 201);
        let window = tally.course.windows.last().unwrap();
        let wait = window.waits.value_at_quantile(0.99);
        assert!((890_000..910_000).contains(&wait), "{wait}");
    }

    #[test]
    fn a_long_sale_has_as_many_windows_as_a_short_one() {
        let mut tally = Tally::default();
        for second in 0..3_600 {
            tally.answered(Kind::Look, 0, second * 1_000_000, 200);
        }
        assert!(tally.course.windows.len() <= WINDOWS_MAX);
        let requests = tally.course.windows.iter().map(|window| window.requests);
        assert_eq!(requests.sum::<u64>(), 3_600);
    }
}
