//! Rows by id, as a working set holds them: what the store held, and what they are now.

use std::collections::HashMap;
use std::hash::Hash;

#[derive(Clone, Debug)]
pub struct Table<K, V> {
    rows: HashMap<K, Option<Row<V>>>,
    changed: Vec<K>,
}

#[derive(Clone, Debug)]
struct Row<V> {
    now: V,
    change: Change<V>,
}

#[derive(Clone, Debug)]
enum Change<V> {
    None,
    New,
    From(V),
}

/// A row as the store must write it.
#[derive(Debug)]
pub enum Written<'a, V> {
    New(&'a V),
    Changed { from: &'a V, to: &'a V },
}

impl<'a, V> Written<'a, V> {
    /// The row as it is now.
    pub fn to(self) -> &'a V {
        match self {
            Written::New(to) | Written::Changed { to, .. } => to,
        }
    }
}

impl<K, V> Default for Table<K, V> {
    fn default() -> Table<K, V> {
        Table {
            rows: HashMap::new(),
            changed: Vec::new(),
        }
    }
}

impl<K: Copy + Eq + Hash + Ord, V: Clone> Table<K, V> {
    /// Takes what the store holds under `id`, unless the working set knows the row already.
    pub fn fetched(&mut self, id: K, row: Option<V>) {
        self.rows.entry(id).or_insert_with(|| {
            row.map(|now| Row {
                now,
                change: Change::None,
            })
        });
    }

    /// The rows as a store holds them that has written what changed; none of more than `rows_max`.
    pub(super) fn settled(mut self, rows_max: usize) -> Table<K, V> {
        if self.rows.len() > rows_max {
            return Table::default();
        }
        for id in self.changed.drain(..) {
            if let Some(Some(row)) = self.rows.get_mut(&id) {
                row.change = Change::None;
            }
        }
        self
    }

    pub(super) fn look(&self, id: K) -> Option<Option<&V>> {
        self.rows
            .get(&id)
            .map(|row| row.as_ref().map(|row| &row.now))
    }

    /// A row that a rule has looked at before.
    pub(super) fn known(&self, id: K) -> &V {
        self.look(id)
            .flatten()
            .expect("a rule looks at a row before it relies on it")
    }

    pub(super) fn change(&mut self, id: K) -> &mut V {
        let row = self
            .rows
            .get_mut(&id)
            .and_then(Option::as_mut)
            .expect("a rule looks at a row before it changes it");
        if matches!(row.change, Change::None) {
            row.change = Change::From(row.now.clone());
            self.changed.push(id);
        }
        &mut row.now
    }

    pub(super) fn insert(&mut self, id: K, row: V) {
        let before = self.rows.insert(
            id,
            Some(Row {
                now: row,
                change: Change::New,
            }),
        );
        assert!(before.flatten().is_none(), "a new row has a new id");
        self.changed.push(id);
    }

    /// What is there, in no order.
    pub(super) fn rows(&self) -> impl Iterator<Item = &V> {
        self.rows.values().flatten().map(|row| &row.now)
    }

    pub(super) fn is_changed(&self) -> bool {
        !self.changed.is_empty()
    }

    /// New and changed rows, in the order in which they were first touched.
    pub fn written(&self) -> impl Iterator<Item = Written<'_, V>> {
        self.changed.iter().filter_map(|id| {
            let row = self.rows.get(id)?.as_ref()?;
            match &row.change {
                Change::None => None,
                Change::New => Some(Written::New(&row.now)),
                Change::From(from) => Some(Written::Changed { from, to: &row.now }),
            }
        })
    }
}
