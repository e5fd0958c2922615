//! A database file that is written under a temporary name, in a folder of its own beside the final name, and is renamed once
//! it is whole, and only if nothing else has that name.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io;
use std::iter;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use tempfile::{Builder, NamedTempFile, TempDir};

use super::cli_error::CliError;
use super::exit_status::{CANNOT_CREATE, IO_ERROR};
use super::report::retry_while_busy;
use crate::store::{self, Access, Books, Check, Database, Depth, OpenError, Place, StoreError};

/// Dropping it removes the folder with all that is in it; a process that is killed leaves the folder.
pub struct StagedFile {
    file: NamedTempFile,
    folder: TempDir,
    dest: PathBuf,
}

impl StagedFile {
    /// `prefix` begins the name of the temporary folder.
    pub fn new(dest: &Path, prefix: &str) -> Result<StagedFile, CliError> {
        let refused = |error| cannot_create(dest, &error);
        let dest = std::path::absolute(dest).map_err(refused)?;
        if let Some(taken) = taken(&dest) {
            let message = format!("{}: there is something already", taken.display());
            return Err(CliError::new(CANNOT_CREATE, message));
        }
        let beside = dest
            .parent()
            .expect("only a root, which is there, has no parent");
        let folder = Builder::new()
            .prefix(prefix)
            .permissions(Permissions::from_mode(0o700))
            .tempdir_in(beside)
            .map_err(refused)?;
        let file = NamedTempFile::new_in(folder.path()).map_err(refused)?;
        Ok(StagedFile { file, folder, dest })
    }

    pub fn path(&self) -> &Path {
        self.file.path()
    }

    /// Further files that are needed until the file is published may lie here.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Becomes a copy of the database.
    pub fn copy(&self, books: &dyn Books) -> Result<(), CliError> {
        let copied = retry_while_busy(|| books.back_up(self.path()));
        copied.map_err(|failure| self.failed(failure))
    }

    /// The file is opened anew, as the program that will read it opens it.
    pub fn open(&self) -> Result<Box<dyn Database>, CliError> {
        let place = Place::File(self.path().to_owned());
        store::open(&place, Access::Read).map_err(|error| self.cannot_verify(&error))
    }

    pub fn verify(&self) -> Result<Vec<Check>, CliError> {
        let copy = self.open()?;
        let books = copy.books().map_err(|error| self.cannot_verify(&error))?;
        let checks = books.audit(Depth::Full);
        checks.map_err(|failure| self.failed(failure))
    }

    fn cannot_verify(&self, error: &OpenError) -> CliError {
        let message = format!("{}: it cannot be verified: {error}", self.dest.display());
        CliError::new(IO_ERROR, message)
    }

    pub fn bytes(&self) -> Result<u64, CliError> {
        let metadata = self.file.as_file().metadata();
        Ok(metadata.map_err(|error| self.io_error(&error))?.len())
    }

    /// Syncs the file and renames it, unless something else has taken the name meanwhile.
    pub fn publish(self) -> Result<(), CliError> {
        self.file
            .as_file()
            .sync_all()
            .map_err(|error| self.io_error(&error))?;
        let dest = self.dest;
        match self.file.persist_noclobber(&dest) {
            Ok(_) => {}
            Err(failed) if may_be_unsupported(&failed.error) => {
                replace_placeholder(failed.file, &dest)
                    .map_err(|error| cannot_create(&dest, &error))?;
            }
            Err(failed) => return Err(cannot_create(&dest, &failed.error)),
        }
        sync_folder(&dest)
    }

    pub fn failed(&self, failure: StoreError) -> CliError {
        let error = CliError::from(failure);
        CliError {
            message: format!("{}: {}", self.dest.display(), error.message),
            ..error
        }
    }

    fn io_error(&self, error: &io::Error) -> CliError {
        CliError::new(IO_ERROR, format!("{}: {error}", self.dest.display()))
    }
}

/// Errors of file systems that know no hard links, or not as many.
fn may_be_unsupported(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::InvalidInput
            | io::ErrorKind::PermissionDenied
            | io::ErrorKind::TooManyLinks
            | io::ErrorKind::Unsupported
    )
}

/// Where the file system can neither link nor rename without replacing: an empty file takes the name, which only succeeds if
/// the name is free, and the staged file replaces that. A process that is killed in between leaves the empty file.
fn replace_placeholder(file: NamedTempFile, dest: &Path) -> io::Result<()> {
    let placeholder = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(dest)?;
    file.persist(dest).map(drop).map_err(|failed| {
        let identity = |metadata: fs::Metadata| (metadata.dev(), metadata.ino());
        let ours = placeholder.metadata().map(identity).ok();
        if fs::symlink_metadata(dest).map(identity).ok() == ours {
            fs::remove_file(dest).ok();
        }
        failed.error
    })
}

/// Not every file system has folders that can be synced; on one without, the name is as durable as it gets.
fn sync_folder(dest: &Path) -> Result<(), CliError> {
    let beside = dest.parent().expect("a file is in a folder");
    match File::open(beside).and_then(|folder| folder.sync_all()) {
        Err(error)
            if !matches!(
                error.kind(),
                io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported
            ) =>
        {
            let message = format!(
                "{}: it is there, and may be gone after a power loss: {error}",
                dest.display()
            );
            Err(CliError::new(IO_ERROR, message))
        }
        Ok(()) | Err(_) => Ok(()),
    }
}

/// A file at DEST, or one that would be taken for a part of the same database.
fn taken(dest: &Path) -> Option<PathBuf> {
    let mut names = iter::once(dest.to_owned()).chain(store::names_beside(dest));
    names.find(|name| fs::symlink_metadata(name).is_ok())
}

/// A folder that is missing or not ours to write to is 73, a disk without room 74.
fn cannot_create(dest: &Path, error: &io::Error) -> CliError {
    let is_out_of_room = matches!(
        error.kind(),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge
    );
    let code = if is_out_of_room {
        IO_ERROR
    } else {
        CANNOT_CREATE
    };
    CliError::new(code, format!("{}: {error}", dest.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_takes_the_name_meanwhile_keeps_it() {
        let folder = tempfile::tempdir().unwrap();
        let dest = folder.path().join("copy.db");
        let staged = StagedFile::new(&dest, ".staged-").unwrap();
        fs::write(&dest, "somebody's").unwrap();
        assert_eq!(staged.publish().unwrap_err().code, CANNOT_CREATE);
        assert_eq!(fs::read(&dest).unwrap(), b"somebody's");
        assert_eq!(folder.path().read_dir().unwrap().count(), 1);
    }

    #[test]
    fn a_placeholder_takes_no_name_that_is_taken() {
        let folder = tempfile::tempdir().unwrap();
        let dest = folder.path().join("copy.db");
        let file = |text: &str| {
            let file = NamedTempFile::new_in(folder.path()).unwrap();
            fs::write(file.path(), text).unwrap();
            file
        };
        replace_placeholder(file("first"), &dest).unwrap();
        assert_eq!(fs::read(&dest).unwrap(), b"first");
        let refused = replace_placeholder(file("second"), &dest).unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(fs::read(&dest).unwrap(), b"first");
        assert_eq!(folder.path().read_dir().unwrap().count(), 1);
    }
}
