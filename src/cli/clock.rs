//! `flashsale clock`: prints the sale's time beside the wall clock's, and sets it back where it was wrongly ahead.
//! Commands that write check their clock here.

use std::process::ExitCode;
use std::thread;
use std::time::{Duration, Instant};

use clap::Args;
use serde::Serialize;

use super::cli_error::{CliError, cannot_open};
use super::database::open;
use super::exit_status::{BUSY, CONFIGURATION};
use super::report::{Report, retry_while_busy};
use crate::clock::{Clock, SystemTime};
use crate::config::Config;
use crate::sale::Timestamp;
use crate::store::{self, Access, Database, OpenError, Rest, SetBack};

#[derive(Args)]
pub struct ShowClock {
    /// Return to the wall clock, where the sale's time is ahead of it; not while the database is served
    #[arg(long)]
    set_back: bool,
    #[command(flatten)]
    report: Report,
}

#[derive(Serialize)]
struct Printed {
    sale_time: String,
    wall_time: String,
    ahead_s: f64,
    /// Whether this command has set it back.
    set_back: bool,
    /// How many deadlines were pulled in.
    pulled_in: SetBack,
}

impl ShowClock {
    pub fn run(&self, config: &Config) -> Result<ExitCode, CliError> {
        let clock = clock_of(config);
        let pulled_in = if self.set_back {
            set_back(config, &clock)?
        } else {
            None
        };
        let database = open(config, Access::Read)?;
        let (wall, sale) = times(&*database, &clock, config)?;
        let printed = Printed {
            sale_time: sale.to_string(),
            wall_time: wall.to_string(),
            ahead_s: sale.micros().saturating_sub(wall.micros()) as f64 / 1e6,
            set_back: pulled_in.is_some(),
            pulled_in: pulled_in.unwrap_or_default(),
        };
        self.report.print(&self.text(&printed), &printed)?;
        Ok(ExitCode::SUCCESS)
    }

    fn text(&self, printed: &Printed) -> String {
        let mut lines = vec![
            format!("sale's time: {}", printed.sale_time),
            format!("wall clock:  {}", printed.wall_time),
        ];
        let SetBack {
            holds,
            orders,
            payments,
            keys,
        } = printed.pulled_in;
        lines.push(if printed.set_back {
            format!(
                "The sale's time was set back. Deadlines pulled in: {holds} holds, {orders} orders, {payments} parked \
                 payments, {keys} idempotency keys."
            )
        } else if printed.ahead_s > 0.0 {
            format!(
                "The sale is {:.1} s ahead, and runs at half speed until the wall clock has caught up.",
                printed.ahead_s
            )
        } else if self.set_back {
            "Nothing was ahead, and nothing was changed.".into()
        } else {
            "The sale goes by the wall clock.".into()
        });
        lines.join("\n")
    }
}

/// The wall clock's time, and the sale's: they are equal unless a transaction was judged at a later time.
fn times(
    database: &dyn Database,
    clock: &Clock,
    config: &Config,
) -> Result<(Timestamp, Timestamp), CliError> {
    let last_now = database
        .last_now()
        .map_err(|error| cannot_open(config, &error))?;
    let wall = clock.wall();
    Ok((wall, wall.max(last_now)))
}

fn set_back(config: &Config, clock: &Clock) -> Result<Option<SetBack>, CliError> {
    if config.db.keeps_the_time() {
        return Err(CliError::new(
            CONFIGURATION,
            format!(
                "{}: the sale goes by the clock of its PostgreSQL server, and its time is not set back; set that clock right, \
                 and the sale goes on once the clock has caught up",
                config.db
            ),
        ));
    }
    let database = open(config, Access::Existing)?;
    let failed = |error| cannot_open(config, &error);
    let _serving = store::serve(&config.db, config.wait_max()).map_err(failed)?;
    let mut store = database.store(config.durability).map_err(failed)?;
    let set_back = retry_while_busy(|| store.set_back(clock.wall(), &config.terms()))?;
    if let Err(failure) = store.rest(Rest::Long) {
        log::debug!("the log is left for the next checkpoint: {failure}");
    }
    Ok(set_back)
}

/// How far the sale's time may be ahead of the wall clock for a command to go on; the wall clock catches up while the sale
/// runs.
const AHEAD_MAX_MICROS: i64 = 300 * 1_000_000;
/// How far the wall clocks of a command and of a server on the same database may be apart.
const APART_MAX_S: i64 = 60;

/// How long another process may take to create or migrate the database, and how often that is checked.
const CREATING_MAX: Duration = Duration::from_secs(1);
const CREATING_POLL: Duration = Duration::from_millis(5);

/// The clock that goes with the configured database: this machine's, or one that is led by the database's.
pub fn clock_of(config: &Config) -> Clock {
    if config.db.keeps_the_time() {
        Clock::led(SystemTime::default())
    } else {
        Clock::system()
    }
}

/// Opens the database for a command that writes, and checks the clock that it will judge by.
pub fn open_with_clock(
    config: &Config,
    access: Access,
) -> Result<(Box<dyn Database>, Clock), CliError> {
    let clock = clock_of(config);
    ensure_agrees_with_server(config, &clock)?;
    let patience = Instant::now() + CREATING_MAX;
    let database = loop {
        match store::open(&config.db, access) {
            Err(OpenError::Served) if Instant::now() < patience => thread::sleep(CREATING_POLL),
            opened => break opened.map_err(|error| cannot_open(config, &error))?,
        }
    };
    ensure_is_not_far_ahead(&*database, &clock, config)?;
    Ok((database, clock))
}

fn ensure_agrees_with_server(config: &Config, clock: &Clock) -> Result<(), CliError> {
    let beacon = store::published_clock(&config.db);
    let apart_s = beacon.and_then(|beacon| clock.seconds_ahead_of(&beacon));
    match apart_s {
        Some(apart_s) if apart_s.abs() > APART_MAX_S => Err(CliError::new(
            BUSY,
            format!(
                "{}: the wall clock here is {} s {} that of the server which has this database open; set it right first",
                config.db,
                apart_s.abs(),
                if apart_s > 0 { "ahead of" } else { "behind" },
            ),
        )),
        Some(_) | None => Ok(()),
    }
}

pub fn ensure_is_not_far_ahead(
    database: &dyn Database,
    clock: &Clock,
    config: &Config,
) -> Result<(), CliError> {
    let (wall, sale) = times(database, clock, config)?;
    let ahead = sale.micros().saturating_sub(wall.micros());
    if ahead <= AHEAD_MAX_MICROS || config.db.keeps_the_time() {
        return Ok(());
    }
    Err(CliError::new(
        CONFIGURATION,
        format!(
            "{}: the sale's time, {sale}, is {:.0} s ahead of the wall clock, {wall}. Set the wall clock right if it is \
             behind; if it was wrongly ahead before, `flashsale clock --set-back` returns to it",
            config.db,
            ahead as f64 / 1e6,
        ),
    ))
}
