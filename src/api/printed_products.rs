//! The bodies of products as they were last printed, each with its entity tag: while a crowd reloads a page, most of its
//! answers differ in `server_time` alone.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use super::bodies::ProductBody;
use super::json;
use super::known_tags::entity_tag;
use crate::sale::{Currency, Product, ProductId, ProductStatus, Timestamp};

#[derive(Default)]
pub struct PrintedProducts(RwLock<HashMap<ProductId, Arc<PrintedProduct>>>);

/// With more than these, all are printed again.
const PRODUCTS_MAX: usize = 1024;

pub struct PrintedProduct {
    /// Of what: a body tells of nothing else that changes.
    product: Arc<Product>,
    status: ProductStatus,
    /// Without `server_time`.
    pub body: Vec<u8>,
    pub tag: String,
}

impl PrintedProducts {
    /// `product` as a reader shows it at `now`. A reader that remembers the product gives the same one again.
    pub fn of(
        &self,
        product: Arc<Product>,
        now: Timestamp,
        currency: Option<Currency>,
    ) -> Arc<PrintedProduct> {
        let (id, status) = (product.id, product.status_at(now));
        let printed = self.0.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = printed.get(&id)
            && Arc::ptr_eq(&known.product, &product)
            && known.status == status
        {
            return known.clone();
        }
        drop(printed);
        let body = json::bytes(&ProductBody::new(&product, now, currency));
        let new = Arc::new(PrintedProduct {
            tag: entity_tag(&body),
            product,
            status,
            body,
        });
        let mut printed = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if printed.len() >= PRODUCTS_MAX {
            printed.clear();
        }
        printed.insert(id, new.clone());
        new
    }
}
