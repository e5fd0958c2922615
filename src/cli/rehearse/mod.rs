//! `flashsale rehearse`: a dress rehearsal of the sale on this machine. The catalogue is copied into a temporary database, the
//! real server sells it to a simulated crowd over HTTP, and the database is compared with what the buyers were told.

mod chart;
mod folder;
mod goods;
mod interruption;
mod own_database;
mod page;
mod progress;
mod server;
mod settings;
mod table;
mod warnings;

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;
use std::thread;

use clap::{Args, ValueEnum};

use super::checks;
use super::cli_error::{CliError, cannot_open};
use super::clock::clock_of;
use super::database::open;
use super::exit_status::{FOUND_A_PROBLEM, INTERNAL, IO_ERROR};
use super::global_args::GlobalArgs;
use super::report::{Report, print_to_stderr};
use super::staged_file::StagedFile;
use crate::config::{Config, WebhookSecret};
use crate::rehearsal::{
    Arrivals, Buying, Comparison, Counted, Ledger, Machine, Outcome, Plan, Sale, Usage, sentence,
};
use crate::sale::Timestamp;
use crate::store::{Access, Depth};

use goods::Goods;
use interruption::Interruption;
use own_database::OwnDatabase;
use progress::Progress;
use server::RehearsedServer;

#[derive(Args)]
pub struct Rehearse {
    /// How many buyers come
    #[arg(long, value_name = "N", default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..=1_000_000), help_heading = CROWD)]
    buyers: u32,
    /// How they come
    #[arg(long, value_enum, default_value_t = Arriving::Burst, help_heading = CROWD)]
    arrivals: Arriving,
    /// Seconds in which they come, 0 to 3600 [default: 0 for a burst, else 10]
    #[arg(long, value_name = "SECONDS", value_parser = seconds_to_3600, help_heading = CROWD)]
    over: Option<f64>,
    /// The share of buyers with units in their hands who leave without paying, 0 to 1
    #[arg(long, value_name = "SHARE", default_value_t = 0.25, value_parser = share, help_heading = CROWD)]
    abandon: f64,
    /// How often a buyer looks who finds nothing left, 1 to 1000
    #[arg(long, value_name = "LOOKS", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=1_000), help_heading = CROWD)]
    patience: u32,
    /// Connections at once, 1 to 10000
    #[arg(long, value_name = "N", default_value_t = 512, value_parser = clap::value_parser!(u32).range(1..=10_000), help_heading = CROWD)]
    connections: u32,
    /// Makes the same crowd again, 0 to 4294967295 [default: another each time]
    #[arg(long, value_name = "NUMBER", help_heading = CROWD)]
    seed: Option<u32>,
    /// Write a page with charts there; nothing may be there yet
    #[arg(long, value_name = "FILE.html")]
    report: Option<PathBuf>,
    /// Seconds that the provider's payment page lives, to warn of an order_ttl_s that is shorter
    #[arg(long, value_name = "SECONDS", default_value_t = warnings::PAYMENT_PAGE_S, help_heading = SURROUNDINGS)]
    payment_page: u32,
    /// Seconds after which the proxy in front closes an idle connection, to warn of an idle_timeout_s that is shorter
    #[arg(long, value_name = "SECONDS", help_heading = SURROUNDINGS)]
    proxy_idle: Option<u32>,
    #[command(flatten)]
    printed: Report,
}

const CROWD: &str = "The crowd";
const SURROUNDINGS: &str = "What stands around the server";

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Arriving {
    /// All when the sale opens; with --over, half of them in its first eighth
    Burst,
    /// Ever more of them
    Ramp,
    /// At random, at one rate
    Poisson,
}

const OVER_S: f64 = 10.0;

fn share(text: &str) -> Result<f64, String> {
    number_up_to(text, 1.0)
}

fn seconds_to_3600(text: &str) -> Result<f64, String> {
    number_up_to(text, 3600.0)
}

fn number_up_to(text: &str, max: f64) -> Result<f64, String> {
    let number = text.parse::<f64>().ok();
    let number = number.filter(|number| (0.0..=max).contains(number));
    number.ok_or_else(|| format!("it must be a number from 0 to {max}"))
}

