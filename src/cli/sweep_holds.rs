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
        let swept = sweep(&mut *store, config, &clock, NO_KEYS)?;
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

/// Lapsed idempotency keys are left to the server, which deletes them when it is idle.
pub const NO_KEYS: usize = 0;
/// For a server that starts: so its store has looked at the keys before any client waits for that.
pub const ONE_KEY: usize = 1;

/// Ends everything that is past its deadline, in bounded transactions, with at most so many keys in each.
pub fn sweep(
    store: &mut dyn Store,
    config: &Config,
    clock: &Clock,
    keys_max: usize,
) -> Result<Swept, StoreError> {
    let terms = config.terms();
    let command = [Command::Sweep {
        rows_max: ROWS_MAX,
        keys_max,
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
        if swept.rows() < ROWS_MAX as u64 {
            return Ok(total);
        }
        thread::sleep(GAP);
    }
}
