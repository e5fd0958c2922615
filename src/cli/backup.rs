//! `flashsale backup`: a copy of the database while it is served. It is verified before it gets its name, and nothing that
//! has that name already is ever replaced.
//!
//! The database itself is opened by SQLite alone: closing any other descriptor of it would take this process's locks away.

use std::ffi::OsString;
use std::fs::{self, File, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use serde::Serialize;
use tempfile::{Builder, NamedTempFile, TempDir};

use super::report::{Report, patiently};
use super::{CANNOT_CREATE, FOUND_A_PROBLEM, Fault, IO_ERROR, open, verify};
use crate::config::Config;
use crate::store::Failure;
use crate::store::sqlite::{Access, Check, Database, Depth, audit};

#[derive(Args)]
pub struct Backup {
    /// The copy; nothing may be there yet
    #[arg(value_name = "DEST")]
    dest: PathBuf,
    #[command(flatten)]
    report: Report,
}

#[derive(Serialize)]
struct Copied {
    path: String,
    bytes: u64,
    /// Otherwise there is no copy.
    ok: bool,
    checks: Vec<Check>,
}

impl Backup {
    pub fn run(&self, config: &Config) -> Result<ExitCode, Fault> {
        let database = open(config, Access::Existing)?;
        let draft = Draft::of(&self.dest)?;
        let copied = patiently(|| database.back_up(draft.file.path()));
        copied.map_err(|failure| draft.failed(failure))?;
        let checks = draft.verify()?;
        let copied = Copied {
            path: self.dest.display().to_string(),
            bytes: draft.bytes()?,
            ok: checks.iter().all(|check| check.broken == 0),
            checks,
        };
        if copied.ok {
            draft.publish()?;
        }
        self.report.print(&copied.text(), &copied)?;
        Ok(if copied.ok {
            ExitCode::SUCCESS
        } else {
            ExitCode::from(FOUND_A_PROBLEM)
        })
    }
}

impl Copied {
    fn text(&self) -> String {
        if self.ok {
            return format!("{}: {} bytes, verified", self.path, self.bytes);
        }
        let broken = self.checks.iter().filter(|check| check.broken > 0);
        let mut lines: Vec<String> = broken.map(verify::line).collect();
        lines.push(format!(
            "{}: not made, since the books have drifted",
            self.path
        ));
        lines.join("\n")
    }
}

/// A copy that has no name yet: in a folder of its own beside where it will be, which goes with all that is in it.
struct Draft {
    file: NamedTempFile,
    _folder: TempDir,
    dest: PathBuf,
}

/// What SQLite puts beside a database. One that an older database left would be played into the copy.
const COMPANIONS: [&str; 3] = ["-wal", "-shm", "-journal"];

impl Draft {
    fn of(dest: &Path) -> Result<Draft, Fault> {
        let cannot_create = |error| refused(dest, &error);
        let dest = std::path::absolute(dest).map_err(cannot_create)?;
        if let Some(taken) = taken(&dest) {
            let message = format!("{}: there is something already", taken.display());
            return Err(Fault::new(CANNOT_CREATE, message));
        }
        let beside = dest
            .parent()
            .expect("only a root, which is there, has no parent");
        let folder = Builder::new()
            .prefix(".flashsale-backup-")
            .permissions(Permissions::from_mode(0o700))
            .tempdir_in(beside)
            .map_err(cannot_create)?;
        let file = NamedTempFile::new_in(folder.path()).map_err(cannot_create)?;
        Ok(Draft {
            file,
            _folder: folder,
            dest,
        })
    }

    /// As the program that will open it sees it.
    fn verify(&self) -> Result<Vec<Check>, Fault> {
        let cannot_open = |error| {
            let message = format!("{}: it cannot be verified: {error}", self.dest.display());
            Fault::new(IO_ERROR, message)
        };
        let copy = Database::open(self.file.path(), Access::Existing).map_err(cannot_open)?;
        let conn = copy.read_connection().map_err(cannot_open)?;
        audit(&conn, Depth::Full).map_err(|failure| self.failed(failure))
    }

    fn bytes(&self) -> Result<u64, Fault> {
        let metadata = self.file.as_file().metadata();
        Ok(metadata.map_err(|error| self.broke(&error))?.len())
    }

    /// Gives the copy its name once it is on the disk, and only if nobody has taken the name meanwhile.
    fn publish(self) -> Result<(), Fault> {
        self.file
            .as_file()
            .sync_all()
            .map_err(|error| self.broke(&error))?;
        let beside = self.dest.parent().expect("a file is in a folder");
        let file = self
            .file
            .persist_noclobber(&self.dest)
            .map_err(|failed| refused(&self.dest, &failed.error))?;
        drop(file);
        File::open(beside)
            .and_then(|folder| folder.sync_all())
            .map_err(|error| {
                let message = format!(
                    "{}: it is there, and may be gone after a power loss: {error}",
                    self.dest.display()
                );
                Fault::new(IO_ERROR, message)
            })
    }

    fn failed(&self, failure: Failure) -> Fault {
        let fault = Fault::from(failure);
        Fault {
            message: format!("{}: {}", self.dest.display(), fault.message),
            ..fault
        }
    }

    fn broke(&self, error: &io::Error) -> Fault {
        Fault::new(IO_ERROR, format!("{}: {error}", self.dest.display()))
    }
}

/// Something that is at DEST, or that would be taken for a part of it, or that it would be taken for a part of.
fn taken(dest: &Path) -> Option<PathBuf> {
    let with = |suffix: &str| {
        let mut name = OsString::from(dest);
        name.push(suffix);
        PathBuf::from(name)
    };
    let without = |suffix: &str| dest.to_str()?.strip_suffix(suffix).map(PathBuf::from);
    let companions = COMPANIONS.into_iter().map(with);
    let databases = COMPANIONS.into_iter().filter_map(without);
    let mut names = std::iter::once(dest.to_owned())
        .chain(companions)
        .chain(databases);
    names.find(|name| fs::symlink_metadata(name).is_ok())
}

/// A folder that is missing or not ours to write to is 73, a disk without room 74.
fn refused(dest: &Path, error: &io::Error) -> Fault {
    let is_out_of_room = matches!(
        error.kind(),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge
    );
    let code = if is_out_of_room {
        IO_ERROR
    } else {
        CANNOT_CREATE
    };
    Fault::new(code, format!("{}: {error}", dest.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_takes_the_name_meanwhile_keeps_it() {
        let folder = tempfile::tempdir().unwrap();
        let dest = folder.path().join("copy.db");
        let draft = Draft::of(&dest).unwrap();
        fs::write(&dest, "somebody's").unwrap();
        assert_eq!(draft.publish().unwrap_err().code, CANNOT_CREATE);
        assert_eq!(fs::read(&dest).unwrap(), b"somebody's");
        assert_eq!(folder.path().read_dir().unwrap().count(), 1);
    }
}
