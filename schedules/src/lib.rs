//! The parts of the program that share memory, on shuttle's primitives: `build.rs` says how they come here. What is beside them
//! in the program, and is not what is tried, is as small as it can be: `beside`.

pub mod beside;
pub mod channel;
pub mod local;
pub mod program;
pub mod waker;

/// A room's text, as it is or with a bug.
macro_rules! rooms {
    ($($variant:ident: $room:ident $(/ $root:ident)?),+ $(,)?) => {
        $(pub mod $variant {
            #[allow(clippy::all, dead_code, unused_imports)]
            pub mod $room {
                include!(concat!(env!("OUT_DIR"), "/", stringify!($variant), "/", stringify!($room), $("/", stringify!($root),)? ".rs"));
            }
        })+
    };
}

pub mod as_it_is {
    #[allow(dead_code)]
    pub mod connection_limit {
        include!(concat!(env!("OUT_DIR"), "/as_it_is/connection_limit.rs"));
    }
    #[allow(dead_code)]
    pub mod long_polls {
        include!(concat!(env!("OUT_DIR"), "/as_it_is/long_polls.rs"));
    }
    #[allow(dead_code)]
    pub mod mailbox {
        include!(concat!(env!("OUT_DIR"), "/as_it_is/mailbox.rs"));
    }
    #[allow(dead_code)]
    pub mod pool {
        include!(concat!(env!("OUT_DIR"), "/as_it_is/pool.rs"));
    }
    #[allow(dead_code)]
    pub mod product_cache {
        include!(concat!(env!("OUT_DIR"), "/as_it_is/product_cache.rs"));
    }
    #[allow(dead_code)]
    pub mod writer {
        include!(concat!(env!("OUT_DIR"), "/as_it_is/writer/mod.rs"));
    }
}

rooms! {
    wakes_before_it_pushes: mailbox,
    sleeps_without_a_look: mailbox,
    counts_on_a_thread_that_leaves: pool,
    knows_the_version_after_the_read: product_cache,
    flies_alone: product_cache,
    tells_before_the_commit: writer / mod,
    forgets_what_waits: writer / mod,
    gives_the_permit_back_last: long_polls,
}
