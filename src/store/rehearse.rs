//! What a load would do, without doing it.

use super::{Decision, RowSource, StoreError, judge_in_turn};
use crate::sale::{Command, WorkingSet};

/// Judges chunk after chunk, each on `empty` as if the chunks before had not been.
pub fn rehearse(
    source: &mut impl RowSource,
    empty: &WorkingSet,
    chunks: &mut dyn Iterator<Item = Vec<Command>>,
    each: &mut dyn FnMut(&[Decision]),
) -> Result<(), StoreError> {
    for commands in chunks {
        each(&judge_in_turn(source, &mut empty.clone(), &commands)?);
    }
    Ok(())
}
