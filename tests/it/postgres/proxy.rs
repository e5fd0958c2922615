//! What stands between a node and its server, and cuts the connection when a test says so.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::thread;

use flashsale::store::Place;
use flashsale::store::postgres::Url;

use super::Schema;

/// Where the connection ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// The server does not get the request.
    BeforeRequest,
    /// The server gets it, and the answer finds nobody.
    BeforeAnswer,
    /// The server has answered, and the answer is not passed on.
    AfterAnswer,
}

impl Cut {
    pub const ALL: [Cut; 3] = [Cut::BeforeRequest, Cut::BeforeAnswer, Cut::AfterAnswer];
}

/// A text of statements, and one as long in its place.
type Replaced = Option<(&'static [u8], Vec<u8>)>;

pub struct Proxy {
    port: u16,
    next: Arc<Mutex<Option<Cut>>>,
}

impl Proxy {
    pub fn to(socket: PathBuf) -> Proxy {
        Proxy::between(socket, None)
    }

    /// In every statement this text becomes a shorter one: something of the program's is taken away.
    pub fn that_replaces(socket: PathBuf, text: &'static str, by: &str) -> Proxy {
        let by = format!("{by:0$}", text.len());
        Proxy::between(socket, Some((text.as_bytes(), by.into_bytes())))
    }

    fn between(socket: PathBuf, replaced: Replaced) -> Proxy {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let next: Arc<Mutex<Option<Cut>>> = Arc::default();
        let cut = next.clone();
        thread::spawn(move || {
            for node in listener.incoming() {
                let node = node.unwrap();
                node.set_nodelay(true).unwrap();
                let (socket, cut, replaced) = (socket.clone(), cut.clone(), replaced.clone());
                thread::spawn(move || serve(node, &socket, &cut, replaced.as_ref()));
            }
        });
        Proxy { port, next }
    }

    /// The same database, through here.
    pub fn place(&self, schema: &Schema) -> Place {
        let options = schema.options();
        let url = format!(
            "postgres://flashsale@127.0.0.1:{}/postgres?{options}",
            self.port
        );
        Place::Server(Url::parse(&url).unwrap())
    }

    pub fn cut_at_the_next_request(&self, cut: Cut) {
        *self.next.lock().unwrap() = Some(cut);
    }
}

/// How the server says so.
const COMMITTED: &[u8] = b"COMMIT\0";

/// One connection, until either side ends it, or it is cut.
fn serve(
    mut node: TcpStream,
    socket: &Path,
    next: &Mutex<Option<Cut>>,
    replaced: Option<&(&[u8], Vec<u8>)>,
) {
    let mut server = UnixStream::connect(socket).unwrap();
    let withheld = Arc::new(Mutex::new(false));
    let answers = {
        let (mut server, mut node) = (server.try_clone().unwrap(), node.try_clone().unwrap());
        let withheld = withheld.clone();
        thread::spawn(move || {
            let mut buffer = [0; 65_536];
            let mut kept = Vec::new();
            while let Ok(bytes @ 1..) = server.read(&mut buffer) {
                if *withheld.lock().unwrap() {
                    kept.extend_from_slice(&buffer[..bytes]);
                    if kept.windows(COMMITTED.len()).any(|part| part == COMMITTED) {
                        break;
                    }
                } else if node.write_all(&buffer[..bytes]).is_err() {
                    break;
                }
            }
            let _ = node.shutdown(Shutdown::Both);
        })
    };
    let mut buffer = [0; 1 << 20];
    while let Ok(bytes @ 1..) = node.read(&mut buffer) {
        if let Some((text, by)) = replaced {
            for start in 0..=bytes.saturating_sub(text.len()) {
                if buffer[start..].starts_with(text) {
                    buffer[start..start + by.len()].copy_from_slice(by);
                }
            }
        }
        let cut = next.lock().unwrap().take();
        if cut == Some(Cut::BeforeRequest) {
            break;
        }
        *withheld.lock().unwrap() = cut.is_some();
        if server.write_all(&buffer[..bytes]).is_err() || cut == Some(Cut::BeforeAnswer) {
            break;
        }
        if cut == Some(Cut::AfterAnswer) {
            // Until the server says that it has committed.
            let _ = answers.join();
            break;
        }
    }
    let _ = server.shutdown(Shutdown::Both);
    let _ = node.shutdown(Shutdown::Both);
}
