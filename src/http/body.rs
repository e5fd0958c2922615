//! Where a request's body ends, and the body once it is whole.

use super::chunked::ChunkedBody;
use super::message::Refusal;

#[derive(Debug)]
pub enum Body {
    /// A body of so many bytes; of none where the head says nothing of a body.
    OfLength(usize),
    Chunked(Box<ChunkedBody>),
}

impl Body {
    /// Takes the body's bytes out of the buffer; `None` while it is incomplete.
    pub fn take_from(&mut self, buffer: &mut Vec<u8>) -> Result<Option<Vec<u8>>, Refusal> {
        match self {
            Body::OfLength(bytes) if buffer.len() < *bytes => Ok(None),
            Body::OfLength(bytes) => Ok(Some(buffer.drain(..*bytes).collect())),
            Body::Chunked(body) => body.take_from(buffer),
        }
    }
}
