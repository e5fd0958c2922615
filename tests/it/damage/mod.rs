//! Bytes that are not what was written: in each region of a database, of its log and of the log's index. Such a file is refused
//! with a sentence, or served exactly, or what cannot be served is said to be so and `verify` finds it; nothing panics,
//! hangs or oversells.
//!
//! By default each region is struck in two ways, which others take turns with by `FLASHSALE_TEST_SEED`;
//! `FLASHSALE_TEST_DAMAGES` sets how many times each is struck in every way.

mod blows;
mod found;
mod rows;
mod verdict;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;

use blows::{Blow, HOWS, Region, regions_of_database, regions_of_log};
use found::Found;
use verdict::{Judge, Verdict};

use crate::dice::Dice;
use crate::nth_call::all_are_right;

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}

fn blows(regions: &[Region]) -> Vec<Blow> {
    let seed = number("FLASHSALE_TEST_SEED").unwrap_or(1);
    let mut dice = Dice::new(seed);
    let mut blows = Vec::new();
    match number("FLASHSALE_TEST_DAMAGES") {
        Some(times) => {
            for region in regions {
                for how in HOWS {
                    blows.extend((0..times).map(|_| Blow::in_region(region, how, &mut dice)));
                }
            }
        }
        None => {
            let hows = HOWS
                .into_iter()
                .cycle()
                .skip(usize::try_from(seed).unwrap() % HOWS.len());
            let regions = regions.iter().flat_map(|region| [region; 2]);
            blows.extend(
                regions
                    .zip(hows)
                    .map(|(region, how)| Blow::in_region(region, how, &mut dice)),
            );
        }
    }
    blows
}

/// Prints what became of how many in each region, and what was altered in silence.
#[track_caller]
fn are_survived(what: &str, judge: &Judge, blows: &[Blow]) {
    let regions: Mutex<BTreeMap<String, BTreeMap<String, usize>>> = Mutex::default();
    let altered: Mutex<BTreeSet<String>> = Mutex::default();
    all_are_right(what, blows, |blow| {
        let Verdict { outcome, changed } = judge.verdict(blow)?;
        let mut regions = regions.lock().unwrap();
        let outcomes = regions.entry(blow.region.clone()).or_default();
        *outcomes.entry(outcome.clone()).or_default() += 1;
        let told = changed.iter().map(|change| format!("{blow}: {change}"));
        altered.lock().unwrap().extend(told);
        Ok(outcome)
    });
    for (region, outcomes) in regions.into_inner().unwrap() {
        println!("  {region}: {outcomes:?}");
    }
    for change in altered.into_inner().unwrap() {
        println!("  {change}");
    }
}

#[test]
fn damage_of_a_database_is_found_or_does_no_harm() {
    let Some(found) = Found::new() else { return };
    let judge = Judge::new(found.stopped);
    let blows = blows(&regions_of_database(&judge.files));
    are_survived("damaged databases", &judge, &blows);
}

/// SQLite plays a log up to the first frame whose checksum is wrong: what was committed after it is lost.
#[test]
fn damage_of_a_log_loses_whole_commits_at_its_end_or_does_no_harm() {
    let Some(found) = Found::new() else { return };
    let judge = Judge::new(found.killed);
    let blows = blows(&regions_of_log(&judge.files));
    are_survived("damaged logs", &judge, &blows);
}
