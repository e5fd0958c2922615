//! What each buyer is going to do, drawn before the sale opens: equal seeds make equal crowds, however fast the server is.

use fastrand::Rng;

use super::plan::{Arrivals, Good, Plan, Sale};

/// Where a buyer's way through the sale ends, if the buyer gets units at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Intent {
    Pay,
    /// Closes the page with units in the basket.
    LeaveHold,
    /// Orders, and never pays.
    LeaveOrder,
    /// Orders, and the payment fails.
    FailToPay,
}

/// What does not go smoothly.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Mishaps {
    /// Two clicks on one button: the same hold is asked for twice, under one key.
    pub double_click: bool,
    /// The answer to the hold does not arrive, and the buyer asks again under the same key.
    pub loses_hold: bool,
    /// The same for the order.
    pub loses_order: bool,
    /// The payment is reported before the order is made.
    pub early_payment: bool,
    /// The payment is reported so many times more.
    pub repeats: u8,
    /// The failure of an attempt before is reported after the success.
    pub reordered: bool,
    /// A success is reported after the failure has ended the order.
    pub late_success: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Choices {
    /// Which of the sale's goods.
    pub good: u32,
    pub quantity: u32,
    pub intent: Intent,
    pub mishaps: Mishaps,
    /// Microseconds before each of the steps that follow the look.
    pub think_us: [u32; THINKS],
}

pub const THINKS: usize = 4;

/// Means of a person's pauses, with a second taken as 5 milliseconds: 4 s to the hold, 10 s to the order, 12 s to the
/// payment, 8 s to another look.
const THINK_MEANS_US: [f64; THINKS] = [20_000.0, 50_000.0, 60_000.0, 40_000.0];
/// No pause is longer than so many times its mean.
const THINK_MAX: f64 = 6.0;

const DOUBLE_CLICKS: f64 = 0.05;
const LOST_ANSWERS: f64 = 0.02;
const EARLY_PAYMENTS: f64 = 0.05;
const REPEATED_PAYMENTS: f64 = 0.10;
const REORDERED_PAYMENTS: f64 = 0.05;
const LATE_PAYMENTS: f64 = 0.5;
/// What those do who abandon: leave the basket, leave the order; the others' payments fail.
const LEAVE_HOLD: f64 = 0.5;
const LEAVE_ORDER: f64 = 0.8;
/// One unit, two, three; the others take four.
const QUANTITIES: [f64; 3] = [0.75, 0.92, 0.98];

/// Draws buyers of one sale.
pub struct Draw<'a> {
    plan: &'a Plan,
    sale: &'a Sale,
    /// Up to each good, how many units there are of all before it and of itself.
    cumulated: Vec<i64>,
}

impl<'a> Draw<'a> {
    pub fn new(plan: &'a Plan, sale: &'a Sale) -> Draw<'a> {
        let mut sum = 0;
        let cumulated = sale.goods.iter().map(|good| {
            sum += good.stock;
            sum
        });
        Draw {
            plan,
            sale,
            cumulated: cumulated.collect(),
        }
    }

    /// A good is wished for as often as it has units.
    pub fn buyer(&self, number: u32) -> Choices {
        let mut rng = rng(self.plan.seed, u64::from(number) + 1);
        let good = self.good(&mut rng);
        let quantity = quantity(&mut rng, &self.sale.goods[good]);
        let intent = intent(&mut rng, self.plan.abandon);
        let mut mishaps = mishaps(&mut rng, intent);
        mishaps.early_payment &= self.sale.parks_payments;
        let pause = |mean: f64| (mean * exponential(&mut rng)) as u32;
        Choices {
            good: good as u32,
            quantity,
            intent,
            mishaps,
            think_us: THINK_MEANS_US.map(pause),
        }
    }

    fn good(&self, rng: &mut Rng) -> usize {
        let goods = self.cumulated.len();
        match self.cumulated.last() {
            Some(0) | None => rng.usize(0..goods.max(1)),
            Some(all) => {
                let unit = rng.i64(0..*all);
                self.cumulated.partition_point(|until| *until <= unit)
            }
        }
    }
}

/// Independent of those of other numbers.
fn rng(seed: u64, number: u64) -> Rng {
    Rng::with_seed(mixed(seed ^ mixed(number)))
}

