//! The client's side: many connections to one server, with one request on its way on each. No connection is waited for: all
//! stand in one epoll.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use slab::Slab;
use socket2::{Domain, Socket, Type};

use super::poller::{Poller, Readiness};

/// More than an answer to a buyer is long.
const READ_BYTES: usize = 16 * 1024;
const HEADERS_MAX: usize = 64;

pub struct Clients {
    server: SocketAddr,
    poller: Poller,
    connections: Slab<Connection>,
    buffer: Vec<u8>,
}

struct Connection {
    socket: Socket,
    unsent: Vec<u8>,
    received: Vec<u8>,
}

/// An answer that has come whole, but for its body, which is where the caller wanted it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AnswerHead {
    pub status: u16,
    /// Whether the server ends the connection with it.
    pub closes: bool,
}

/// Appends a request to `to`. With a body it is JSON.
pub fn write_request(
    to: &mut Vec<u8>,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &str,
) {
    let mut add = |text: &str| to.extend_from_slice(text.as_bytes());
    for text in [method, " ", path, " HTTP/1.1\r\nHost: rehearsal\r\n"] {
        add(text);
    }
    for (name, value) in headers {
        for text in [name, ": ", value, "\r\n"] {
            add(text);
        }
    }
    if !body.is_empty() {
        add("Content-Type: application/json\r\nContent-Length: ");
        add(&body.len().to_string());
        add("\r\n");
    }
    add("\r\n");
    add(body);
}

impl Clients {
    pub fn of(server: SocketAddr) -> io::Result<Clients> {
        Ok(Clients {
            server,
            poller: Poller::new()?,
            connections: Slab::new(),
            buffer: vec![0; READ_BYTES],
        })
    }

    /// Begins to connect, from this address of the machine if one is given, and returns the connection's slot.
    pub fn connect(&mut self, from: Option<Ipv4Addr>) -> io::Result<usize> {
        let socket = Socket::new(Domain::for_address(self.server), Type::STREAM, None)?;
        socket.set_nonblocking(true)?;
        socket.set_tcp_nodelay(true)?;
        if let Some(from) = from.filter(|_| self.server.is_ipv4()) {
            socket.bind(&SocketAddr::from((from, 0)).into())?;
        }
        match socket.connect(&self.server.into()) {
            Err(error) if error.raw_os_error() != Some(EINPROGRESS) => return Err(error),
            Ok(()) | Err(_) => {}
        }
        let entry = self.connections.vacant_entry();
        let slot = entry.key();
        self.poller.add(&socket, slot)?;
        entry.insert(Connection {
            socket,
            unsent: Vec::new(),
            received: Vec::new(),
        });
        Ok(slot)
    }

    /// The next request of a connection on which no answer is waited for.
    pub fn send(&mut self, slot: usize, request: &[u8]) -> io::Result<()> {
        let connection = &mut self.connections[slot];
        connection.received.clear();
        connection.unsent.clear();
        connection.unsent.extend_from_slice(request);
        self.send_on(slot, true)
    }

    fn send_on(&mut self, slot: usize, is_first: bool) -> io::Result<()> {
        let connection = &mut self.connections[slot];
        while !connection.unsent.is_empty() {
            match (&connection.socket).write(&connection.unsent) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(sent) => drop(connection.unsent.drain(..sent)),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    if is_first {
                        self.poller.watch_writes(&connection.socket, slot, true)?;
                    }
                    return Ok(());
                }
                Err(error) => return Err(error),
            }
        }
        if !is_first {
            self.poller.watch_writes(&connection.socket, slot, false)?;
        }
        Ok(())
    }

    /// Waits until something has come, or for so long, and appends the slots of connections that are worth a `receive`.
    pub fn wait(&mut self, longest: Duration, ready: &mut Vec<usize>) -> io::Result<()> {
        self.poller.wait(Some(longest))?;
        for readiness in self.poller.ready() {
            if let Readiness::Connection { slot, .. } = readiness {
                ready.push(slot);
            }
        }
        Ok(())
    }

    /// The answer, if all of it has come, with its body put into `body`. An error ends the connection: close it.
    pub fn receive(&mut self, slot: usize, body: &mut Vec<u8>) -> io::Result<Option<AnswerHead>> {
        let Some(connection) = self.connections.get(slot) else {
            return Ok(None);
        };
        if !connection.unsent.is_empty() {
            self.send_on(slot, false)?;
        }
        let connection = &mut self.connections[slot];
        loop {
            let read = match (&connection.socket).read(&mut self.buffer) {
                Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
                Ok(read) => read,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(None),
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            connection.received.extend_from_slice(&self.buffer[..read]);
            if let Some(head) = whole(&connection.received, body)? {
                connection.received.clear();
                return Ok(Some(head));
            }
        }
    }

    pub fn close(&mut self, slot: usize) {
        if self.connections.contains(slot) {
            self.connections.remove(slot);
        }
    }
}

