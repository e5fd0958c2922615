//! Which files a database is: that what was opened is still what the paths name. Nothing here opens them: closing another
//! descriptor of the database would take away the locks that SQLite has on it.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::store::OpenError;

/// One file, under whatever name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identity {
    device: u64,
    inode: u64,
}

impl Identity {
    /// Of what stands at the path; `None` where nothing does that this process may see.
    pub fn at(path: &Path) -> Option<Identity> {
        fs::symlink_metadata(path).ok().as_ref().map(Identity::of)
    }

    pub fn of(metadata: &fs::Metadata) -> Identity {
        Identity {
            device: metadata.dev(),
            inode: metadata.ino(),
        }
    }
}

/// A name, and the file that it named when it was opened. An open file keeps its inode from being given to another.
#[derive(Clone, Debug)]
pub struct NamedFile {
    path: PathBuf,
    pub identity: Identity,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    InPlace,
    Gone,
    Replaced,
}

impl NamedFile {
    pub fn at(path: PathBuf) -> Option<NamedFile> {
        let identity = Identity::at(&path)?;
        Some(NamedFile { path, identity })
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    pub fn fate(&self) -> Fate {
        match Identity::at(&self.path) {
            Some(identity) if identity == self.identity => Fate::InPlace,
            Some(_) => Fate::Replaced,
            None => Fate::Gone,
        }
    }

    /// What to say where the name means this file no longer.
    pub fn displacement(&self) -> Option<String> {
        let fate = match self.fate() {
            Fate::InPlace => return None,
            Fate::Gone => "was moved or removed",
            Fate::Replaced => "was replaced by another file",
        };
        Some(format!("{} {fate} while it was open", self.path.display()))
    }
}

/// The files of a database that is being written: itself, its log, and the log's index. As long as a connection is open,
/// SQLite gives none of them up.
#[derive(Debug)]
pub struct OpenFiles {
    pub database: NamedFile,
    pub log: NamedFile,
    pub index: NamedFile,
}

impl OpenFiles {
    /// `None` where one of them is not there.
    pub fn of(database: &NamedFile) -> Option<OpenFiles> {
        Some(OpenFiles {
            database: database.clone(),
            log: NamedFile::at(beside(&database.path, "-wal"))?,
            index: NamedFile::at(beside(&database.path, "-shm"))?,
        })
    }

    pub fn displacement(&self) -> Option<String> {
        [&self.database, &self.log, &self.index]
            .into_iter()
            .find_map(NamedFile::displacement)
    }

    pub fn log_bytes(&self) -> u64 {
        fs::symlink_metadata(&self.log.path).map_or(0, |log| log.len())
    }

    /// Takes the log away from beside a file that it does not belong to, and its index with it.
    pub fn put_log_aside(&self) -> io::Result<()> {
        if self.log.fate() == Fate::InPlace && has_content(&self.log.path) {
            let lost = free_name(&self.log.path);
            fs::rename(&self.log.path, &lost)?;
            log::warn!(
                "the log of the database that was served is put aside as {}",
                lost.display()
            );
        }
        if self.index.fate() == Fate::InPlace {
            fs::remove_file(&self.index.path)?;
        }
        Ok(())
    }
}

/// `<log>.lost`, with a number where that is taken: what an earlier accident left is kept.
fn free_name(log: &Path) -> PathBuf {
    let first = beside(log, ".lost");
    let numbered = (1..).map(|number| beside(log, &format!(".lost.{number}")));
    std::iter::once(first)
        .chain(numbered)
        .find(|name| fs::symlink_metadata(name).is_err())
        .expect("some number is free")
}

/// What SQLite puts beside a database under its name.
const COMPANIONS: [&str; 3] = ["-wal", "-shm", "-journal"];

/// The names that SQLite would take for a part of the database, and those of the databases that it would take this one for a
/// part of.
pub fn names_beside(database: &Path) -> impl Iterator<Item = PathBuf> {
    let parts = COMPANIONS.map(|suffix| beside(database, suffix));
    let wholes =
        COMPANIONS.map(|suffix| database.to_str()?.strip_suffix(suffix).map(PathBuf::from));
    parts.into_iter().chain(wholes.into_iter().flatten())
}

/// The file whose name is the database's with this at its end.
pub fn beside(database: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(database);
    name.push(suffix);
    name.into()
}

/// An empty log, as a checkpoint leaves it, has nothing to play.
pub fn has_content(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|metadata| metadata.len() > 0)
}

/// A database is one regular file of one name, in the folder that its log is in too.
pub fn ensure_is_one_file(path: &Path, metadata: &fs::Metadata) -> Result<(), OpenError> {
    if metadata.file_type().is_symlink() {
        return Err(OpenError::Symlink);
    }
    if !metadata.is_file() {
        return Err(OpenError::NotOurs);
    }
    if metadata.nlink() > 1 {
        return Err(OpenError::HardLinked {
            names: metadata.nlink(),
        });
    }
    if is_mounted_alone(path, metadata) {
        return Err(OpenError::MountedAlone);
    }
    Ok(())
}

/// Whether the file is a mount of its own. Devices do not tell: a bind mount may be of the same one, and an overlay shows
/// files and folders of one place under different ones. They are asked only where there is no list of mounts.
fn is_mounted_alone(path: &Path, metadata: &fs::Metadata) -> bool {
    let Ok(real) = fs::canonicalize(path) else {
        return false;
    };
    match fs::read("/proc/self/mountinfo") {
        Ok(mounts) => {
            use std::os::unix::ffi::OsStrExt;
            is_mount_point(&mounts, real.as_os_str().as_bytes())
        }
        Err(_) => real
            .parent()
            .and_then(|folder| fs::metadata(folder).ok())
            .is_some_and(|folder| folder.dev() != metadata.dev()),
    }
}

/// The fifth field of each line is a mount point, with octal escapes for what would end it (proc_pid_mountinfo(5)).
fn is_mount_point(mountinfo: &[u8], path: &[u8]) -> bool {
    mountinfo
        .split(|byte| *byte == b'\n')
        .filter_map(|line| line.split(|byte| *byte == b' ').nth(4))
        .any(|point| unescaped(point) == path)
}

fn unescaped(field: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(field.len());
    let mut rest = field;
    while let Some((&first, others)) = rest.split_first() {
        let octal = others
            .get(..3)
            .filter(|_| first == b'\\')
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .and_then(|digits| u8::from_str_radix(digits, 8).ok());
        bytes.push(octal.unwrap_or(first));
        rest = if octal.is_some() {
            &others[3..]
        } else {
            others
        };
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mount_point_is_found_whatever_its_name() {
        let mounts = b"22 1 254:0 / / rw,relatime - ext4 /dev/vda rw\n\
            40 22 254:0 /shop.db /srv/the\\040shop\\134s/shop.db rw - ext4 /dev/vda rw\n";
        assert!(is_mount_point(mounts, b"/srv/the shop\\s/shop.db"));
        assert!(is_mount_point(mounts, b"/"));
        assert!(!is_mount_point(mounts, b"/srv/shop.db"));
        assert!(!is_mount_point(b"", b"/"));
    }

    #[test]
    fn what_an_earlier_accident_left_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("shop.db-wal");
        let name = |path: PathBuf| path.file_name().unwrap().to_str().unwrap().to_owned();
        assert_eq!(name(free_name(&log)), "shop.db-wal.lost");
        fs::write(folder.path().join("shop.db-wal.lost"), "").unwrap();
        fs::write(folder.path().join("shop.db-wal.lost.1"), "").unwrap();
        assert_eq!(name(free_name(&log)), "shop.db-wal.lost.2");
    }
}
