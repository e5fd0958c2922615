//! What of the configuration and the machine would hurt the real sale, told before the rehearsal begins.

use crate::config::Config;
use crate::rehearsal::{Machine, Plan, Sale, counted};

/// Stripe's Checkout sessions live no shorter.
pub const PAYMENT_PAGE_S: u32 = 1_800;
/// A disk that takes longer to sync makes commits, and so buyers, wait.
const FSYNC_MS_MAX: f64 = 5.0;
/// Descriptors that a server needs beside its connections.
const DESCRIPTORS_OTHER: u64 = 128;

pub struct Circumstances<'a> {
    pub plan: &'a Plan,
    pub config: &'a Config,
    pub sale: &'a Sale,
    pub machine: &'a Machine,
    pub payment_page_s: u32,
    pub proxy_idle_s: Option<u32>,
    pub sells_without_keys: bool,
}

impl Circumstances<'_> {
    pub fn warnings(&self) -> Vec<String> {
        let warnings = [
            self.too_few_descriptors(),
            self.too_few_connections(),
            self.short_orders(),
            self.slow_disk(),
            self.stock_stuck_in_holds(),
            self.proxy_reuses_closed_connections(),
            self.no_keys(),
        ];
        warnings.into_iter().flatten().collect()
    }

    fn too_few_descriptors(&self) -> Option<String> {
        let (_, hard) = rlimit::Resource::NOFILE.get().ok()?;
        let crowd = u64::from(self.plan.buyers);
        (hard < crowd + DESCRIPTORS_OTHER).then(|| {
            format!(
                "the limit on descriptors (RLIMIT_NOFILE, {}) is below the crowd of {} buyers with a connection each; raise it \
                 (LimitNOFILE= in a unit of systemd)",
                counted(hard),
                counted(crowd)
            )
        })
    }

    fn too_few_connections(&self) -> Option<String> {
        let max = self.config.max_connections;
        (max < self.plan.connections).then(|| {
            format!(
                "max_connections is {max}, and the rehearsal opens {}: connections in use will be closed",
                self.plan.connections
            )
        })
    }

    fn short_orders(&self) -> Option<String> {
        let order_ttl_s = self.config.order_ttl_s;
        (1..self.payment_page_s).contains(&order_ttl_s).then(|| {
            format!(
                "order_ttl_s is {order_ttl_s}, and a payment page lives {} s: a payment that comes after its order has expired is \
                 late and must be paid back; set order_ttl_s to more than the page's life, or shorten the page's",
                self.payment_page_s
            )
        })
    }

    fn slow_disk(&self) -> Option<String> {
        let fsync_ms = self.machine.fsync_ms;
        (fsync_ms > FSYNC_MS_MAX).then(|| {
            format!(
                "it takes {fsync_ms:.1} ms to make a write durable ({}), and every buyer waits for at least one; a local SSD \
                 takes less than {FSYNC_MS_MAX:.0} ms",
                self.machine.file_system
            )
        })
    }

    /// Units that leavers keep until their holds expire, at the rate at which buyers come.
    fn stock_stuck_in_holds(&self) -> Option<String> {
        let hold_ttl_s = self.config.hold_ttl_s;
        let share = (f64::from(hold_ttl_s) / self.plan.over_s).min(1.0);
        let leavers = f64::from(self.plan.buyers) * self.plan.abandon * share;
        (leavers > self.sale.stock_units as f64).then(|| {
            format!(
                "hold_ttl_s is {hold_ttl_s}: of the buyers who come in that time, {} would leave with units in their hands, which \
                 is more than the stock of {}; what they hold is on sale again only after {hold_ttl_s} s",
                counted(leavers as u64),
                counted(self.sale.stock_units.unsigned_abs())
            )
        })
    }

    fn proxy_reuses_closed_connections(&self) -> Option<String> {
        let (proxy_s, ours_s) = (self.proxy_idle_s?, self.config.idle_timeout_s);
        (proxy_s >= ours_s).then(|| {
            format!(
                "idle_timeout_s is {ours_s}, and the proxy keeps idle connections for {proxy_s} s: it will send requests into \
                 connections that are being closed; set idle_timeout_s to more than the proxy's"
            )
        })
    }

    fn no_keys(&self) -> Option<String> {
        self.sells_without_keys.then(|| {
            "no request of late had an Idempotency-Key: whoever repeats a hold whose answer was lost gets a second one, and the \
             first keeps its units until it expires; have the storefront send a key with each hold and order, and the same one \
             with a repetition"
                .into()
        })
    }
}
