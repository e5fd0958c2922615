//! A row of a table as the sale knows it. Every column is read by name, and a value that the sale has no word for is an
//! error, not a guess.

use rusqlite::Row;
use rusqlite::types::Type;

use crate::sale::{
    Amount, Cause, Cents, Customer, Hold, HoldId, HoldStatus, Movement, MovementKind, Named, Order,
    OrderId, OrderStatus, Payment, PaymentId, PaymentStatus, Product, ProductId, Quantity, Report,
    Resolution, Shift, Timestamp, Verdict,
};

type Result<T> = rusqlite::Result<T>;

/// Holds, each with the order that it became.
macro_rules! select_hold {
    ($which:literal) => {
        concat!(
            "select holds.*, orders.id as order_id from holds left join orders on orders.hold_id = holds.id",
            $which
        )
    };
}
pub(super) use select_hold;

pub fn product(row: &Row<'_>) -> Result<Product> {
    Ok(Product {
        id: known(row, "id", ProductId::new)?,
        sku: row.get("sku")?,
        name: row.get("name")?,
        price: Cents::new(row.get("price")?),
        total: row.get("total")?,
        available: row.get("available")?,
        reserved: row.get("reserved")?,
        sold: row.get("sold")?,
        version: row.get("version")?,
        starts_at: time_or_null(row, "starts_at")?,
        ends_at: time_or_null(row, "ends_at")?,
        max_per_hold: known_or_null(row, "max_per_hold", Quantity::new)?,
        max_per_customer: known_or_null(row, "max_per_customer", Quantity::new)?,
        paused: row.get("paused")?,
    })
}

pub fn hold(row: &Row<'_>) -> Result<Hold> {
    Ok(Hold {
        id: known(row, "id", HoldId::new)?,
        product: known(row, "product_id", ProductId::new)?,
        quantity: known(row, "quantity", Quantity::new)?,
        unit_price: Cents::new(row.get("unit_price")?),
        customer: row
            .get::<_, Option<String>>("customer")?
            .map(Customer::stored),
        status: state(row, "status", HoldStatus::parse)?,
        expires_at: time(row, "expires_at")?,
        order: known_or_null(row, "order_id", OrderId::new)?,
    })
}

pub fn order(row: &Row<'_>) -> Result<Order> {
    Ok(Order {
        id: known(row, "id", OrderId::new)?,
        hold: known(row, "hold_id", HoldId::new)?,
        product: known(row, "product_id", ProductId::new)?,
        quantity: known(row, "quantity", Quantity::new)?,
        unit_price: Cents::new(row.get("unit_price")?),
        customer: row
            .get::<_, Option<String>>("customer")?
            .map(Customer::stored),
        status: state(row, "status", OrderStatus::parse)?,
        pay_by: time_or_null(row, "pay_by")?,
        created_at: time(row, "created_at")?,
        paid_at: time_or_null(row, "paid_at")?,
        transaction_id: row.get("transaction_id")?,
    })
}

pub fn payment(row: &Row<'_>) -> Result<Payment> {
    let named_order = known_or_null(row, "named_order", OrderId::new)?.map(Named::Order);
    let named_hold = known_or_null(row, "named_hold", HoldId::new)?.map(Named::Hold);
    Ok(Payment {
        id: known(row, "id", PaymentId::new)?,
        key: row.get("key")?,
        named: named_order
            .or(named_hold)
            .ok_or_else(|| unknown("named_order", Type::Null))?,
        order: known_or_null(row, "order_id", OrderId::new)?,
        report: Report {
            status: state(row, "status", PaymentStatus::parse)?,
            amount: row.get::<_, Option<String>>("amount")?.map(Amount::new),
            transaction_id: row.get("transaction_id")?,
        },
        verdict: state(row, "verdict", Verdict::parse)?,
        parked_until: time_or_null(row, "parked_until")?,
        refund_due: row.get("refund_due")?,
        received_at: time(row, "received_at")?,
        resolved_at: time_or_null(row, "resolved_at")?,
        resolution: known_or_null(row, "resolution", |text: String| Resolution::parse(&text))?,
        note: row.get("note")?,
    })
}

pub fn movement(row: &Row<'_>) -> Result<Movement> {
    let hold = known_or_null(row, "hold_id", HoldId::new)?.map(Cause::Hold);
    let order = known_or_null(row, "order_id", OrderId::new)?.map(Cause::Order);
    let stock = Cause::Stock(row.get("reason")?);
    Ok(Movement {
        product: known(row, "product_id", ProductId::new)?,
        version: row.get("version")?,
        at: time(row, "at")?,
        kind: state(row, "kind", MovementKind::parse)?,
        shift: Shift {
            available: row.get("available")?,
            reserved: row.get("reserved")?,
            sold: row.get("sold")?,
        },
        cause: hold.or(order).unwrap_or(stock),
    })
}

pub fn time(row: &Row<'_>, column: &str) -> Result<Timestamp> {
    row.get(column).map(Timestamp::from_micros)
}

pub fn time_or_null(row: &Row<'_>, column: &str) -> Result<Option<Timestamp>> {
    Ok(row
        .get::<_, Option<i64>>(column)?
        .map(Timestamp::from_micros))
}

pub fn known<S: rusqlite::types::FromSql, T>(
    row: &Row<'_>,
    column: &str,
    parse: fn(S) -> Option<T>,
) -> Result<T> {
    known_or_null(row, column, parse)?.ok_or_else(|| unknown(column, Type::Null))
}

pub fn known_or_null<S, T>(
    row: &Row<'_>,
    column: &str,
    parse: fn(S) -> Option<T>,
) -> Result<Option<T>>
where
    S: rusqlite::types::FromSql,
{
    let value = row.get::<_, Option<S>>(column)?;
    value
        .map(|value| parse(value).ok_or_else(|| unknown(column, Type::Integer)))
        .transpose()
}

pub fn state<T>(row: &Row<'_>, column: &str, parse: fn(&str) -> Option<T>) -> Result<T> {
    parse(row.get_ref(column)?.as_str()?).ok_or_else(|| unknown(column, Type::Text))
}

pub fn unknown(column: &str, found: Type) -> rusqlite::Error {
    rusqlite::Error::InvalidColumnType(
        0,
        format!("{column} (a value that the sale has no word for)"),
        found,
    )
}
