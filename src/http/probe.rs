//! The least of a client: one `GET`, and the status of its answer.

use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::time::Duration;

use super::listener::Address;

/// How long each step may take: to connect, to send, to receive.
const PATIENCE: Duration = Duration::from_secs(3);
/// An answer's status stands in its first line.
const BYTES_MAX: u64 = 4096;

/// Sends `GET path` for `host` to `address`.
pub fn probe(address: &Address, host: &str, path: &str) -> io::Result<u16> {
    match address {
        Address::Tcp(address) => {
            let stream = TcpStream::connect_timeout(address, PATIENCE)?;
            stream.set_read_timeout(Some(PATIENCE))?;
            stream.set_write_timeout(Some(PATIENCE))?;
            exchange(stream, host, path)
        }
        Address::Unix(socket) => {
            let stream = UnixStream::connect(socket)?;
            stream.set_read_timeout(Some(PATIENCE))?;
            stream.set_write_timeout(Some(PATIENCE))?;
            exchange(stream, host, path)
        }
    }
}

fn exchange(mut stream: impl Read + Write, host: &str, path: &str) -> io::Result<u16> {
    let head = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    stream.write_all(head.as_bytes())?;
    let mut answer = Vec::new();
    stream.take(BYTES_MAX).read_to_end(&mut answer)?;
    let mut headers = [httparse::EMPTY_HEADER; 64];
    let mut response = httparse::Response::new(&mut headers);
    match (response.parse(&answer), response.code) {
        (Ok(_), Some(status)) => Ok(status),
        (Ok(_) | Err(_), _) => Err(io::Error::new(
            ErrorKind::InvalidData,
            "its answer is no HTTP",
        )),
    }
}
