//! The real binary: a server on a free port and a temporary database, and one-shot commands beside it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use flashsale::sale::Timestamp;
use flashsale::store::{Access, Contents};
use rusqlite::Connection;
use serde_json::{Value, json};
use tempfile::TempDir;
use ureq::Agent;

use crate::conformance::{Described, assert_described};
use crate::database;
use crate::waiting::{wait_for_end, wait_until};

const BINARY: &str = env!("CARGO_BIN_EXE_flashsale");

pub fn flashsale() -> Command {
    unconfigured(BINARY)
}

fn unconfigured(program: &str) -> Command {
    let mut command = Command::new(program);
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("FLASHSALE_")) {
        command.env_remove(name);
    }
    command
}

/// A folder with a database in it.
pub struct Premises {
    folder: TempDir,
}

impl Premises {
    pub fn new() -> Premises {
        Premises {
            folder: tempfile::tempdir().unwrap(),
        }
    }

    /// With one product of this stock.
    pub fn stocked(stock: i64) -> Premises {
        Premises::selling(&format!(
            "sku,name,price,total_stock\ntee,Tee,99.99,{stock}\n"
        ))
    }

    /// With this catalogue.
    pub fn selling(catalogue: &str) -> Premises {
        let premises = Premises::new();
        premises.seed(catalogue).succeeded();
        premises
    }

    /// With a database that the first version made: a product, a hold and an order.
    pub fn of_version_1() -> Premises {
        let premises = Premises::new();
        let sql = [
            include_str!("schema_version_1.sql"),
            include_str!("rows_of_version_1.sql"),
        ];
        premises.database().execute_batch(&sql.concat()).unwrap();
        premises
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    pub fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = flashsale();
        command.current_dir(self.path()).args(arguments);
        command
    }

    /// The same, started by a shell that has done something first.
    pub fn command_after(&self, shell: &str, arguments: &[&str]) -> Command {
        let mut command = unconfigured("sh");
        let script = format!("{shell} && exec \"$0\" \"$@\"");
        command.current_dir(self.path());
        command.args(["-c", &script, BINARY]).args(arguments);
        command
    }

    pub fn run(&self, arguments: &[&str]) -> Ran {
        Ran(self
            .command(arguments)
            .stdin(Stdio::null())
            .output()
            .unwrap())
    }

    pub fn run_with_input(&self, arguments: &[&str], input: &str) -> Ran {
        let mut command = self.command(arguments);
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        child
            .stdin
            .take()
            .unwrap()
            .write_all(input.as_bytes())
            .unwrap();
        Ran(child.wait_with_output().unwrap())
    }

    /// `flashsale seed` of this catalogue.
    pub fn seed(&self, catalogue: &str) -> Ran {
        self.run_with_input(&["seed", "-"], catalogue)
    }

    /// The database as another process has it.
    pub fn database(&self) -> Connection {
        Connection::open(self.path().join("flash_sale.db")).unwrap()
    }

    pub fn contents(&self) -> Contents {
        let path = self.path().join("flash_sale.db");
        let database = database::open(&path, Access::Existing).unwrap();
        database
            .reader_beside(Timestamp::FIRST)
            .unwrap()
            .contents()
            .unwrap()
    }

    #[track_caller]
    pub fn books_are_right(&self) {
        self.run(&["verify"]).succeeded();
    }

    pub fn serve(&self) -> Server {
        self.serve_with(&[])
    }

    pub fn serve_with(&self, arguments: &[&str]) -> Server {
        self.serve_by(self.command(&["serve"]).args(arguments))
    }

    /// By a command whose environment and arguments the test has set.
    pub fn serve_by(&self, command: &mut Command) -> Server {
        self.serve_where_told(command.args(["--listen", "127.0.0.1:0"]))
    }

    /// The same, the command saying where to listen too.
    #[track_caller]
    pub fn serve_where_told(&self, command: &mut Command) -> Server {
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        stdout.read_line(&mut line).unwrap();
        let Some(base) = line.trim().strip_prefix("listening on ") else {
            let mut log = String::new();
            child
                .stderr
                .take()
                .unwrap()
                .read_to_string(&mut log)
                .unwrap();
            panic!("the server did not start: {line} {log}");
        };
        let base = base.to_owned();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        let log: Arc<Mutex<String>> = Arc::default();
        let kept = log.clone();
        let listener = std::thread::spawn(move || {
            for line in stderr.split(b'\n').map_while(Result::ok) {
                let line = String::from_utf8_lossy(&line) + "\n";
                eprint!("{line}");
                *kept.lock().unwrap() += &line;
            }
        });
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(Duration::from_secs(30)));
        Server {
            child: Some(child),
            base,
            agent: config.build().into(),
            log,
            listener: Some(listener),
        }
    }
}

/// How a one-shot command went.
pub struct Ran(pub Output);

