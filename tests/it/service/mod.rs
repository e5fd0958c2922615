//! The server as a service: its sockets, its signals, what it tells its manager, and what it writes into its log.

mod access_log;
mod signals;
mod sockets;

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};

use crate::server::{Premises, send_signal};
use crate::waiting::wait_until;
use crate::wire::statuses;

const HEALTH: &[u8] = b"GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
const OPEN: (&str, &str) = ("FLASHSALE_ALLOW_OPEN", "true");

/// A server whose log goes into a file.
struct Service {
    child: Child,
    /// What it said once it listened.
    listening: String,
    log: PathBuf,
}

impl Service {
    fn start(premises: &Premises, arguments: &[&str], environment: &[(&str, &str)]) -> Service {
        let mut command = premises.command(&["serve", "--listen", "127.0.0.1:0"]);
        if !arguments.is_empty() {
            command = premises.command(&["serve"]);
        }
        command.args(arguments).envs(environment.iter().copied());
        let log = File::create(premises.path().join("log")).unwrap();
        command.stderr(log);
        Service::of(premises, command)
    }

    #[track_caller]
    fn of(premises: &Premises, mut command: Command) -> Service {
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        let listening = line.trim().strip_prefix("listening on ");
        Service {
            listening: listening.expect("it serves").to_owned(),
            child,
            log: premises.path().join("log"),
        }
    }

    fn connect(&self) -> TcpStream {
        TcpStream::connect(self.listening.strip_prefix("http://").unwrap()).unwrap()
    }

    /// The answer to a head without its last lines, or with its body.
    fn ask(&self, request: &str) -> String {
        let mut client = self.connect();
        let (line, rest) = request.split_once("\r\n").unwrap();
        let end = if rest.contains("\r\n\r\n") {
            ""
        } else {
            "\r\n"
        };
        let request = format!("{line}\r\nHost: a\r\nConnection: close\r\n{rest}{end}");
        client.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        client.read_to_string(&mut answer).unwrap();
        answer
    }

    /// What was sent on another connection before is read before what is asked on a new one now: the front looks at
    /// connections in the order in which they had something to say.
    fn has_read_what_was_sent(&self) {
        assert_eq!(status(self.connect()), 200);
    }

    fn no_longer_accepts(&self) {
        let address = self.listening.strip_prefix("http://").unwrap();
        wait_until("connections are refused", || {
            TcpStream::connect(address).is_err()
        });
    }

    fn signal(&self, signal: &str) {
        send_signal(self.child.id(), signal);
    }

    fn stop(mut self) -> ExitStatus {
        self.signal("-TERM");
        self.child.wait().unwrap()
    }

    #[track_caller]
    fn stop_and_read_log(self) -> String {
        let log = self.log.clone();
        assert_eq!(self.stop().code(), Some(0));
        fs::read_to_string(log).unwrap()
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

fn status(mut stream: impl Read + Write) -> u16 {
    stream.write_all(HEALTH).unwrap();
    status_of(stream)
}

fn status_of(mut stream: impl Read) -> u16 {
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    statuses(&answer)[0]
}
