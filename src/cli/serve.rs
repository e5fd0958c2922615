//! `flashsale serve`: from the configuration to a server that listens, and from a signal to an orderly exit.

use std::io;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use clap::Args;
use crossbeam_channel::{Receiver, unbounded};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use super::cli_error::{CliError, cannot_open};
use super::clock::{clock_of, ensure_is_not_far_ahead};
use super::exit_status::{CANNOT_LISTEN, CONFIGURATION, INTERNAL};
use super::front_limits::{front_limits, metrics_front_limits, readers_max};
use super::key_flags::KeyFlags;
use super::logging;
use super::report::print_line;
use super::server_end::{ServerEnd, drain_front, drain_writer, report_end, wait_for_end};
use super::service_manager;
use super::{catalogue, seed, sweep_holds};
use crate::api::{Api, MetricsFront};
use crate::clock::Clock;
use crate::config::{Config, Flags, Listen};
use crate::http::{Address, Listener, Server, with_one_wake_up};
use crate::store::{self, OpenError, Reader, Rest, Serving, Store};
use crate::writer::{self, Writer, WriterExit};

#[derive(Args)]
pub struct Serve {
    /// Load the sample catalogue if the database has no products
    #[arg(long)]
    demo: bool,
    #[command(flatten)]
    flags: KeyFlags,
}

/// What says where to listen.
const LISTEN_KEY: &str = "--listen";
const METRICS_KEY: &str = "metrics_listen";
/// How long and how often a database that is served is tried again.
const SERVED_PATIENCE: Duration = Duration::from_millis(50);
const SERVED_POLL: Duration = Duration::from_millis(1);

impl Serve {
    pub fn flags(&self) -> Flags {
        self.flags.0.clone()
    }

