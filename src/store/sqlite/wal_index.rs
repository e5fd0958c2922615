//! Whether anybody has committed since: the header of the WAL index, by which SQLite's own connections, of every process,
//! find out whether their caches still hold (<https://www.sqlite.org/walformat.html>, "The WAL-Index Header").

use std::ffi::OsString;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// The `-shm` file beside the database.
///
/// Closing any descriptor of it would take the locks away that this process's connections have on it. So whoever has a
/// connection also has a share in this, and lets go of it last.
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
        let mut path = OsString::from(database);
        path.push("-shm");
        WalIndex {
            path: path.into(),
            file: OnceLock::new(),
        }
    }

    /// `None` where it cannot be told. Asked only while a connection is open, which is what keeps the file in its place.
    pub fn version(&self) -> Option<Version> {
        let file = self.file.get_or_init(|| File::open(&self.path).ok());
        let mut headers = [0; 2 * HEADER_BYTES];
        file.as_ref()?.read_exact_at(&mut headers, 0).ok()?;
        version_of(&headers)
    }
}

/// The header stands there twice. Whoever commits writes the second copy first: while they differ, a commit is on its way.
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
