//! What stands beside the rooms' files in the program.

pub use crate::as_it_is::{connection_limit, mailbox};

/// `http/message.rs` is the program's own.
pub mod message {
    pub use flashsale::http::{Handler, Recipient, Refusal, Reply, Request, Response};

    pub type Work = Box<dyn FnOnce() + Send>;
}

pub mod deadlines {
    pub struct Wait;

    impl Wait {
        pub const ALL: [Wait; 5] = [Wait, Wait, Wait, Wait, Wait];
    }
}

/// What the pool reads of the front's.
pub mod context {
    use std::sync::Arc;
    use std::time::Duration;

    use flashsale::http::Handler;

    pub struct Context {
        pub handler: Arc<dyn Handler>,
        pub limits: Limits,
    }

    pub struct Limits {
        pub threads_max: usize,
        pub queue_max: usize,
        pub wait_max: Duration,
    }
}

/// A version of the store, by number.
pub mod file {
    pub type Version = u64;
}

/// A product that holds at any time, and at which commit it was read.
pub mod cached_product {
    use flashsale::sale::Timestamp;

    pub struct CachedProduct {
        pub commit: u64,
    }

    impl CachedProduct {
        pub fn holds_at(&self, _: Timestamp) -> bool {
            true
        }
    }
}
