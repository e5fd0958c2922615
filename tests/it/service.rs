//! The server as a service: its sockets, its signals, what it tells its manager, and what it writes into its log.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::net::{UnixDatagram, UnixListener, UnixStream};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::faults::Disk;
use crate::server::{Premises, pause, send_signal};
use crate::wire::{Lock, hold};

const HEALTH: &[u8] = b"GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
const OPEN: (&str, &str) = ("FLASHSALE_ALLOW_OPEN", "true");

#[test]
fn a_unix_socket_is_served_and_removed_afterwards() {
    let premises = Premises::stocked(5);
    let service = Service::start(&premises, &["--listen", "unix:shop.sock"], &[OPEN]);
    assert_eq!(service.listening, "unix:shop.sock");
    let socket = premises.path().join("shop.sock");
    assert_eq!(status(UnixStream::connect(&socket).unwrap()), 200);
    assert_eq!(service.stop().code(), Some(0));
    assert!(!socket.exists());
}

#[test]
fn a_socket_that_was_left_behind_is_replaced_and_nothing_else_is() {
    let premises = Premises::stocked(5);
    let mut service = Service::start(&premises, &["--listen", "unix:shop.sock"], &[OPEN]);
    service.child.kill().unwrap();
    service.child.wait().unwrap();
    let socket = premises.path().join("shop.sock");
    assert!(socket.exists(), "the dead clean up nothing");
    let service = Service::start(&premises, &["--listen", "unix:shop.sock"], &[OPEN]);
    assert_eq!(status(UnixStream::connect(&socket).unwrap()), 200);

    let other = Premises::stocked(1);
    let listen = format!("unix:{}", socket.display());
    let run = |listen: &str| {
        let mut command = other.command(&["serve", "--listen", listen]);
        command.env(OPEN.0, OPEN.1).output().unwrap()
    };
    assert_eq!(run(&listen).status.code(), Some(69), "somebody lives there");
    assert_eq!(status(UnixStream::connect(&socket).unwrap()), 200);
    assert_eq!(service.stop().code(), Some(0));

    let notes = other.file("notes.txt", "mine");
    assert_eq!(run("unix:notes.txt").status.code(), Some(69));
    assert_eq!(fs::read_to_string(notes).unwrap(), "mine");
}

#[test]
fn a_socket_may_be_opened_by_a_service_manager() {
    let premises = Premises::stocked(5);
    let socket = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = socket.local_addr().unwrap();
    let service = Service::of(&premises, by_manager(&premises, socket.into()));
    assert_eq!(service.listening, format!("http://{address}"));
    assert_eq!(status(TcpStream::connect(address).unwrap()), 200);
    assert_eq!(service.stop().code(), Some(0));

    let path = premises.path().join("managed.sock");
    let socket = UnixListener::bind(&path).unwrap();
    let mut command = by_manager(&premises, socket.into());
    let refused = command.output().unwrap();
    assert_eq!(refused.status.code(), Some(78), "it lets others in");
    let socket = UnixListener::bind(premises.path().join("other.sock")).unwrap();
    let mut command = by_manager(&premises, socket.into());
    command.env(OPEN.0, OPEN.1);
    let service = Service::of(&premises, command);
    let path = premises.path().join("other.sock");
    assert_eq!(service.listening, format!("unix:{}", path.display()));
    assert_eq!(status(UnixStream::connect(&path).unwrap()), 200);
    assert_eq!(service.stop().code(), Some(0));
    assert!(path.exists(), "the manager's socket is the manager's");
}

