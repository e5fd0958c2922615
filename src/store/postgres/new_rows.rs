//! New rows of a table as one parameter: an array of the table's own row type. An array for each
//! column costs the server a call and a copy for each value.

use std::error::Error;
use std::fmt::{self, Debug};

use bytes::{BufMut, BytesMut};
use tokio_postgres::types::{IsNull, Kind, ToSql, Type, to_sql_checked};

pub type Written<T> = Result<T, Box<dyn Error + Sync + Send>>;

/// How a row's value is written in a column.
pub type Column<T> = fn(&T, &Type, &mut BytesMut) -> Written<IsNull>;

/// Rows, and the columns that are written of each, by name.
pub struct NewRows<T, C = Column<T>> {
    pub rows: Vec<T>,
    pub columns: Vec<(&'static str, C)>,
}

impl<T: Debug, C> Debug for NewRows<T, C> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.rows.fmt(out)
    }
}

/// `insert(rows)`: into this table, from rows of this type.
macro_rules! insert {
    (into $table:ident from $row:ident: $type:ty; $($column:ident: $value:expr),+ $(,)?) => {
        fn insert(rows: Vec<$type>) -> $crate::store::postgres::changes::Change {
            use tokio_postgres::types::ToSql;
            let columns: Vec<(&str, $crate::store::postgres::new_rows::Column<$type>)> =
                vec![$((stringify!($column), |$row, column, out| ToSql::to_sql(&$value, column, out))),+];
            $crate::store::postgres::changes::Change::new(concat!(
                "insert into ", stringify!($table), " (", stringify!($($column),+), ") select ", stringify!($($column),+),
                " from unnest($1::", stringify!($table), "[])"
            ))
            .with($crate::store::postgres::new_rows::NewRows { rows, columns })
        }
    };
}
pub(in crate::store::postgres) use insert;

impl<T, C> ToSql for NewRows<T, C>
where
    T: Debug,
    C: Fn(&T, &Type, &mut BytesMut) -> Written<IsNull>,
{
    fn to_sql(&self, array: &Type, out: &mut BytesMut) -> Written<IsNull> {
        let (row_type, fields) = row_type(array).ok_or("this is not an array of rows")?;
        // The server's columns are in the order in which migrations added them; one that is not written is null.
        let columns: Vec<_> = fields
            .iter()
            .map(|field| {
                let column = self.columns.iter().find(|(name, _)| *name == field.name());
                (field.type_(), column.map(|(_, write)| write))
            })
            .collect();
        let (dimensions, has_nulls, lower_bound) = (1, 0, 1);
        out.put_i32(dimensions);
        out.put_i32(has_nulls);
        out.put_u32(row_type.oid());
        out.put_i32(i32::try_from(self.rows.len())?);
        out.put_i32(lower_bound);
        for row in &self.rows {
            with_length(out, |out| {
                out.put_i32(i32::try_from(columns.len())?);
                for (column, write) in &columns {
                    out.put_u32(column.oid());
                    with_length(out, |out| match write {
                        Some(write) => write(row, column, out),
                        None => Ok(IsNull::Yes),
                    })?;
                }
                Ok(IsNull::No)
            })?;
        }
        Ok(IsNull::No)
    }

    fn accepts(array: &Type) -> bool {
        row_type(array).is_some()
    }

    to_sql_checked!();
}

/// Of an array of rows.
fn row_type(array: &Type) -> Option<(&Type, &[tokio_postgres::types::Field])> {
    let Kind::Array(row_type) = array.kind() else {
        return None;
    };
    let Kind::Composite(fields) = row_type.kind() else {
        return None;
    };
    Some((row_type, fields))
}

/// A value after the number of its bytes, which is -1 for null.
fn with_length(
    out: &mut BytesMut,
    write: impl FnOnce(&mut BytesMut) -> Written<IsNull>,
) -> Written<()> {
    let start = out.len();
    out.put_i32(-1);
    if let IsNull::No = write(out)? {
        let length = i32::try_from(out.len() - start - size_of::<i32>())?;
        out[start..start + size_of::<i32>()].copy_from_slice(&length.to_be_bytes());
    }
    Ok(())
}
