//! The catalogue that is rehearsed with, copied into a database of the rehearsal's own.

use std::fs;

use super::interruption::Interruption;
use crate::cli::catalogue;
use crate::cli::cli_error::{CliError, cannot_open};
use crate::cli::clock::clock_of;
use crate::cli::database::open;
use crate::cli::exit_status::{INPUT_MISSING, INTERNAL};
use crate::cli::report::retry_while_busy;
use crate::config::Config;
use crate::sale::{
    Command, CreateProduct, Hold, Patch, Product, ProductChanges, ProductId, Rejection,
};
use crate::store::{Access, Filter, Page, Place, Reader, Seek, Seen, StoreError};

/// Products as the rehearsal sells them: with their whole stock and their limits, without windows and pauses.
pub struct Goods {
    /// `sample` or `database`.
    pub source: &'static str,
    /// Whether holds were placed of late, and none of them, nor anything else, with an `Idempotency-Key`.
    pub sells_without_keys: bool,
    wishes: Vec<CreateProduct>,
}

const PRODUCTS_A_PAGE: usize = 1_000;

impl Goods {
    /// Of the configured database; the sample, where none is named and none is at the default place.
    pub fn configured(config: &Config, is_named: bool) -> Result<Goods, CliError> {
        let is_missing = |place: &Place| match place {
            Place::File(path) => fs::symlink_metadata(path).is_err(),
            #[cfg(feature = "postgres")]
            Place::Server(_) => false,
        };
        if !is_named && is_missing(&config.db) {
            return Ok(Goods::sample());
        }
        Goods::of_database(config)
    }

    fn sample() -> Goods {
        let rows = catalogue::sample().rows.into_iter();
        let wishes = rows.map(|row| CreateProduct {
            sku: Some(row.upsert.sku),
            changes: row.upsert.changes,
            total_stock: row.upsert.total_stock,
            key: None,
        });
        Goods {
            source: "sample",
            sells_without_keys: false,
            wishes: wishes.collect(),
        }
    }

    fn of_database(config: &Config) -> Result<Goods, CliError> {
        let database = open(config, Access::Read)?;
        let cannot = |error| cannot_open(config, &error);
        let began_at = database.last_now().map_err(cannot)?;
        let reader = database.reader_beside(began_at).map_err(cannot)?;
        let mut wishes = Vec::new();
        let mut after: Option<ProductId> = None;
        loop {
            let products = retry_while_busy(|| reader.products(after, PRODUCTS_A_PAGE))?.what;
            let Some(last) = products.last() else {
                break;
            };
            after = Some(last.id);
            wishes.extend(products.iter().map(wish));
        }
        let sells_without_keys = retry_while_busy(|| sells_without_keys(&*reader, config))?;
        database.ensure_was_still().map_err(cannot)?;
        if wishes.is_empty() {
            return Err(CliError::new(
                INPUT_MISSING,
                format!(
                    "{}: it has no products to rehearse with; `flashsale seed FILE` loads yours",
                    config.db
                ),
            ));
        }
        Ok(Goods {
            source: "database",
            sells_without_keys,
            wishes,
        })
    }

    pub fn count(&self) -> usize {
        self.wishes.len()
    }

    /// Makes the database at `place` of them, and returns them as they are there.
    pub fn copy_to(
        &self,
        place: &Place,
        config: &Config,
        interruption: &Interruption,
    ) -> Result<Vec<Product>, CliError> {
        let copy = Config {
            db: place.clone(),
            ..config.clone()
        };
        let cannot = |error| cannot_open(&copy, &error);
        let database = open(&copy, Access::CreateOrMigrate)?;
        let mut store = database.store(copy.durability).map_err(cannot)?;
        let clock = clock_of(&copy);
        let chunks = self.wishes.chunks(PRODUCTS_A_PAGE);
        for chunk in chunks {
            interruption.check()?;
            let chunk: Vec<_> = chunk.iter().cloned().map(Command::CreateProduct).collect();
            let mut refused = None;
            let loaded = store.load(
                &copy.terms(),
                &|last_now| clock.begin_batch(last_now),
                &mut std::iter::once(chunk),
                &mut |decisions| {
                    refused = decisions.iter().find_map(|it| it.as_ref().err().cloned())
                },
            );
            clock.end_batch();
            loaded?;
            if let Some(rejection) = refused {
                return Err(cannot_be_copied(&rejection));
            }
        }
        let reader = database.reader_beside(database.last_now().map_err(cannot)?);
        let reader = reader.map_err(cannot)?;
        let mut products = Vec::new();
        loop {
            let after = products.last().map(|product: &Product| product.id);
            let page = reader.products(after, PRODUCTS_A_PAGE)?.what;
            if page.is_empty() {
                return Ok(products);
            }
            products.extend(page);
        }
    }
}

/// Of late: while a key would still be kept.
fn sells_without_keys(reader: &dyn Reader, config: &Config) -> Result<bool, StoreError> {
    let newest = Page {
        seek: Seek::Before(i64::MAX),
        limit: 1,
    };
    let Seen { what: holds, at } = reader.holds(&Filter::ALL, newest)?;
    let kept_s = i64::from(config.hold_ttl_s) - i64::from(config.idempotency_ttl_s);
    let kept_since = at.micros().saturating_add(kept_s * 1_000_000);
    let is_recent = |hold: &Hold| hold.expires_at.micros() > kept_since;
    Ok(holds.iter().any(is_recent) && !reader.has_kept_keys()?)
}

fn wish(product: &Product) -> CreateProduct {
    let limit = |limit| match limit {
        Some(quantity) => Patch::To(quantity),
        None => Patch::Keep,
    };
    CreateProduct {
        sku: product.sku.clone(),
        changes: ProductChanges {
            name: Some(product.name.clone()),
            price: Some(product.price),
            max_per_hold: limit(product.max_per_hold),
            max_per_customer: limit(product.max_per_customer),
            ..ProductChanges::default()
        },
        total_stock: product.total,
        key: None,
    }
}

fn cannot_be_copied(rejection: &Rejection) -> CliError {
    CliError::new(
        INTERNAL,
        format!("a product cannot be copied: {rejection:?}"),
    )
}
