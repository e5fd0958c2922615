//! `flashsale serve`: from the configuration to a server that listens, and from a signal to an orderly end.

use std::fs::{File, OpenOptions, TryLockError};
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use clap::Args;
use crossbeam_channel::{Receiver, select, unbounded};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use super::journal;
use super::report::print_line;
use super::service_manager::{self, Watchdog};
use super::{
    BAD_DATA, BUSY, CANNOT_CREATE, CANNOT_LISTEN, Fault, INTERNAL, IO_ERROR, cannot_open,
    catalogue, durability, open, seed, sweep_holds,
};
use crate::api::{Api, Guard, Origins, Proxies};
use crate::clock::Clock;
use crate::config::{Config, Flags, Listen};
use crate::http::{self, Address, Listener, PerAddress, Server, Timeouts};
use crate::store::sqlite::{Access, SqliteStore};
use crate::store::{Reader, Rest, Store};
use crate::writer::{self, Ended, Writer};

#[derive(Args)]
pub struct Serve {
    /// Load the sample catalogue if the database has no products
    #[arg(long)]
    demo: bool,
    /// Address and port, or unix:PATH; port 0 takes a free one [default: 127.0.0.1:8000]
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<String>,
    /// Seconds that a hold keeps its units [default: 120]
    #[arg(long, value_name = "SECONDS")]
    hold_ttl_s: Option<String>,
    /// Seconds that an order waits for its payment, 0 for ever [default: 900]
    #[arg(long, value_name = "SECONDS")]
    order_ttl_s: Option<String>,
    /// What becomes of late payments: refund or accept [default: refund]
    #[arg(long, value_name = "POLICY")]
    late_payment: Option<String>,
    /// When an answer is durable: full or normal [default: full]
    #[arg(long, value_name = "LEVEL")]
    durability: Option<String>,
}

/// Descriptors for everything but connections.
const DESCRIPTORS_OTHER: usize = 100;
/// Reading connections: more than cores, fewer than threads.
const READERS_MAX: u32 = 16;
/// What the writer may take to end after the last request was answered.
const WRITER_END_MAX: Duration = Duration::from_secs(10);

impl Serve {
    pub fn flags(&self) -> Flags {
        let said = [
            ("listen", &self.listen),
            ("hold_ttl_s", &self.hold_ttl_s),
            ("order_ttl_s", &self.order_ttl_s),
            ("late_payment", &self.late_payment),
            ("durability", &self.durability),
        ];
        said.into_iter()
            .filter_map(|(key, value)| Some((key, value.clone()?)))
            .collect()
    }

    pub fn run(&self, config: &Config) -> Result<ExitCode, Fault> {
        let lock = lock(config)?;
        let clock = Arc::new(Clock::system());
        let database = open(config, Access::CreateOrMigrate)?;
        let mut store = database
            .writer(durability(config))
            .map_err(|error| cannot_open(config, &error))?;
        store.rest(Rest::Long)?;
        let reader = database
            .reader(READERS_MAX)
            .map_err(|error| cannot_open(config, &error))?;
        if self.demo && reader.products(None, 1, clock.now())?.is_empty() {
            seed::load(&mut store, config, &clock, &catalogue::sample())?;
        }
        let swept = sweep_holds::sweep(&mut store, config, &clock)?;
        if swept.rows() > 0 {
            log::info!("ended what fell due while nobody served: {swept:?}");
        }
        let code = serve(config, store, Box::new(reader), clock)?;
        drop(lock);
        Ok(code)
    }
}

/// Held for the life of the process: two servers on one database would each be right alone.
fn lock(config: &Config) -> Result<File, Fault> {
    let mut path = config.db.clone().into_os_string();
    path.push(".lock");
    let path = PathBuf::from(path);
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .mode(0o600)
        .open(&path);
    let file =
        file.map_err(|error| Fault::new(CANNOT_CREATE, format!("{}: {error}", path.display())))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(Fault::new(
            BUSY,
            format!(
                "{}: another flashsale serves this database",
                config.db.display()
            ),
        )),
        Err(TryLockError::Error(error)) => {
            Err(Fault::new(IO_ERROR, format!("{}: {error}", path.display())))
        }
    }
}

fn serve(
    config: &Config,
    store: SqliteStore,
    reader: Box<dyn Reader>,
    clock: Arc<Clock>,
) -> Result<ExitCode, Fault> {
    let listener = listen(config)?;
    let address = listener.address().clone();
    let signals = signals()?;

    let secret = store.secret().clone();
    let limits = writer::Limits {
        queue_max: config.queue_max,
        batch_max: config.batch_max,
        wait_max: config.wait_max(),
    };
    let (writer, writer_ended) =
        Writer::start(Box::new(store), clock.clone(), config.terms(), limits).map_err(no_thread)?;

    let draining = Arc::new(AtomicBool::new(false));
    let api = Api {
        writer: writer.clone(),
        reader,
        clock,
        terms: config.terms(),
        guard: Guard {
            secret,
            tokens_required: config.require_tokens,
            webhook_secrets: config.webhook_secrets.clone(),
            admin_token: config.admin_token.clone(),
        },
        origins: Origins::new(config.cors_origins.clone()),
        proxies: Proxies::new(config.trusted_proxies.clone(), config.is_open()),
        shortage: Arc::default(),
        minor_units: Arc::default(),
        latency: Arc::default(),
        access_log: Arc::new(journal::access_log(
            config.json_log,
            config.log_requests_per_s,
        )),
        draining: draining.clone(),
    };
    let drain = Duration::from_secs(config.drain_s.into());
    let server =
        Server::start(listener, Arc::new(api), front_limits(config), drain).map_err(no_thread)?;
    print_line(&format!("listening on {address}"))?;
    service_manager::tell_ready();

    let mut watchdog = Watchdog::new(server.stopper(), writer.clone());
    let ended = loop {
        select! {
            recv(signals) -> signal => {
                log::info!("signal {}: answering what was asked, then stopping", signal.unwrap_or(0));
                break None;
            }
            recv(writer_ended) -> ended => break Some(ended.ok()),
            recv(server.ended()) -> _ => {
                log::error!("the front died");
                break Some(None);
            }
            recv(watchdog.ticks()) -> _ => watchdog.look(),
        }
    };
    service_manager::tell_stopping();
    draining.store(true, Ordering::SeqCst);
    drain_front(&server, &signals);
    writer.stop();
    end(ended.unwrap_or_else(|| writer_ended.recv_timeout(WRITER_END_MAX).ok()))
}

