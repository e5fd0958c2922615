//! How the sale's own types stand in columns: ids, units, cents and microseconds as `bigint`, words as their texts. A value
//! that the sale has no word for is an error, not a guess.

use std::error::Error;

use bytes::BytesMut;
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, to_sql_checked};

use crate::sale::{
    Amount, Cents, Customer, Dispute, EventId, EventKind, HoldId, HoldStatus, IdempotencyKey,
    MovementKind, OrderId, OrderStatus, PaymentId, PaymentStatus, ProductId, Quantity, Resolution,
    ReversalKind, Timestamp, Verdict,
};

type Converted<T> = Result<T, Box<dyn Error + Sync + Send>>;

#[derive(Debug, thiserror::Error)]
#[error("the sale has no word for what stands there")]
struct Unknown;

/// `$type` is `$to(&self)` as a `$column`, and what `$from` makes of one, if it is one.
macro_rules! columns {
    ($column:ty; $($type:ty: $to:expr, $from:expr);+ $(;)?) => {$(
        impl ToSql for $type {
            fn to_sql(&self, column: &Type, out: &mut BytesMut) -> Converted<IsNull> {
                let to: fn(&$type) -> $column = $to;
                to(self).to_sql(column, out)
            }

            fn accepts(column: &Type) -> bool {
                <$column as ToSql>::accepts(column)
            }

            to_sql_checked!();
        }

        impl<'a> FromSql<'a> for $type {
            fn from_sql(column: &Type, raw: &'a [u8]) -> Converted<$type> {
                let from: fn($column) -> Option<$type> = $from;
                let value = <$column>::from_sql(column, raw)?;
                from(value).ok_or_else(|| Unknown.into())
            }

            fn accepts(column: &Type) -> bool {
                <$column as FromSql<'_>>::accepts(column)
            }
        }
    )+};
}

columns! {
    i64;
    ProductId: |id| id.get(), ProductId::new;
    HoldId: |id| id.get(), HoldId::new;
    OrderId: |id| id.get(), OrderId::new;
    PaymentId: |id| id.get(), PaymentId::new;
    EventId: |id| id.get(), EventId::new;
    Quantity: |quantity| quantity.units(), Quantity::new;
    Cents: |cents| cents.get(), |cents| Some(Cents::new(cents));
    Timestamp: |time| time.micros(), |micros| Some(Timestamp::from_micros(micros));
}

columns! {
    &str;
    HoldStatus: |status| status.as_str(), HoldStatus::parse;
    OrderStatus: |status| status.as_str(), OrderStatus::parse;
    Dispute: |dispute| dispute.as_str(), Dispute::parse;
    PaymentStatus: |status| status.as_str(), PaymentStatus::parse;
    Verdict: |verdict| verdict.as_str(), Verdict::parse;
    Resolution: |resolution| resolution.as_str(), Resolution::parse;
    EventKind: |kind| kind.as_str(), EventKind::parse;
    ReversalKind: |kind| kind.as_str(), ReversalKind::parse;
    MovementKind: |kind| kind.as_str(), MovementKind::parse;
    IdempotencyKey: |key| key.as_str(), IdempotencyKey::new;
    Customer: |customer| customer.as_str(), |text| Some(Customer::stored(text.to_owned()));
    Amount: |amount| amount.as_json(), |json| Some(Amount::new(json.to_owned()));
}
