//! Who buys, runs the sale and reports payments, by a seed: providers repeat, reorder, delay and lie, stores fail, disks are
//! lost, and time goes to the edges of deadlines.

mod providers;

use std::collections::VecDeque;

use flashsale::sale::{
    Cents, Command, CreateProduct, Customer, HoldId, IdempotencyKey, OrderId, Patch, PaymentId,
    PaymentStatus, PlaceHold, ProductChanges, ProductId, Quantity, RestockProduct, ReversalKind,
    STOCK_MAX, Timestamp, UpsertProduct,
};

use crate::dice::Dice;
use crate::simulation::model::{Model, key_of};
use crate::simulation::story::{Step, StoreFault};

const SECOND: i64 = 1_000_000;
const RECENT_MAX: usize = 30;

pub struct People {
    pub dice: Dice,
    /// What may be asked once more, word for word.
    recent: VecDeque<Command>,
    keys: i64,
}

impl People {
    pub fn new(seed: u64) -> People {
        People {
            dice: Dice::new(seed),
            recent: VecDeque::new(),
            keys: 0,
        }
    }

    /// The next batch, and what happens around it.
    pub fn steps(&mut self, model: &Model) -> Vec<Step> {
        let mut steps = vec![Step::At(model.now + self.pause(model))];
        match self.dice.below(60) {
            0..=1 => steps.push(Step::BackUp),
            2 => steps.push(Step::LoseDisk {
                more_ids: self.dice.below(5),
            }),
            3..=6 => steps.push(Step::Fails(self.dice.one_of(&StoreFault::ALL))),
            _ => {}
        }
        for _ in 0..1 + self.dice.below(14) {
            let command = if self.dice.rarely(3) {
                self.again()
            } else {
                None
            };
            let command = command.unwrap_or_else(|| self.command(model));
            self.recent.push_front(command.clone());
            self.recent.truncate(RECENT_MAX);
            steps.push(Step::Command(command));
        }
        steps.push(Step::Commit);
        steps
    }

    /// The same as before, but that a provider may have changed the payload, and a client what it asks for.
    fn again(&mut self) -> Option<Command> {
        let is_event = |command: &Command| {
            matches!(
                command,
                Command::RecordPayment(_) | Command::RecordReversal(_)
            )
        };
        let is_keyed = !self.dice.rarely(3);
        let recent = self
            .recent
            .iter()
            .filter(|command| !is_keyed || is_event(command) || key_of(command).is_some());
        let recent: Vec<Command> = recent.cloned().collect();
        let mut command = (!recent.is_empty()).then(|| self.dice.one_of(&recent))?;
        let is_another = self.dice.rarely(4);
        match &mut command {
            Command::RecordPayment(event) => {
                event.payload = self.dice.flips().then(|| "{}".into());
                if is_another {
                    event.report.status = PaymentStatus::Failure;
                }
            }
            Command::RecordReversal(event) => {
                event.payload = None;
                if is_another {
                    event.kind = ReversalKind::DisputeLost;
                }
            }
            Command::PlaceHold(wish) if is_another => {
                wish.quantity = Quantity::new(wish.quantity.units() + 1)?;
            }
            Command::PlaceOrder { hold, .. } if is_another => *hold = hold.next(),
            Command::CancelOrder { order, .. } if is_another => *order = order.next(),
            Command::RestockProduct(wish) if is_another => wish.units += 1,
            Command::CreateProduct(wish) if is_another => wish.total_stock += 1,
            Command::PlaceHold(_)
            | Command::PlaceOrder { .. }
            | Command::CancelOrder { .. }
            | Command::RestockProduct(_)
            | Command::CreateProduct(_)
            | Command::ReleaseHold { .. }
            | Command::RefundOrder { .. }
            | Command::ResolveRefund { .. }
            | Command::AcceptRefund { .. }
            | Command::UpsertProduct(_)
            | Command::ChangeProduct { .. }
            | Command::Sweep { .. } => {}
        }
        Some(command)
    }

