//! The commands of one transaction, and who waits for what comes of them.

use std::time::Instant;

use crossbeam_channel::Sender;

use super::{Answer, Answers, CommandError, Job, Reply};
use crate::sale::Command;

/// Due rows that a batch ends besides its commands: about 2 ms of work, and at least twice the batch, so that the backlog
/// cannot grow under load.
const SWEEP_MIN: usize = 256;

/// Lapsed idempotency keys that such a batch forgets while clients wait. They are in nobody's way: the rest goes when
/// nobody waits.
const KEYS_UNDER_LOAD_MAX: usize = 16;

/// Commands, a sweep first, and who waits for the others.
pub struct Batch {
    pub commands: Vec<Command>,
    /// Whom each of the others answers, and until when that is worth it.
    pub replies: Vec<(Instant, Reply)>,
}

impl Batch {
    pub fn of(jobs: Vec<Job>) -> Batch {
        let sweep = Command::Sweep {
            rows_max: (2 * jobs.len()).max(SWEEP_MIN),
            keys_max: if jobs.is_empty() {
                SWEEP_MIN
            } else {
                KEYS_UNDER_LOAD_MAX
            },
        };
        let mut batch = Batch {
            commands: vec![sweep],
            replies: Vec::new(),
        };
        for job in jobs {
            batch.commands.push(job.command);
            batch.replies.push((job.deadline, job.reply));
        }
        batch
    }

    pub fn answer(self, answers: impl Iterator<Item = Answer>, to: &Sender<Answers>) {
        let replies = self.replies.into_iter().map(|(_, reply)| reply);
        send_answers(replies.zip(answers).collect(), to);
    }

    /// What waited too long is not executed.
    pub fn refuse_late(&mut self, to: &Sender<Answers>) {
        let now = Instant::now();
        let mut late = Vec::new();
        for index in (0..self.replies.len()).rev() {
            if self.replies[index].0 <= now {
                self.commands.remove(index + 1);
                late.push((self.replies.remove(index).1, Err(CommandError::Overloaded)));
            }
        }
        send_answers(late, to);
    }
}

pub fn send_answers(answers: Answers, to: &Sender<Answers>) {
    if !answers.is_empty() && to.send(answers).is_err() {
        log::error!("the replier is gone: a batch has committed and cannot be answered");
    }
}
