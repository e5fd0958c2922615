//! Crowds whose disk is lost again and again: whatever they did before, after and to what was lost, a restored database
//! gives nothing twice, knows money for what was lost, and its books are right.
//!
//! `FLASHSALE_TEST_SEEDS` sets the number of seeds (default 20).

use std::collections::BTreeSet;
use std::fs::File;
use std::path::{Path, PathBuf};

use flashsale::sale::{Command, Outcome, PaymentTarget, Rejection, Timestamp};
use flashsale::store::{Access, Database, Decision, Depth, Durability, Reader, Store, no_more};

use crate::database;
use crate::properties::{Crowd, catalogue, every_payment_has_one_fate};
use crate::shop::{OPENING, terms};

const ROUNDS: usize = 150;

#[test]
fn nothing_is_given_twice_however_often_a_disk_is_lost() {
    let seeds = std::env::var("FLASHSALE_TEST_SEEDS").map_or(20, |text| text.parse().unwrap());
    let (mut restores, mut lost) = (0, 0);
    for seed in 0..seeds {
        let mut sale = Sale::open(seed);
        (0..ROUNDS).for_each(|_| sale.go_on());
        restores += sale.restores;
        lost += sale.reports_of_lost;
    }
    println!("{restores} restores, {lost} reports of what was lost");
    assert!(
        restores >= 2 * seeds && lost >= 2 * seeds,
        "{restores} {lost}"
    );
}

struct Sale {
    seed: u64,
    folder: tempfile::TempDir,
    crowd: Crowd,
    now: i64,
    database: Box<dyn Database>,
    store: Box<dyn Store>,
    reader: Box<dyn Reader>,
    backups: Vec<PathBuf>,
    given: Given,
    restores: u64,
    reports_of_lost: u64,
}

/// By any life of the database.
#[derive(Default)]
struct Given {
    holds: BTreeSet<i64>,
    orders: BTreeSet<i64>,
    payments: BTreeSet<i64>,
}

impl Sale {
    fn open(seed: u64) -> Sale {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("first.db");
        let database = database::open(&path, Access::CreateOrMigrate).unwrap();
        let mut sale = Sale {
            seed,
            folder,
            crowd: Crowd::new(seed),
            now: OPENING,
            store: database.store(Durability::Normal).unwrap(),
            reader: database.reader_beside(Timestamp::FIRST).unwrap(),
            database,
            backups: Vec::new(),
            given: Given::default(),
            restores: 0,
            reports_of_lost: 0,
        };
        sale.decide(&catalogue());
        sale
    }

    fn go_on(&mut self) {
        match self.crowd.below(15) {
            0 => {
                let backup = self.new_file("backup");
                self.database.books().unwrap().back_up(&backup).unwrap();
                self.backups.push(backup);
            }
            1 if !self.backups.is_empty() => self.lose_the_disk(),
            _ => {}
        }
        self.now += self.crowd.pause_micros();
        let batch = self.crowd.batch();
        let decisions = self.decide(&batch);
        for (command, decision) in batch.iter().zip(&decisions) {
            self.note(command, decision);
        }
    }

    fn decide(&mut self, batch: &[Command]) -> Vec<Decision> {
        let time = |_| Timestamp::from_micros(self.now);
        let decisions = self.store.transact(&terms(), &time, batch, &mut no_more);
        let decisions =
            decisions.unwrap_or_else(|error| panic!("seed {}: {error}: {batch:#?}", self.seed));
        self.crowd.learn(&decisions);
        decisions
    }

    fn note(&mut self, command: &Command, decision: &Decision) {
        let seed = self.seed;
        let is_new = match decision {
            Ok(Outcome::HoldPlaced(hold)) => self.given.holds.insert(hold.id.get()),
            Ok(Outcome::OrderPlaced(order)) => self.given.orders.insert(order.id.get()),
            Ok(Outcome::PaymentRecorded(recorded)) if !recorded.already_processed => {
                self.given.payments.insert(recorded.payment.get())
            }
            _ => true,
        };
        assert!(is_new, "seed {seed}: given twice: {decision:?}");
        if let Command::RecordPayment(event) = command {
            let was_given = match event.target {
                PaymentTarget::Order(id) => self.given.orders.contains(&id.get()),
                PaymentTarget::Hold(id) => self.given.holds.contains(&id.get()),
            };
            let is_unknown = matches!(
                decision,
                Err(Rejection::PaymentOrderUnknown | Rejection::PaymentHoldUnknown)
            );
            assert!(
                !(was_given && is_unknown),
                "seed {seed}: money for what was given is refused: {event:?}"
            );
            self.reports_of_lost += u64::from(was_given && !self.is_there(event.target));
        }
    }

    fn is_there(&self, target: PaymentTarget) -> bool {
        match target {
            PaymentTarget::Order(id) => self.reader.order(id).unwrap().what.is_some(),
            PaymentTarget::Hold(id) => self.reader.hold(id).unwrap().what.is_some(),
        }
    }

    /// The sale goes on from any backup, with as few ids skipped as were given since, and a few more.
    fn lose_the_disk(&mut self) {
        let index = usize::try_from(self.crowd.below(self.backups.len() as i64)).unwrap();
        let backup = database::open(&self.backups[index], Access::Read).unwrap();
        let counters = backup
            .reader_beside(Timestamp::FIRST)
            .unwrap()
            .contents()
            .unwrap()
            .counters;
        let last = |given: &BTreeSet<i64>| given.last().copied().unwrap_or(0);
        let since = [
            last(&self.given.holds) - counters.next_hold.get(),
            last(&self.given.orders) - counters.next_order.get(),
            last(&self.given.payments) - counters.next_payment.get(),
        ];
        let skip_ids = since.into_iter().max().unwrap().max(0) + 1 + self.crowd.below(20);
        let path = self.new_file("restored");
        backup.books().unwrap().back_up(&path).unwrap();
        let copy = database::open(&path, Access::Read).unwrap();
        copy.make_servable(skip_ids).unwrap();
        self.database = database::open(&path, Access::Existing).unwrap();
        self.store = self.database.store(Durability::Normal).unwrap();
        self.reader = self.database.reader_beside(Timestamp::FIRST).unwrap();
        self.books_are_right();
        self.restores += 1;
    }

    fn new_file(&self, name: &str) -> PathBuf {
        let number = Path::read_dir(self.folder.path()).unwrap().count();
        let path = self.folder.path().join(format!("{name}-{number}.db"));
        File::create_new(&path).unwrap();
        path
    }

    fn books_are_right(&self) {
        let seed = self.seed;
        let mut checks = self.database.books().unwrap().audit(Depth::Quick).unwrap();
        checks.retain(|check| check.broken > 0);
        assert!(checks.is_empty(), "seed {seed}: {checks:?}");
        every_payment_has_one_fate(&self.reader.contents().unwrap()).unwrap();
    }
}

impl Drop for Sale {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.books_are_right();
        }
    }
}
