//! Where the rows of kept keys are, in memory: keys come in no order, and an index of them in the file would have a page
//! written for each. Some 20 to 40 bytes a key.
//!
//! It only ever says where to look: a key is known by its row. So a row that is gone, or two keys of one hash, do no harm.

use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::ops::Range;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::sale::IdempotencyKey;

#[derive(Debug, Default)]
pub struct KeyIndex {
    /// With a secret of this process's own: nobody can choose keys of one hash.
    hashing: RandomState,
    places: Mutex<Places>,
}

/// What a transaction did to rows of keys.
#[derive(Debug, Default)]
pub struct KeyChanges {
    /// By the hashes of their keys.
    pub added: Vec<(u64, i64)>,
    pub removed: Vec<(u64, i64)>,
}

impl KeyIndex {
    /// The rows that may be the key's, the newest first.
    pub fn ids(&self, key: &IdempotencyKey) -> Vec<i64> {
        self.places().ids(self.hash(key))
    }

    /// Whether every key below `next_id` is in here, or was past its time at the start.
    pub fn is_read_up_to(&self, next_id: i64) -> bool {
        self.places().next_id >= next_id
    }

    /// Reads what others have appended, up to below `next_id`. `read` is told which rows to name.
    pub fn catch_up<E>(
        &self,
        next_id: i64,
        read: impl FnOnce(Range<i64>, &mut dyn FnMut(&IdempotencyKey, i64)) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut places = self.places();
        let known = places.next_id;
        if known >= next_id {
            return Ok(());
        }
        let mut insert = |key: &IdempotencyKey, id| places.insert(self.hash(key), id);
        read(known..next_id, &mut insert)?;
        places.next_id = next_id;
        Ok(())
    }

    /// What a transaction did that has committed.
    pub fn note(&self, changes: &KeyChanges) {
        let mut places = self.places();
        for (hash, id) in &changes.removed {
            places.remove(*hash, *id);
        }
        for (hash, id) in &changes.added {
            places.insert(*hash, *id);
            places.next_id = places.next_id.max(id + 1);
        }
    }

    pub fn hash(&self, key: &IdempotencyKey) -> u64 {
        self.hashing.hash_one(key)
    }

    fn places(&self) -> MutexGuard<'_, Places> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Maps grow one at a time, and so none for long.
const MAPS: usize = 256;

#[derive(Debug)]
struct Places {
    by_hash: Vec<HashMap<u64, i64>>,
    /// Further ids of hashes that have one.
    others: Vec<(u64, i64)>,
    /// Every row below it that was not past its time is in here.
    next_id: i64,
}

impl Default for Places {
    fn default() -> Places {
        Places {
            by_hash: vec![HashMap::new(); MAPS],
            others: Vec::new(),
            next_id: 0,
        }
    }
}

impl Places {
    fn map(&mut self, hash: u64) -> &mut HashMap<u64, i64> {
        let [first, ..] = hash.to_be_bytes();
        &mut self.by_hash[usize::from(first)]
    }

    fn ids(&mut self, hash: u64) -> Vec<i64> {
        let first = self.map(hash).get(&hash).copied();
        let others = self.others.iter().filter(|(other, _)| *other == hash);
        let mut ids: Vec<i64> = first.into_iter().chain(others.map(|(_, id)| *id)).collect();
        ids.sort_unstable_by(|a, b| b.cmp(a));
        ids
    }

    fn insert(&mut self, hash: u64, id: i64) {
        let first = *self.map(hash).entry(hash).or_insert(id);
        if first != id && !self.others.contains(&(hash, id)) {
            self.others.push((hash, id));
        }
    }

    fn remove(&mut self, hash: u64, id: i64) {
        let of_hash = |other: &(u64, i64)| other.0 == hash;
        if let Some(at) = self.others.iter().position(|other| *other == (hash, id)) {
            self.others.swap_remove(at);
        } else if self.map(hash).get(&hash) == Some(&id) {
            self.map(hash).remove(&hash);
            if let Some(at) = self.others.iter().position(of_hash) {
                let (hash, id) = self.others.swap_remove(at);
                self.insert(hash, id);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_one_hash_have_their_rows_each() {
        let mut places = Places::default();
        for id in [5, 7, 6] {
            places.insert(1, id);
            places.insert(1, id);
            places.insert(1, 5);
        }
        places.insert(2, 8);
        assert_eq!(places.ids(1), [7, 6, 5]);
        places.remove(1, 5);
        assert_eq!(places.ids(1), [7, 6]);
        places.remove(1, 5);
        places.remove(1, 7);
        assert_eq!(places.ids(1), [6]);
        places.remove(1, 6);
        assert_eq!((places.ids(1), places.ids(2)), (vec![], vec![8]));
    }
}