impl Ran {
    pub fn stdout(&self) -> String {
        String::from_utf8(self.0.stdout.clone()).unwrap()
    }

    pub fn stderr(&self) -> String {
        String::from_utf8(self.0.stderr.clone()).unwrap()
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout()).unwrap()
    }

    #[track_caller]
    pub fn succeeded(self) -> Ran {
        self.exited(0)
    }

    #[track_caller]
    pub fn exited(self, code: i32) -> Ran {
        assert_eq!(
            self.0.status.code(),
            Some(code),
            "stdout: {} stderr: {}",
            self.stdout(),
            self.stderr()
        );
        self
    }

    /// Exactly so, or with more after it.
    #[track_caller]
    pub fn prints(self, text: &str) -> Ran {
        assert!(
            self.stdout().starts_with(text),
            "{text:?} is not what begins {}",
            self.stdout()
        );
        self
    }

    #[track_caller]
    pub fn complains(self, about: &str) -> Ran {
        assert!(
            self.stderr().contains(about),
            "no {about:?} in {}",
            self.stderr()
        );
        self
    }
}

pub struct Server {
    child: Option<Child>,
    pub base: String,
    pub agent: Agent,
    log: Arc<Mutex<String>>,
    /// Who takes the log down.
    listener: Option<JoinHandle<()>>,
}

pub fn send_signal(process: u32, signal: &str) {
    let mut kill = Command::new("kill");
    let status = kill.args([signal, &process.to_string()]).status();
    assert!(status.unwrap().success());
}

/// SIGSTOP reaches one thread after the other; this returns when all stand still.
pub fn pause(process: u32) {
    send_signal(process, "-STOP");
    let stands_still = |thread: std::fs::DirEntry| {
        let stat = std::fs::read_to_string(thread.path().join("stat"));
        // The state stands behind the name, which is in parentheses; a thread that has ended has none.
        stat.map_or(true, |stat| {
            stat.rsplit(") ").next().unwrap().starts_with('T')
        })
    };
    let threads = || std::fs::read_dir(format!("/proc/{process}/task")).unwrap();
    wait_until("every thread stands still", || {
        threads().map(Result::unwrap).all(stands_still)
    });
}

impl Server {
    pub fn address(&self) -> &str {
        self.base.strip_prefix("http://").unwrap()
    }

    pub fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address()).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(20)))
            .unwrap();
        stream
    }

    pub fn get(&self, path: &str) -> (u16, Value) {
        let answer = self.agent.get(format!("{}{path}", self.base)).call();
        read("GET", path, answer).unwrap()
    }

    pub fn post(&self, path: &str, body: &Value) -> (u16, Value) {
        self.try_post(path, body).unwrap()
    }

    pub fn try_post(&self, path: &str, body: &Value) -> Result<(u16, Value), ureq::Error> {
        let answer = self.agent.post(format!("{}{path}", self.base));
        read("POST", path, answer.send_json(body))
    }

    pub fn hold(&self, quantity: i64) -> (u16, Value) {
        self.post(
            "/api/holds",
            &json!({"product_id": 1, "quantity": quantity}),
        )
    }

    pub fn id(&self) -> u32 {
        self.child.as_ref().unwrap().id()
    }

    /// What it has printed to stderr so far.
    pub fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }

    pub fn signal(&self, signal: &str) {
        send_signal(self.id(), signal);
    }

    /// Every thread of it, before this returns.
    pub fn pause(&self) {
        pause(self.id());
    }

    pub fn wait(&mut self) -> ExitStatus {
        wait_for_end(self.child.take().unwrap())
    }

    /// SIGTERM, and an orderly end.
    #[track_caller]
    pub fn stop(mut self) {
        self.signal("-TERM");
        assert_eq!(self.wait().code(), Some(0));
    }

    /// The same, and all that it has ever printed to stderr.
    #[track_caller]
    pub fn stop_and_read_log(mut self) -> String {
        self.signal("-TERM");
        assert_eq!(self.wait().code(), Some(0));
        self.listener.take().unwrap().join().unwrap();
        self.log()
    }

    /// SIGKILL.
    pub fn kill(mut self) {
        self.signal("-KILL");
        self.wait();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().ok();
            child.wait().ok();
        }
    }
}

/// An answer that the API describes.
pub fn read(
    method: &str,
    path: &str,
    answer: Result<ureq::http::Response<ureq::Body>, ureq::Error>,
) -> Result<(u16, Value), ureq::Error> {
    let mut answer = answer?;
    let status = answer.status().as_u16();
    let text = answer.body_mut().read_to_string()?;
    let headers = answer.headers().iter();
    let described = Described {
        status,
        headers: headers
            .map(|(name, value)| (name.as_str(), value.to_str().unwrap()))
            .collect(),
        body: text.as_bytes(),
        is_whole: true,
    };
    assert_described(method, path, &described);
    Ok((status, serde_json::from_str(&text).unwrap_or(Value::Null)))
}