const EINPROGRESS: i32 = rustix::io::Errno::INPROGRESS.raw_os_error();

/// The answer that the bytes are, if they are a whole one. The server gives the length of every body.
fn whole(bytes: &[u8], body: &mut Vec<u8>) -> io::Result<Option<AnswerHead>> {
    let mut headers = [httparse::EMPTY_HEADER; HEADERS_MAX];
    let mut response = httparse::Response::new(&mut headers);
    let no_http = |why: &str| io::Error::new(ErrorKind::InvalidData, format!("its answer {why}"));
    let parsed = response.parse(bytes);
    let begins = match parsed.map_err(|error| no_http(&format!("is no HTTP: {error}")))? {
        httparse::Status::Partial => return Ok(None),
        httparse::Status::Complete(begins) => begins,
    };
    let (mut length, mut closes) = (None, false);
    for header in response.headers.iter() {
        let value = || std::str::from_utf8(header.value).unwrap_or_default();
        if header.name.eq_ignore_ascii_case("content-length") {
            length = value().parse::<usize>().ok();
        } else if header.name.eq_ignore_ascii_case("connection") {
            closes |= value().eq_ignore_ascii_case("close");
        }
    }
    let status = response.code.ok_or_else(|| no_http("has no status"))?;
    let length = length.ok_or_else(|| no_http("has no Content-Length"))?;
    let Some(found) = bytes.get(begins..).and_then(|rest| rest.get(..length)) else {
        return Ok(None);
    };
    body.clear();
    body.extend_from_slice(found);
    Ok(Some(AnswerHead { status, closes }))
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn an_answer_is_whole_once_all_of_its_body_has_come() {
        let bytes = b"HTTP/1.1 201 Created\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello";
        let mut body = Vec::new();
        for end in 0..bytes.len() {
            assert_eq!(whole(&bytes[..end], &mut body).unwrap(), None, "{end}");
        }
        let head = whole(bytes, &mut body).unwrap();
        let closes = true;
        assert_eq!(
            head,
            Some(AnswerHead {
                status: 201,
                closes
            })
        );
        assert_eq!(body, b"hello");
        assert!(whole(b"SSH-2.0-OpenSSH\r\n\r\n", &mut body).is_err());
    }

    #[test]
    fn an_answer_that_has_not_come_is_no_failure() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut clients = Clients::of(listener.local_addr().unwrap()).unwrap();
        let slot = clients.connect(None).unwrap();
        let (mut server, _) = listener.accept().unwrap();
        let mut body = Vec::new();
        assert_eq!(clients.receive(slot, &mut body).unwrap(), None);
        let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
        server.write_all(answer).unwrap();
        while clients.receive(slot, &mut body).unwrap().is_none() {}
        assert_eq!(body, b"ok");
    }

    #[test]
    fn a_request_with_a_body_says_how_long_it_is() {
        let mut request = Vec::new();
        write_request(&mut request, "GET", "/a", &[], "");
        assert_eq!(request, b"GET /a HTTP/1.1\r\nHost: rehearsal\r\n\r\n");
        request.clear();
        write_request(&mut request, "POST", "/b", &[("X", "y")], "{}");
        let text = String::from_utf8(request).unwrap();
        assert!(text.contains("\r\nX: y\r\n"), "{text}");
        assert!(text.ends_with("\r\nContent-Length: 2\r\n\r\n{}"), "{text}");
    }
}