#[test]
fn a_service_manager_is_told_how_it_goes() {
    let premises = Premises::stocked(5);
    let path = premises.path().join("notify.sock");
    let manager = UnixDatagram::bind(&path).unwrap();
    manager
        .set_read_timeout(Some(Duration::from_secs(20)))
        .unwrap();
    let heard = || {
        let mut message = [0; 1024];
        let bytes = manager.recv(&mut message).unwrap();
        String::from_utf8(message[..bytes].to_vec()).unwrap()
    };
    let notify = ("NOTIFY_SOCKET", path.to_str().unwrap());
    let watchdog = ("WATCHDOG_USEC", "300000");
    let service = Service::start(&premises, &[], &[notify, watchdog]);
    assert_eq!(heard().trim(), "READY=1");
    for _ in 0..3 {
        assert_eq!(heard().trim(), "WATCHDOG=1");
    }
    let lock = Lock::take(&premises);
    let mut client = service.connect();
    client.write_all(hold().as_bytes()).unwrap();
    for _ in 0..5 {
        assert_eq!(
            heard().trim(),
            "WATCHDOG=1",
            "to wait for another process is to live"
        );
    }
    lock.release();
    let ended = service.stop();
    let last = std::iter::repeat_with(heard).find(|message| message.trim() != "WATCHDOG=1");
    assert_eq!(last.unwrap().trim(), "STOPPING=1");
    assert_eq!(ended.code(), Some(0));
}

#[test]
fn a_request_that_has_begun_may_end_after_the_signal() {
    for signal in ["-TERM", "-INT", "-HUP"] {
        let premises = Premises::stocked(5);
        let mut service = Service::start(&premises, &[], &[]);
        let (begun, rest) = HEALTH.split_at(20);
        let mut client = service.connect();
        client.write_all(begun).unwrap();
        service.has_read_what_was_sent();
        service.signal(signal);
        service.no_longer_accepts();
        client.write_all(rest).unwrap();
        assert_eq!(status_of(client), 200);
        assert_eq!(service.child.wait().unwrap().code(), Some(0), "{signal}");
    }
}

#[test]
fn a_second_signal_waits_for_nobody() {
    let premises = Premises::stocked(5);
    let mut service = Service::start(
        &premises,
        &[],
        &[
            ("FLASHSALE_DRAIN_S", "60"),
            ("FLASHSALE_HEAD_TIMEOUT_S", "3600"),
        ],
    );
    let mut client = service.connect();
    client.write_all(&HEALTH[..20]).unwrap();
    service.has_read_what_was_sent();
    service.signal("-TERM");
    service.no_longer_accepts();
    assert_eq!(
        service.child.try_wait().unwrap(),
        None,
        "it waits for the client"
    );
    service.signal("-TERM");
    assert_eq!(service.child.wait().unwrap().code(), Some(0));
    premises.books_are_right();
}