impl Rehearse {
    pub fn run(self, global: &GlobalArgs) -> Result<ExitCode, CliError> {
        let (config, db_is_named) = global.config_and_naming()?;
        let goods = Goods::configured(&config, db_is_named)?;
        let report = match &self.report {
            Some(file) => Some(StagedFile::new(file, ".flashsale-report-")?),
            None => None,
        };
        let interruption = Interruption::watch()?;
        let own = OwnDatabase::beside(&config.db, self.buyers, goods.count())?;
        let rehearsal = Rehearsal {
            plan: self.plan()?,
            config,
            goods,
            own,
            interruption,
        };
        let outcome = rehearsal.run(&self, global)?;
        let Rehearsal { config, .. } = rehearsal;
        self.tell(&outcome, &config, report)
    }

    fn plan(&self) -> Result<Plan, CliError> {
        let arrivals = match self.arrivals {
            Arriving::Burst => Arrivals::Burst,
            Arriving::Ramp => Arrivals::Ramp,
            Arriving::Poisson => Arrivals::Poisson,
        };
        let over_s = match (self.over, arrivals) {
            (Some(over_s), _) => over_s,
            (None, Arrivals::Burst) => 0.0,
            (None, Arrivals::Ramp | Arrivals::Poisson) => OVER_S,
        };
        let drawn = || getrandom::u32().map_err(|error| CliError::new(INTERNAL, error.to_string()));
        Ok(Plan {
            seed: u64::from(self.seed.map_or_else(drawn, Ok)?),
            buyers: self.buyers,
            arrivals,
            over_s,
            abandon: self.abandon,
            patience: self.patience,
            connections: self.connections as usize,
        })
    }

    fn tell(
        &self,
        outcome: &Outcome,
        config: &Config,
        report: Option<StagedFile>,
    ) -> Result<ExitCode, CliError> {
        let sentence = sentence(outcome);
        let json = outcome.json(&sentence);
        if let Some(report) = report {
            let page = page::html(outcome, config, &sentence);
            let written = fs::write(report.path(), page);
            written.map_err(|error| CliError::new(IO_ERROR, format!("the report: {error}")))?;
            report.publish()?;
        }
        if self.printed.is_json() {
            print_to_stderr(&lines(&outcome.findings));
        }
        let text = table::text(outcome, &sentence);
        self.printed.print(&text, &json)?;
        Ok(if outcome.went_well() {
            ExitCode::SUCCESS
        } else {
            ExitCode::from(FOUND_A_PROBLEM)
        })
    }
}

fn lines(findings: &[String]) -> String {
    findings.iter().map(|it| format!("{it}\n")).collect()
}

/// All that it takes, until it is over.
struct Rehearsal {
    plan: Plan,
    config: Config,
    goods: Goods,
    own: OwnDatabase,
    interruption: Interruption,
}

/// What is known once the crowd has left.
struct Served {
    counted: Counted,
    opened_at: Timestamp,
    server: Usage,
    buyers: Usage,
    findings: Vec<String>,
}

/// Of a bridge that the rehearsed sale has and the real one has not: simulated buyers do not pay by Stripe. What it signs is
/// thrown away with the rehearsal's folder.
const WEBHOOK_SECRET: &str = "whsec_cmVoZWFyc2VkIHBheW1lbnRzLCBub3QgcmVhbA==";

fn pays_by_stripe_alone(config: &Config) -> bool {
    config.webhook_secrets.is_empty() && !config.stripe_secrets.is_empty()
}

/// More threads than that no crowd needs.
const CROWD_THREADS_MAX: usize = 8;
/// Descriptors of this process for other things than connections.
const DESCRIPTORS_OTHER: u64 = 64;

impl Rehearsal {
    fn run(&self, told: &Rehearse, global: &GlobalArgs) -> Result<Outcome, CliError> {
        let place = self.own.place();
        let products = self
            .goods
            .copy_to(&place, &self.config, &self.interruption)?;
        let mut sale = Sale::of(&self.config, &products);
        if pays_by_stripe_alone(&self.config) {
            sale.webhook_secret = WebhookSecret::parse(WEBHOOK_SECRET).ok();
        }
        let machine = self.own.machine()?;
        let circumstances = warnings::Circumstances {
            plan: &self.plan,
            config: &self.config,
            sale: &sale,
            machine: &machine,
            payment_page_s: told.payment_page,
            proxy_idle_s: told.proxy_idle,
            sells_without_keys: self.goods.sells_without_keys,
        };
        for warning in circumstances.warnings() {
            print_to_stderr(&format!("warning: {warning}\n"));
        }
        let descriptors = self.plan.connections as u64 + DESCRIPTORS_OTHER;
        rlimit::increase_nofile_limit(descriptors).ok();

        let crowd_threads = (machine.cores / 2).clamp(1, CROWD_THREADS_MAX);
        let server = RehearsedServer::start(
            &place,
            global.config_file(),
            &self.settings(),
            &self.interruption,
        )?;
        let served = self.serve(server, &sale, crowd_threads)?;
        self.judge(sale, machine, crowd_threads, served)
    }