    /// From no time at all to long enough for every deadline to pass, and often to the edge of one.
    fn pause(&mut self, model: &Model) -> i64 {
        let far = model.now + self.dice.one_of(&[150, 150, 1_000]) * SECOND;
        let near = |at: &i64| (model.now + 1..far).contains(at);
        let deadlines: Vec<i64> = deadlines(model).filter(near).collect();
        match self.dice.below(20) {
            0 if self.dice.rarely(9) => 86_400 * SECOND,
            0 => 900 * SECOND,
            1 => 60 * SECOND + self.dice.below(60 * SECOND + 1),
            2..=6 if !deadlines.is_empty() => {
                let edge = self.dice.one_of(&deadlines);
                (edge + self.dice.one_of(&[-1, 0, 1]) - model.now).max(0)
            }
            _ => self.dice.below(3 * SECOND),
        }
    }

    fn command(&mut self, model: &Model) -> Command {
        match self.dice.below(86) {
            0..=16 => Command::PlaceHold(self.wish(model)),
            17..=21 => Command::ReleaseHold {
                hold: self.hold(model),
            },
            22..=31 => Command::PlaceOrder {
                hold: self.hold(model),
                key: self.key(),
            },
            32..=36 => Command::CancelOrder {
                order: self.pending(model),
                key: self.key(),
            },
            37..=38 => Command::RefundOrder {
                order: self.order(model),
                quantity: Quantity::new(self.dice.below(12) - 6),
                restock: self.dice.flips(),
            },
            39..=58 => Command::RecordPayment(self.event(model)),
            59 => Command::ResolveRefund {
                payment: self.payment(model),
                note: self.dice.flips().then(|| "sent back".to_owned()),
            },
            60..=66 => Command::AcceptRefund {
                payment: self.payment(model),
            },
            67..=68 => Command::Sweep {
                rows_max: usize::try_from(1 + self.dice.below(20)).unwrap(),
                keys_max: usize::try_from(1 + self.dice.below(20)).unwrap(),
            },
            69..=73 => Command::RecordReversal(self.reversal()),
            _ => self.operate(model),
        }
    }

    fn operate(&mut self, model: &Model) -> Command {
        match self.dice.below(14) {
            0..=4 => {
                let few = self.dice.below(21) - 10;
                Command::RestockProduct(RestockProduct {
                    product: self.product(model),
                    units: self.dice.one_of(&[few, few, few, -5_000, STOCK_MAX]),
                    reason: Some("count".into()),
                    key: self.key(),
                })
            }
            5..=6 => Command::CreateProduct(CreateProduct {
                sku: self
                    .dice
                    .one_of(&[None, None, Some("new".into()), Some("newer".into())]),
                changes: ProductChanges {
                    name: Some("New".into()),
                    ..self.changes(model)
                },
                total_stock: self.dice.one_of(&[0, 3, 9]),
                key: self.key(),
            }),
            7..=8 => Command::UpsertProduct(UpsertProduct {
                sku: self.dice.one_of(&["few", "limited", "free", "new"]).into(),
                changes: self.changes(model),
                total_stock: self.dice.one_of(&[0, 1, 5, 40, 60]),
            }),
            _ => Command::ChangeProduct {
                product: self.product(model),
                changes: self.changes(model),
            },
        }
    }

    /// Mostly back to what sells.
    fn changes(&mut self, model: &Model) -> ProductChanges {
        let at = |seconds: i64| Patch::To(Timestamp::from_micros(model.now + seconds * SECOND));
        let windows = [
            (Patch::Keep, Patch::Keep),
            (Patch::Clear, Patch::Clear),
            (Patch::Clear, Patch::Clear),
            (at(5), Patch::Clear),
            (Patch::Clear, at(400)),
            (at(9), at(9)),
        ];
        let (starts_at, ends_at) = self.dice.one_of(&windows);
        let price = self.dice.one_of(&[None, None, Some(1_000), Some(2_500)]);
        ProductChanges {
            paused: Some(self.dice.rarely(6)),
            price: price.map(Cents::new),
            starts_at,
            ends_at,
            ..ProductChanges::default()
        }
    }

