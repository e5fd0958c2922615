//! A batch in doubt: its connection ended in the commit, and the store is asked what became of it.

use std::mem;
use std::time::{Duration, Instant};

use super::batch::Batch;
use super::commit_loop::CommitLoop;
use super::halt::Halt;
use super::{CommandError, WriterExit};
use crate::store::Decision;

/// How often the store is asked.
const POLL: Duration = Duration::from_millis(20);

impl CommitLoop {
    /// Answers the batch if it has committed, and returns it, to be executed again, if nothing of it was applied. A stop
    /// waits for the store as well, as long as for the last checkpoint.
    ///
    /// Before the store has told, nothing is written, and no reader's time passes that of the batch. A command of the batch
    /// that is past its deadline is answered that its outcome is unknown; one in the queue, that it was not executed.
    pub fn end_doubt(&mut self, mut batch: Batch, why: &str) -> Result<Option<Batch>, Halt> {
        log::warn!("a batch of {} is in doubt: {why}", batch.len());
        let (decisions, stop) = match self.settle(&mut batch) {
            Ok(settled) => settled,
            Err(exit) => {
                batch.answer_all(&CommandError::Unknown, self.delivery);
                return Err(exit.into());
            }
        };
        self.clock.end_batch();
        self.health.is_reached();
        let again = if let Some(decisions) = decisions {
            log::info!("the batch in doubt has committed");
            self.note_transaction(&batch);
            batch.answer_decisions(decisions, self.delivery);
            None
        } else {
            log::info!("nothing of the batch in doubt was applied");
            batch.remove_answered();
            Some(batch)
        };
        if let Some(by) = stop {
            if let Some(batch) = again {
                batch.answer_all(&CommandError::Stopped, self.delivery);
            }
            return Err(Halt::Stop(by));
        }
        if again.is_none() {
            self.probe()?;
        }
        Ok(again)
    }

    /// Asks until the store tells; and, if the writer was told to stop meanwhile, until when the last checkpoint may be
    /// tried.
    fn settle(
        &mut self,
        batch: &mut Batch,
    ) -> Result<(Option<Vec<Decision>>, Option<Instant>), WriterExit> {
        let mut stop = None;
        let mut is_news = true;
        loop {
            batch.answer_late(&CommandError::Unknown, self.delivery);
            let failure = match self.store.settle() {
                Ok(settled) => return Ok((settled, stop)),
                Err(failure) => failure,
            };
            if let Some(exit) = WriterExit::after(&failure) {
                self.health.failed(&failure);
                return Err(exit);
            }
            if mem::take(&mut is_news) {
                log::warn!("what became of the batch in doubt is not known yet: {failure}");
            }
            self.health.waits_for_store(&failure);
            stop = self.is_told_to_stop().or(stop);
            if let Some(by) = stop {
                self.queue.refuse_all(self.delivery);
                if by <= Instant::now() {
                    return Err(WriterExit::Unknown);
                }
            }
            self.pause(POLL);
        }
    }
}