/// SplitMix64's step, which spreads neighbours apart.
pub fn mixed(number: u64) -> u64 {
    let mut z = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

fn exponential(rng: &mut Rng) -> f64 {
    (-(1.0 - rng.f64()).ln()).min(THINK_MAX)
}

fn quantity(rng: &mut Rng, good: &Good) -> u32 {
    let drawn = rng.f64();
    let wished = 1 + QUANTITIES.iter().filter(|until| drawn >= **until).count();
    (wished as i64).min(good.quantity_max).max(1) as u32
}

fn intent(rng: &mut Rng, abandon: f64) -> Intent {
    let (leaves, how) = (rng.f64() < abandon, rng.f64());
    match leaves {
        false => Intent::Pay,
        true if how < LEAVE_HOLD => Intent::LeaveHold,
        true if how < LEAVE_ORDER => Intent::LeaveOrder,
        true => Intent::FailToPay,
    }
}

fn mishaps(rng: &mut Rng, intent: Intent) -> Mishaps {
    let mut happens = |share: f64| rng.f64() < share;
    let double_click = happens(DOUBLE_CLICKS);
    let loses_hold = happens(LOST_ANSWERS) && !double_click;
    let loses_order = happens(LOST_ANSWERS);
    let pays = intent == Intent::Pay;
    let early_payment = happens(EARLY_PAYMENTS) && pays;
    let is_repeated = happens(REPEATED_PAYMENTS);
    let reordered = happens(REORDERED_PAYMENTS) && pays && !early_payment;
    let late_success = happens(LATE_PAYMENTS) && intent == Intent::FailToPay;
    Mishaps {
        double_click,
        loses_hold,
        loses_order,
        early_payment,
        repeats: if is_repeated { rng.u8(1..=2) } else { 0 },
        reordered,
        late_success,
    }
}

/// When each buyer arrives, in microseconds after the opening, first come first.
pub fn arrivals(plan: &Plan) -> Vec<u64> {
    let mut rng = rng(plan.seed, 0);
    let over_us = plan.over_s * 1e6;
    let mut shares: Vec<f64> = (0..plan.buyers).map(|_| rng.f64()).collect();
    shares.sort_unstable_by(f64::total_cmp);
    let at = |share: f64| match plan.arrivals {
        Arrivals::Burst => over_us * share.powi(3),
        Arrivals::Ramp => over_us * share.sqrt(),
        // Of so many arrivals of a Poisson process within a time, each is anywhere in it.
        Arrivals::Poisson => over_us * share,
    };
    shares.into_iter().map(|share| at(share) as u64).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use crate::sale::{Product, ProductId};

    fn plan(arrivals: Arrivals, over_s: f64) -> Plan {
        Plan {
            seed: 7,
            buyers: 4_000,
            arrivals,
            over_s,
            abandon: 0.25,
            patience: 3,
            connections: 8,
        }
    }

    #[test]
    fn a_seed_makes_one_crowd_and_another_seed_another() {
        let product = |number: i64, total: i64| Product {
            total,
            ..Product::blank(ProductId::new(number).unwrap())
        };
        let sale = Sale::of(
            &Config::default(),
            &[product(1, 10), product(2, 0), product(3, 30)],
        );
        let (one, other) = (
            plan(Arrivals::Burst, 0.0),
            Plan {
                seed: 8,
                ..plan(Arrivals::Burst, 0.0)
            },
        );
        let crowd = |plan: &Plan| -> Vec<Choices> {
            let draw = Draw::new(plan, &sale);
            (0..plan.buyers).map(|number| draw.buyer(number)).collect()
        };
        let drawn = crowd(&one);
        assert_eq!(drawn, crowd(&one));
        assert_ne!(drawn, crowd(&other));
        let wishes = |good: u32| drawn.iter().filter(|it| it.good == good).count();
        assert_eq!(wishes(1), 0, "nobody comes for what is not there");
        assert!((900..1100).contains(&wishes(0)), "{}", wishes(0));
        let leave = drawn.iter().filter(|it| it.intent != Intent::Pay).count();
        assert!((900..1100).contains(&leave), "{leave}");
    }

    #[test]
    fn buyers_come_by_the_schedule() {
        assert!(
            arrivals(&plan(Arrivals::Burst, 0.0))
                .iter()
                .all(|at| *at == 0)
        );
        for (arrivals_, in_first_half) in [
            (Arrivals::Burst, 0.79),
            (Arrivals::Ramp, 0.25),
            (Arrivals::Poisson, 0.5),
        ] {
            let at = arrivals(&plan(arrivals_, 10.0));
            assert!(at.is_sorted() && at[at.len() - 1] <= 10_000_000);
            let early = at.iter().filter(|at| **at < 5_000_000).count() as f64 / at.len() as f64;
            assert!(
                (early - in_first_half).abs() < 0.03,
                "{arrivals_:?}: {early}"
            );
        }
    }
}
