//! Readers that remember what they read, beside a process that commits.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use flashsale::sale::{ProductId, Timestamp};
use flashsale_schedules::beside::cached_product::CachedProduct;
use flashsale_schedules::{as_it_is, flies_alone, knows_the_version_after_the_read};
use shuttle::sync::Mutex;
use shuttle::thread;

use crate::explored::{breaks, holds};

/// What is read is no older than the last commit that was acknowledged before the read.
macro_rules! nothing_is_stale {
    ($room:ident) => {
        || {
            // How often was committed: the store's version, and what a reader finds.
            let store = Arc::new(Mutex::new(0));
            let acknowledged = Arc::new(AtomicU64::new(0));
            let cache = Arc::new($room::product_cache::ProductCache::default());
            let readers: Vec<_> = (0..2)
                .map(|_| {
                    let (store, acknowledged) = (store.clone(), acknowledged.clone());
                    let cache = cache.clone();
                    thread::spawn(move || {
                        for _ in 0..3 {
                            let known = acknowledged.load(Ordering::SeqCst);
                            let version = || Some(*store.lock().unwrap());
                            let read = || {
                                let commit = *store.lock().unwrap();
                                Ok::<_, ()>(CachedProduct { commit })
                            };
                            let id = ProductId::new(1).unwrap();
                            let found = cache.find_or_read(version, id, Timestamp::FIRST, read);
                            assert!(found.unwrap().commit >= known, "a read before the commit");
                        }
                    })
                })
                .collect();
            for _ in 0..2 {
                *store.lock().unwrap() += 1;
                acknowledged.fetch_add(1, Ordering::SeqCst);
                thread::yield_now();
            }
            readers
                .into_iter()
                .for_each(|reader| reader.join().unwrap());
        }
    };
}

#[test]
fn no_read_is_older_than_a_commit_that_was_acknowledged_before_it() {
    holds("product cache", nothing_is_stale!(as_it_is));
    breaks(
        "knows the version after the read",
        nothing_is_stale!(knows_the_version_after_the_read),
    );
}

macro_rules! one_reads_for_all {
    ($room:ident) => {
        || {
            let reads = Arc::new(AtomicUsize::new(0));
            let cache = Arc::new($room::product_cache::ProductCache::default());
            let readers: Vec<_> = (0..3)
                .map(|_| {
                    let (reads, cache) = (reads.clone(), cache.clone());
                    thread::spawn(move || {
                        let read = || {
                            reads.fetch_add(1, Ordering::SeqCst);
                            thread::yield_now();
                            Ok::<_, ()>(CachedProduct { commit: 0 })
                        };
                        let id = ProductId::new(1).unwrap();
                        let found = cache.find_or_read(|| Some(0), id, Timestamp::FIRST, read);
                        assert!(found.is_ok());
                    })
                })
                .collect();
            readers
                .into_iter()
                .for_each(|reader| reader.join().unwrap());
            assert_eq!(reads.load(Ordering::SeqCst), 1);
        }
    };
}

#[test]
fn one_request_reads_for_all_that_come_meanwhile() {
    holds("single flight", one_reads_for_all!(as_it_is));
    breaks("flies alone", one_reads_for_all!(flies_alone));
}