/// Time passes while the process does not: what came meanwhile came in time.
#[test]
fn a_request_that_came_while_the_process_was_stopped_is_answered() {
    let premises = Premises::stocked(5);
    let service = Service::start(&premises, &[], &[("FLASHSALE_IDLE_TIMEOUT_S", "3")]);
    let mut client = service.connect();
    client
        .write_all(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n")
        .unwrap();
    let mut answer = [0; 1024];
    assert!(client.read(&mut answer).unwrap() > 0);
    client
        .set_read_timeout(Some(Duration::from_millis(3500)))
        .unwrap();
    pause(service.child.id());
    client.write_all(HEALTH).unwrap();
    assert!(client.read(&mut answer).is_err(), "nobody answers");
    service.signal("-CONT");
    client.set_read_timeout(None).unwrap();
    assert_eq!(status_of(client), 200);
    assert_eq!(service.stop().code(), Some(0));
}

#[test]
fn whoever_has_knocked_before_the_signal_is_let_in() {
    let premises = Premises::stocked(5);
    let service = Service::start(&premises, &[], &[]);
    pause(service.child.id());
    let clients: Vec<TcpStream> = (0..20)
        .map(|_| {
            let mut client = service.connect();
            client.write_all(HEALTH).unwrap();
            client
        })
        .collect();
    service.signal("-TERM");
    service.signal("-CONT");
    for client in clients {
        assert_eq!(status_of(client), 200);
    }
    let mut service = service;
    assert_eq!(service.child.wait().unwrap().code(), Some(0));
}

#[test]
fn a_command_that_waits_for_another_process_does_not_keep_the_server_from_ending() {
    let premises = Premises::stocked(5);
    let deadline = ("FLASHSALE_REQUEST_DEADLINE_MS", "600000");
    let mut service = Service::start(&premises, &[], &[deadline, ("FLASHSALE_DRAIN_S", "1")]);
    let lock = Lock::take(&premises);
    let mut client = service.connect();
    client.write_all(hold().as_bytes()).unwrap();
    service.has_read_what_was_sent();
    service.signal("-TERM");
    let mut answer = String::new();
    client.read_to_string(&mut answer).unwrap();
    assert!(
        answer.starts_with("HTTP/1.1 503") && answer.contains("\"not_applied\""),
        "{answer}"
    );
    assert_eq!(service.child.wait().unwrap().code(), Some(0));
    lock.release();
    premises.books_are_right();
}

#[test]
fn each_request_is_a_line_in_the_log() {
    let premises = Premises::stocked(5);
    let service = Service::start(&premises, &[], &[]);
    service.ask("GET /api/products/1 HTTP/1.1\r\nX-Request-Id: mine-1\r\n");
    service.ask("GET /api/orders/7 HTTP/1.1\r\n");
    service.ask("GET /nothing/\u{7f}x HTTP/1.1\r\n");
    let log = service.stop_and_read_log();
    let requests: Vec<&str> = log
        .lines()
        .filter(|line| line.contains(" INFO  request: "))
        .collect();
    let [product, order, malformed] = requests.as_slice() else {
        panic!("{log}");
    };
    for (line, fields) in [
        (
            product,
            " method=GET route=/api/products/{id} status=200 code=- latency_us=",
        ),
        (
            order,
            " method=GET route=/api/orders/{id} status=404 code=order_not_found latency_us=",
        ),
        (
            malformed,
            " method=GET route=- status=400 code=bad_request latency_us=",
        ),
    ] {
        assert!(
            line.contains(fields) && line.contains(" client=127.0.0.1 request_id="),
            "{line}"
        );
    }
    assert!(product.ends_with(" request_id=mine-1"));
}

/// Whatever second a request is answered in, it has a line or is counted in one.
#[test]
fn a_burst_is_counted_and_not_written_out() {
    for format in ["text", "json"] {
        let premises = Premises::stocked(5);
        let settings = [
            ("FLASHSALE_LOG_REQUESTS_PER_S", "5"),
            ("FLASHSALE_LOG_FORMAT", format),
        ];
        let service = Service::start(&premises, &[], &settings);
        let mut client = service.connect();
        let burst =
            "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\nGET /nothing HTTP/1.1\r\nHost: a\r\n\r\n";
        client.write_all(burst.repeat(500).as_bytes()).unwrap();
        client.write_all(HEALTH).unwrap();
        client.read_to_end(&mut Vec::new()).unwrap();
        let log = service.stop_and_read_log();
        let lines = log
            .lines()
            .filter(|line| line.contains("request_id"))
            .count();
        assert!((5..200).contains(&lines), "{lines} lines in {format}");
        let count = |status: &str| -> usize {
            let counted = log.lines().filter(|line| !line.contains("request_id"));
            let found = counted.flat_map(|line| line.split(status).skip(1));
            let counts = found.map(|rest| {
                let digits = rest.split_once("count").unwrap().1;
                let digits = digits.trim_start_matches(['=', '"', ':']);
                digits
                    .split([',', '}', '\n'])
                    .next()
                    .unwrap()
                    .parse::<usize>()
                    .unwrap()
            });
            counts.sum()
        };
        let [served, missing] = match format {
            "text" => ["route=/healthz status=200 ", "route=- status=404 "],
            _ => [
                "\"route\":\"/healthz\",\"status\":200,",
                "\"route\":\"-\",\"status\":404,",
            ],
        };
        assert_eq!(lines + count(served) + count(missing), 1001, "{log}");
        assert!(count(served) > 400 && count(missing) > 400, "{log}");
    }
}

/// Nobody asks for anything more that could bring it along.
#[test]
fn what_a_burst_was_is_told_when_its_second_is_over() {
    let premises = Premises::stocked(5);
    let settings = [("FLASHSALE_LOG_REQUESTS_PER_S", "1")];
    let service = Service::start(&premises, &[], &settings);
    let mut client = service.connect();
    let burst = "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n".repeat(20);
    client.write_all(burst.as_bytes()).unwrap();
    client.write_all(HEALTH).unwrap();
    client.read_to_end(&mut Vec::new()).unwrap();
    let began = Instant::now();
    let silent = service.connect();
    while !fs::read_to_string(&service.log)
        .unwrap()
        .contains("more answers in the second")
    {
        assert!(began.elapsed() < Duration::from_secs(20), "nobody tells");
        silent
            .set_read_timeout(Some(Duration::from_millis(20)))
            .unwrap();
        assert!(silent.peek(&mut [0]).is_err(), "nothing was asked");
    }
    assert_eq!(service.stop().code(), Some(0));
}

#[test]
fn a_log_in_json_is_an_object_a_line() {
    let premises = Premises::stocked(5);
    let service = Service::start(
        &premises,
        &[],
        &[
            ("FLASHSALE_LOG_FORMAT", "json"),
            ("FLASHSALE_HO\u{1b}DL", "1"),
        ],
    );
    service.ask("DELETE /api/holds/3 HTTP/1.1\r\nX-Request-Id: mine-2\r\n");
    let log = service.stop_and_read_log();
    let lines: Vec<Value> = log
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let request = lines
        .iter()
        .find(|line| line["target"] == "request")
        .unwrap();
    for (field, value) in [
        ("level", Value::from("INFO")),
        ("method", "DELETE".into()),
        ("route", "/api/holds/{id}".into()),
        ("status", 404.into()),
        ("code", "hold_not_found".into()),
        ("client", "127.0.0.1".into()),
        ("request_id", "mine-2".into()),
    ] {
        assert_eq!(request[field], value, "{request}");
    }
    assert!(
        request["latency_us"].is_u64() && request["time"].is_string(),
        "{request}"
    );
    assert!(lines.iter().any(|line| line["level"] == "WARN"), "{log}");
}

#[test]
fn nothing_in_the_log_commands_a_terminal_or_tells_a_secret() {
    let premises = Premises::stocked(5);
    let service = Service::start(&premises, &[], &[("FLASHSALE_\u{1b}[2J", "1")]);
    let body = r#"{"product_id":1,"quantity":1,"customer":"ada@example.org"}"#;
    let hold = service.ask(&format!(
        "POST /api/holds HTTP/1.1\r\nIdempotency-Key: key-of-ada\r\nAuthorization: Bearer of-ada\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    ));
    let token = hold
        .rsplit("\"token\":\"")
        .next()
        .unwrap()
        .split('"')
        .next()
        .unwrap()
        .to_owned();
    assert_eq!(token.len(), 32, "{hold}");
    let log = service.stop_and_read_log();
    assert!(
        log.contains("status=201") && log.contains("\\u{1b}[2J"),
        "{log}"
    );
    assert!(!log.contains('\u{1b}'));
    for secret in ["ada", token.as_str()] {
        assert!(!log.contains(secret), "{secret} in {log}");
    }
}

#[test]
fn a_client_behind_a_trusted_proxy_is_known_by_its_word() {
    let forwarded = "GET /healthz HTTP/1.1\r\nX-Forwarded-For: 6.6.6.6, 203.0.113.7\r\n";
    let premises = Premises::stocked(5);
    let service = Service::start(&premises, &[], &[]);
    service.ask(forwarded);
    service.ask(forwarded);
    let log = service.stop_and_read_log();
    assert!(
        log.contains("client=127.0.0.1") && !log.contains("203.0.113.7"),
        "{log}"
    );
    let warnings = log
        .lines()
        .filter(|line| line.contains("WARN") && line.contains("X-Forwarded-"));
    assert_eq!(warnings.count(), 1, "{log}");

    let service = Service::start(
        &premises,
        &[],
        &[OPEN, ("FLASHSALE_TRUSTED_PROXIES", "127.0.0.0/8")],
    );
    service.ask(forwarded);
    let log = service.stop_and_read_log();
    assert!(
        log.contains("client=203.0.113.7") && !log.contains("6.6.6.6"),
        "{log}"
    );
}

/// The pipe of the log takes 64 KiB, and nobody reads it.
#[test]
fn a_log_that_nobody_reads_keeps_nobody_waiting() {
    let premises = Premises::stocked(5);
    let mut service = stalled(
        &premises,
        premises.command(&["serve", "--listen", "127.0.0.1:0"]),
    );
    service.signal("-TERM");
    assert_eq!(service.child.wait().unwrap().code(), Some(0));
}

#[test]
fn a_log_that_nobody_reads_does_not_keep_a_failed_server_alive() {
    let premises = Premises::stocked(5);
    let disk = Disk::new();
    let mut command = premises.command(&["serve", "--listen", "127.0.0.1:0"]);
    disk.is_under(&mut command);
    let mut service = stalled(&premises, command);
    disk.fails("fdatasync");
    let answer = service.ask(&hold().replace("Host: a\r\n", ""));
    assert!(answer.contains("\"unknown\""), "{answer}");
    assert_eq!(service.child.wait().unwrap().code(), Some(74));
}

/// A server that has logged more than its pipe takes.
fn stalled(premises: &Premises, mut command: Command) -> Service {
    command
        .stderr(Stdio::piped())
        .env("FLASHSALE_LOG_REQUESTS_PER_S", "1000000");
    let service = Service::of(premises, command);
    let mut client = service.connect();
    let one = b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n";
    for _ in 0..300 {
        client.write_all(&one.repeat(10)).unwrap();
        let mut answers = 0;
        let mut bytes = Vec::new();
        while answers < 10 {
            let mut some = [0; 4096];
            let read = client.read(&mut some).unwrap();
            bytes.extend_from_slice(&some[..read]);
            answers = bytes
                .windows(15)
                .filter(|at| at == b"{\"status\":\"ok\"}")
                .count();
        }
    }
    service
}

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

    /// What was sent on another connection before is read before what is asked on a new one now: the door looks at
    /// connections in the order in which they had something to say.
    fn has_read_what_was_sent(&self) {
        assert_eq!(status(self.connect()), 200);
    }

    fn no_longer_accepts(&self) {
        let address = self.listening.strip_prefix("http://").unwrap();
        while TcpStream::connect(address).is_ok() {}
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

/// As a service manager would start it: with a socket at descriptor 3.
fn by_manager(premises: &Premises, socket: std::os::fd::OwnedFd) -> Command {
    let serve = premises.command(&["serve"]);
    let mut command = Command::new("sh");
    let script = "LISTEN_PID=$$ LISTEN_FDS=1 exec \"$0\" serve 3<&0 </dev/null";
    command
        .args(["-c", script])
        .arg(serve.get_program())
        .current_dir(premises.path())
        .stdin(Stdio::from(socket));
    command
}

fn status(mut stream: impl Read + Write) -> u16 {
    stream.write_all(HEALTH).unwrap();
    status_of(stream)
}

fn status_of(mut stream: impl Read) -> u16 {
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let status = answer
        .strip_prefix("HTTP/1.1 ")
        .and_then(|rest| rest.get(..3));
    status.unwrap().parse().unwrap()
}
