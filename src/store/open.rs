//! The one place that knows which engines there are: a database is opened by the place that the configuration names.

use std::fmt;
use std::path::{Path, PathBuf};

use super::sqlite::{self, DatabaseFile, ServeLock};
use super::{Access, Database, OpenError, Serving};

pub use super::sqlite::names_beside;

/// Where a database is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    File(PathBuf),
}

impl Place {
    /// As the configuration names it.
    pub fn named(name: &str) -> Place {
        Place::File(name.into())
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::File(path) => path.display().fmt(f),
        }
    }
}

/// To create or migrate is refused while the database is served.
pub fn open(place: &Place, access: Access) -> Result<Box<dyn Database>, OpenError> {
    match place {
        Place::File(path) => Ok(Box::new(DatabaseFile::open(path, access)?)),
    }
}

/// `OpenError::Served` where another process serves the database and only one may.
pub fn serve(place: &Place) -> Result<Box<dyn Serving>, OpenError> {
    match place {
        Place::File(path) => Ok(Box::new(ServeLock::take(path)?)),
    }
}

/// What the process that serves the database has published of its wall clock, if one does.
pub fn published_clock(place: &Place) -> Option<String> {
    match place {
        Place::File(path) => ServeLock::published(path),
    }
}

/// Opens the file that a database is restored from, and keeps it from being served meanwhile. `folder` is for what must be
/// copied to be read.
pub fn open_source(file: &Path, folder: &Path) -> Result<Box<dyn Database>, OpenError> {
    Ok(Box::new(sqlite::open_source(file, folder)?))
}
