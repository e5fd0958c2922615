//! From a book into the tables: what a batch changed, and nothing else. Every update says what it expects to find, and
//! counts the rows that it found.

use rusqlite::{CachedStatement, Params, Transaction, named_params};

use super::replays;
use crate::sale::{Book, Cause, Hold, Named, Order, Payment, Product, Timestamp, Written};

type Result<T> = rusqlite::Result<T>;

pub fn write(tx: &Transaction<'_>, book: &Book) -> Result<()> {
    write_products(tx, book)?;
    write_holds(tx, book)?;
    write_orders(tx, book)?;
    write_payments(tx, book)?;
    write_movements(tx, book)?;
    replays::write(tx, book)?;
    write_meta(tx, book)
}

/// Runs a statement that must change exactly one row.
pub fn one_row(statement: &mut CachedStatement<'_>, params: impl Params) -> Result<()> {
    match statement.execute(params)? {
        1 => Ok(()),
        rows => Err(rusqlite::Error::StatementChangedRows(rows)),
    }
}

fn write_products(tx: &Transaction<'_>, book: &Book) -> Result<()> {
    for product in book.products.written() {
        match product {
            Written::New(product) => insert_product(tx, product)?,
            Written::Changed { from, to } => update_product(tx, from, to)?,
        }
    }
    Ok(())
}

fn insert_product(tx: &Transaction<'_>, product: &Product) -> Result<()> {
    let sql =
        "insert into products (id, sku, name, price, total, available, reserved, sold, version,
            starts_at, ends_at, max_per_hold, max_per_customer, paused)
        values (:id, :sku, :name, :price, :total, :available, :reserved, :sold, :version,
            :starts_at, :ends_at, :max_per_hold, :max_per_customer, :paused)";
    one_row(
        &mut tx.prepare_cached(sql)?,
        named_params! {
            ":id": product.id, ":sku": product.sku, ":name": product.name, ":price": product.price,
            ":total": product.total, ":available": product.available, ":reserved": product.reserved,
            ":sold": product.sold, ":version": product.version,
            ":starts_at": product.starts_at,
            ":ends_at": product.ends_at,
            ":max_per_hold": product.max_per_hold,
            ":max_per_customer": product.max_per_customer,
            ":paused": product.paused,
        },
    )
}

/// Stock moves by differences, from the version that was seen: a second hand on the same row changes no row at all.
fn update_product(tx: &Transaction<'_>, from: &Product, to: &Product) -> Result<()> {
    let sql = "update products set
            total = total + :total, available = available + :available, reserved = reserved + :reserved,
            sold = sold + :sold, version = version + :movements
        where id = :id and version = :seen";
    one_row(
        &mut tx.prepare_cached(sql)?,
        named_params! {
            ":id": to.id, ":seen": from.version, ":movements": to.version - from.version,
            ":total": to.total - from.total, ":available": to.available - from.available,
            ":reserved": to.reserved - from.reserved, ":sold": to.sold - from.sold,
        },
    )?;
    if said_of(from) == said_of(to) {
        return Ok(());
    }
    let sql = "update products set name = :name, price = :price, starts_at = :starts_at, ends_at = :ends_at,
            max_per_hold = :max_per_hold, max_per_customer = :max_per_customer, paused = :paused
        where id = :id";
    one_row(
        &mut tx.prepare_cached(sql)?,
        named_params! {
            ":id": to.id, ":name": to.name, ":price": to.price,
            ":starts_at": to.starts_at, ":ends_at": to.ends_at,
            ":max_per_hold": to.max_per_hold,
            ":max_per_customer": to.max_per_customer, ":paused": to.paused,
        },
    )
}

/// The product without its stock.
fn said_of(product: &Product) -> Product {
    Product {
        total: 0,
        available: 0,
        reserved: 0,
        sold: 0,
        version: 0,
        ..product.clone()
    }
}

fn write_holds(tx: &Transaction<'_>, book: &Book) -> Result<()> {
    let mut insert = tx.prepare_cached(
        "insert into holds (id, product_id, quantity, unit_price, customer, status, expires_at)
            values (:id, :product, :quantity, :unit_price, :customer, :status, :expires_at)",
    )?;
    let mut update =
        tx.prepare_cached("update holds set status = :to where id = :id and status = :from")?;
    for hold in book.holds.written() {
        match hold {
            Written::New(hold) => insert_hold(&mut insert, hold)?,
            Written::Changed { from, to } => one_row(
                &mut update,
                named_params! {":id": to.id, ":from": from.status, ":to": to.status},
            )?,
        }
    }
    Ok(())
}

fn insert_hold(insert: &mut CachedStatement<'_>, hold: &Hold) -> Result<()> {
    one_row(
        insert,
        named_params! {
            ":id": hold.id, ":product": hold.product, ":quantity": hold.quantity,
            ":unit_price": hold.unit_price,
            ":customer": hold.customer,
            ":status": hold.status, ":expires_at": hold.expires_at,
        },
    )
}

fn write_orders(tx: &Transaction<'_>, book: &Book) -> Result<()> {
    let mut insert = tx.prepare_cached(
        "insert into orders (id, hold_id, product_id, quantity, unit_price, total_price, customer, status, pay_by,
                created_at, paid_at, transaction_id)
            values (:id, :hold, :product, :quantity, :unit_price, :total_price, :customer, :status, :pay_by,
                :created_at, :paid_at, :transaction_id)",
    )?;
    let mut update = tx.prepare_cached(
        "update orders set status = :to, paid_at = :paid_at, transaction_id = :transaction_id
            where id = :id and status = :from",
    )?;
    for order in book.orders.written() {
        match order {
            Written::New(order) => insert_order(&mut insert, order)?,
            Written::Changed { from, to } => one_row(
                &mut update,
                named_params! {
                    ":id": to.id, ":from": from.status, ":to": to.status,
                    ":paid_at": to.paid_at, ":transaction_id": to.transaction_id,
                },
            )?,
        }
    }
    Ok(())
}

