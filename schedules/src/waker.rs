//! In place of an epoll and its eventfd: who waits is woken once for any number of wakes before.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use shuttle::sync::{Condvar, Mutex};

#[derive(Clone, Default)]
pub struct Waker(Arc<Shared>);

#[derive(Default)]
struct Shared {
    is_woken: Mutex<bool>,
    changed: Condvar,
    wakes: AtomicUsize,
}

impl Waker {
    pub fn wake(&self) -> io::Result<()> {
        self.0.wakes.fetch_add(1, Ordering::SeqCst);
        *self.0.is_woken.lock().unwrap() = true;
        self.0.changed.notify_all();
        Ok(())
    }

    /// As a poll without a time-out, or with one of zero.
    pub fn poll(&self, waits: bool) {
        let mut is_woken = self.0.is_woken.lock().unwrap();
        while waits && !*is_woken {
            is_woken = self.0.changed.wait(is_woken).unwrap();
        }
        *is_woken = false;
    }

    /// How often it was woken.
    pub fn wakes(&self) -> usize {
        self.0.wakes.load(Ordering::SeqCst)
    }
}
