//! Figures, by adding up everything.

use flashsale::sale::{
    Customer, HoldStatus, Order, OrderStatus, ProductId, RefundStatus, Timestamp,
};
use flashsale::store::{
    Figures, Lists, Page, Reader, RefundsDue, Seek, Seen, Stock, StockBooks, Storage, StoreError,
};

use super::{MemoryStore, Tables};

impl Figures for MemoryStore {
    fn stock(&self, after: Option<ProductId>) -> Result<Seen<Stock>, StoreError> {
        let Seen { what, at } = self.products(after, usize::MAX)?;
        let stock = what.iter().fold(Stock::default(), |stock, product| Stock {
            available: stock.available + product.available,
            reserved: stock.reserved + product.reserved,
            sold: stock.sold + product.sold,
        });
        Ok(Seen { what: stock, at })
    }

    fn stock_books(&self) -> Result<StockBooks, StoreError> {
        let products = self.products(None, usize::MAX)?.what;
        let wrong = products
            .iter()
            .filter(|it| it.total != it.available + it.reserved + it.sold);
        Ok(StockBooks {
            products: i64::try_from(products.len()).unwrap(),
            wrong: i64::try_from(wrong.count()).unwrap(),
        })
    }

    fn refunds_due(&self) -> Result<Seen<RefundsDue>, StoreError> {
        let all = Page {
            seek: Seek::After(0),
            limit: usize::MAX,
        };
        let Seen { what, at } = self.refunds(Some(RefundStatus::Due), all)?;
        let due = RefundsDue {
            count: i64::try_from(what.len()).unwrap(),
            oldest: what.iter().map(|payment| payment.received_at).min(),
        };
        Ok(Seen { what: due, at })
    }

    fn storage(&self) -> Result<Storage, StoreError> {
        Ok(Storage::default())
    }
}

impl Tables {
    /// Live, pending and paid units of one customer.
    pub fn customer_use(&self, product: ProductId, customer: &Customer, now: Timestamp) -> i64 {
        let is_theirs = |p, c: &Option<Customer>| p == product && c.as_ref() == Some(customer);
        let holds = self
            .holds
            .values()
            .filter(|hold| is_theirs(hold.line.product, &hold.customer));
        let live = holds.filter(|hold| hold.status_at(now) == HoldStatus::Active);
        let orders = self
            .orders
            .values()
            .filter(|order| is_theirs(order.line.product, &order.customer));
        let bought = orders.filter(|order| {
            matches!(
                order.status_at(now),
                OrderStatus::Pending | OrderStatus::Paid
            )
        });
        live.map(|hold| hold.line.units())
            .chain(bought.map(Order::units_kept))
            .sum()
    }
}