    /// What the rehearsed server needs otherwise than the real one.
    fn settings(&self) -> Vec<(&'static str, &'static str)> {
        let mut settings = Vec::new();
        if self.config.metrics_listen.is_some() {
            // The real server may be there already.
            settings.push(("metrics_listen", "127.0.0.1:0"));
        }
        if pays_by_stripe_alone(&self.config) {
            settings.push(("webhook_secrets", WEBHOOK_SECRET));
        }
        settings
    }

    fn serve(
        &self,
        mut server: RehearsedServer,
        sale: &Sale,
        crowd_threads: usize,
    ) -> Result<Served, CliError> {
        let id = server.id();
        let before = (self.own.usage_of(&id)?, Usage::of("self"));
        let opened_at = clock_of(&self.config).wall();
        let buying = Buying::begin(&self.plan, sale, server.address, crowd_threads, opened_at);
        let buying = buying.map_err(no_thread)?;
        let mut progress = Progress::begin(self.plan.buyers, sale.stock_units);
        let mut findings = Vec::new();
        while !buying.is_over() {
            let interrupted = self.interruption.check();
            if interrupted.is_err() || !findings.is_empty() {
                buying.stop();
            }
            if interrupted.is_err() {
                buying.end();
                return interrupted.map(|()| unreachable!("it is an error"));
            }
            if let Some(end) = server.has_ended().filter(|_| findings.is_empty()) {
                findings.push(format!("the server ended by itself: {end}"));
            }
            thread::sleep(progress::POLL);
            progress.show(|| buying.glance());
        }
        progress.finish(&buying.glance());
        let counted = buying.end().ok_or_else(|| {
            CliError::new(
                INTERNAL,
                "a thread of the crowd has failed; the log shows why",
            )
        })?;
        let server_usage = self.own.usage_of(&id)?.since(before.0);
        let buyers_usage = Usage::of("self").since(before.1);
        server.stop(&self.interruption)?;
        Ok(Served {
            counted,
            opened_at,
            server: server_usage,
            buyers: buyers_usage,
            findings,
        })
    }

    /// Proves the books, and compares them with what the crowd was told.
    fn judge(
        &self,
        sale: Sale,
        machine: Machine,
        crowd_threads: usize,
        served: Served,
    ) -> Result<Outcome, CliError> {
        let copy = Config {
            db: self.own.place(),
            ..self.config.clone()
        };
        let cannot = |error| cannot_open(&copy, &error);
        let database = open(&copy, Access::Read)?;
        let checks = database.books().map_err(cannot)?.audit(Depth::Full)?;
        self.interruption.check()?;
        let last_now = database.last_now().map_err(cannot)?;
        let reader = database.reader_beside(last_now).map_err(cannot)?;
        let Served {
            mut counted,
            opened_at,
            server,
            buyers,
            mut findings,
        } = served;
        let told = std::mem::take(&mut counted.told);
        let mut comparison = Comparison::of(&*reader, told, &sale.goods)?;
        self.interruption.check()?;
        let window_us = counted.tally.course.window_us;
        let ledger = Ledger::of(&*reader, opened_at, window_us, sale.stock_units)?;
        findings.append(&mut comparison.findings);
        let broken = checks.iter().filter(|check| check.broken > 0);
        findings.extend(broken.map(checks::line));
        findings.extend(bad_answers(&counted));
        Ok(Outcome {
            plan: self.plan.clone(),
            catalogue: self.goods.source,
            products: sale.goods.len(),
            stock_units: sale.stock_units,
            machine,
            crowd_threads,
            counted,
            comparison,
            ledger,
            server,
            buyers,
            books_broken: checks.iter().map(|check| check.broken).sum(),
            findings,
        })
    }
}

fn bad_answers(counted: &Counted) -> Vec<String> {
    let tally = &counted.tally;
    let mut findings = Vec::new();
    if tally.errors_5xx > 0 {
        findings.push(format!(
            "{} requests were answered with an error of the server's (5xx)",
            tally.errors_5xx
        ));
    }
    for (status, what) in &tally.unexpected {
        findings.push(format!(
            "a buyer got {status}, which no buyer should: {what}"
        ));
    }
    findings
}

fn no_thread(error: std::io::Error) -> CliError {
    CliError::new(INTERNAL, format!("no thread can be started: {error}"))
}
