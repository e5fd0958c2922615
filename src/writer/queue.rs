//! The queue of commands, as the writer takes from it.

use std::iter;
use std::time::Instant;

use crossbeam_channel::Receiver;

use super::batch::send_answers;
use super::{CommandError, Delivery, Job};

pub struct Queue {
    pub jobs: Receiver<Job>,
    /// The first of the queue, which was looked at and is not late.
    first: Option<Job>,
}

impl Queue {
    pub fn new(jobs: Receiver<Job>) -> Queue {
        Queue { jobs, first: None }
    }

    /// The job that was looked at, if one was, which does not wait in `jobs` any more.
    pub fn take_first(&mut self) -> Option<Job> {
        self.first.take()
    }

    /// What waits at present. Jobs that the iterator did not come to stay in the queue.
    pub fn take(&mut self) -> impl Iterator<Item = Job> {
        iter::from_fn(|| self.next())
    }

    fn next(&mut self) -> Option<Job> {
        self.first.take().or_else(|| self.jobs.try_recv().ok())
    }

    /// Refuses commands that have waited too long, unexecuted. Deadlines are in the order of the queue.
    pub fn refuse_late(&mut self, delivery: Delivery) {
        let now = Instant::now();
        let mut late = Vec::new();
        while let Some(job) = self.next() {
            if job.deadline > now {
                self.first = Some(job);
                break;
            }
            late.push((job.reply, Err(CommandError::Overloaded)));
        }
        send_answers(late, delivery);
    }

    /// Refuses all that waits.
    pub fn refuse_all(&mut self, delivery: Delivery) {
        let refused = self.take();
        let refused = refused.map(|job| (job.reply, Err(CommandError::Stopped)));
        send_answers(refused.collect(), delivery);
    }
}
