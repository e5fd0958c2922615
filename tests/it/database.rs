//! Databases as tests open them: in a file or, for shops, where `FLASHSALE_TEST_DB` says.

use std::path::Path;

use crate::shop::Hands;
use flashsale::store::{self, Access, Database, OpenError, Place};

pub fn open(file: &Path, access: Access) -> Result<Box<dyn Database>, OpenError> {
    store::open(&Place::File(file.to_owned()), access)
}

/// Where a shop keeps its database: in a file of this folder or, with `FLASHSALE_TEST_DB=postgres`, in a schema of its own
/// on a server whose clock goes with these hands.
pub fn place_of_shop(folder: &Path, hands: &Hands) -> Place {
    match std::env::var("FLASHSALE_TEST_DB").as_deref() {
        Err(_) | Ok("sqlite") => Place::File(folder.join("shop.db")),
        #[cfg(feature = "postgres")]
        Ok("postgres") => crate::postgres::place_of_shop(hands),
        Ok(other) => {
            let _ = hands;
            panic!("FLASHSALE_TEST_DB is {other:?}, and this build has no such engine")
        }
    }
}
