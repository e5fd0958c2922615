//! `flashsale serve`: from the configuration to a server that listens, and from a signal to an orderly exit.

use std::io;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use clap::Args;
use crossbeam_channel::{Receiver, at, select, tick, unbounded};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use super::cli_error::{CliError, cannot_open};
use super::clock::ensure_is_not_far_ahead;
use super::exit_status::{BAD_DATA, BUSY, CANNOT_LISTEN, INTERNAL, IO_ERROR};
use super::front_limits::{front_limits, readers_max};
use super::key_flags::KeyFlags;
use super::logging;
use super::report::print_line;
use super::service_manager::{self, Watchdog};
use super::{catalogue, seed, sweep_holds};
use crate::api::{Api, Guard, Origins, PrintedProducts, Proxies};
use crate::clock::Clock;
use crate::config::{Config, Flags, Listen};
use crate::http::{Address, Listener, Server, with_one_wake_up};
use crate::store::{self, OpenError, Reader, Rest, ServeLock, Store};
use crate::writer::{self, Writer, WriterExit};

#[derive(Args)]
pub struct Serve {
    /// Load the sample catalogue if the database has no products
    #[arg(long)]
    demo: bool,
    #[command(flatten)]
    flags: KeyFlags,
}

/// How long and how often a serve lock that is taken is asked for again.
const LOCK_PATIENCE: Duration = Duration::from_millis(50);
const LOCK_POLL: Duration = Duration::from_millis(1);
/// How often the wall clock, which may be stepped, is published for other processes.
const PUBLISH_CLOCK_EVERY: Duration = Duration::from_secs(2);
/// How long the writer may take to end after it was asked to.
const WRITER_END_MAX: Duration = Duration::from_secs(10);

impl Serve {
    pub fn flags(&self) -> Flags {
        self.flags.0.clone()
    }

    pub fn run(&self, config: &Config) -> Result<ExitCode, CliError> {
        let lock = take_lock(config)?;
        // The address is bound before the database is opened: an address in use leaves no new database behind.
        let listener = listen(config)?;
        let clock = Arc::new(Clock::system());
        publish_clock(&lock, &clock);
        let failed = |error| cannot_open(config, &error);
        let database = store::open_to_serve(&config.db, &lock).map_err(failed)?;
        ensure_is_not_far_ahead(&*database, &clock, config)?;
        let mut store = database.store(config.durability).map_err(failed)?;
        let _ = store.rest(Rest::Long)?;
        let reader = database
            .reader(clock.clone(), readers_max(config))
            .map_err(failed)?;
        self.load_demo(config, &mut *store, &*reader, &clock)?;
        let swept = sweep_holds::sweep(&mut *store, config, &clock)?;
        if swept.rows() > 0 {
            log::info!(
                "{} holds and {} orders were past their deadlines and are ended; {} units are free again",
                swept.holds_expired,
                swept.orders_expired,
                swept.units_released
            );
        }
        let resources = Resources {
            lock,
            listener,
            clock,
        };
        serve(config, store, reader, resources)
    }

    fn load_demo(
        &self,
        config: &Config,
        store: &mut dyn Store,
        reader: &dyn Reader,
        clock: &Clock,
    ) -> Result<(), CliError> {
        let db = config.db.display();
        let is_empty = reader.products(None, 1)?.what.is_empty();
        match (self.demo, is_empty) {
            (true, true) => {
                seed::upsert(store, config, clock, &catalogue::sample())?;
                log::info!("the sample catalogue was loaded into {db}");
            }
            (true, false) => {
                log::info!("{db} has products, and so the sample catalogue was not loaded");
            }
            (false, true) => log::info!(
                "{db} has no products yet: `flashsale seed FILE` loads yours, beside this server too"
            ),
            (false, false) => {}
        }
        Ok(())
    }
}

/// What the server keeps for as long as it serves.
struct Resources {
    lock: ServeLock,
    listener: Listener,
    clock: Arc<Clock>,
}

/// Held for the life of the process, so that no second server writes to the database. A lock that is taken is asked for
/// again for a moment: commands take it to find out whether a server runs.
fn take_lock(config: &Config) -> Result<ServeLock, CliError> {
    let patience = Instant::now() + LOCK_PATIENCE;
    loop {
        match ServeLock::take(&config.db) {
            Err(OpenError::Served) if Instant::now() < patience => thread::sleep(LOCK_POLL),
            taken => return taken.map_err(|error| cannot_open(config, &error)),
        }
    }
}

