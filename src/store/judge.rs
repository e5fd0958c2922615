//! How a batch is judged: rules ask for rows, a source fetches them, and nothing is judged on a row that was not fetched.
//!
//! Two ways to the same decisions. *In turn* suits an engine in the process, where a statement is cheap: a rule that misses
//! a row has it fetched and starts again. *In waves* suits an engine far away, where each question costs a round trip: the
//! whole batch is rehearsed on a copy of the working set, all that it missed is fetched at once, and so on, until a
//! rehearsal misses nothing and so is the judgement.

use std::collections::{BTreeMap, HashSet};

use super::{Decision, StoreError};
use crate::sale::{Command, Need, ProductId, Stop, WorkingSet, decide};

/// What fetches rows into a working set, as the store held them when the transaction began. Rows that a needed row refers to
/// may come with it.
pub trait RowSource {
    fn fetch(&mut self, set: &mut WorkingSet, needs: Vec<Need>) -> Result<(), StoreError>;
}

/// A store that holds nothing.
pub struct NoRows;

impl RowSource for NoRows {
    fn fetch(&mut self, set: &mut WorkingSet, needs: Vec<Need>) -> Result<(), StoreError> {
        needs.into_iter().for_each(|need| set.fetched_nothing(need));
        Ok(())
    }
}

/// A rule that asks more often asks for what it was given.
const LOOKS_MAX: usize = 100_000;

/// Judges commands in order on one working set, fetching what each needs until it can be judged.
pub fn judge_in_turn<'a>(
    source: &mut impl RowSource,
    set: &mut WorkingSet,
    commands: impl IntoIterator<Item = &'a Command>,
) -> Result<Vec<Decision>, StoreError> {
    let commands = commands.into_iter();
    commands
        .map(|command| judge(source, set, command))
        .collect()
}

/// The same for one command.
pub fn judge(
    source: &mut impl RowSource,
    set: &mut WorkingSet,
    command: &Command,
) -> Result<Decision, StoreError> {
    for _ in 0..LOOKS_MAX {
        match decide(set, command) {
            Ok(outcome) => return Ok(Ok(outcome)),
            Err(Stop::Refused(rejection)) => return Ok(Err(rejection)),
            Err(Stop::Needs(needs)) => source.fetch(set, needs)?,
        }
    }
    panic!("what a rule needs is there once it was fetched");
}

/// Judges commands in order, asking the source as seldom as it can: once for each wave of needs. Returns the working set as
/// the commands left it.
pub fn judge_in_waves(
    source: &mut impl RowSource,
    mut fetched: WorkingSet,
    commands: &[Command],
) -> Result<(WorkingSet, Vec<Decision>), StoreError> {
    for _ in 0..LOOKS_MAX {
        match rehearse_all(&fetched, commands) {
            Rehearsal::Judged(set, decisions) => return Ok((*set, decisions)),
            Rehearsal::Missed(needs) => source.fetch(&mut fetched, needs)?,
        }
    }
    panic!("what a rule needs is there once it was fetched");
}

/// Judges each command as if it was the only one, asking the source once for each wave of needs.
#[cfg(feature = "postgres")]
pub fn judge_apart(
    source: &mut impl RowSource,
    mut fetched: WorkingSet,
    commands: &[Command],
) -> Result<Vec<Decision>, StoreError> {
    for _ in 0..LOOKS_MAX {
        let mut missed = Missed::default();
        let mut set = fetched.clone();
        let decisions: Vec<Option<Decision>> = commands
            .iter()
            .map(|command| {
                let decision = rehearse(&mut set, command, &mut missed);
                if let Some(Ok(_)) = decision {
                    set = fetched.clone();
                }
                decision
            })
            .collect();
        if missed.is_empty() {
            return Ok(all_judged(decisions));
        }
        let needs = missed.needs(&fetched);
        source.fetch(&mut fetched, needs)?;
    }
    panic!("what a rule needs is there once it was fetched");
}

/// What judging the commands would ask for first, on a working set that may hold nothing yet.
#[cfg(feature = "postgres")]
pub fn first_needs(fetched: &WorkingSet, commands: &[Command]) -> Vec<Need> {
    match rehearse_all(fetched, commands) {
        Rehearsal::Judged(..) => Vec::new(),
        Rehearsal::Missed(needs) => needs,
    }
}

enum Rehearsal {
    Judged(Box<WorkingSet>, Vec<Decision>),
    Missed(Vec<Need>),
}

/// On a copy of what was fetched.
fn rehearse_all(fetched: &WorkingSet, commands: &[Command]) -> Rehearsal {
    let mut set = fetched.clone();
    let mut missed = Missed::default();
    let decisions: Vec<Option<Decision>> = commands
        .iter()
        .map(|command| rehearse(&mut set, command, &mut missed))
        .collect();
    if !missed.is_empty() {
        return Rehearsal::Missed(missed.needs(fetched));
    }
    Rehearsal::Judged(Box::new(set), all_judged(decisions))
}

/// Of a rehearsal that missed nothing.
fn all_judged(decisions: Vec<Option<Decision>>) -> Vec<Decision> {
    let decisions: Option<Vec<Decision>> = decisions.into_iter().collect();
    decisions.expect("a command that could not go on has missed something")
}

/// Judges the command as if all that it misses and may do without were not there, to find more that it misses. What comes of
/// that counts only if nothing is missed. `None`: the command cannot go on.
fn rehearse(set: &mut WorkingSet, command: &Command, missed: &mut Missed) -> Option<Decision> {
    for _ in 0..LOOKS_MAX {
        match decide(set, command) {
            Ok(outcome) => return Some(Ok(outcome)),
            Err(Stop::Refused(rejection)) => return Some(Err(rejection)),
            Err(Stop::Needs(needs)) => {
                let mut goes_on = true;
                for need in needs {
                    goes_on &= set.assume_nothing(&need);
                    missed.note(need);
                }
                if !goes_on {
                    return None;
                }
            }
        }
    }
    panic!("a rule that was told that there is nothing does not ask again");
}

/// What a rehearsal missed, each need once and in the order of first asking.
#[derive(Default)]
struct Missed {
    needs: Vec<Need>,
    known: HashSet<Need>,
    /// Commands that need units of one product need the sum of them. By product, so that a batch asks for the same each
    /// time.
    overdue: BTreeMap<ProductId, i64>,
}

impl Missed {
    fn note(&mut self, need: Need) {
        if let Need::OverdueRows(product, units) = need {
            *self.overdue.entry(product).or_insert(0) += units;
        } else if self.known.insert(need.clone()) {
            self.needs.push(need);
        }
    }

    fn is_empty(&self) -> bool {
        self.needs.is_empty() && self.overdue.is_empty()
    }

    /// Overdue rows that were fetched before may be ended in the rehearsal: as many units more are asked for, but no more
    /// than there are.
    fn needs(self, fetched: &WorkingSet) -> Vec<Need> {
        let overdue = self.overdue.into_iter().map(|(product, units)| {
            let known = fetched.overdue_units_fetched(product);
            let all = fetched.overdue_units(product).unwrap_or(i64::MAX);
            Need::OverdueRows(product, units.saturating_add(known).min(all))
        });
        self.needs.into_iter().chain(overdue).collect()
    }
}
