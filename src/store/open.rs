//! The one place that knows which engines there are: a database is opened by the place that the configuration names.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

#[cfg(feature = "postgres")]
pub use super::postgres::TemporarySchema;
#[cfg(feature = "postgres")]
use super::postgres::{self, PostgresDatabase, PostgresServing, Url};
use super::sqlite::{self, DatabaseFile, ServeLock};
use super::{Access, CopySource, CopyTarget, Database, OpenError, Serving};

pub use super::sqlite::names_beside;

const SCHEMES: [&str; 2] = ["postgres://", "postgresql://"];

/// Where a database is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    File(PathBuf),
    #[cfg(feature = "postgres")]
    Server(Url),
}

impl Place {
    /// As the configuration names it. `Err` says what is wrong with the name, and quotes nothing of it: a URL may hold a
    /// password.
    pub fn named(name: &str) -> Result<Place, String> {
        if Place::is_url(name) {
            Place::server(name)
        } else {
            Ok(Place::File(name.into()))
        }
    }

    /// Whether the name is meant as the URL of a server.
    pub fn is_url(name: &str) -> bool {
        SCHEMES.iter().any(|scheme| name.starts_with(scheme))
    }

    #[cfg(feature = "postgres")]
    fn server(url: &str) -> Result<Place, String> {
        Url::parse(url).map(Place::Server)
    }

    #[cfg(not(feature = "postgres"))]
    fn server(_: &str) -> Result<Place, String> {
        Err("this flashsale was built without PostgreSQL (feature `postgres`); name a file".into())
    }

    /// Whether its name holds what others must not see.
    pub fn has_secret(&self) -> bool {
        match self {
            Place::File(_) => false,
            #[cfg(feature = "postgres")]
            Place::Server(url) => url.has_password(),
        }
    }

    /// How many descriptors a connection has open: the file and its log; or a socket, and what its event loop is made of.
    pub fn descriptors_a_connection(&self) -> usize {
        match self {
            Place::File(_) => 2,
            #[cfg(feature = "postgres")]
            Place::Server(_) => 4,
        }
    }

    /// Whether batches are judged by a clock of the database's own, and not by the machine's that serves it.
    pub fn keeps_the_time(&self) -> bool {
        match self {
            Place::File(_) => false,
            #[cfg(feature = "postgres")]
            Place::Server(_) => true,
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::File(path) => path.display().fmt(f),
            #[cfg(feature = "postgres")]
            Place::Server(url) => url.fmt(f),
        }
    }
}

/// To create or migrate is refused while the database is served.
pub fn open(place: &Place, access: Access) -> Result<Box<dyn Database>, OpenError> {
    match place {
        Place::File(path) => Ok(Box::new(DatabaseFile::open(path, access)?)),
        #[cfg(feature = "postgres")]
        Place::Server(url) => Ok(Box::new(PostgresDatabase::open(url, access)?)),
    }
}

/// Whether a database that is not there could be made there; none is.
pub fn ensure_can_be_made(place: &Place) -> Result<(), OpenError> {
    match place {
        Place::File(path) => sqlite::ensure_can_be_made(path),
        #[cfg(feature = "postgres")]
        Place::Server(_) => Ok(()),
    }
}

/// `OpenError::Served` where another process serves the database and only one may. A server far away is waited for as long as
/// a request may wait.
#[cfg_attr(not(feature = "postgres"), expect(unused_variables))]
pub fn serve(place: &Place, wait_max: Duration) -> Result<Box<dyn Serving>, OpenError> {
    match place {
        Place::File(path) => Ok(Box::new(ServeLock::take(path)?)),
        #[cfg(feature = "postgres")]
        Place::Server(url) => Ok(Box::new(PostgresServing {
            url: url.clone(),
            patience: wait_max,
        })),
    }
}

/// What the process that serves the database has published of its wall clock, if one does.
pub fn published_clock(place: &Place) -> Option<String> {
    match place {
        Place::File(path) => ServeLock::published(path),
        #[cfg(feature = "postgres")]
        Place::Server(_) => None,
    }
}

/// Opens the file that a database is restored from, and keeps it from being served meanwhile. `folder` is for what must be
/// copied to be read.
pub fn open_source(file: &Path, folder: &Path) -> Result<Box<dyn Database>, OpenError> {
    Ok(Box::new(sqlite::open_source(file, folder)?))
}

/// For `copy`. `OpenError::Served` where a server sells from it.
pub fn copy_source(place: &Place) -> Result<Box<dyn CopySource>, OpenError> {
    match place {
        Place::File(path) => sqlite::copy_source(path),
        #[cfg(feature = "postgres")]
        Place::Server(url) => postgres::copy_source(url),
    }
}

/// For `copy`: an empty file that no other process knows, or a server without a flashsale database.
pub fn copy_target(place: &Place) -> Result<Box<dyn CopyTarget>, OpenError> {
    match place {
        Place::File(path) => sqlite::copy_target(path),
        #[cfg(feature = "postgres")]
        Place::Server(url) => postgres::copy_target(url),
    }
}
