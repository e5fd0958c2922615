//! Figures, by adding up everything.

use flashsale::sale::{ProductId, RefundStatus};
use flashsale::store::{
    Figures, Lists, Page, Reader, RefundsDue, Seek, Seen, Stock, StockBooks, Storage, StoreError,
};

use super::MemoryStore;

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
