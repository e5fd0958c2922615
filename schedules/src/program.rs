//! What the rooms import from the program.

pub use flashsale::{clock, config, http, metrics, sale};

/// As the program's, but for its reader, which has many questions.
pub mod store {
    pub use flashsale::store::*;

    use flashsale::sale::EventId;

    /// What long polls ask.
    pub trait Reader: Send + Sync {
        fn next_event(&self) -> Result<EventId, StoreError>;
        fn events(&self, after: i64, events_max: usize) -> Result<Found, StoreError>;
    }

    pub struct Found {
        pub events: usize,
    }

    impl Found {
        pub fn is_nothing(&self) -> bool {
            self.events == 0
        }
    }
}

/// What long polls answer with.
pub mod api {
    pub mod call {
        use super::errors::Error;
        use crate::program::http::Response;
        use crate::program::store::Found;

        #[derive(Clone, Copy, Debug)]
        pub struct EventsWanted {
            pub after: i64,
            pub events_max: usize,
        }

        impl EventsWanted {
            /// The status tells them apart.
            pub fn answer(self, _: &Found) -> Result<Response, Error> {
                Ok(Response::new(200))
            }

            pub fn nothing(self) -> Response {
                Response::new(204)
            }
        }
    }

    pub mod errors {
        use crate::program::store::StoreError;

        #[derive(Debug)]
        pub enum Error {
            ReadFailed,
        }

        impl From<StoreError> for Error {
            fn from(_: StoreError) -> Error {
                Error::ReadFailed
            }
        }
    }
}
