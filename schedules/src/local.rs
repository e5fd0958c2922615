//! What the standard library's thread-local cells can do, for shuttle's.

use std::cell::RefCell;

use shuttle::thread::LocalKey;

pub trait Cell<T> {
    fn set(&'static self, value: T);
    fn take(&'static self) -> T
    where
        T: Default;
    fn with_borrow_mut<R>(&'static self, change: impl FnOnce(&mut T) -> R) -> R;
}

impl<T> Cell<T> for LocalKey<RefCell<T>> {
    fn set(&'static self, value: T) {
        self.with(|cell| *cell.borrow_mut() = value);
    }

    fn take(&'static self) -> T
    where
        T: Default,
    {
        self.with(RefCell::take)
    }

    fn with_borrow_mut<R>(&'static self, change: impl FnOnce(&mut T) -> R) -> R {
        self.with(|cell| change(&mut cell.borrow_mut()))
    }
}