fn insert_order(insert: &mut CachedStatement<'_>, order: &Order) -> Result<()> {
    one_row(
        insert,
        named_params! {
            ":id": order.id, ":hold": order.hold, ":product": order.product,
            ":quantity": order.quantity, ":unit_price": order.unit_price,
            ":total_price": order.total_price(),
            ":customer": order.customer,
            ":status": order.status, ":pay_by": order.pay_by,
            ":created_at": order.created_at, ":paid_at": order.paid_at,
            ":transaction_id": order.transaction_id,
        },
    )
}

fn write_payments(tx: &Transaction<'_>, book: &Book) -> Result<()> {
    let mut update = tx.prepare_cached(
        "update payments set order_id = :order, verdict = :verdict, parked_until = :parked_until,
                refund_due = :refund_due, resolved_at = :resolved_at, resolution = :resolution, note = :note
            where id = :id and verdict = :from and resolved_at is :resolved_from",
    )?;
    for payment in book.payments.written() {
        match payment {
            Written::New(payment) => insert_payment(tx, payment, book.payload(payment.id))?,
            Written::Changed { from, to } => one_row(
                &mut update,
                named_params! {
                    ":id": to.id, ":from": from.verdict, ":verdict": to.verdict,
                    ":resolved_from": from.resolved_at,
                    ":order": to.order, ":refund_due": to.refund_due,
                    ":parked_until": to.parked_until,
                    ":resolved_at": to.resolved_at,
                    ":resolution": to.resolution, ":note": to.note,
                },
            )?,
        }
    }
    Ok(())
}

fn insert_payment(tx: &Transaction<'_>, payment: &Payment, payload: Option<&str>) -> Result<()> {
    let (named_order, named_hold) = match payment.named {
        Named::Order(id) => (Some(id), None),
        Named::Hold(id) => (None, Some(id)),
    };
    let sql = "insert into payments (id, key, named_order, named_hold, order_id, status, amount, transaction_id,
            payload, verdict, parked_until, refund_due, received_at, resolved_at, resolution, note)
        values (:id, :key, :named_order, :named_hold, :order, :status, :amount, :transaction_id,
            :payload, :verdict, :parked_until, :refund_due, :received_at, :resolved_at, :resolution, :note)";
    one_row(
        &mut tx.prepare_cached(sql)?,
        named_params! {
            ":id": payment.id, ":key": payment.key, ":named_order": named_order, ":named_hold": named_hold,
            ":order": payment.order, ":status": payment.report.status,
            ":amount": payment.report.amount,
            ":transaction_id": payment.report.transaction_id, ":payload": payload,
            ":verdict": payment.verdict,
            ":parked_until": payment.parked_until, ":refund_due": payment.refund_due,
            ":received_at": payment.received_at,
            ":resolved_at": payment.resolved_at,
            ":resolution": payment.resolution, ":note": payment.note,
        },
    )
}

fn write_movements(tx: &Transaction<'_>, book: &Book) -> Result<()> {
    let mut insert = tx.prepare_cached(
        "insert into movements (product_id, version, at, kind, available, reserved, sold, hold_id, order_id, reason)
            values (:product, :version, :at, :kind, :available, :reserved, :sold, :hold, :order, :reason)",
    )?;
    for movement in book.movements() {
        let (hold, order, reason) = match &movement.cause {
            Cause::Hold(id) => (Some(id), None, None),
            Cause::Order(id) => (None, Some(id), None),
            Cause::Stock(reason) => (None, None, reason.as_deref()),
        };
        one_row(
            &mut insert,
            named_params! {
                ":product": movement.product, ":version": movement.version, ":at": movement.at,
                ":kind": movement.kind, ":available": movement.shift.available,
                ":reserved": movement.shift.reserved, ":sold": movement.shift.sold,
                ":hold": hold, ":order": order, ":reason": reason,
            },
        )?;
    }
    Ok(())
}

fn write_meta(tx: &Transaction<'_>, book: &Book) -> Result<()> {
    let sql = "update meta set next_product = :next_product, next_hold = :next_hold, next_order = :next_order,
        next_payment = :next_payment, parked = :parked, last_now = :now where last_now <= :now";
    one_row(
        &mut tx.prepare_cached(sql)?,
        named_params! {
            ":next_product": book.meta.next_product, ":next_hold": book.meta.next_hold,
            ":next_order": book.meta.next_order, ":next_payment": book.meta.next_payment,
            ":parked": book.meta.parked, ":now": book.now,
        },
    )
}

/// The time of the latest transaction, where a batch has nothing else to write.
pub fn time(tx: &Transaction<'_>, now: Timestamp) -> Result<()> {
    let sql = "update meta set last_now = :now where last_now <= :now";
    one_row(&mut tx.prepare_cached(sql)?, named_params! {":now": now})
}

/// The file without its log is of this time, and the log goes on from there.
pub fn log_base(tx: &Transaction<'_>, file_last_now: Timestamp) -> Result<()> {
    let sql = "update meta set log_base = :file_last_now";
    one_row(
        &mut tx.prepare_cached(sql)?,
        named_params! {":file_last_now": file_last_now},
    )
}
