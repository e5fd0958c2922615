//! What happens in a simulated sale, step by step, and the shortest story of a failure.

use flashsale::sale::Command;

#[derive(Clone, Debug)]
pub enum Step {
    /// The clock shows so many microseconds.
    At(i64),
    /// Joins the batch.
    Command(Command),
    /// The batch is decided.
    Commit,
    /// The next batch meets this fault.
    Fails(StoreFault),
    BackUp,
    /// The sale goes on from the last backup, with the ids skipped that were given since, and so many more.
    LoseDisk {
        more_ids: i64,
    },
}

/// What a store does with a batch, and what its clients do then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoreFault {
    /// Nothing is applied. The clients ask again.
    Busy,
    /// Nothing is applied. The clients give up.
    NotApplied,
    /// The answers are lost. The clients ask again.
    InDoubtApplied,
    InDoubtLost,
    /// The first command is the culprit: the others are tried one by one.
    Broken,
}

impl StoreFault {
    pub const ALL: [StoreFault; 5] = [
        StoreFault::Busy,
        StoreFault::NotApplied,
        StoreFault::InDoubtApplied,
        StoreFault::InDoubtLost,
        StoreFault::Broken,
    ];
}

/// Leaves out what the failure does not need: halves first, then ever smaller parts (delta debugging).
pub fn shrunk(mut story: Vec<Step>, fails: impl Fn(&[Step]) -> bool) -> Vec<Step> {
    let mut length = story.len().div_ceil(2);
    loop {
        let mut start = 0;
        let mut is_shorter = false;
        while start < story.len() {
            let end = (start + length).min(story.len());
            let without = [&story[..start], &story[end..]].concat();
            if fails(&without) {
                story = without;
                is_shorter = true;
            } else {
                start = end;
            }
        }
        if length > 1 {
            length = length.div_ceil(2);
        } else if !is_shorter {
            return story;
        }
    }
}
