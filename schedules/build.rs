//! Takes the text of the program's own files, has it use shuttle's locks, atomics and threads in place of the standard
//! library's, and writes it where `src/lib.rs` includes it. Nothing else is changed: where a replacement finds nothing to
//! replace, the build fails.
//!
//! Each file comes a second time with a bug put in, which a test must find: `BUGS`.

use std::path::{Path, PathBuf};
use std::{env, fs};

/// What shares memory, by the room that `src/lib.rs` makes for it.
const FRONT: [&str; 3] = ["connection_limit", "mailbox", "pool"];
const WRITER: [&str; 13] = [
    "batch",
    "commit_loop",
    "doubt",
    "halt",
    "health",
    "housekeeping",
    "kept_time",
    "log_watch",
    "mod",
    "queue",
    "sweeping",
    "waiting",
    "wake",
];

/// A bug's name, the file that it is put into, and what it makes of what.
type Bug = (
    &'static str,
    &'static str,
    &'static [(&'static str, &'static str)],
);

const BUGS: [Bug; 8] = [
    (
        "wakes_before_it_pushes",
        "http/mailbox.rs",
        &[(
            "        self.messages().push(message);\n        self.wake();",
            "        self.wake();\n        self.messages().push(message);",
        )],
    ),
    (
        "sleeps_without_a_look",
        "http/mailbox.rs",
        &[(
            "        self.is_awake.store(false, Ordering::SeqCst);\n        self.messages().is_empty()",
            "        let is_empty = self.messages().is_empty();\n        self.is_awake.store(false, Ordering::SeqCst);\n        is_empty",
        )],
    ),
    (
        "counts_on_a_thread_that_leaves",
        "http/pool.rs",
        &[(
            "    // A request may have come that counted on this thread.\n    spawn_if_needed(pool);\n",
            "",
        )],
    ),
    (
        "knows_the_version_after_the_read",
        "store/sqlite/product_cache.rs",
        &[(
            "        let before = version();\n        let cached = Arc::new(read()?);",
            "        let cached = Arc::new(read()?);\n        let before = version();",
        )],
    ),
    (
        "flies_alone",
        "store/sqlite/product_cache.rs",
        &[(
            "        let _flight = self.single_flight(id);",
            "        let _ = self.single_flight(id);",
        )],
    ),
    (
        "tells_before_the_commit",
        "writer/commit_loop.rs",
        &[
            (
                "        let result = panic::catch_unwind(AssertUnwindSafe(transact))",
                "        let _ = self.events_committed.try_send(());\n        let result = panic::catch_unwind(AssertUnwindSafe(transact))",
            ),
            (
                "            let _ = self.events_committed.try_send(());",
                "",
            ),
        ],
    ),
    (
        "forgets_what_waits",
        "writer/commit_loop.rs",
        &[(
            "                self.queue.refuse_all(self.delivery);\n                match self.keep_time",
            "                std::mem::forget(self.queue.take().collect::<Vec<_>>());\n                match self.keep_time",
        )],
    ),
    (
        "gives_the_permit_back_last",
        "api/feed/long_polls.rs",
        &[(
            "        drop(self.permit);\n        (self.finish)(answer);",
            "        (self.finish)(answer);\n        drop(self.permit);",
        )],
    ),
];

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=../src");
    let mut rooms = vec![
        Room::new("product_cache", &["store/sqlite/product_cache.rs"]),
        Room::new("long_polls", &["api/feed/long_polls.rs"]),
    ];
    rooms.extend(FRONT.map(|name| Room::new(name, &[&format!("http/{name}.rs")])));
    let writer = WRITER.map(|name| format!("writer/{name}.rs"));
    rooms.push(Room::new("writer", &writer.each_ref().map(String::as_str)));
    for room in &rooms {
        room.write("as_it_is", |_, text| text);
    }
    for (bug, file, changes) in BUGS {
        let room = rooms
            .iter()
            .find(|room| room.files.iter().any(|it| it == file));
        let room = room.expect("a bug is put into a file that is run");
        room.write(bug, |path, text| {
            let changes = changes.iter().filter(|_| path == file);
            changes.fold(text, |text, (from, to)| replaced(&text, from, to))
        });
    }
}

struct Room {
    name: String,
    files: Vec<String>,
}

impl Room {
    fn new(name: &str, files: &[&str]) -> Room {
        Room {
            name: name.to_owned(),
            files: files.iter().map(|file| (*file).to_owned()).collect(),
        }
    }

    fn write(&self, variant: &str, change: impl Fn(&str, String) -> String) {
        let folder = PathBuf::from(env::var("OUT_DIR").unwrap()).join(variant);
        for file in &self.files {
            let text = fs::read_to_string(Path::new("../src").join(file)).unwrap();
            let text = modelled(&change(file, text), &self.name);
            let to = folder.join(Path::new(file).file_name().unwrap());
            let to = if self.files.len() > 1 {
                folder.join(&self.name).join(to.file_name().unwrap())
            } else {
                to
            };
            fs::create_dir_all(to.parent().unwrap()).unwrap();
            fs::write(to, text).unwrap();
        }
    }
}

fn replaced(text: &str, from: &str, to: &str) -> String {
    assert_eq!(
        text.matches(from).count(),
        1,
        "this stands there once: {from}"
    );
    text.replace(from, to)
}

/// The same text on shuttle's primitives.
fn modelled(text: &str, room: &str) -> String {
    // An included file has no documentation of its own.
    let lines = text.lines().filter(|line| !line.starts_with("//!"));
    let mut text = lines.collect::<Vec<_>>().join("\n") + "\n";
    for (from, to) in [
        ("use std::sync::", "use shuttle::sync::"),
        ("use std::thread;", "use shuttle::thread;"),
        ("use crossbeam_channel::", "use crate::channel::"),
        (
            "thread_local! {",
            "use crate::local::Cell as _;\nshuttle::thread_local! {",
        ),
        ("use mio::Waker;", "use crate::waker::Waker;"),
        ("use crate::", "use crate::program::"),
        ("use crate::program::channel", "use crate::channel"),
        ("use crate::program::local", "use crate::local"),
        ("use crate::program::waker", "use crate::waker"),
    ] {
        text = text.replace(from, to);
    }
    if room != "writer" {
        text = text.replace("use super::", "use crate::beside::");
    }
    // A few, so that all of them can be taken.
    text.replace(
        "const POLLS_MAX: usize = 16;",
        "const POLLS_MAX: usize = 2;",
    )
}
