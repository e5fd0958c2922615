//! What the library logs in this process. Tests run beside each other: each looks for a text that no other causes.

use std::sync::{Mutex, Once};

use log::{LevelFilter, Log, Metadata, Record};

struct Lines(Mutex<Vec<String>>);

static LINES: Lines = Lines(Mutex::new(Vec::new()));
static INSTALLED: Once = Once::new();

impl Log for Lines {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &Record<'_>) {
        self.0.lock().unwrap().push(record.args().to_string());
    }

    fn flush(&self) {}
}

/// From now on lines are kept.
pub fn keep() {
    INSTALLED.call_once(|| {
        log::set_logger(&LINES).unwrap();
        log::set_max_level(LevelFilter::Info);
    });
}

/// How many lines were logged with this text in them.
pub fn with(text: &str) -> usize {
    let lines = LINES.0.lock().unwrap();
    lines.iter().filter(|line| line.contains(text)).count()
}
