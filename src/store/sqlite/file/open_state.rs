//! What the writer and the readers of one database share in this process: which file it is, whether it is sound, and where
//! kept keys are.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::named_file::NamedFile;
use super::wal_index::WalIndex;
use crate::store::StoreError;
use crate::store::sqlite::key_index::KeyIndex;

#[derive(Debug)]
pub struct OpenState {
    pub file: NamedFile,
    pub wal_index: Arc<WalIndex>,
    pub key_index: KeyIndex,
    /// Whether the writer or a reader has found the database damaged.
    is_damaged: AtomicBool,
    is_left: AtomicBool,
}

impl OpenState {
    pub fn new(file: NamedFile) -> OpenState {
        OpenState {
            wal_index: Arc::new(WalIndex::of(file.path())),
            file,
            key_index: KeyIndex::default(),
            is_damaged: AtomicBool::new(false),
            is_left: AtomicBool::new(false),
        }
    }

    /// Damage is remembered: nothing is written any more, even if a reader found it.
    pub fn note(&self, failure: StoreError) -> StoreError {
        if matches!(failure, StoreError::Corrupt(_)) {
            self.is_damaged.store(true, Ordering::SeqCst);
        }
        failure
    }

    /// One of the files has lost its name.
    pub fn leave(&self) {
        self.is_left.store(true, Ordering::SeqCst);
    }

    pub fn is_left(&self) -> bool {
        self.is_left.load(Ordering::SeqCst)
    }

    pub fn ensure_is_undamaged(&self) -> Result<(), StoreError> {
        if self.is_damaged.load(Ordering::SeqCst) {
            Err(StoreError::Corrupt("a read found it so".into()))
        } else {
            Ok(())
        }
    }

    pub fn ensure_is_sound(&self) -> Result<(), StoreError> {
        self.ensure_is_undamaged()?;
        match self.file.displacement() {
            Some(displacement) => Err(StoreError::Displaced(displacement)),
            None => Ok(()),
        }
    }
}