/// Lets requests that have begun end. A second signal is impatience: whoever is still there is left, which costs them their
/// answers and nobody a commit.
fn drain_front(server: &Server, signals: &Receiver<i32>) {
    server.stopper().stop();
    loop {
        select! {
            recv(server.ended()) -> _ => return,
            recv(signals) -> signal => {
                log::info!("signal {}: stopping at once", signal.unwrap_or(0));
                server.stopper().hurry();
            }
        }
    }
}

/// The socket that a service manager has opened, or one of our own.
fn listen(config: &Config) -> Result<Listener, Fault> {
    if let Some(inherited) = service_manager::inherited_listener()? {
        let listen = match inherited.address() {
            Address::Tcp(address) => Listen::Tcp(*address),
            Address::Unix(path) => Listen::Unix(path.clone()),
        };
        let config = Config {
            listen,
            ..config.clone()
        };
        config.check()?;
        return Ok(inherited);
    }
    let listener = match &config.listen {
        Listen::Tcp(address) => Listener::tcp(*address),
        Listen::Unix(path) => Listener::unix(path),
    };
    listener.map_err(|error| Fault::new(CANNOT_LISTEN, format!("{}: {error}", config.listen)))
}

fn end(ended: Option<Ended>) -> Result<ExitCode, Fault> {
    match ended {
        Some(Ended::Drained) => Ok(ExitCode::SUCCESS),
        Some(Ended::Unknown) => Err(Fault::new(
            IO_ERROR,
            "the store failed at a commit; the next start will recover",
        )),
        Some(Ended::Corrupt) => Err(Fault::new(
            BAD_DATA,
            "the database is damaged and was not written any more",
        )),
        None => Err(Fault::new(
            INTERNAL,
            "the writer died or did not end in time; what it answered is durable",
        )),
    }
}

fn front_limits(config: &Config) -> http::Limits {
    let seconds = |seconds: u32| Duration::from_secs(seconds.into());
    http::Limits {
        threads_max: config.threads_max,
        queue_max: config.queue_max,
        wait_max: config.wait_max(),
        connections_max: connections_max(config),
        per_address: PerAddress {
            max: config.max_connections_per_ip,
            except: config.trusted_proxies.clone(),
        },
        timeouts: Timeouts {
            head: seconds(config.head_timeout_s),
            body: seconds(config.body_timeout_s),
            idle: seconds(config.idle_timeout_s),
            write: seconds(config.write_timeout_s),
        },
    }
}

/// As configured, or as many as there are descriptors for.
fn connections_max(config: &Config) -> usize {
    let wanted = config.max_connections + DESCRIPTORS_OTHER;
    let wanted_descriptors = u64::try_from(wanted).unwrap_or(u64::MAX);
    let descriptors = rlimit::increase_nofile_limit(wanted_descriptors).unwrap_or(0);
    let descriptors = usize::try_from(descriptors).unwrap_or(usize::MAX);
    if descriptors >= wanted {
        return config.max_connections;
    }
    let lowered = descriptors.saturating_sub(DESCRIPTORS_OTHER).max(1);
    log::warn!(
        "max_connections is lowered from {} to {lowered}: no more descriptors",
        config.max_connections
    );
    lowered
}

fn signals() -> Result<Receiver<i32>, Fault> {
    let (sender, receiver) = unbounded();
    let signals = Signals::new([SIGINT, SIGTERM]);
    let mut signals = signals.map_err(|error| Fault::new(INTERNAL, format!("signals: {error}")))?;
    let watch = move || {
        for signal in signals.forever() {
            if sender.send(signal).is_err() {
                return;
            }
        }
    };
    thread::Builder::new()
        .name("signals".into())
        .spawn(watch)
        .map_err(no_thread)?;
    Ok(receiver)
}

fn no_thread(error: std::io::Error) -> Fault {
    Fault::new(INTERNAL, format!("no thread can be started: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_end_has_its_status() {
        assert!(end(Some(Ended::Drained)).is_ok());
        let status = |ended| end(ended).err().map(|fault| fault.code);
        assert_eq!(status(Some(Ended::Unknown)), Some(74));
        assert_eq!(status(Some(Ended::Corrupt)), Some(65));
        assert_eq!(status(None), Some(70), "the writer's thread died");
    }
}