    pub fn run(&self, config: &Config) -> Result<ExitCode, CliError> {
        let serving = begin_serving(config)?;
        // The address is bound before the database is opened: an address in use leaves no new database behind.
        let listener = listen(config)?;
        let metrics_listener = config
            .metrics_listen
            .as_ref()
            .map(|listen| bound(listen, METRICS_KEY))
            .transpose()?;
        let clock = Arc::new(clock_of(config));
        publish_clock(&*serving, &clock);
        let failed = |error| cannot_open(config, &error);
        let database = serving.open().map_err(failed)?;
        ensure_is_not_far_ahead(&*database, &clock, config)?;
        let mut store = database.store(config.durability).map_err(failed)?;
        let _ = store.rest(Rest::Long)?;
        keep_currency(&mut *store, config)?;
        let reader = database
            .reader(clock.clone(), readers_max(config))
            .map_err(failed)?;
        self.load_demo(config, &mut *store, &*reader, &clock)?;
        let swept = sweep_holds::sweep(
            &mut *store,
            config,
            &clock,
            sweep_holds::Depth::BeforeServing,
        )?;
        if swept.rows() > 0 {
            log::info!(
                "{} holds, {} orders and {} parked payments were past their deadlines and are ended; {} units are free again",
                swept.holds_expired,
                swept.orders_expired,
                swept.payments_settled,
                swept.units_released
            );
        }
        let resources = Resources {
            serving,
            listener,
            metrics_listener,
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
        let db = &config.db;
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

/// Prices are numbers alone: in another currency they would be other prices, of holds and orders too.
fn keep_currency(store: &mut dyn Store, config: &Config) -> Result<(), CliError> {
    let Some(currency) = config.currency else {
        return Ok(());
    };
    let kept = store.keep_currency(currency)?;
    if kept == currency {
        return Ok(());
    }
    Err(CliError::new(
        CONFIGURATION,
        format!(
            "currency: {currency} is configured, and the prices in {} are in {kept}",
            config.db
        ),
    ))
}

/// What the server keeps for as long as it serves.
struct Resources {
    serving: Box<dyn Serving>,
    listener: Listener,
    metrics_listener: Option<Listener>,
    clock: Arc<Clock>,
}

/// For the life of the process, so that no second server writes to a database that only one may serve. Tried again for a
/// moment: commands do the same to find out whether a server runs.
fn begin_serving(config: &Config) -> Result<Box<dyn Serving>, CliError> {
    let patience = Instant::now() + SERVED_PATIENCE;
    loop {
        match store::serve(&config.db, config.wait_max()) {
            Err(OpenError::Served) if Instant::now() < patience => thread::sleep(SERVED_POLL),
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
        serving,
        listener,
        metrics_listener,
        clock,
    } = resources;
    let address = listener.address().clone();
    let signals = signals()?;

    let secret = store.secret().clone();
    let (writer, writer_ended) = start_writer(config, store, clock.clone())?;

    let reader: Arc<dyn Reader> = reader.into();
    let draining = Arc::new(AtomicBool::new(false));
    let access_log = logging::access_log(config.log_format, config.log_requests_per_s);
    let api = Api {
        metrics_are_elsewhere: metrics_listener.is_some(),
        access_log: Arc::new(access_log),
        draining: draining.clone(),
        ..Api::new(config, secret, clock.clone(), writer.clone(), reader).map_err(no_thread)?
    };
    let long_polls = api.long_polls.clone();
    let drain = Duration::from_secs(config.drain_s.into());
    let fronts = Fronts::start(config, api, listener, metrics_listener, drain)?;
    let server = &fronts.api;
    print_line(&format!("listening on {address}"))?;
    log::info!("serving {}", config.db);
    service_manager::notify_ready();

    let end = wait_for_end(server, &writer, &writer_ended, &signals, || {
        publish_clock(&*serving, &clock);
    });
    let by = Instant::now() + drain;
    service_manager::notify_stopping();
    draining.store(true, Ordering::SeqCst);
    long_polls.drain();
    let all_answered = drain_front(server, &signals);
    let by = if all_answered { by } else { Instant::now() };
    let writer_exit = match end {
        ServerEnd::Writer(exit) => exit,
        ServerEnd::Signal | ServerEnd::Front => drain_writer(&writer, &writer_ended, &signals, by),
    };
    fronts.close();
    // Whoever reads last closes the database, which leaves one file.
    long_polls.end();
    report_end(config, end, writer_exit)
}

struct Fronts {
    api: Server,
    /// At an address of its own, for as long as the process lives.
    metrics: Option<Server>,
}

impl Fronts {
    fn start(
        config: &Config,
        api: Api,
        mut listener: Listener,
        metrics_listener: Option<Listener>,
        drain: Duration,
    ) -> Result<Fronts, CliError> {
        let listens = listener.listen();
        listens.map_err(|error| cannot_listen(&config.listen, LISTEN_KEY, &error))?;
        let api = Arc::new(api);
        let server = Server::start(listener, api.clone(), front_limits(config), drain);
        let server = server.map_err(no_thread)?;
        api.connections.get_or_init(|| server.connections());
        let metrics = metrics_listener.map(|listener| serve_metrics(config, listener, api));
        Ok(Fronts {
            api: server,
            metrics: metrics.transpose()?,
        })
    }

    fn close(self) {
        self.api.close();
        if let Some(metrics) = self.metrics {
            metrics.close();
        }
    }
}

fn serve_metrics(
    config: &Config,
    mut listener: Listener,
    api: Arc<Api>,
) -> Result<Server, CliError> {
    let address = listener.address().clone();
    let listens = listener.listen();
    let at = config.metrics_listen.as_ref().unwrap_or(&config.listen);
    listens.map_err(|error| cannot_listen(at, METRICS_KEY, &error))?;
    let limits = metrics_front_limits(config);
    let front = MetricsFront(api);
    let server = Server::start(listener, Arc::new(front), limits, Duration::ZERO);
    log::info!("metrics are at {address}");
    server.map_err(no_thread)
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

/// Commands beside this server compare their wall clocks with it: one that judged by a later time would expire holds that
/// are alive here.
fn publish_clock(serving: &dyn Serving, clock: &Clock) {
    if let Err(error) = serving.publish_clock(&clock.beacon()) {
        log::debug!("the wall clock cannot be published: {error}");
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
    bound(&config.listen, LISTEN_KEY)
}

fn bound(listen: &Listen, key: &str) -> Result<Listener, CliError> {
    let listener = match listen {
        Listen::Tcp(address) => Listener::tcp(*address),
        Listen::Unix(path) => Listener::unix(path),
    };
    listener.map_err(|error| cannot_listen(listen, key, &error))
}

fn cannot_listen(listen: &Listen, key: &str, error: &io::Error) -> CliError {
    use io::ErrorKind::{AddrInUse, AddrNotAvailable, PermissionDenied};
    let advice = if error.kind() == AddrInUse {
        format!(
            "; another program listens there, and {key} names another address (port 0 takes a free one)"
        )
    } else if error.kind() == AddrNotAvailable {
        "; this machine has no such address (0.0.0.0 is all that it has, 127.0.0.1 this machine alone)".to_owned()
    } else if error.kind() == PermissionDenied && matches!(listen, Listen::Tcp(_)) {
        "; ports below 1024 mostly belong to root".to_owned()
    } else {
        String::new()
    };
    CliError::new(CANNOT_LISTEN, format!("{listen}: {error}{advice}"))
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
