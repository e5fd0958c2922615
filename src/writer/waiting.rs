//! What the writer waits for between batches: a command, a deadline, a control, a store that may be well again.

use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant};

use crossbeam_channel::select;

use super::commit_loop::CommitLoop;
use super::halt::Halt;
use super::wake::Wake;
use super::{Control, Job, WriterExit};
use crate::store::{Rest, StoreError};

/// Between two sweeps of which the first has left something.
const BREATH: Duration = Duration::from_millis(1);
/// Quiet for this long, the writer looks when the next deadline falls due …
const QUIET: Duration = Duration::from_millis(20);
/// … and each time that it was for this long, it checkpoints the log, and looks again: another process may have moved the
/// next deadline, left something in the log, or moved the database.
const IDLE: Duration = Duration::from_secs(1);

impl CommitLoop {
    /// The next command, or the next deadline, whichever is first.
    pub fn next(&mut self) -> Result<Wake, Halt> {
        let began = Instant::now();
        let quiet = if self.sweeping.has_more() {
            BREATH
        } else {
            QUIET
        };
        let first = match self.wait(quiet) {
            Some(wake) => wake,
            None => self.idle()?,
        };
        if began.elapsed() >= self.store.gap() {
            self.stretch_began = Instant::now();
        }
        Ok(first)
    }

    /// `None` if nothing happens for so long.
    fn wait(&mut self, longest: Duration) -> Option<Wake> {
        if let Some(first) = self.queue.take_first() {
            return Some(Wake::Job(first));
        }
        let wake = |job: Result<Job, _>| job.map_or_else(|_| Wake::Stop(Instant::now()), Wake::Job);
        select! {
            recv(self.queue.jobs) -> job => Some(wake(job)),
            recv(self.controls) -> control => Some(match control {
                Ok(Control::Stop(by)) => Wake::Stop(by),
                Ok(Control::Ping) => {
                    self.heartbeat.fetch_add(1, Ordering::SeqCst);
                    Wake::Pinged
                }
                Err(_) => wake(self.queue.jobs.recv()),
            }),
            default(longest) => None,
        }
    }

    fn idle(&mut self) -> Result<Wake, WriterExit> {
        loop {
            let until_due = self.until_next_deadline()?;
            if until_due.is_zero() {
                return Ok(Wake::Deadline);
            }
            if let Some(wake) = self.wait(IDLE.min(until_due)) {
                return Ok(wake);
            }
            self.keep_time(self.kept_time.is_due(&self.clock))?;
            self.maintain(Rest::Long)?;
        }
    }

    /// Reads the controls where the writer waits for something else.
    pub fn is_told_to_stop(&self) -> Option<Instant> {
        self.controls.try_iter().find_map(|control| match control {
            Control::Stop(by) => Some(by),
            Control::Ping => {
                self.heartbeat.fetch_add(1, Ordering::SeqCst);
                None
            }
        })
    }

    /// Waits for a store that is busy, away or not sure, and refuses what waits too long meanwhile.
    pub fn pause(&mut self, pause: Duration) {
        thread::sleep(pause);
        self.queue.refuse_late(self.delivery);
    }

    fn until_next_deadline(&mut self) -> Result<Duration, WriterExit> {
        if let Some(until_probe) = self.health.until_probe() {
            return Ok(until_probe);
        }
        let deadline = self.store.next_deadline(&self.terms);
        if deadline.is_ok() {
            self.health.is_reached();
        }
        match deadline {
            Ok(Some(deadline)) => {
                let micros = deadline.micros().saturating_sub(self.clock.now().micros());
                let until_due = Duration::from_micros(u64::try_from(micros).unwrap_or(0));
                Ok(until_due.max(self.sweeping.until_tried_again()))
            }
            Ok(None) | Err(StoreError::Busy) => Ok(IDLE),
            Err(failure @ StoreError::Away(_)) => {
                self.health.waits_for_store(&failure);
                Ok(IDLE)
            }
            Err(failure) => {
                log::error!("the next deadline cannot be read: {failure}");
                self.housekeeping_failed(&failure).map(|()| IDLE)
            }
        }
    }
}
