//! The one place that knows which engines there are: a database is opened by the place that the configuration names.

use std::path::Path;

use super::sqlite::{self, DatabaseFile};
use super::{Access, Database, OpenError};

pub use super::sqlite::{COMPANIONS, ServeLock, make_servable};

/// To create or migrate is refused beside a server.
pub fn open(db: &Path, access: Access) -> Result<Box<dyn Database>, OpenError> {
    Ok(Box::new(DatabaseFile::open(db, access)?))
}

/// Creates or migrates, for the holder of the lock.
pub fn open_to_serve(db: &Path, lock: &ServeLock) -> Result<Box<dyn Database>, OpenError> {
    Ok(Box::new(DatabaseFile::open_to_serve(db, lock)?))
}

/// What a database is restored from; `folder` is for what must be copied to be read.
pub fn open_source(file: &Path, folder: &Path) -> Result<Box<dyn Database>, OpenError> {
    Ok(Box::new(sqlite::open_source(file, folder)?))
}
