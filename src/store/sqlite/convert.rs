//! How the sale's own types stand in columns: ids, units, cents and microseconds as integers, words as their texts. A value
//! that the sale has no word for is an error, not a guess.

use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSql, ToSqlOutput, ValueRef};

use crate::sale::{
    Amount, Cents, Currency, Customer, Dispute, EventId, EventKind, HoldId, HoldStatus,
    IdempotencyKey, MovementKind, OrderId, OrderStatus, PaymentId, PaymentStatus, ProductId,
    Quantity, RefundStatus, Resolution, ReversalKind, Timestamp, Verdict,
};

#[derive(Debug, thiserror::Error)]
#[error("the sale has no word for {0}")]
struct Unknown(String);

fn unknown(value: impl ToString) -> FromSqlError {
    FromSqlError::Other(Box::new(Unknown(value.to_string())))
}

/// `$type` is `$to(&self)` as an integer, and what `$from` makes of one, if it is one.
macro_rules! integers {
    ($($type:ty: $to:expr, $from:expr);+ $(;)?) => {$(
        impl ToSql for $type {
            fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
                let to: fn(&$type) -> i64 = $to;
                Ok(to(self).into())
            }
        }

        impl FromSql for $type {
            fn column_result(value: ValueRef<'_>) -> FromSqlResult<$type> {
                let (from, number): (fn(i64) -> Option<$type>, _) = ($from, value.as_i64()?);
                from(number).ok_or_else(|| unknown(number))
            }
        }
    )+};
}

integers! {
    ProductId: |id| id.get(), ProductId::new;
    HoldId: |id| id.get(), HoldId::new;
    OrderId: |id| id.get(), OrderId::new;
    PaymentId: |id| id.get(), PaymentId::new;
    EventId: |id| id.get(), EventId::new;
    Quantity: |quantity| quantity.units(), Quantity::new;
    Cents: |cents| cents.get(), |cents| Some(Cents::new(cents));
    Timestamp: |time| time.micros(), |micros| Some(Timestamp::from_micros(micros));
}

/// The same with a text.
macro_rules! texts {
    ($($type:ty: $to:expr, $from:expr);+ $(;)?) => {$(
        impl ToSql for $type {
            fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
                let to: fn(&$type) -> &str = $to;
                Ok(to(self).into())
            }
        }

        impl FromSql for $type {
            fn column_result(value: ValueRef<'_>) -> FromSqlResult<$type> {
                let (from, text): (fn(&str) -> Option<$type>, _) = ($from, value.as_str()?);
                // Which text is not said: it may be a key, or what was left of a customer's name.
                from(text).ok_or_else(|| unknown(format_args!("a text of {} bytes", text.len())))
            }
        }
    )+};
}

texts! {
    HoldStatus: |status| status.as_str(), HoldStatus::parse;
    OrderStatus: |status| status.as_str(), OrderStatus::parse;
    Currency: |currency| currency.as_str(), Currency::parse;
    Dispute: |dispute| dispute.as_str(), Dispute::parse;
    PaymentStatus: |status| status.as_str(), PaymentStatus::parse;
    Verdict: |verdict| verdict.as_str(), Verdict::parse;
    RefundStatus: |status| status.as_str(), RefundStatus::parse;
    Resolution: |resolution| resolution.as_str(), Resolution::parse;
    EventKind: |kind| kind.as_str(), EventKind::parse;
    ReversalKind: |kind| kind.as_str(), ReversalKind::parse;
    MovementKind: |kind| kind.as_str(), MovementKind::parse;
    IdempotencyKey: |key| key.as_str(), IdempotencyKey::new;
    Customer: |customer| customer.as_str(), |text| Some(Customer::stored(text.to_owned()));
    Amount: |amount| amount.as_json(), |json| Some(Amount::new(json.to_owned()));
}
