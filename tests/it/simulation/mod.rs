//! The sale's rules under a seeded crowd, judged answer by answer by a model that was written from the HTTP contract.
//!
//! `FLASHSALE_TEST_TRANSITIONS` sets how many commands are decided (default 110 000), `FLASHSALE_TEST_SEED` tells one seed's
//! story again. A failure is told by the shortest story that still fails.

mod coverage;
#[rustfmt::skip] // The contract's tables stand here as the contract prints them, a row a line.
mod model;
mod opening;
mod people;
mod story;
mod told;
mod world;

use std::thread;
use std::time::Instant;

use flashsale::sale::{
    Command, HoldId, PaymentEvent, PaymentStatus, PaymentTarget, PlaceHold, ProductId, Quantity,
    Report, Reporter, Terms,
};

use crate::shop::{OPENING, item, terms};
use coverage::{Seen, add, everything_is_seen};
use people::People;
use story::{Step, shrunk};
use world::{World, Wrong};

/// Enough to see everything often.
const TRANSITIONS: usize = 110_000;

/// Commands of one seed.
const COMMANDS: usize = 500;

#[test]
fn every_answer_is_the_models() {
    let transitions = number("FLASHSALE_TEST_TRANSITIONS").unwrap_or(TRANSITIONS);
    if let Some(seed) = number("FLASHSALE_TEST_SEED") {
        let world = simulate(seed).unwrap_or_else(|story| panic!("{story}"));
        return println!("seed {seed}: {:#?}", world.seen);
    }
    let began = Instant::now();
    let halves = thread::scope(|scope| {
        let halves = [0, 1].map(|first| scope.spawn(move || half(first, transitions / 2)));
        halves.map(|half| half.join().unwrap())
    });
    let mut seen = Seen::new();
    for half in halves {
        add(&mut seen, half.unwrap_or_else(|story| panic!("{story}")));
    }
    let decided: usize = seen.values().sum();
    let a_minute = decided as f64 * 60.0 / began.elapsed().as_secs_f64();
    for (kind, times) in &seen {
        println!("{times:>8} {kind}");
    }
    println!("{decided} transitions, 0 wrong, {a_minute:.0} a minute");
    if transitions >= TRANSITIONS {
        everything_is_seen(&seen);
    }
}

fn number(variable: &str) -> Option<usize> {
    std::env::var(variable).ok()?.parse().ok()
}

/// The odd or the even seeds, until so many commands are decided.
fn half(first: usize, transitions: usize) -> Result<Seen, String> {
    let (mut seen, mut decided) = (Seen::new(), 0);
    let mut seeds = (first..).step_by(2);
    while decided < transitions {
        let world = simulate(seeds.next().expect("seeds do not run out"))?;
        decided += world.decided;
        add(&mut seen, world.seen);
    }
    Ok(seen)
}

/// One seed's sale, or the shortest story of what is wrong with it.
fn simulate(seed: usize) -> Result<World, String> {
    let mut people = People::new(seed as u64);
    let terms = opening::terms(&mut people.dice);
    let mut world = World::new(terms);
    let mut story = opening::catalogue(OPENING);
    let mut taken = 0;
    while world.decided < COMMANDS {
        if let Err(wrong) = story[taken..].iter().try_for_each(|step| world.take(step)) {
            return Err(shortest(seed, &terms, story, &wrong));
        }
        taken = story.len();
        story.extend(people.steps(&world.model));
    }
    Ok(world)
}

fn shortest(seed: usize, terms: &Terms, story: Vec<Step>, wrong: &Wrong) -> String {
    let is_alike = |other: Wrong| without_figures(&other) == without_figures(wrong);
    let story = shrunk(story, |story| retold(terms, story).is_err_and(is_alike));
    let why = retold(terms, &story).err().unwrap_or_default();
    let steps: Vec<String> = story.iter().map(|step| format!("{step:?}")).collect();
    let (length, steps) = (steps.len(), steps.join("\n"));
    format!("FLASHSALE_TEST_SEED={seed}: {wrong}\n\n{length} steps on {terms:?}:\n{steps}\n{why}\n")
}

/// What tells one failure from another.
fn without_figures(wrong: &str) -> String {
    let (_, told) = wrong.split_once('\n').unwrap_or(("", wrong));
    told.replace(|letter: char| letter.is_ascii_digit(), "")
}

fn retold(terms: &Terms, story: &[Step]) -> Result<(), Wrong> {
    let mut world = World::new(*terms);
    story.iter().try_for_each(|step| world.take(step))
}

/// What two events of one transaction for one hold come to is the same whether a sweep has passed between them or not: a
/// failure that has waited hides no money.
#[test]
fn money_reported_again_after_its_hold_has_ended_unswept_is_owed_once() {
    let product = item("tee", 1).load();
    let hold = Command::PlaceHold(PlaceHold {
        product: ProductId::FIRST,
        quantity: Quantity::new(1).unwrap(),
        customer: None,
        key: None,
    });
    let event = |key: &str, status: PaymentStatus| {
        Step::Command(Command::RecordPayment(PaymentEvent {
            reporter: Reporter::Bridge,
            key: key.into(),
            target: PaymentTarget::Hold(HoldId::FIRST),
            report: Report {
                status,
                amount: None,
                transaction_id: Some("txn_1".into()),
            },
            payload: None,
        }))
    };
    for first in [PaymentStatus::Success, PaymentStatus::Failure] {
        let story = [
            Step::Command(product.clone()),
            Step::Command(hold.clone()),
            event("evt_1", first),
            Step::Commit,
            Step::At(OPENING + 120_000_000),
            event("evt_2", PaymentStatus::Success),
            Step::Commit,
        ];
        assert_eq!(retold(&terms(), &story), Ok(()));
    }
}
