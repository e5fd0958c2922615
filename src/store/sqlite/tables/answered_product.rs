//! What was answered of a product, as the column `answer` keeps it: as JSON.

use rusqlite::Result;
use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSql, ToSqlOutput, ValueRef};

use crate::store::answered_product::AnsweredProduct;

impl ToSql for AnsweredProduct {
    fn to_sql(&self) -> Result<ToSqlOutput<'_>> {
        let json = serde_json::to_string(self);
        let json = json.map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))?;
        Ok(json.into())
    }
}

impl FromSql for AnsweredProduct {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<AnsweredProduct> {
        let read = serde_json::from_str(value.as_str()?);
        read.map_err(|error| FromSqlError::Other(error.into()))
    }
}
