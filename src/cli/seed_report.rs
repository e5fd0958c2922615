//! The report of `flashsale seed`: how many products are new, changed and unchanged, and what changed of each. As text, all of
//! it is on stdout; as JSON, the counts are one object on stdout, and the changes are on stderr, an object a line.

use serde::{Serialize, Serializer};

use super::export::Cell;
use crate::sale::{Outcome, Product, Quantity, Upserted};

#[derive(Default, Serialize)]
pub struct Seeded {
    inserted: u64,
    updated: u64,
    unchanged: u64,
    #[serde(skip)]
    changes: Vec<Changed>,
}

/// A product before and after.
struct Changed(Box<(Product, Product)>);

/// The changes that are listed; the others are counted, so that the report of a large catalogue stays readable and bounded.
const CHANGES_MAX: usize = 1000;

impl Seeded {
    pub fn add(&mut self, outcome: &Outcome) {
        let Outcome::ProductUpserted { upserted, .. } = outcome else {
            return;
        };
        match upserted {
            Upserted::Inserted => self.inserted += 1,
            Upserted::Unchanged => self.unchanged += 1,
            Upserted::Updated(products) => {
                self.updated += 1;
                if self.changes.len() < CHANGES_MAX {
                    self.changes.push(Changed(products.clone()));
                }
            }
        }
    }

    /// The changed products, and then the counts, as text.
    pub fn text(&self) -> String {
        let mut lines: Vec<String> = self.changes.iter().map(Changed::line).collect();
        if self.unlisted() > 0 {
            lines.push(format!("… and {} more products", self.unlisted()));
        }
        lines.push(format!("inserted: {}", self.inserted));
        lines.push(format!("updated: {}", self.updated));
        lines.push(format!("unchanged: {}", self.unchanged));
        lines.join("\n")
    }

    /// The changed products, an object a line.
    pub fn json_lines(&self) -> String {
        let changes = self.changes.iter();
        let changes = changes.map(serde_json::to_string);
        let lines = changes.map(|json| json.expect("numbers, texts and times are JSON") + "\n");
        let unlisted = self.unlisted();
        let more = (unlisted > 0).then(|| format!("{{\"more\":{unlisted}}}\n"));
        lines.chain(more).collect()
    }

    fn unlisted(&self) -> u64 {
        self.updated - self.changes.len() as u64
    }
}

impl Changed {
    fn sku(&self) -> &str {
        self.0.1.sku.as_deref().unwrap_or_default()
    }

    /// Each column that differs, with its values before and after.
    fn columns(&self) -> Vec<(&'static str, Cell<'_>, Cell<'_>)> {
        let (before, after) = &*self.0;
        let (before, after) = (columns(before), columns(after));
        let pairs = before.into_iter().zip(after);
        let pairs = pairs.map(|((name, before), (_, after))| (name, before, after));
        pairs
            .filter(|(_, before, after)| before.for_people() != after.for_people())
            .collect()
    }

    /// `VINYL: total_stock 7 → 10`
    fn line(&self) -> String {
        let column = |(name, before, after): (_, Cell<'_>, Cell<'_>)| {
            format!("{name} {} → {}", before.for_people(), after.for_people())
        };
        let columns: Vec<String> = self.columns().into_iter().map(column).collect();
        format!("{}: {}", self.sku(), columns.join(", "))
    }
}

fn columns(product: &Product) -> [(&'static str, Cell<'_>); 7] {
    let limit = |limit: Option<Quantity>| Cell::number(limit.map(|limit| limit.units()));
    [
        ("name", Cell::Text(&product.name)),
        ("price", Cell::Money(product.price)),
        ("total_stock", Cell::Number(product.total)),
        ("starts_at", Cell::time(product.starts_at)),
        ("ends_at", Cell::time(product.ends_at)),
        ("max_per_hold", limit(product.max_per_hold)),
        ("max_per_customer", limit(product.max_per_customer)),
    ]
}

/// `{"sku": "VINYL", "total_stock": {"from": 7, "to": 10}}`
impl Serialize for Changed {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeMap;
        #[derive(Serialize)]
        struct Step<'a> {
            from: Cell<'a>,
            to: Cell<'a>,
        }
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("sku", self.sku())?;
        for (name, from, to) in self.columns() {
            map.serialize_entry(name, &Step { from, to })?;
        }
        map.end()
    }
}
