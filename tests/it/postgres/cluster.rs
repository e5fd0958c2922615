//! PostgreSQL itself, run by the tests: a cluster in a folder of its own, as a user of its own, reached by a Unix socket.

use std::fs;
use std::os::unix::fs::{MetadataExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use flashsale::store::postgres::{Role, Server, Session, Step, Url};
use tempfile::TempDir;

/// Who runs it where the tests are root, whom PostgreSQL refuses.
const NOBODY: u32 = 65534;

/// How long it may take to start or to stop.
const PATIENCE: Duration = Duration::from_secs(120);

pub struct Cluster {
    folder: PathBuf,
    /// Ends the server, and removes the folder, once its standard input is closed: by the end of this process too.
    _keeper: Child,
}

/// Where Debian puts the programs, or where the search path finds them.
fn programs() -> Option<PathBuf> {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten();
    let mut folders: Vec<PathBuf> = versions
        .filter_map(|version| Some(version.ok()?.path().join("bin")))
        .filter(|folder| folder.join("initdb").exists() && folder.join("postgres").exists())
        .collect();
    folders.sort();
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut others = std::env::split_paths(&path);
    folders
        .pop()
        .or_else(|| others.find(|folder| folder.join("postgres").exists()))
}

fn is_root() -> bool {
    fs::metadata("/proc/self").unwrap().uid() == 0
}

pub fn folder_of_nobody() -> TempDir {
    let folder = tempfile::Builder::new().prefix("flashsale-pg-").tempdir();
    let folder = folder.unwrap();
    if is_root() {
        chown(folder.path(), Some(NOBODY), Some(NOBODY)).unwrap();
    }
    folder
}

/// A command that does not run as root.
pub fn as_nobody(program: &Path) -> Command {
    if is_root() {
        let mut command = Command::new("setpriv");
        let nobody = NOBODY.to_string();
        command.args(["--reuid", &nobody, "--regid", &nobody, "--clear-groups"]);
        command.arg(program);
        command
    } else {
        Command::new(program)
    }
}

/// The processes of a server that stands still.
pub struct StandingStill(Vec<u32>);

impl Drop for StandingStill {
    fn drop(&mut self) {
        for process in &self.0 {
            crate::server::send_signal(*process, "-CONT");
        }
    }
}

impl Cluster {
    /// The one that tests share, each in a schema of its own; `None`, and a line that says so, where there is no PostgreSQL.
    pub fn shared() -> Option<&'static Cluster> {
        static SHARED: OnceLock<Option<Cluster>> = OnceLock::new();
        let shared = SHARED.get_or_init(|| Cluster::start(&["fsync=off", "full_page_writes=off"]));
        shared.as_ref()
    }

    pub fn start(settings: &[&str]) -> Option<Cluster> {
        let Some(programs) = programs() else {
            println!(
                "left out: there is no PostgreSQL here (Debian's package is called postgresql)"
            );
            return None;
        };
        let folder = folder_of_nobody();
        let data = folder.path().join("data");
        let made = as_nobody(&programs.join("initdb"))
            .args([
                "-A",
                "trust",
                "-U",
                "flashsale",
                "-E",
                "UTF8",
                "--locale=C",
                "--no-sync",
                "-D",
            ])
            .arg(&data)
            .current_dir(folder.path())
            .output()
            .unwrap();
        assert!(
            made.status.success(),
            "{}",
            String::from_utf8_lossy(&made.stderr)
        );
        let cluster = Cluster::of(&programs, folder.keep(), settings);
        Some(cluster)
    }

    /// A copy of this one that follows it, under the name `standby`.
    pub fn standby(&self) -> Cluster {
        let programs = programs().unwrap();
        let folder = folder_of_nobody();
        let copied = as_nobody(&programs.join("pg_basebackup"))
            .args([
                "-U",
                "flashsale",
                "-R",
                "-X",
                "stream",
                "-c",
                "fast",
                "--no-sync",
                "-h",
            ])
            .arg(&self.folder)
            .arg("-D")
            .arg(folder.path().join("data"))
            .current_dir(folder.path())
            .output()
            .unwrap();
        assert!(
            copied.status.success(),
            "{}",
            String::from_utf8_lossy(&copied.stderr)
        );
        let source = format!(
            "primary_conninfo=host={} user=flashsale application_name=standby",
            self.folder.display()
        );
        Cluster::of(&programs, folder.keep(), &[&source])
    }

    /// As if its machine had lost its power.
    pub fn kill(&self) {
        crate::server::send_signal(self.process(), "-KILL");
    }

    /// All of it stands still until it is dropped: connections are taken, and nobody is let in.
    pub fn pause(&self) -> StandingStill {
        let first = self.process();
        crate::server::pause(first);
        // Now no further one can begin.
        let mut processes = vec![first];
        for process in fs::read_dir("/proc").unwrap() {
            let stat = fs::read_to_string(process.unwrap().path().join("stat"));
            let Some((id, fields)) = stat.as_ref().ok().and_then(|stat| stat.split_once(" ("))
            else {
                continue;
            };
            // The name may hold anything; the state and the parent follow it.
            let (_, fields) = fields.rsplit_once(") ").unwrap();
            if fields.split(' ').nth(1).unwrap().parse() == Ok(first) {
                let id = id.parse().unwrap();
                crate::server::pause(id);
                processes.push(id);
            }
        }
        StandingStill(processes)
    }

    /// Rules of who is let in, once the server reads them.
    pub fn admit(&self, rules: &str) {
        fs::write(self.folder.join("data/pg_hba.conf"), rules).unwrap();
    }

    fn process(&self) -> u32 {
        let file = self.folder.join("data/postmaster.pid");
        let text = fs::read_to_string(file).unwrap();
        text.lines().next().unwrap().parse().unwrap()
    }

    /// Makes a standby writable. The server may take longer than a batch would wait, as it looks for its lost primary first.
    pub fn promote(&self) {
        let mut session = Session::connect(&self.server(""), Role::Report).unwrap();
        let wait = Step::new("select pg_promote(true, 60) as is_promoted");
        let answers = session.run_patiently(&[wait]).unwrap();
        assert!(answers[0][0].get::<_, bool>("is_promoted"));
    }

    /// As a host in a URL.
    pub fn host(&self) -> String {
        self.folder.to_str().unwrap().replace('/', "%2F")
    }

    fn of(programs: &Path, folder: PathBuf, settings: &[&str]) -> Cluster {
        let script = "\"$@\" > log 2>&1 & read -r _; kill -INT $!; wait; cd /; rm -rf \"$FOLDER\"";
        let mut keeper = as_nobody(Path::new("/bin/sh"));
        keeper.args(["-c", script, "keeper"]);
        keeper
            .arg(programs.join("postgres"))
            .arg("-D")
            .arg(folder.join("data"));
        keeper.arg("-k").arg(&folder);
        keeper.args(["-c", "listen_addresses=", "-c", "max_connections=200"]);
        for setting in settings {
            keeper.args(["-c", setting]);
        }
        keeper.env("FOLDER", &folder).current_dir(&folder);
        let keeper = keeper.stdin(Stdio::piped()).spawn().unwrap();
        let cluster = Cluster {
            folder,
            _keeper: keeper,
        };
        cluster.wait();
        cluster
    }

    fn wait(&self) {
        let by = Instant::now() + PATIENCE;
        while let Err(failure) = Session::connect(&self.server(""), Role::Report) {
            let log = fs::read_to_string(self.folder.join("log")).unwrap_or_default();
            assert!(Instant::now() < by, "{failure}: {log}");
            std::thread::yield_now();
        }
    }

    pub fn socket(&self) -> PathBuf {
        self.folder.join(".s.PGSQL.5432")
    }

    /// The address of its only database, with these options (`&` between them).
    pub fn url(&self, options: &str) -> String {
        format!("postgres://flashsale@{}/postgres?{options}", self.host())
    }

    pub fn server(&self, options: &str) -> Server {
        Server::new(&Url::parse(&self.url(options)).unwrap()).unwrap()
    }
}