    fn wish(&mut self, model: &Model) -> PlaceHold {
        let customers = ["ada", "eve", "bob"].map(|name| Customer::new(name.into()));
        PlaceHold {
            product: self.product(model),
            quantity: Quantity::new(1 + self.dice.below(5)).unwrap(),
            customer: if self.dice.rarely(5) {
                None
            } else {
                self.dice.one_of(&customers)
            },
            key: self.key(),
        }
    }

    fn key(&mut self) -> Option<IdempotencyKey> {
        self.dice
            .flips()
            .then(|| IdempotencyKey::new(&format!("key-{}", self.serial())).unwrap())
    }

    /// Mostly the next number, sometimes a recent one again.
    fn serial(&mut self) -> i64 {
        if self.dice.rarely(8) {
            return (self.keys - self.dice.below(12)).max(0);
        }
        self.keys += 1;
        self.keys
    }

    fn product(&mut self, model: &Model) -> ProductId {
        let products = i64::try_from(model.products.len()).unwrap();
        let id = match self.dice.below(20) {
            0 => products + 1,
            1 => 1 + self.dice.below(products),
            _ => self.dice.one_of(&[1, 2, 2, 2, 2, 3, 3, 4, 5, 6]),
        };
        ProductId::new(id).unwrap()
    }

    fn hold(&mut self, model: &Model) -> HoldId {
        HoldId::new(self.id(model.next[0])).unwrap()
    }

    fn order(&mut self, model: &Model) -> OrderId {
        OrderId::new(self.id(model.next[1])).unwrap()
    }

    /// Mostly an order that waits.
    fn pending(&mut self, model: &Model) -> OrderId {
        let orders = model.orders.iter();
        let pending = orders.filter(|(_, row)| row.status == "pending");
        let pending: Vec<i64> = pending.map(|(id, _)| *id).collect();
        if pending.is_empty() || self.dice.rarely(3) {
            return self.order(model);
        }
        OrderId::new(self.dice.one_of(&pending)).unwrap()
    }

    /// Mostly one that is owed back, half of them for units that are gone.
    fn payment(&mut self, model: &Model) -> PaymentId {
        let is_of_what_is_gone = self.dice.flips();
        let refunds = model.events.iter().filter(|(id, event)| {
            event.refund.is_some() && (!is_of_what_is_gone || model.has_no_units(**id))
        });
        let refunds: Vec<i64> = refunds.map(|(id, _)| *id).collect();
        let id = if refunds.is_empty() || self.dice.rarely(3) {
            self.id(model.next[2])
        } else {
            self.dice.one_of(&refunds)
        };
        PaymentId::new(id).unwrap()
    }

    /// Mostly a recent one, or one that this very batch may make.
    fn id(&mut self, next: i64) -> i64 {
        match self.dice.below(6) {
            0 => 1 + self.dice.below(next),
            1 => next + self.dice.below(4),
            _ => (next - 1 - self.dice.below(8)).max(1),
        }
    }
}

fn deadlines(model: &Model) -> impl Iterator<Item = i64> {
    let rows = model.holds.values().chain(model.orders.values());
    let ttl = i64::from(model.terms.parked_ttl_s) * SECOND;
    let parked = model.events.values().filter(|it| it.verdict == "parked");
    let windows = model.products.iter().flat_map(|it| it.window);
    rows.filter_map(|row| row.deadline)
        .chain(parked.map(move |it| it.received_at + ttl))
        .chain(windows.flatten())
        .chain(model.kept.values().map(|(.., until)| *until))
}
