//! The commands of one transaction, and who waits for what comes of them.

use std::panic::{self, AssertUnwindSafe};
use std::time::Instant;
use std::{iter, mem};

use super::{Answer, CommandError, Delivery, Job, Reply};
use crate::sale::{Command, Outcome};
use crate::store::Decision;

/// Due rows that a batch ends when no client waits, and lapsed idempotency keys that it forgets: about 2 ms of work.
const SWEEP_AT_REST: usize = 256;

/// Due rows that a batch ends besides its clients' commands, or twice as many as those if that is more, so that the backlog
/// cannot grow under load: clients wait for them.
const SWEEP_UNDER_LOAD_MIN: usize = 32;

/// Lapsed idempotency keys that such a batch forgets. They are in no client's way: the rest goes at rest.
const KEYS_UNDER_LOAD_MAX: usize = 16;

pub struct Batch {
    commands: Vec<Command>,
    /// Who waits for each of the commands.
    waiters: Vec<Waiter>,
    commands_max: usize,
}

enum Waiter {
    /// For a sweep no client waits.
    None,
    /// The command may be executed until the deadline.
    Client { deadline: Instant, reply: Reply },
    /// The client was told that the outcome is unknown: its command waited past the deadline for a batch in doubt.
    Answered,
}

impl Batch {
    /// A batch of nothing that may come to this many commands.
    pub fn with_room(commands_max: usize) -> Batch {
        Batch {
            commands: Vec::new(),
            waiters: Vec::new(),
            commands_max,
        }
    }

    /// As many of the jobs as there is room for.
    pub fn of(jobs: impl Iterator<Item = Job>, jobs_max: usize) -> Batch {
        let mut batch = Batch::with_room(jobs_max);
        batch.join(jobs);
        batch
    }

    /// The same batch after a sweep. `earlier`: how many commands the batch before this one came to, which may have been
    /// more than it began with.
    pub fn with_sweep(mut self, earlier: usize) -> Batch {
        let jobs = self.commands.len();
        let (rows_max, keys_max) = if jobs == 0 {
            (SWEEP_AT_REST, SWEEP_AT_REST)
        } else {
            let rows_max = (2 * jobs.max(earlier)).max(SWEEP_UNDER_LOAD_MIN);
            (rows_max, KEYS_UNDER_LOAD_MAX)
        };
        let sweep = Command::Sweep { rows_max, keys_max };
        self.commands.insert(0, sweep);
        self.waiters.insert(0, Waiter::None);
        self.commands_max += 1;
        self
    }

    pub fn has_sweep(&self) -> bool {
        matches!(self.waiters.first(), Some(Waiter::None))
    }

    /// Whether its sweep ended as many rows, or forgot as many keys, as it may.
    pub fn has_more_to_sweep(&self, decisions: &[Decision]) -> bool {
        let (Some(Command::Sweep { rows_max, keys_max }), Some(Ok(Outcome::Swept(swept)))) =
            (self.commands.first(), decisions.first())
        else {
            return false;
        };
        let is_at = |max: usize, ended: u64| usize::try_from(ended).is_ok_and(|it| it >= max);
        is_at(*rows_max, swept.rows() + swept.events_forgotten)
            || is_at(*keys_max, swept.keys_forgotten)
    }

    pub fn commands(&self) -> &[Command] {
        &self.commands
    }

    pub fn len(&self) -> usize {
        self.commands.len()
    }

    pub fn is_empty(&self) -> bool {
        self.commands.is_empty()
    }

    /// How many commands more it may come to.
    pub fn room(&self) -> usize {
        self.commands_max.saturating_sub(self.commands.len())
    }

    pub fn has_waiters(&self) -> bool {
        let mut waiters = self.waiters.iter();
        waiters.any(|waiter| matches!(waiter, Waiter::Client { .. }))
    }

    /// Takes no more jobs than there is room for.
    pub fn join(&mut self, jobs: impl Iterator<Item = Job>) {
        for job in jobs.take(self.room()) {
            self.commands.push(job.command);
            self.waiters.push(Waiter::Client {
                deadline: job.deadline,
                reply: job.reply.in_batch(),
            });
        }
    }

    pub fn append(&mut self, mut other: Batch) {
        self.commands.append(&mut other.commands);
        self.waiters.append(&mut other.waiters);
    }

    /// Each command in a batch of its own, which takes no more.
    pub fn split(self) -> impl Iterator<Item = Batch> {
        let commands = self.commands.into_iter().zip(self.waiters);
        commands.map(|(command, waiter)| Batch {
            commands: vec![command],
            waiters: vec![waiter],
            commands_max: 1,
        })
    }

    pub fn answer(self, answers: impl Iterator<Item = Answer>, delivery: Delivery) {
        let answered = self.waiters.into_iter().zip(answers);
        let answered = answered.filter_map(|(waiter, answer)| match waiter {
            Waiter::Client { reply, .. } => Some((reply, answer)),
            Waiter::None | Waiter::Answered => None,
        });
        send_answers(answered.collect(), delivery);
    }

    /// A store that answers other commands than it was given would give clients what is not theirs: the writer ends.
    pub fn answer_decisions(self, decisions: Vec<Decision>, delivery: Delivery) {
        assert_eq!(
            decisions.len(),
            self.commands.len(),
            "a store decides on each command of a batch"
        );
        let decisions = decisions.into_iter();
        let answers = decisions.map(|decision| decision.map_err(CommandError::Refused));
        self.answer(answers, delivery);
    }

    pub fn answer_all(self, error: &CommandError, delivery: Delivery) {
        self.answer(iter::repeat_with(|| Err(error.clone())), delivery);
    }

    /// What waited too long is not executed.
    pub fn refuse_late(&mut self, delivery: Delivery) {
        self.answer_late(&CommandError::Overloaded, delivery);
        self.remove_answered();
    }

    /// Gives this answer to what waited too long. The commands stay: their transaction may have committed.
    pub fn answer_late(&mut self, error: &CommandError, delivery: Delivery) {
        let now = Instant::now();
        let mut answers = Vec::new();
        for waiter in &mut self.waiters {
            if matches!(waiter, Waiter::Client { deadline, .. } if *deadline <= now)
                && let Waiter::Client { reply, .. } = mem::replace(waiter, Waiter::Answered)
            {
                answers.push((reply, Err(error.clone())));
            }
        }
        send_answers(answers, delivery);
    }

    /// A command that was answered is not executed any more.
    pub fn remove_answered(&mut self) {
        let is_answered = |waiter: &Waiter| matches!(waiter, Waiter::Answered);
        let mut waiters = self.waiters.iter();
        self.commands
            .retain(|_| waiters.next().is_some_and(|waiter| !is_answered(waiter)));
        self.waiters.retain(|waiter| !is_answered(waiter));
    }
}

/// A reply that panics costs its own client the answer, and no other.
pub fn send_answers(answers: Vec<(Reply, Answer)>, delivery: Delivery) {
    let mut answers = answers.into_iter();
    delivery(&mut || {
        for (reply, answer) in answers.by_ref() {
            if panic::catch_unwind(AssertUnwindSafe(|| reply.answer(answer))).is_err() {
                log::error!("an answer could not be given: its reply panicked");
            }
        }
    });
}