fn serve(
    config: &Config,
    store: Box<dyn Store>,
    reader: Box<dyn Reader>,
    resources: Resources,
) -> Result<ExitCode, CliError> {
    let Resources {
        lock,
        mut listener,
        clock,
    } = resources;
    let address = listener.address().clone();
    let signals = signals()?;

    let secret = store.secret().clone();
    let (writer, writer_ended) = start_writer(config, store, clock.clone())?;

    let draining = Arc::new(AtomicBool::new(false));
    let api = Api {
        writer: writer.clone(),
        reader,
        clock: clock.clone(),
        terms: config.terms(),
        guard: Guard {
            secret,
            tokens_required: config.require_tokens,
            webhook_secrets: config.webhook_secrets.clone(),
            admin_token: config.admin_token.clone(),
        },
        origins: Origins::new(config.cors_origins.clone()),
        proxies: Proxies::new(config.trusted_proxies.clone(), config.is_open()),
        sold_out_hint: Arc::default(),
        printed_products: PrintedProducts::default(),
        latency: Arc::default(),
        access_log: Arc::new(logging::access_log(
            config.log_format,
            config.log_requests_per_s,
        )),
        draining: draining.clone(),
    };
    let drain = Duration::from_secs(config.drain_s.into());
    listener
        .listen()
        .map_err(|error| cannot_listen(config, &error))?;
    let server =
        Server::start(listener, Arc::new(api), front_limits(config), drain).map_err(no_thread)?;
    print_line(&format!("listening on {address}"))?;
    log::info!("serving {}", config.db.display());
    service_manager::notify_ready();

    let ended = wait_for_end(&server, &writer, &writer_ended, &signals, || {
        publish_clock(&lock, &clock);
    });
    let by = Instant::now() + drain;
    service_manager::notify_stopping();
    draining.store(true, Ordering::SeqCst);
    let all_answered = drain_front(&server, &signals);
    let by = if all_answered { by } else { Instant::now() };
    let ended = ended.unwrap_or_else(|| drain_writer(&writer, &writer_ended, &signals, by));
    server.close();
    report_end(config, ended)
}

fn start_writer(
    config: &Config,
    store: Box<dyn Store>,
    clock: Arc<Clock>,
) -> Result<(Writer, Receiver<WriterExit>), CliError> {
    let limits = writer::Limits {
        queue_max: config.queue_max,
        batch_max: config.batch_max,
        wait_max: config.wait_max(),
    };
    Writer::start(store, clock, config.terms(), limits, with_one_wake_up).map_err(no_thread)
}

/// Waits for a signal (`None`) or for the end of the writer or the front (`Some`, with the writer's exit if it gave one).
fn wait_for_end(
    server: &Server,
    writer: &Writer,
    writer_ended: &Receiver<WriterExit>,
    signals: &Receiver<i32>,
    publish_clock: impl Fn(),
) -> Option<Option<WriterExit>> {
    let mut watchdog = Watchdog::new(server.stopper(), writer.clone());
    let publish_clock_at = tick(PUBLISH_CLOCK_EVERY);
    loop {
        select! {
            recv(signals) -> signal => {
                log::info!("signal {}: requests that have begun are answered, then the server stops", signal.unwrap_or(0));
                return None;
            }
            recv(writer_ended) -> ended => return Some(ended.ok()),
            recv(server.drained()) -> _ => {
                log::error!("a thread that serves connections has ended, and so the server stops");
                return Some(None);
            }
            recv(watchdog.ticks()) -> _ => watchdog.check(),
            recv(publish_clock_at) -> _ => publish_clock(),
        }
    }
}

/// Commands beside this server compare their wall clocks with it: one that judged by a later time would expire holds that
/// are alive here.
fn publish_clock(lock: &ServeLock, clock: &Clock) {
    if let Err(error) = lock.publish(&clock.beacon()) {
        log::debug!("the wall clock cannot be written to the lock file: {error}");
    }
}

