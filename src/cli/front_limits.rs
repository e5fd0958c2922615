//! The bounds of the HTTP front, as configured.

use std::thread;
use std::time::Duration;

use crate::config::Config;
use crate::http::{Limits, PerAddress, Timeouts};

/// Descriptors for the log, the listener, the writer's files and what the system asks for.
const DESCRIPTORS_OTHER: usize = 64;
/// An event loop has an epoll and an eventfd.
const DESCRIPTORS_A_LOOP: usize = 2;
/// At the address of `metrics_listen`.
const METRICS_CONNECTIONS_MAX: usize = 32;
/// Requests that may take long, each of which reads the database: more at once read no faster.
const LONG_READS_MAX: usize = 16;

pub fn front_limits(config: &Config) -> Limits {
    Limits {
        event_loops: event_loops(config),
        threads_max: config.threads_max.min(LONG_READS_MAX),
        queue_max: config.queue_max,
        wait_max: config.wait_max(),
        connections_max: connections_max(config),
        per_address: PerAddress {
            max: config.max_connections_per_ip,
            except: config.trusted_proxies.clone(),
        },
        timeouts: timeouts(config),
    }
}

/// Of the front for `/metrics`, which a few programs ask now and then.
pub fn metrics_front_limits(config: &Config) -> Limits {
    Limits {
        event_loops: 1,
        threads_max: 2,
        queue_max: METRICS_CONNECTIONS_MAX,
        connections_max: METRICS_CONNECTIONS_MAX,
        wait_max: config.wait_max(),
        per_address: PerAddress::default(),
        timeouts: timeouts(config),
    }
}

fn timeouts(config: &Config) -> Timeouts {
    let seconds = |seconds: u32| Duration::from_secs(seconds.into());
    Timeouts {
        head: seconds(config.head_timeout_s),
        body: seconds(config.body_timeout_s),
        idle: seconds(config.idle_timeout_s),
        write: seconds(config.write_timeout_s),
    }
}

/// Connections that read the database: one for each request that may, so that no event loop waits for one.
pub fn readers_max(config: &Config) -> u32 {
    u32::try_from(readers(config)).unwrap_or(u32::MAX)
}

fn readers(config: &Config) -> usize {
    event_loops(config) + LONG_READS_MAX
}

/// As configured, or as many as there are cores.
fn event_loops(config: &Config) -> usize {
    match config.http_threads {
        0 => thread::available_parallelism().map_or(1, usize::from),
        configured => configured,
    }
}

/// As configured, or fewer where the limit on descriptors cannot be raised to fit.
fn connections_max(config: &Config) -> usize {
    let other = DESCRIPTORS_OTHER
        + event_loops(config) * DESCRIPTORS_A_LOOP
        + config.metrics_listen.iter().len() * (DESCRIPTORS_A_LOOP + METRICS_CONNECTIONS_MAX)
        + readers(config) * config.db.descriptors_a_connection();
    let wanted = config.max_connections + other;
    let wanted_descriptors = u64::try_from(wanted).unwrap_or(u64::MAX);
    let descriptors = rlimit::increase_nofile_limit(wanted_descriptors).unwrap_or(0);
    let descriptors = usize::try_from(descriptors).unwrap_or(usize::MAX);
    if descriptors >= wanted {
        return config.max_connections;
    }
    let lowered = descriptors.saturating_sub(other).max(1);
    log::warn!(
        "max_connections is lowered from {} to {lowered}: the limit on descriptors (RLIMIT_NOFILE) allows no more",
        config.max_connections
    );
    lowered
}
