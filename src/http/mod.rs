//! HTTP/1.1 over sockets: bytes become requests, responses become bytes. A few event loops own the connections, each from its
//! first byte to its last, and never wait for one client: what a request means is the business of a handler that this room is given,
//! and an answer that comes later is handed to the loop that owns the connection.
//!
//! ```text
//!  clients ──> listener ──> acceptor ──> the loop with the fewest connections
//!                                          │ poller: which can be read, which can be written
//!                                          │ head, body ──> handler ─────────> (the writer, or a thread of the pool)
//!  clients <── response_writer <───────────┤                                                    │
//!                                          └── mailbox: answers, and what makes them <──────────┘
//! ```
//!
//! `tiny_http` gives the vocabulary (`Method`, `StatusCode`, `Header`), not the server: its own can be aborted by one
//! request (a huge `Content-Length`, or `HTTP/2.0` in the request line), starves keep-alive clients in a burst, ends its
//! accept loop on any error, and has no time-outs; and its printer drops `Connection: close` and goes chunked by itself.

mod acceptor;
mod body;
mod chunked;
mod client;
mod connection;
mod connection_counts;
mod connection_limit;
mod context;
mod deadlines;
mod event_loop;
mod head;
mod listener;
mod mailbox;
mod message;
mod poller;
mod pool;
mod printed_date;
mod probe;
mod response_writer;
mod server;
mod target;

pub use client::{AnswerHead, Clients, write_request};
pub use connection_counts::{ByState, ConnectionCounts};
pub use connection_limit::PerAddress;
pub use context::{Limits, Timeouts};
pub use listener::{Address, Listener};
pub use mailbox::with_one_wake_up;
pub use message::{Awaited, Handler, Recipient, Refusal, Reply, Request, RequestInfo, Response};
pub use probe::probe;
pub use server::{Server, Stopper};
pub use tiny_http::{Header, Method, StatusCode};

#[cfg(feature = "test-support")]
pub use {
    body::Body,
    chunked::ChunkedBody,
    head::{Head, parse as parse_head},
};