/// Lets requests that have begun end, and returns whether they did. At a second signal the connections are closed at once:
/// their clients miss answers, and no commit is lost.
fn drain_front(server: &Server, signals: &Receiver<i32>) -> bool {
    server.stopper().stop();
    let mut all_answered = true;
    loop {
        select! {
            recv(server.drained()) -> _ => return all_answered,
            recv(signals) -> signal => {
                log::info!("signal {}: connections are closed without waiting for their requests", signal.unwrap_or(0));
                server.stopper().stop_now();
                all_answered = false;
            }
        }
    }
}

/// Has the writer empty the write-ahead log, until `by` or another signal, and end.
fn drain_writer(
    writer: &Writer,
    ended: &Receiver<WriterExit>,
    signals: &Receiver<i32>,
    by: Instant,
) -> Option<WriterExit> {
    writer.stop(by);
    let overdue = at(by.max(Instant::now()) + WRITER_END_MAX);
    loop {
        select! {
            recv(ended) -> ended => return ended.ok(),
            recv(signals) -> _ => writer.stop(Instant::now()),
            recv(overdue) -> _ => return None,
        }
    }
}

/// The socket that a service manager has opened, or one that is opened as configured.
fn listen(config: &Config) -> Result<Listener, CliError> {
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
    listener.map_err(|error| cannot_listen(config, &error))
}

fn cannot_listen(config: &Config, error: &io::Error) -> CliError {
    use io::ErrorKind::{AddrInUse, AddrNotAvailable, PermissionDenied};
    let advice = if error.kind() == AddrInUse {
        "; another program listens there, and --listen names another address (port 0 takes a free one)"
    } else if error.kind() == AddrNotAvailable {
        "; this machine has no such address (0.0.0.0 is all that it has, 127.0.0.1 this machine alone)"
    } else if error.kind() == PermissionDenied && matches!(config.listen, Listen::Tcp(_)) {
        "; ports below 1024 mostly belong to root"
    } else {
        ""
    };
    CliError::new(CANNOT_LISTEN, format!("{}: {error}{advice}", config.listen))
}

fn report_end(config: &Config, ended: Option<WriterExit>) -> Result<ExitCode, CliError> {
    let db = config.db.display();
    match ended {
        Some(WriterExit::Drained) => {
            log::info!("stopped; all that was acknowledged is in {db}");
            Ok(ExitCode::SUCCESS)
        }
        Some(WriterExit::LogLeft) => {
            log::warn!(
                "stopped; the write-ahead log could not be emptied, as another process is reading: the database is two files, \
                 {db} and {db}-wal, until the next start"
            );
            Ok(ExitCode::SUCCESS)
        }
        Some(WriterExit::Unknown) => Err(CliError::new(
            IO_ERROR,
            "a commit failed, and its outcome is not known; the next start finds out what is in the database",
        )),
        Some(WriterExit::Corrupt) => Err(CliError::new(
            BAD_DATA,
            "the database is damaged, and nothing more was written to it",
        )),
        Some(WriterExit::Displaced) => Err(CliError::new(
            IO_ERROR,
            format!("{db} is no longer the file that was served, and nothing more was written"),
        )),
        Some(WriterExit::Outdated) => Err(CliError::new(
            BUSY,
            format!("{db} was migrated by a newer flashsale, and nothing more was written to it"),
        )),
        None => Err(CliError::new(
            INTERNAL,
            "the thread that writes to the database failed or did not end in time; all that was acknowledged is durable",
        )),
    }
}

fn signals() -> Result<Receiver<i32>, CliError> {
    let (sender, receiver) = unbounded();
    let signals = Signals::new([SIGHUP, SIGINT, SIGTERM]);
    let mut signals =
        signals.map_err(|error| CliError::new(INTERNAL, format!("signals: {error}")))?;
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

fn no_thread(error: std::io::Error) -> CliError {
    CliError::new(INTERNAL, format!("no thread can be started: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_end_has_its_status() {
        let end = |ended| report_end(&Config::default(), ended);
        assert!(end(Some(WriterExit::Drained)).is_ok());
        assert!(end(Some(WriterExit::LogLeft)).is_ok());
        let status = |ended| end(ended).err().map(|error| error.code);
        assert_eq!(status(Some(WriterExit::Unknown)), Some(74));
        assert_eq!(status(Some(WriterExit::Corrupt)), Some(65));
        assert_eq!(status(Some(WriterExit::Displaced)), Some(74));
        assert_eq!(status(Some(WriterExit::Outdated)), Some(75));
        assert_eq!(status(None), Some(70), "the writer's thread died");
    }
}
