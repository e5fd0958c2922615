//! `<db>.lock`: held by the one process that serves the database, or creates or migrates it. It says what that process's
//! wall clock says, so that a command beside a server can tell whether the two agree.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use super::named_file::{Identity, beside};
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
        drop(lock);
        assert_eq!(ServeLock::published(&database), None);
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
