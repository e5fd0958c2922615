//! The least that can answer `GET /healthz` over HTTP/1.1: a thread a connection, blocking reads, `httparse`, one fixed
//! answer. No limits, no time-outs, no log, no routes: what the front is measured against by `benches/http.sh`.
//!
//! `cargo run --release --example bare_loop -- 127.0.0.1:0` prints the address and serves until it is killed.

use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;

const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 15\r\n\r\n{\"status\":\"ok\"}";

fn main() -> io::Result<()> {
    let address = std::env::args().nth(1);
    let listener = TcpListener::bind(address.as_deref().unwrap_or("127.0.0.1:0"))?;
    println!("listening on http://{}", listener.local_addr()?);
    for stream in listener.incoming() {
        let stream = stream?;
        thread::spawn(move || serve(stream));
    }
    Ok(())
}

fn serve(mut stream: TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut buffer = [0; 4096];
    let mut filled = 0;
    loop {
        let mut fields = [httparse::EMPTY_HEADER; 64];
        match httparse::Request::new(&mut fields).parse(&buffer[..filled]) {
            Ok(httparse::Status::Complete(head_bytes)) => {
                stream.write_all(ANSWER)?;
                buffer.copy_within(head_bytes..filled, 0);
                filled -= head_bytes;
            }
            Ok(httparse::Status::Partial) => match stream.read(&mut buffer[filled..])? {
                0 => return Ok(()),
                read => filled += read,
            },
            Err(_) => return Ok(()),
        }
    }
}
