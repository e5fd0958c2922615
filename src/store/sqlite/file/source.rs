//! Reading a database that this user may not write: a file or a folder without the permission, or a file system mounted to
//! be read.
//!
//! A database in WAL mode is read with its log and with the index of that log, `-shm`, and SQLite makes the two where they
//! are missing: in a folder where it may not, it reads nothing, and in one where it may, it leaves files behind that their
//! owner may not open. So:
//!
//! | beside the file | read is |
//! |---|---|
//! | a log and its index | the database as ever: a server may have it open |
//! | no log, or an empty one without an index | the file alone, since no process has it open; that none has come meanwhile is checked in the end |
//! | a log without its index | a private copy of both, in which the index can be made |

use std::ffi::OsString;
use std::fs::{self, Permissions};
use std::io;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{Access, access};
use tempfile::TempDir;

use super::named_file::beside;
use crate::store::OpenError;

/// Where a reader's connections lead.
#[derive(Debug)]
pub enum Source {
    /// To the file by its name.
    Live,
    /// To the file alone, which SQLite is told not to expect changes of.
    Still { path: PathBuf, seen: FileVersion },
    /// To a copy that is gone in the end.
    Copy { folder: TempDir },
}

/// By what a change of the file shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileVersion {
    inode: u64,
    bytes: u64,
    changed_at: (i64, i64),
}

impl Source {
    pub fn of(path: &Path) -> Result<Source, OpenError> {
        let folder = path.parent().unwrap_or(Path::new("/"));
        let may_write = |path: &Path| access(path, Access::WRITE_OK).is_ok();
        let has_index = beside(path, "-shm").exists();
        let log_bytes = log_bytes(path).map_err(OpenError::Unreadable)?;
        if (may_write(path) && may_write(folder)) || (has_index && log_bytes.is_some()) {
            Ok(Source::Live)
        } else if log_bytes.is_none_or(|bytes| bytes == 0) {
            let seen = FileVersion::at(path).map_err(OpenError::Unreadable)?;
            let path = path.to_owned();
            Ok(Source::Still { path, seen })
        } else {
            copied(path)
        }
    }

    /// The name that connections open.
    pub fn address(&self, path: &Path) -> PathBuf {
        match self {
            Source::Live => path.to_owned(),
            Source::Still { path, .. } => address_of_still(path),
            Source::Copy { folder } => folder.path().join(COPY_NAME),
        }
    }

    /// What was read was one state of the database, if no process has begun to write it.
    pub fn ensure_was_still(&self) -> Result<(), OpenError> {
        let Source::Still { path, seen } = self else {
            return Ok(());
        };
        let now = FileVersion::at(path).map_err(OpenError::Unreadable)?;
        let log_bytes = log_bytes(path).map_err(OpenError::Unreadable)?;
        if now == *seen && log_bytes.is_none_or(|bytes| bytes == 0) {
            Ok(())
        } else {
            Err(OpenError::Changed)
        }
    }
}

impl FileVersion {
    fn at(path: &Path) -> io::Result<FileVersion> {
        let metadata = fs::metadata(path)?;
        Ok(FileVersion {
            inode: metadata.ino(),
            bytes: metadata.len(),
            changed_at: (metadata.mtime(), metadata.mtime_nsec()),
        })
    }
}

const COPY_NAME: &str = "copy.db";

fn copied(path: &Path) -> Result<Source, OpenError> {
    let log = beside(path, "-wal");
    let folder = copy_both(path, &log).map_err(OpenError::Unreadable)?;
    let folder = folder.ok_or(OpenError::Changed)?;
    log::info!(
        "{}: its log has no index, and this user may not make one there; a copy of both is read, in {}",
        path.display(),
        folder.path().display()
    );
    Ok(Source::Copy { folder })
}

/// `None`: they changed meanwhile.
fn copy_both(path: &Path, log: &Path) -> io::Result<Option<TempDir>> {
    let seen = || -> io::Result<_> { Ok((FileVersion::at(path)?, FileVersion::at(log)?)) };
    let before = seen()?;
    let folder = tempfile::Builder::new().prefix("flashsale-").tempdir()?;
    let copy = folder.path().join(COPY_NAME);
    for (from, to) in [(path, &copy), (log, &beside(&copy, "-wal"))] {
        fs::copy(from, to)?;
        fs::set_permissions(to, Permissions::from_mode(0o600))?;
    }
    Ok((seen()? == before).then_some(folder))
}

/// `None`: there is none.
fn log_bytes(path: &Path) -> io::Result<Option<u64>> {
    match fs::metadata(beside(path, "-wal")) {
        Ok(metadata) => Ok(Some(metadata.len())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// The path as a URI (<https://www.sqlite.org/uri.html>), each byte that could mean something else escaped.
pub fn address_of_still(path: &Path) -> PathBuf {
    let mut uri = b"file://".to_vec();
    for byte in path.as_os_str().as_bytes() {
        if byte.is_ascii_alphanumeric() || b"/-_.".contains(byte) {
            uri.push(*byte);
        } else {
            uri.extend(format!("%{byte:02X}").bytes());
        }
    }
    uri.extend(b"?immutable=1");
    OsString::from_vec(uri).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_was_still_while_its_log_stayed_empty() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("shop.db");
        fs::write(&path, "rows").unwrap();
        let seen = FileVersion::at(&path).unwrap();
        let still = Source::Still { path, seen };
        still.ensure_was_still().unwrap();
        let log = folder.path().join("shop.db-wal");
        fs::write(&log, "").unwrap();
        still.ensure_was_still().unwrap();
        fs::write(&log, "a commit").unwrap();
        let changed = still.ensure_was_still().unwrap_err();
        assert!(matches!(changed, OpenError::Changed));
        fs::remove_file(&log).unwrap();
        std::os::unix::fs::symlink(&log, &log).unwrap();
        let unknown = still.ensure_was_still().unwrap_err();
        assert!(matches!(unknown, OpenError::Unreadable(_)));
    }
}
