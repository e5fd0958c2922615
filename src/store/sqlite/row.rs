//! A row of a table as the sale knows it. Every column is read by name, and a value that the sale has no word for is an
//! error, not a guess.

use rusqlite::Row;
use rusqlite::types::Type;

use crate::sale::{
    Cause, Hold, HoldId, Movement, Named, Order, OrderId, Payment, Product, Report, Shift,
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
        id: row.get("id")?,
        sku: row.get("sku")?,
        name: row.get("name")?,
        price: row.get("price")?,
        total: row.get("total")?,
        available: row.get("available")?,
        reserved: row.get("reserved")?,
        sold: row.get("sold")?,
        version: row.get("version")?,
        starts_at: row.get("starts_at")?,
        ends_at: row.get("ends_at")?,
        max_per_hold: row.get("max_per_hold")?,
        max_per_customer: row.get("max_per_customer")?,
        paused: row.get("paused")?,
    })
}

pub fn hold(row: &Row<'_>) -> Result<Hold> {
    Ok(Hold {
        id: row.get("id")?,
        product: row.get("product_id")?,
        quantity: row.get("quantity")?,
        unit_price: row.get("unit_price")?,
        customer: row.get("customer")?,
        status: row.get("status")?,
        expires_at: row.get("expires_at")?,
        order: row.get("order_id")?,
    })
}

pub fn order(row: &Row<'_>) -> Result<Order> {
    Ok(Order {
        id: row.get("id")?,
        hold: row.get("hold_id")?,
        product: row.get("product_id")?,
        quantity: row.get("quantity")?,
        unit_price: row.get("unit_price")?,
        customer: row.get("customer")?,
        status: row.get("status")?,
        pay_by: row.get("pay_by")?,
        created_at: row.get("created_at")?,
        paid_at: row.get("paid_at")?,
        transaction_id: row.get("transaction_id")?,
    })
}

pub fn payment(row: &Row<'_>) -> Result<Payment> {
    let named_order = row
        .get::<_, Option<OrderId>>("named_order")?
        .map(Named::Order);
    let named_hold = row.get::<_, Option<HoldId>>("named_hold")?.map(Named::Hold);
    Ok(Payment {
        id: row.get("id")?,
        key: row.get("key")?,
        named: named_order
            .or(named_hold)
            .ok_or_else(|| unknown("named_order", Type::Null))?,
        order: row.get("order_id")?,
        report: Report {
            status: row.get("status")?,
            amount: row.get("amount")?,
            transaction_id: row.get("transaction_id")?,
        },
        verdict: row.get("verdict")?,
        parked_until: row.get("parked_until")?,
        refund_due: row.get("refund_due")?,
        received_at: row.get("received_at")?,
        resolved_at: row.get("resolved_at")?,
        resolution: row.get("resolution")?,
        note: row.get("note")?,
    })
}

pub fn movement(row: &Row<'_>) -> Result<Movement> {
    let hold = row.get::<_, Option<HoldId>>("hold_id")?.map(Cause::Hold);
    let order = row.get::<_, Option<OrderId>>("order_id")?.map(Cause::Order);
    let stock = Cause::Stock(row.get("reason")?);
    Ok(Movement {
        product: row.get("product_id")?,
        version: row.get("version")?,
        at: row.get("at")?,
        kind: row.get("kind")?,
        shift: Shift {
            available: row.get("available")?,
            reserved: row.get("reserved")?,
            sold: row.get("sold")?,
        },
        cause: hold.or(order).unwrap_or(stock),
    })
}

pub fn unknown(column: &str, found: Type) -> rusqlite::Error {
    rusqlite::Error::InvalidColumnType(
        0,
        format!("{column} (a value that the sale has no word for)"),
        found,
    )
}
