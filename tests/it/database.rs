//! A database in a file, as tests open one.

use std::path::Path;

use flashsale::store::{self, Access, Database, OpenError, Place};

pub fn open(file: &Path, access: Access) -> Result<Box<dyn Database>, OpenError> {
    store::open(&Place::File(file.to_owned()), access)
}
