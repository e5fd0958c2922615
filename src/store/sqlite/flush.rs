//! From a book into the tables: what a batch changed, and nothing else. Every update says what it expects to find, and
//! counts the rows that it found.

use rusqlite::{CachedStatement, Params, Transaction, named_params};

use super::replays;
use crate::sale::{
    Book, Cause, Hold, Named, Order, Payment, Product, Resolution, Timestamp, Written,
};

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
            ":id": product.id.get(), ":sku": product.sku, ":name": product.name, ":price": product.price.get(),
            ":total": product.total, ":available": product.available, ":reserved": product.reserved,
            ":sold": product.sold, ":version": product.version,
            ":starts_at": product.starts_at.map(|time| time.micros()),
            ":ends_at": product.ends_at.map(|time| time.micros()),
            ":max_per_hold": product.max_per_hold.map(|limit| limit.units()),
            ":max_per_customer": product.max_per_customer.map(|limit| limit.units()),
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
            ":id": to.id.get(), ":seen": from.version, ":movements": to.version - from.version,
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
            ":id": to.id.get(), ":name": to.name, ":price": to.price.get(),
            ":starts_at": to.starts_at.map(|time| time.micros()), ":ends_at": to.ends_at.map(|time| time.micros()),
            ":max_per_hold": to.max_per_hold.map(|limit| limit.units()),
            ":max_per_customer": to.max_per_customer.map(|limit| limit.units()), ":paused": to.paused,
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
                named_params! {":id": to.id.get(), ":from": from.status.as_str(), ":to": to.status.as_str()},
            )?,
        }
    }
    Ok(())
}

fn insert_hold(insert: &mut CachedStatement<'_>, hold: &Hold) -> Result<()> {
    one_row(
        insert,
        named_params! {
            ":id": hold.id.get(), ":product": hold.product.get(), ":quantity": hold.quantity.units(),
            ":unit_price": hold.unit_price.get(),
            ":customer": hold.customer.as_ref().map(|customer| customer.as_str()),
            ":status": hold.status.as_str(), ":expires_at": hold.expires_at.micros(),
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
                    ":id": to.id.get(), ":from": from.status.as_str(), ":to": to.status.as_str(),
                    ":paid_at": to.paid_at.map(|time| time.micros()), ":transaction_id": to.transaction_id,
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
            ":id": order.id.get(), ":hold": order.hold.get(), ":product": order.product.get(),
            ":quantity": order.quantity.units(), ":unit_price": order.unit_price.get(),
            ":total_price": order.total_price().get(),
            ":customer": order.customer.as_ref().map(|customer| customer.as_str()),
            ":status": order.status.as_str(), ":pay_by": order.pay_by.map(|time| time.micros()),
            ":created_at": order.created_at.micros(), ":paid_at": order.paid_at.map(|time| time.micros()),
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
                    ":id": to.id.get(), ":from": from.verdict.as_str(), ":verdict": to.verdict.as_str(),
                    ":resolved_from": from.resolved_at.map(|time| time.micros()),
                    ":order": to.order.map(|id| id.get()), ":refund_due": to.refund_due,
                    ":parked_until": to.parked_until.map(|time| time.micros()),
                    ":resolved_at": to.resolved_at.map(|time| time.micros()),
                    ":resolution": to.resolution.map(Resolution::as_str), ":note": to.note,
                },
            )?,
        }
    }
    Ok(())
}

fn insert_payment(tx: &Transaction<'_>, payment: &Payment, payload: Option<&str>) -> Result<()> {
    let (named_order, named_hold) = match payment.named {
        Named::Order(id) => (Some(id.get()), None),
        Named::Hold(id) => (None, Some(id.get())),
    };
    let sql = "insert into payments (id, key, named_order, named_hold, order_id, status, amount, transaction_id,
            payload, verdict, parked_until, refund_due, received_at, resolved_at, resolution, note)
        values (:id, :key, :named_order, :named_hold, :order, :status, :amount, :transaction_id,
            :payload, :verdict, :parked_until, :refund_due, :received_at, :resolved_at, :resolution, :note)";
    one_row(
        &mut tx.prepare_cached(sql)?,
        named_params! {
            ":id": payment.id.get(), ":key": payment.key, ":named_order": named_order, ":named_hold": named_hold,
            ":order": payment.order.map(|id| id.get()), ":status": payment.report.status.as_str(),
            ":amount": payment.report.amount.as_ref().map(|amount| amount.as_json()),
            ":transaction_id": payment.report.transaction_id, ":payload": payload,
            ":verdict": payment.verdict.as_str(),
            ":parked_until": payment.parked_until.map(|time| time.micros()), ":refund_due": payment.refund_due,
            ":received_at": payment.received_at.micros(),
            ":resolved_at": payment.resolved_at.map(|time| time.micros()),
            ":resolution": payment.resolution.map(Resolution::as_str), ":note": payment.note,
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
            Cause::Hold(id) => (Some(id.get()), None, None),
            Cause::Order(id) => (None, Some(id.get()), None),
            Cause::Stock(reason) => (None, None, reason.as_deref()),
        };
        one_row(
            &mut insert,
            named_params! {
                ":product": movement.product.get(), ":version": movement.version, ":at": movement.at.micros(),
                ":kind": movement.kind.as_str(), ":available": movement.shift.available,
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
            ":next_product": book.meta.next_product.get(), ":next_hold": book.meta.next_hold.get(),
            ":next_order": book.meta.next_order.get(), ":next_payment": book.meta.next_payment.get(),
            ":parked": book.meta.parked, ":now": book.now.micros(),
        },
    )
}

/// The time of the latest transaction, where a batch has nothing else to write.
pub fn time(tx: &Transaction<'_>, now: Timestamp) -> Result<()> {
    let sql = "update meta set last_now = :now where last_now <= :now";
    one_row(
        &mut tx.prepare_cached(sql)?,
        named_params! {":now": now.micros()},
    )
}

/// The file without its log is of this time, and the log goes on from there.
pub fn log_base(tx: &Transaction<'_>, file_last_now: Timestamp) -> Result<()> {
    let sql = "update meta set log_base = :file_last_now";
    one_row(
        &mut tx.prepare_cached(sql)?,
        named_params! {":file_last_now": file_last_now.micros()},
    )
}
