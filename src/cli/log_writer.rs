//! The thread that writes the log to stderr. A reader of stderr that stalls costs lines, which are counted, but delays no
//! answer, and the end of the process by a second at most.

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, bounded, select, tick};

/// Lines that may wait to be written; most are shorter than 256 bytes.
const LINES_MAX: usize = 4096;
/// Lines that come within this time are written together.
const COLLECT: Duration = Duration::from_millis(20);
const SECOND: Duration = Duration::from_secs(1);
/// How long a stalled reader may delay the end of the process.
const FINISH_MAX: Duration = Duration::from_secs(1);

#[derive(Clone)]
pub struct LogWriter {
    lines: Sender<Vec<u8>>,
    lines_lost: Arc<AtomicUsize>,
    finish: Sender<Sender<()>>,
}

impl LogWriter {
    /// The thread calls `each_second` as well, for lines that time alone brings about.
    pub fn start(each_second: fn()) -> io::Result<LogWriter> {
        let (writer, queue) = LogWriter::new();
        let spawned = thread::Builder::new()
            .name("log".into())
            .spawn(move || queue.write_out(&mut *stderr(), each_second));
        spawned.map(|_| writer)
    }

    fn new() -> (LogWriter, Queue) {
        let (lines, queued) = bounded(LINES_MAX);
        let (finish, finished) = bounded(1);
        let lines_lost = Arc::new(AtomicUsize::new(0));
        let queue = Queue {
            lines: queued,
            lines_lost: lines_lost.clone(),
            finish: finished,
        };
        let writer = LogWriter {
            lines,
            lines_lost,
            finish,
        };
        (writer, queue)
    }

    /// A line with its line end.
    pub fn add(&self, line: Vec<u8>) {
        if self.lines.try_send(line).is_err() {
            self.lines_lost.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Returns once every line is written, or after `FINISH_MAX`.
    pub fn finish(&self) {
        let deadline = Instant::now() + FINISH_MAX;
        let (done, is_done) = bounded(1);
        if self.finish.send_deadline(done, deadline).is_ok() {
            is_done.recv_deadline(deadline).ok();
        }
    }
}

/// For `env_logger`, which writes whole lines.
impl Write for LogWriter {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.add(line.to_vec());
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The thread's end.
struct Queue {
    lines: Receiver<Vec<u8>>,
    lines_lost: Arc<AtomicUsize>,
    finish: Receiver<Sender<()>>,
}

impl Queue {
    fn write_out(&self, out: &mut dyn Write, each_second: fn()) {
        let seconds = tick(SECOND);
        loop {
            select! {
                recv(self.lines) -> first => {
                    let Ok(first) = first else { return };
                    let done = self.finish.recv_timeout(COLLECT).ok();
                    self.write(out, first);
                    done.map(|done| done.send(()));
                }
                recv(self.finish) -> done => {
                    self.write(out, Vec::new());
                    done.map(|done| done.send(())).ok();
                }
                recv(seconds) -> _ => each_second(),
            }
        }
    }

    /// Writes `first` and the lines that wait. An error could only be reported to stderr, and so is ignored.
    fn write(&self, out: &mut dyn Write, first: Vec<u8>) {
        let mut bytes = first;
        self.lines.try_iter().for_each(|line| bytes.extend(line));
        let lines_lost = self.lines_lost.swap(0, Ordering::Relaxed);
        if lines_lost > 0 {
            let lost = format!("({lines_lost} lines of the log were lost: stderr was not read)\n");
            bytes.extend(lost.into_bytes());
        }
        out.write_all(&bytes).ok();
    }
}

/// A descriptor of its own: `io::stderr()` has a lock, which would be held while a reader stalls.
fn stderr() -> Box<dyn Write> {
    match io::stderr().as_fd().try_clone_to_owned() {
        Ok(descriptor) => Box::new(File::from(descriptor)),
        Err(_) => Box::new(io::stderr()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_that_are_not_read_are_bounded_and_counted() {
        let (writer, queue) = LogWriter::new();
        for _ in 0..LINES_MAX + 7 {
            writer.add(b"line\n".to_vec());
        }
        let mut out = Vec::new();
        queue.write(&mut out, b"first\n".to_vec());
        let text = String::from_utf8(out).unwrap();
        assert_eq!(text.lines().count(), 1 + LINES_MAX + 1);
        assert!(text.ends_with("(7 lines of the log were lost: stderr was not read)\n"));
    }
}
