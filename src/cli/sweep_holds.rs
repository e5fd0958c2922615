//! `flashsale sweep-holds`: ends what is past its deadline, for cron. Safe beside a server and beside itself.

use std::process::ExitCode;
use std::thread;
use std::time::Duration;

use clap::Args;
use serde::Serialize;

use super::cli_error::{CliError, cannot_open};
use super::clock::open_with_clock;
use super::report::{Report, retry_while_busy, settled};
use crate::clock::Clock;
use crate::config::Config;
use crate::sale::{Command, Outcome, Swept};
use crate::store::{Access, Store, StoreError, no_more};

#[derive(Args)]
pub struct SweepHolds {
    #[command(flatten)]
    report: Report,
}

#[derive(Serialize)]
struct Printed {
    holds_expired: u64,
    orders_expired: u64,
    units_released: i64,
}

/// Rows in one transaction, which is short enough for a server beside it to go on selling.
const ROWS_MAX: usize = 256;
/// A pause between two transactions lets a server take the write lock.
const GAP: Duration = Duration::from_millis(2);

impl SweepHolds {
    pub fn run(&self, config: &Config) -> Result<ExitCode, CliError> {
        let (database, clock) = open_with_clock(config, Access::Existing)?;
        let mut store = database
            .store(config.durability)
            .map_err(|error| cannot_open(config, &error))?;
        let swept = sweep(&mut *store, config, &clock, Depth::All)?;
        let text = format!(
            "holds_expired: {}\norders_expired: {}\nunits_released: {}",
            swept.holds_expired, swept.orders_expired, swept.units_released
        );
        let result = Printed {
            holds_expired: swept.holds_expired,
            orders_expired: swept.orders_expired,
            units_released: swept.units_released,
        };
        self.report.print(&text, &result)?;
        Ok(ExitCode::SUCCESS)
    }
}

/// How far a sweep goes. Lapsed idempotency keys are left to the server, which deletes them when it is idle.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// What is to be ended, and events that are to be forgotten.
    All,
    /// What is to be ended alone: a server that starts forgets events later, when it is idle. Its store looks at the keys
    /// before any client waits for that.
    BeforeServing,
}

impl Depth {
    fn keys_max(self) -> usize {
        match self {
            Depth::All => 0,
            Depth::BeforeServing => 1,
        }
    }

    fn rows(self, swept: &Swept) -> u64 {
        match self {
            Depth::All => swept.rows() + swept.events_forgotten,
            Depth::BeforeServing => swept.rows(),
        }
    }
}

/// Sweeps what is past its deadline, in bounded transactions.
pub fn sweep(
    store: &mut dyn Store,
    config: &Config,
    clock: &Clock,
    depth: Depth,
) -> Result<Swept, StoreError> {
    let terms = config.terms();
    let command = [Command::Sweep {
        rows_max: ROWS_MAX,
        keys_max: depth.keys_max(),
    }];
    let mut total = Swept::default();
    loop {
        let decisions = retry_while_busy(|| {
            let now = |last_now| clock.begin_batch(last_now);
            match store.transact(&terms, &now, &command, &mut no_more) {
                Err(StoreError::InDoubt(why)) => settled(why, || store.settle()),
                done => done,
            }
        });
        clock.end_batch();
        let [Ok(Outcome::Swept(swept))] = decisions?[..] else {
            unreachable!("a sweep is never refused")
        };
        total.holds_expired += swept.holds_expired;
        total.orders_expired += swept.orders_expired;
        total.units_released += swept.units_released;
        total.payments_settled += swept.payments_settled;
        total.events_forgotten += swept.events_forgotten;
        if depth.rows(&swept) < ROWS_MAX as u64 {
            return Ok(total);
        }
        thread::sleep(GAP);
    }
}
