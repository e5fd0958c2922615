//! Whether any process has committed since: the header of the WAL index, by which SQLite's own connections, of every
//! process, find out whether their caches still hold (<https://www.sqlite.org/walformat.html>, "The WAL-Index Header").

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use super::named_file::{Identity, beside};

/// The `-shm` file beside the database.
///
/// Closing any descriptor of it would take the locks away that this process's connections have on it. So the owner
/// of a connection also has a share in this, and lets go of it last.
#[derive(Debug)]
pub struct WalIndex {
    path: PathBuf,
    file: OnceLock<Option<File>>,
}

const HEADER_BYTES: usize = 48;

/// One state of the database: as long as it is this one, every row is the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Version([u8; HEADER_BYTES]);

impl WalIndex {
    pub fn of(database: &Path) -> WalIndex {
        WalIndex {
            path: beside(database, "-shm"),
            file: OnceLock::new(),
        }
    }

    /// `None` where it cannot be told. Asked only while a connection is open, which is what keeps the file in its place.
    pub fn version(&self) -> Option<Version> {
        let mut headers = [0; 2 * HEADER_BYTES];
        self.file()?.read_exact_at(&mut headers, 0).ok()?;
        version_of(&headers)
    }
}

/// Where the checkpoint's figures begin: the first of them counts the frames that are in the database already.
const CHECKPOINT_INFO: usize = 2 * HEADER_BYTES;
const LAST_FRAME: usize = 16;

impl WalIndex {
    /// Whether all that was committed is in the database file, so that the log begins anew with the next frame that is
    /// written or might as well have. Asked by the holder of the write lock; `None` where it cannot be told.
    pub fn is_log_in_database(&self) -> Option<bool> {
        let mut bytes = [0; CHECKPOINT_INFO + 4];
        self.file()?.read_exact_at(&mut bytes, 0).ok()?;
        let number = |at: usize| Some(u32::from_ne_bytes(bytes.get(at..at + 4)?.try_into().ok()?));
        Some(number(CHECKPOINT_INFO)? == number(LAST_FRAME)?)
    }

    /// Which file is read; `None` where none can be.
    pub fn identity(&self) -> Option<Identity> {
        let metadata = self.file()?.metadata().ok()?;
        Some(Identity::of(&metadata))
    }

    fn file(&self) -> Option<&File> {
        let file = self.file.get_or_init(|| File::open(&self.path).ok());
        file.as_ref()
    }
}

/// The header stands there twice. A commit writes the second copy first: while they differ, a commit is on its way.
fn version_of(headers: &[u8; 2 * HEADER_BYTES]) -> Option<Version> {
    const IS_INITIALIZED: usize = 12;
    let (first, second) = headers.split_at(HEADER_BYTES);
    if first != second || first[IS_INITIALIZED] == 0 {
        return None;
    }
    first.try_into().ok().map(Version)
}

#[cfg(test)]
mod tests {
    use rusqlite::Connection;

    use super::*;

    #[test]
    fn every_commit_of_anybody_is_a_new_version_and_nothing_else_is() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("shop.db");
        let wal_index = WalIndex::of(&path);
        let reader = Connection::open(&path).unwrap();
        reader
            .execute_batch("pragma journal_mode = wal; create table t (x);")
            .unwrap();
        let writer = Connection::open(&path).unwrap();
        let rows = || -> i64 {
            reader
                .query_row("select count(*) from t", [], |row| row.get(0))
                .unwrap()
        };

        let before = wal_index.version();
        assert!(before.is_some());
        assert_eq!((rows(), wal_index.version()), (0, before));
        writer
            .execute_batch("begin immediate; insert into t values (1);")
            .unwrap();
        assert_eq!((rows(), wal_index.version()), (0, before));
        writer.execute_batch("commit").unwrap();
        let after = wal_index.version();
        assert!(after.is_some() && after != before);
        assert_eq!((rows(), wal_index.version()), (1, after));
    }

    #[test]
    fn a_header_in_the_middle_of_a_commit_tells_nothing() {
        let mut headers = [1; 2 * HEADER_BYTES];
        assert!(version_of(&headers).is_some());
        headers[20] = 2;
        assert!(version_of(&headers).is_none());
        assert!(version_of(&[0; 2 * HEADER_BYTES]).is_none());
    }
}
