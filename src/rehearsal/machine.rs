//! What the machine is, and what a process has used of it, as Linux tells it under /proc. What it does not tell is 0, or
//! unknown.

use std::fs::{self, File};
use std::io::{self, Seek, Write};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

#[derive(Clone, Debug)]
pub struct Machine {
    pub cores: usize,
    pub memory_bytes: u64,
    pub file_system: String,
    /// How long the disk, or the database's server, takes to make a small write durable: the median.
    pub fsync_ms: f64,
}

/// What a process has used since it began.
#[derive(Clone, Copy, Debug, Default)]
pub struct Usage {
    pub cpu_s: f64,
    pub bytes_written: u64,
}

const SYNCS_MAX: usize = 32;
const SYNCING_MAX: Duration = Duration::from_millis(300);
/// As long as a page of a database.
const SYNCED_BYTES: usize = 4096;

impl Machine {
    /// With the file system that this folder is on; a file is written there and removed again.
    pub fn with_folder(folder: &Path) -> io::Result<Machine> {
        Ok(Machine {
            cores: cores(),
            memory_bytes: memory_bytes().unwrap_or(0),
            file_system: file_system(folder).unwrap_or_else(|| "unknown".into()),
            fsync_ms: fsync_ms(folder)?,
        })
    }

    /// With a database elsewhere, which takes so long to make a small write durable.
    pub fn with_database(kind: &str, commit_ms: f64) -> Machine {
        Machine {
            cores: cores(),
            memory_bytes: memory_bytes().unwrap_or(0),
            file_system: kind.into(),
            fsync_ms: commit_ms,
        }
    }
}

fn cores() -> usize {
    thread::available_parallelism().map_or(1, usize::from)
}

fn fsync_ms(folder: &Path) -> io::Result<f64> {
    let path = folder.join("fsync");
    let mut file = File::create(&path)?;
    file.write_all(&[0; SYNCED_BYTES])?;
    file.sync_all()?;
    let until = Instant::now() + SYNCING_MAX;
    let mut took = Vec::new();
    while took.is_empty() || (took.len() < SYNCS_MAX && Instant::now() < until) {
        let began = Instant::now();
        file.rewind()?;
        file.write_all(&[took.len() as u8; SYNCED_BYTES])?;
        file.sync_data()?;
        took.push(began.elapsed());
    }
    fs::remove_file(&path)?;
    took.sort_unstable();
    Ok(took[took.len() / 2].as_secs_f64() * 1e3)
}

fn memory_bytes() -> Option<u64> {
    let text = fs::read_to_string("/proc/meminfo").ok()?;
    let total = text
        .lines()
        .find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kib: u64 = total.split_whitespace().next()?.parse().ok()?;
    Some(kib * 1024)
}

/// By the longest mount point that the folder is below; of several there, the last covers the others.
fn file_system(folder: &Path) -> Option<String> {
    let folder = folder.canonicalize().ok()?;
    let mounts = fs::read_to_string("/proc/self/mountinfo").ok()?;
    let mounts = mounts.lines().filter_map(|line| {
        let (mount, kind) = line.split_once(" - ")?;
        let point = mount.split(' ').nth(4)?.replace("\\040", " ");
        let kind = kind.split(' ').next()?.to_owned();
        folder.starts_with(&point).then_some((point.len(), kind))
    });
    let found = mounts.max_by_key(|(length, _)| *length);
    found.map(|(_, kind)| kind)
}

impl Usage {
    /// Of the process with this number, or of this one, whose name is `self`.
    pub fn of(process: &str) -> Usage {
        Usage {
            cpu_s: cpu_s(process).unwrap_or(0.0),
            bytes_written: bytes_written(process).unwrap_or(0),
        }
    }

    pub fn since(self, before: Usage) -> Usage {
        Usage {
            cpu_s: (self.cpu_s - before.cpu_s).max(0.0),
            bytes_written: self.bytes_written.saturating_sub(before.bytes_written),
        }
    }
}

/// User's and system's time of all threads. The name before them stands in parentheses and may have any character.
fn cpu_s(process: &str) -> Option<f64> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    let (_, after_name) = stat.rsplit_once(") ")?;
    let ticks: u64 = after_name
        .split(' ')
        .skip(11)
        .take(2)
        .map(|ticks| ticks.parse::<u64>().unwrap_or(0))
        .sum();
    Some(ticks as f64 / rustix::param::clock_ticks_per_second() as f64)
}

fn bytes_written(process: &str) -> Option<u64> {
    let io = fs::read_to_string(format!("/proc/{process}/io")).ok()?;
    let written = io
        .lines()
        .find_map(|line| line.strip_prefix("write_bytes: "));
    written?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_machine_is_known() {
        let folder = tempfile::tempdir().unwrap();
        let machine = Machine::with_folder(folder.path()).unwrap();
        assert!(
            machine.cores > 0 && machine.memory_bytes > 1 << 20,
            "{machine:?}"
        );
        assert_ne!(machine.file_system, "unknown");
        assert!(machine.fsync_ms > 0.0);
        assert_eq!(folder.path().read_dir().unwrap().count(), 0);
    }

    #[test]
    fn a_process_uses_time() {
        let before = Usage::of("self");
        let began = Instant::now();
        while Usage::of("self").since(before).cpu_s == 0.0 {
            assert!(began.elapsed() < Duration::from_secs(20));
        }
    }
}
