//! `<db>.lock`: held by the one process that serves the database, or creates or migrates it. Its first line is what that
//! process's wall clock says, so that a command beside a server can tell whether the two agree. Its second line is when a backup
//! was made meanwhile: `backup` leaves no file of its own beside a database.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;

use super::named_file::{Identity, beside};
use crate::sale::Timestamp;
use crate::store::OpenError;

/// Let go of when it is dropped, or when its process ends.
#[derive(Debug)]
pub struct ServeLock {
    file: File,
    path: PathBuf,
    pub database: PathBuf,
}

impl ServeLock {
    /// `OpenError::Served` where another process has it.
    pub fn take(database: &Path) -> Result<ServeLock, OpenError> {
        let path = beside(database, ".lock");
        loop {
            let file = OpenOptions::new()
                .create(true)
                .truncate(false)
                .write(true)
                .mode(0o600)
                .open(&path)
                .map_err(OpenError::CannotCreate)?;
            match file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => return Err(OpenError::Served),
                Err(TryLockError::Error(error)) => return Err(OpenError::CannotCreate(error)),
            }
            let locked = file.metadata().map_err(OpenError::CannotCreate)?;
            // The holder before may have removed it, and a third process have made another.
            if Identity::at(&path) == Some(Identity::of(&locked)) {
                let database = database.to_owned();
                return Ok(ServeLock {
                    file,
                    path,
                    database,
                });
            }
        }
    }

    /// Leaves a line for processes that find the lock taken; each line as long as the first.
    pub fn publish(&self, line: &str) -> io::Result<()> {
        self.file.write_all_at(line.as_bytes(), 0)
    }

    /// The line that the process left which serves the database; `None` where none does.
    pub fn published(database: &Path) -> Option<String> {
        let mut file = File::open(beside(database, ".lock")).ok()?;
        match file.try_lock_shared() {
            Err(TryLockError::WouldBlock) => {
                let mut line = String::new();
                file.read_to_string(&mut line).ok()?;
                Some(line)
            }
            Ok(()) | Err(TryLockError::Error(_)) => None,
        }
    }
}

/// What the process that serves the database is told of backups. The lock's holder reads it without asking for the lock.
impl ServeLock {
    /// Where no process serves the database, none is told.
    pub fn note_backup(database: &Path, at: Timestamp) -> io::Result<()> {
        let Some(published) = ServeLock::published(database) else {
            return Ok(());
        };
        let Some(first) = published.find('\n') else {
            return Ok(());
        };
        // The folder may be another user's, who is to have no other file written.
        let file = OpenOptions::new()
            .write(true)
            .custom_flags(OFlags::NOFOLLOW.bits().cast_signed())
            .open(beside(database, ".lock"))?;
        let line = format!("{:>20}\n", at.micros());
        file.write_all_at(line.as_bytes(), first as u64 + 1)
    }

    pub fn last_backup(database: &Path) -> Option<Timestamp> {
        let lock = fs::read_to_string(beside(database, ".lock")).ok()?;
        let micros = lock.lines().nth(1)?.trim_start().parse().ok()?;
        Some(Timestamp::from_micros(micros))
    }
}

/// Removed while it is held: the next holder checks that the lock's name is still its own.
impl Drop for ServeLock {
    fn drop(&mut self) {
        let ours = self.file.metadata().ok().as_ref().map(Identity::of);
        if ours.is_some() && Identity::at(&self.path) == ours {
            fs::remove_file(&self.path).ok();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_at_a_time_has_it_and_it_leaves_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("shop.db");
        assert_eq!(ServeLock::published(&database), None);
        let lock = ServeLock::take(&database).unwrap();
        lock.publish("noon\n").unwrap();
        assert!(matches!(ServeLock::take(&database), Err(OpenError::Served)));
        assert_eq!(ServeLock::published(&database).as_deref(), Some("noon\n"));
        assert_eq!(ServeLock::last_backup(&database), None);
        for micros in [7, 1_704_110_400_000_000] {
            let at = Timestamp::from_micros(micros);
            ServeLock::note_backup(&database, at).unwrap();
            assert_eq!(ServeLock::last_backup(&database), Some(at));
            lock.publish("late\n").unwrap();
            let published = ServeLock::published(&database).unwrap();
            assert!(published.starts_with("late\n"), "{published}");
        }
        drop(lock);
        assert_eq!(ServeLock::published(&database), None);
        ServeLock::note_backup(&database, Timestamp::FIRST).unwrap();
        assert_eq!(folder.path().read_dir().unwrap().count(), 0);
        ServeLock::take(&database).unwrap();
    }

    #[test]
    fn a_lock_that_lost_its_name_keeps_nobody_out_and_removes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("shop.db");
        let first = ServeLock::take(&database).unwrap();
        fs::remove_file(folder.path().join("shop.db.lock")).unwrap();
        let second = ServeLock::take(&database).unwrap();
        drop(first);
        assert!(folder.path().join("shop.db.lock").exists());
        drop(second);
        assert_eq!(folder.path().read_dir().unwrap().count(), 0);
    }
}
