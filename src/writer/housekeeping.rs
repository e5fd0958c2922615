//! What the writer does for the store between batches: checkpoints, a probe after a failure, the time that must be kept.

use std::thread;
use std::time::{Duration, Instant};

use super::WriterExit;
use super::commit_loop::CommitLoop;
use crate::store::{Checkpoint, Rest, StoreError};

/// How often the last checkpoint is tried again.
const LAST_CHECKPOINT_POLL: Duration = Duration::from_millis(10);

impl CommitLoop {
    pub fn maintain(&mut self, rest: Rest) -> Result<(), WriterExit> {
        match self.store.rest(rest) {
            Ok(Checkpoint::Complete) => self.log_watch.emptied(),
            Ok(Checkpoint::Incomplete { log_bytes }) => self.log_watch.kept(log_bytes),
            Err(StoreError::Busy) => self.log_watch.kept(0),
            Err(failure @ StoreError::Away(_)) => self.health.waits_for_store(&failure),
            Err(failure) => {
                self.log_watch.failed(&failure);
                self.housekeeping_failed(&failure)?;
            }
        }
        Ok(())
    }

    /// What housekeeping finds is as good a reason to stop as what a batch finds.
    pub fn housekeeping_failed(&mut self, failure: &StoreError) -> Result<(), WriterExit> {
        let exit = WriterExit::after(failure);
        if exit.is_some() {
            self.health.failed(failure);
        }
        exit.map_or(Ok(()), Err)
    }

    /// The last checkpoint, so that the database is one file; tried again as long as a reader of another process needs the
    /// log and there is time.
    pub fn empty_log(&mut self, mut by: Instant) -> WriterExit {
        loop {
            match self.store.rest(Rest::Long) {
                Ok(Checkpoint::Complete) => return WriterExit::Drained,
                Ok(Checkpoint::Incomplete { .. }) | Err(StoreError::Busy) => {}
                Err(failure @ StoreError::Away(_)) => {
                    log::warn!("stopped without housekeeping: {failure}");
                    return WriterExit::Drained;
                }
                Err(failure) => {
                    log::error!("the log cannot be checkpointed: {failure}");
                    return self
                        .housekeeping_failed(&failure)
                        .err()
                        .unwrap_or(WriterExit::LogLeft);
                }
            }
            if Instant::now() >= by {
                return WriterExit::LogLeft;
            }
            thread::sleep(LAST_CHECKPOINT_POLL);
            by = self.is_told_to_stop().unwrap_or(by);
        }
    }

    /// After a failure, writes the time: that a batch went well says little, as the batch may have written nothing.
    pub fn probe(&mut self) -> Result<(), WriterExit> {
        if !self.health.has_failed() {
            return Ok(());
        }
        match self.write_time() {
            Ok(()) => {
                self.health.recovered();
                Ok(())
            }
            Err(failure) => self.answer_failure(&failure).1.map_or(Ok(()), Err),
        }
    }

    pub fn keep_time(&mut self, is_due: bool) -> Result<(), WriterExit> {
        if !is_due || self.health.has_failed() {
            return Ok(());
        }
        match self.write_time() {
            Ok(()) => self.kept_time.was_kept(),
            Err(StoreError::Busy | StoreError::Away(_)) => {}
            Err(failure) => return self.answer_failure(&failure).1.map_or(Ok(()), Err),
        }
        Ok(())
    }

    fn write_time(&mut self) -> Result<(), StoreError> {
        let clock = &self.clock;
        let written = self.store.probe(&|last_now| clock.begin_batch(last_now));
        clock.end_batch();
        written
    }
}
