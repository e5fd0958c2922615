//! Where a rehearsal takes place: a folder beside the database, on the same file system, with the room that it needs.

use std::fs::{File, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use rustix::fs::{FallocateFlags, fallocate, fstatvfs};
use tempfile::{Builder, TempDir};

use crate::cli::cli_error::CliError;
use crate::cli::exit_status::CANNOT_CREATE;
use crate::rehearsal::bytes;

/// Dropping it removes the folder with all that is in it.
pub struct Folder {
    folder: TempDir,
}

const PREFIX: &str = ".flashsale-rehearsal-";

/// A log, an index and a database of nothing.
const BYTES_ALWAYS: u64 = 32 << 20;
const BYTES_A_BUYER: u64 = 3 << 10;
const BYTES_A_PRODUCT: u64 = 1 << 10;

impl Folder {
    pub fn beside(database: &Path, buyers: u32, products: usize) -> Result<Folder, CliError> {
        let beside = database
            .parent()
            .filter(|parent| !parent.as_os_str().is_empty())
            .unwrap_or(Path::new("."));
        let cannot = |error: &dyn std::fmt::Display| {
            let message = format!("{}: no folder for the rehearsal: {error}", beside.display());
            CliError::new(CANNOT_CREATE, message)
        };
        let folder = Builder::new()
            .prefix(PREFIX)
            .permissions(Permissions::from_mode(0o700))
            .tempdir_in(std::path::absolute(beside).map_err(|error| cannot(&error))?)
            .map_err(|error| cannot(&error))?;
        let folder = Folder { folder };
        let needed =
            BYTES_ALWAYS + BYTES_A_BUYER * u64::from(buyers) + BYTES_A_PRODUCT * products as u64;
        folder.ensure_room(needed).map_err(|error| {
            cannot(&format!(
                "{} buyers may need {} there: {error}",
                buyers,
                bytes(needed as f64)
            ))
        })?;
        Ok(folder)
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    pub fn database(&self) -> PathBuf {
        self.path().join("rehearsal.db")
    }

    /// Asks the file system for the room, and gives it back: so quotas and limits on file sizes are found, too.
    fn ensure_room(&self, needed: u64) -> io::Result<()> {
        let path = self.path().join("room");
        let file = File::create(&path)?;
        let allocated = fallocate(&file, FallocateFlags::empty(), 0, needed);
        let enough = match allocated.map_err(io::Error::from) {
            // Not every file system can, and then it is asked how much is free.
            Err(error) if error.kind() == io::ErrorKind::Unsupported => {
                let free = fstatvfs(&file)?;
                if free.f_bavail * free.f_frsize < needed {
                    Err(io::ErrorKind::StorageFull.into())
                } else {
                    Ok(())
                }
            }
            asked => asked,
        };
        drop(file);
        std::fs::remove_file(path)?;
        enough
    }
}
