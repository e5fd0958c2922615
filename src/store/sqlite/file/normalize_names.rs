//! Names of rows that were written before names were compared in one spelling: version 3 has them normalized.

use rusqlite::Connection;
use rusqlite::functions::FunctionFlags;

use crate::sale::spelling::normalized;

/// Part of the step to version 3. Where another product has the normalized sku already, two products were meant to be
/// one, and only the shop can tell which: both stay as they are.
pub fn normalize_names(conn: &Connection) -> rusqlite::Result<()> {
    let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC;
    conn.create_scalar_function("nfc", 1, flags, |context| {
        Ok(context.get::<Option<String>>(0)?.map(normalized))
    })?;
    conn.execute_batch(
        "update or ignore products set sku = nfc(sku) where sku <> nfc(sku);
         update holds set customer = nfc(customer) where customer <> nfc(customer);
         update orders set customer = nfc(customer) where customer <> nfc(customer);",
    )?;
    conn.remove_function("nfc", 1)
}
