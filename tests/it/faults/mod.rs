//! A disk that is full or broken, under the real binary.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::json;
use tempfile::TempDir;

use crate::server::{Premises, Server};
use crate::waiting::wait_until;

#[test]
fn on_a_full_disk_reads_go_on_and_writes_come_back() {
    let premises = Premises::stocked(50);
    let disk = Disk::new();
    let server = disk.serve(&premises);
    assert_eq!(server.hold(1).0, 201);

    disk.fails("pwrite");
    for _ in 0..5 {
        let (status, answer) = server.hold(1);
        assert_eq!(
            (status, &answer["outcome"]),
            (503, &json!("not_applied")),
            "{answer}"
        );
        assert_eq!(server.get("/api/products/1").1["available_stock"], 49);
        assert_eq!(server.get("/api/holds/1").1["status"], "active");
        assert_eq!(server.get("/healthz").0, 200);
        assert_eq!(server.get("/readyz").0, 503);
    }
    disk.recovers("pwrite");
    becomes_ready(&server);
    assert_eq!(
        server.hold(1).1["hold_id"],
        2,
        "the failed ones gave no ids away"
    );
    let complaints = server.log().matches("nothing can be written").count();
    assert_eq!(complaints, 1, "a failure is logged as long as it is news");
    server.stop();
    premises.books_are_right();
}

/// Nobody asks for anything: the server finds out by itself.
fn becomes_ready(server: &Server) {
    wait_until("the server is ready again", || {
        server.get("/readyz").0 == 200
    });
}

#[test]
fn a_limit_on_file_sizes_is_a_full_disk() {
    let premises = Premises::stocked(1_000_000);
    let server = premises.serve_by(&mut premises.command_after("ulimit -S -f 2048", &["serve"]));
    let limit = |bytes: &str| {
        let id = server.id().to_string();
        let limit = format!("--fsize={bytes}:");
        let limited = Command::new("prlimit")
            .args(["--pid", &id, &limit])
            .status();
        assert!(limited.unwrap().success());
    };
    assert_eq!(server.hold(1).0, 201);
    let log = fs::metadata(premises.path().join("flash_sale.db-wal")).unwrap();
    limit(&(log.len() + 5000).to_string());
    let refused = (0..1000)
        .map(|_| server.hold(1))
        .find(|(status, _)| *status != 201);
    let (status, answer) = refused.expect("the log may not grow for ever");
    assert_eq!(
        (status, &answer["outcome"]),
        (503, &json!("not_applied")),
        "{answer}"
    );
    assert_eq!(server.get("/api/products/1").0, 200);
    limit("unlimited");
    assert_eq!(server.hold(1).0, 201);
    becomes_ready(&server);
    server.stop();
    premises.books_are_right();
}

#[test]
fn after_an_io_error_at_a_commit_nobody_pretends_to_know() {
    for call in ["fdatasync", "pwrite_of_broken_disk"] {
        let premises = Premises::stocked(50);
        let disk = Disk::new();
        let mut server = disk.serve(&premises);
        assert_eq!(server.hold(1).0, 201);
        disk.fails(call);
        let (status, answer) = server.hold(1);
        assert_eq!(
            (status, &answer["outcome"]),
            (503, &json!("unknown")),
            "{call}: {answer}"
        );
        assert_eq!(server.wait().code(), Some(74));

        let server = premises.serve();
        premises.books_are_right();
        assert_eq!(server.get("/api/holds/1").1["status"], "active");
        assert_eq!(server.hold(1).0, 201);
        server.stop();
    }
}

/// Makes a library to preload into a command, in this folder, of a source beside the tests.
#[track_caller]
pub fn compile(source: &str, folder: &Path) -> PathBuf {
    let shim = folder.join("shim.so");
    let source = format!("{}/tests/it/{source}", env!("CARGO_MANIFEST_DIR"));
    let compiler = std::env::var("CC").unwrap_or_else(|_| "cc".into());
    let compiled = Command::new(compiler)
        .args(["-shared", "-fPIC", "-o", shim.to_str().unwrap(), &source])
        .status();
    assert!(compiled.unwrap().success());
    shim
}

/// Where a test decides what fails.
pub struct Disk {
    faults: TempDir,
    shim: PathBuf,
}

impl Disk {
    #[track_caller]
    pub fn new() -> Disk {
        let faults = tempfile::tempdir().unwrap();
        let shim = compile("faults/shim.c", faults.path());
        Disk { faults, shim }
    }

    fn serve(&self, premises: &Premises) -> Server {
        let mut command = premises.command(&["serve"]);
        self.is_under(&mut command);
        premises.serve_by(&mut command)
    }

    /// Has the command's process use it.
    pub fn is_under(&self, command: &mut Command) {
        command
            .env("LD_PRELOAD", &self.shim)
            .env("FAULTS", self.faults.path().canonicalize().unwrap());
    }

    /// A folder that `pwrite` fails in, and nowhere else.
    pub fn full_folder(&self) -> PathBuf {
        let folder = self.faults.path().join("full");
        fs::create_dir(&folder).unwrap();
        self.fails("pwrite");
        folder.canonicalize().unwrap()
    }

    pub fn fails(&self, call: &str) {
        fs::write(self.faults.path().join(call), "").unwrap();
    }

    fn recovers(&self, call: &str) {
        fs::remove_file(self.faults.path().join(call)).unwrap();
    }
}
