//! HTTP/1.1 over sockets: bytes become requests, responses become bytes. A synchronous thread pool is lent to connections
//! that have something to say; the others are parked. What a request means is somebody else's business: this room is given
//! a handler and never asks what it does.
//!
//! `tiny_http` gives the vocabulary (`Method`, `StatusCode`, `Header`), not the server: its own can be aborted by one
//! request (a huge `Content-Length`, or `HTTP/2.0` in the request line), starves keep-alive clients in a burst, ends its
//! accept loop on any error, and has no time-outs; and its printer drops `Connection: close` and goes chunked by itself.

mod body;
mod chunked;
mod connection;
mod guests;
mod head;
mod house;
mod listener;
mod message;
mod outgoing;
mod parking;
mod pool;
mod server;
mod target;

pub use connection::Timeouts;
pub use guests::PerAddress;
pub use house::Limits;
pub use listener::{Address, Listener};
pub use message::{Handler, Refusal, Reply, Request, RequestInfo, Response};
pub use server::{Server, Stopper};
pub use tiny_http::{Header, Method, StatusCode};
