//! The least that can answer `GET /healthz` over HTTP/1.1 with two event loops: one epoll each, `httparse`, one fixed answer.
//! No limits, no time-outs, no log, no routes: what the front is measured against by `benches/run.py`.
//!
//! `cargo run --release --example bare_loop -- 127.0.0.1:0` prints the address and serves until it is killed.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::fd::AsRawFd;
use std::sync::mpsc::{Receiver, channel};
use std::thread;

use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Token, Waker};

const LOOPS: usize = 2;
const WAKE: Token = Token(usize::MAX);
const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 15\r\n\r\n{\"status\":\"ok\"}";

fn main() -> io::Result<()> {
    let address = std::env::args().nth(1);
    let listener = TcpListener::bind(address.as_deref().unwrap_or("127.0.0.1:0"))?;
    println!("listening on http://{}", listener.local_addr()?);
    let mut loops = Vec::new();
    for _ in 0..LOOPS {
        let poll = Poll::new()?;
        let waker = Waker::new(poll.registry(), WAKE)?;
        let (sender, accepted) = channel();
        thread::spawn(move || serve(poll, &accepted));
        loops.push((sender, waker));
    }
    for (number, stream) in listener.incoming().enumerate() {
        let stream = stream?;
        stream.set_nonblocking(true)?;
        stream.set_nodelay(true)?;
        let (sender, waker) = &loops[number % LOOPS];
        if sender.send(stream).is_ok() {
            waker.wake()?;
        }
    }
    Ok(())
}

struct Client {
    stream: TcpStream,
    buffer: [u8; 4096],
    filled: usize,
}

fn serve(mut poll: Poll, accepted: &Receiver<TcpStream>) -> io::Result<()> {
    let mut events = Events::with_capacity(1024);
    let mut clients: Vec<Option<Client>> = Vec::new();
    loop {
        poll.poll(&mut events, None)?;
        for event in &events {
            if event.token() == WAKE {
                for stream in accepted.try_iter() {
                    let fd = stream.as_raw_fd();
                    let mut source = SourceFd(&fd);
                    let token = Token(clients.len());
                    let registry = poll.registry();
                    registry.register(&mut source, token, Interest::READABLE)?;
                    clients.push(Some(Client {
                        stream,
                        buffer: [0; 4096],
                        filled: 0,
                    }));
                }
            } else if let Some(client) = &mut clients[event.token().0]
                && !answer(client, event.is_read_closed()).is_ok_and(|is_open| is_open)
            {
                clients[event.token().0] = None;
            }
        }
    }
}

/// Answers what came; false once the client has hung up.
fn answer(client: &mut Client, is_ending: bool) -> io::Result<bool> {
    loop {
        let room = client.buffer.len() - client.filled;
        let read = match client.stream.read(&mut client.buffer[client.filled..]) {
            Ok(0) => return Ok(false),
            Ok(read) => read,
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(true),
            Err(error) => return Err(error),
        };
        client.filled += read;
        let mut done = 0;
        loop {
            let mut fields = [httparse::EMPTY_HEADER; 64];
            let mut request = httparse::Request::new(&mut fields);
            match request.parse(&client.buffer[done..client.filled]) {
                Ok(httparse::Status::Complete(head_bytes)) => {
                    client.stream.write_all(ANSWER)?;
                    done += head_bytes;
                }
                Ok(httparse::Status::Partial) => break,
                Err(_) => return Ok(false),
            }
        }
        client.buffer.copy_within(done..client.filled, 0);
        client.filled -= done;
        if read < room && !is_ending {
            return Ok(true);
        }
    }
}
