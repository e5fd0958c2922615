//! What the system tells of this process, under the names that every exporter gives it.

use std::fs;
use std::time::{SystemTime, UNIX_EPOCH};

use rustix::param::page_size;
use rustix::time::{ClockId, clock_gettime};

use super::exposition::Family;

/// `started`: when this process began. What the system does not tell is left out.
pub fn families(started: SystemTime) -> Vec<Family> {
    let cpu = clock_gettime(ClockId::ProcessCPUTime);
    let cpu_s = cpu.tv_sec as f64 + cpu.tv_nsec as f64 / 1e9;
    let since_epoch = started.duration_since(UNIX_EPOCH).unwrap_or_default();
    let always = [
        Family::counter("process_cpu", "CPU time, of the user and the system.")
            .in_seconds()
            .of(cpu_s),
        Family::gauge("process_start_time", "When the process began, since 1970.")
            .in_seconds()
            .of(since_epoch.as_secs_f64()),
    ];
    let memory = resident_pages().map(|pages| {
        Family::gauge("process_resident_memory", "Memory in use.")
            .in_bytes()
            .of(pages as f64 * page_size() as f64)
    });
    let descriptors = open_descriptors()
        .map(|count| Family::gauge("process_open_fds", "Open file descriptors.").of(count as f64));
    always
        .into_iter()
        .chain(memory)
        .chain(descriptors)
        .collect()
}

/// The second figure of /proc/self/statm (proc_pid_statm(5)).
fn resident_pages() -> Option<u64> {
    let figures = fs::read_to_string("/proc/self/statm").ok()?;
    figures.split(' ').nth(1)?.parse().ok()
}

/// Without the one that lists them.
fn open_descriptors() -> Option<usize> {
    let listed = fs::read_dir("/proc/self/fd").ok()?.count();
    Some(listed.saturating_sub(1))
}
