//! One buyer's way through the sale: what each answer leads to.

use super::answers::{ErrorAnswer, EventAnswer, HoldAnswer, OrderAnswer, ProductAnswer, read};
use super::errand::{Errand, Event, Step};
use crate::rehearsal::choices::{Choices, Intent};
use crate::rehearsal::tally::Tally;
use crate::rehearsal::told::Told;
use crate::sale::Cents;

pub struct Buyer {
    pub choices: Choices,
    pub number: u32,
    looks: u32,
    /// Holds that were asked for; a second click is not another one.
    pub attempts: u8,
    /// Attempts at the present step that had no answer, or one of the server's own errors.
    tries: u8,
    /// Requests for the present hold that are not answered yet.
    open_holds: u8,
    early_is_open: bool,
    pub asked: u32,
    pub hold: Option<Held>,
    pub order: Option<i64>,
    pub outcome: Option<Outcome>,
}

pub struct Held {
    pub id: i64,
    pub quantity: i64,
    pub unit_price: Cents,
    pub token: Box<str>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    Paid,
    Abandoned,
    EmptyHanded,
    /// Met errors that did not pass.
    Failed,
}

/// What an answer may change beside its buyer.
pub struct Surroundings<'a> {
    pub patience: u32,
    pub tally: &'a mut Tally,
    pub told: &'a mut Told,
    /// What is to be asked next.
    pub next: &'a mut Vec<Errand>,
}

pub struct Answer<'a> {
    pub status: u16,
    pub body: &'a [u8],
    pub now_us: u64,
}

/// How often a request is repeated, under the same key, after an error of the server's or of the transport.
const TRIES_MAX: u8 = 4;
const RETRY_US: u64 = 100_000;
const OUT_OF_STOCK: &str = "insufficient_stock";

impl Buyer {
    pub fn new(number: u32, choices: Choices) -> Buyer {
        Buyer {
            choices,
            number,
            looks: 0,
            attempts: 0,
            tries: 0,
            open_holds: 0,
            early_is_open: false,
            asked: choices.quantity,
            hold: None,
            order: None,
            outcome: None,
        }
    }

    /// Whether the answer to this request is lost on its way, once.
    pub fn loses_answer(&mut self, step: Step) -> bool {
        let lost = match step {
            Step::Hold if self.attempts == 1 => &mut self.choices.mishaps.loses_hold,
            Step::Order => &mut self.choices.mishaps.loses_order,
            Step::Look
            | Step::Hold
            | Step::HoldAgain
            | Step::Event(_)
            | Step::Reload
            | Step::Knock => return false,
        };
        std::mem::take(lost)
    }

    pub fn answered(&mut self, errand: Errand, answer: &Answer<'_>, around: &mut Surroundings<'_>) {
        if answer.status >= 500 {
            return self.retry(errand, answer.now_us, around);
        }
        if answer.status >= 400 {
            return self.refused(errand, answer, around);
        }
        self.tries = 0;
        let understood = match errand.step {
            Step::Look => self.has_looked(errand, answer, around),
            Step::Hold | Step::HoldAgain => self.holds(errand, answer, around),
            Step::Order => self.has_ordered(errand, answer, around),
            Step::Event(event) => self.reported(errand, event, answer, around),
            Step::Reload | Step::Knock => Some(()),
        };
        if understood.is_none() {
            let body = String::from_utf8_lossy(answer.body);
            let text = format!("{:?} was answered with {body}", errand.step);
            around.tally.unexpected.entry(answer.status).or_insert(text);
            self.end(Outcome::Failed);
        }
    }

    /// The same once more, unless it was tried often enough.
    pub fn retry(&mut self, errand: Errand, now_us: u64, around: &mut Surroundings<'_>) {
        if is_hold(errand.step) && self.open_holds > 1 {
            self.open_holds -= 1;
            return;
        }
        self.tries += 1;
        if self.tries < TRIES_MAX {
            let wanted_us = now_us + RETRY_US;
            around.next.push(Errand {
                wanted_us,
                ..errand
            });
            return;
        }
        self.tries = 0;
        self.end(Outcome::Failed);
    }

    fn refused(&mut self, errand: Errand, answer: &Answer<'_>, around: &mut Surroundings<'_>) {
        let code = read::<ErrorAnswer<'_>>(answer.body).map_or("unreadable", |error| error.code);
        around.tally.refused(code);
        if is_hold(errand.step) {
            self.open_holds = self.open_holds.saturating_sub(1);
            if self.hold.is_some() || self.open_holds > 0 {
                return;
            }
        }
        if is_hold(errand.step) && code == OUT_OF_STOCK {
            self.look_again(errand, answer.now_us, around);
        } else if answer.status == 400 {
            // The shop's "no", as to a hold that has expired.
            self.end(Outcome::EmptyHanded);
        } else {
            let text = format!("{:?} was refused as {code}", errand.step);
            around.tally.unexpected.entry(answer.status).or_insert(text);
            self.end(Outcome::Failed);
        }
    }

    fn has_looked(
        &mut self,
        errand: Errand,
        answer: &Answer<'_>,
        around: &mut Surroundings<'_>,
    ) -> Option<()> {
        let product: ProductAnswer = read(answer.body)?;
        self.looks += 1;
        if product.available_stock <= 0 {
            self.look_again(errand, answer.now_us, around);
            return Some(());
        }
        let available = u32::try_from(product.available_stock).unwrap_or(u32::MAX);
        self.asked = self.choices.quantity.min(available);
        self.attempts = self.attempts.saturating_add(1);
        self.open_holds = 1;
        let hold = self.after(errand, answer, 0, Step::Hold);
        around.next.push(hold);
        if self.choices.mishaps.double_click && self.attempts == 1 {
            self.open_holds = 2;
            let step = Step::HoldAgain;
            around.next.push(Errand { step, ..hold });
        }
        Some(())
    }

    fn look_again(&mut self, errand: Errand, now_us: u64, around: &mut Surroundings<'_>) {
        if self.looks >= around.patience {
            return self.end(Outcome::EmptyHanded);
        }
        around.next.push(Errand {
            wanted_us: now_us + u64::from(self.choices.think_us[3]),
            step: Step::Look,
            ..errand
        });
    }

    fn holds(
        &mut self,
        errand: Errand,
        answer: &Answer<'_>,
        around: &mut Surroundings<'_>,
    ) -> Option<()> {
        let told: HoldAnswer<'_> = read(answer.body)?;
        self.open_holds = self.open_holds.saturating_sub(1);
        if let Some(first) = &self.hold {
            if first.id != told.hold_id {
                around.told.contradict(format!(
                    "one Idempotency-Key was answered with hold {} and with hold {}",
                    first.id, told.hold_id
                ));
            }
            return Some(());
        }
        self.hold = Some(Held {
            id: told.hold_id,
            quantity: told.quantity,
            unit_price: Cents::price_from_json_number(told.unit_price.get())?,
            token: told.token.into(),
        });
        if self.choices.intent == Intent::LeaveHold {
            self.end(Outcome::Abandoned);
            return Some(());
        }
        let order = self.after(errand, answer, 1, Step::Order);
        if self.choices.mishaps.early_payment {
            self.early_is_open = true;
            around.next.push(Errand {
                wanted_us: answer.now_us + (order.wanted_us - answer.now_us) / 2,
                step: Step::Event(Event::Early),
                ..order
            });
        }
        around.next.push(order);
        Some(())
    }

    fn has_ordered(
        &mut self,
        errand: Errand,
        answer: &Answer<'_>,
        around: &mut Surroundings<'_>,
    ) -> Option<()> {
        let told: OrderAnswer<'_> = read(answer.body)?;
        self.order = Some(told.order_id);
        if let Some(hold) = &mut self.hold {
            hold.token = Box::default();
        }
        let payment = |event| self.after(errand, answer, 2, Step::Event(event));
        let mishaps = self.choices.mishaps;
        if told.status == "paid" {
            self.is_paid(errand, answer, around);
        } else if mishaps.early_payment {
            if !self.early_is_open && self.outcome.is_none() {
                let id = told.order_id;
                around.told.contradict(format!(
                    "a payment that waited for order {id} did not pay it"
                ));
                self.end(Outcome::Failed);
            }
        } else {
            match self.choices.intent {
                Intent::LeaveHold | Intent::LeaveOrder => self.end(Outcome::Abandoned),
                Intent::FailToPay => around.next.push(payment(Event::Failure)),
                Intent::Pay => {
                    let success = payment(Event::Success);
                    around.next.push(success);
                    for repeat in 0..u64::from(mishaps.repeats) {
                        around.next.push(Errand {
                            wanted_us: success.wanted_us + repeat * RETRY_US,
                            step: Step::Event(Event::Repeat),
                            ..success
                        });
                    }
                }
            }
        }
        Some(())
    }

    fn reported(
        &mut self,
        errand: Errand,
        event: Event,
        answer: &Answer<'_>,
        around: &mut Surroundings<'_>,
    ) -> Option<()> {
        let told: EventAnswer<'_> = read(answer.body)?;
        around.told.event(told.webhook_id);
        let is_paid = told.order_status == Some("paid");
        match event {
            Event::Early => {
                self.early_is_open = false;
                if is_paid {
                    self.is_paid(errand, answer, around);
                }
            }
            Event::Success | Event::Repeat | Event::Late if is_paid => {
                self.is_paid(errand, answer, around);
            }
            Event::Success | Event::Repeat => self.end(Outcome::EmptyHanded),
            Event::Failure => {
                self.end(Outcome::Abandoned);
                if self.choices.mishaps.late_success {
                    let late = self.after(errand, answer, 3, Step::Event(Event::Late));
                    around.next.push(late);
                }
            }
            Event::Reordered | Event::Late => {}
        }
        Some(())
    }

    /// Told so for the first time, or again.
    fn is_paid(&mut self, errand: Errand, answer: &Answer<'_>, around: &mut Surroundings<'_>) {
        if self.outcome == Some(Outcome::Paid) {
            return;
        }
        self.outcome = Some(Outcome::Paid);
        if self.choices.mishaps.reordered {
            let failure = self.after(errand, answer, 3, Step::Event(Event::Reordered));
            around.next.push(failure);
        }
    }

    fn end(&mut self, outcome: Outcome) {
        self.outcome = self.outcome.or(Some(outcome));
    }

    fn after(&self, errand: Errand, answer: &Answer<'_>, think: usize, step: Step) -> Errand {
        Errand {
            wanted_us: answer.now_us + u64::from(self.choices.think_us[think]),
            step,
            ..errand
        }
    }
}

fn is_hold(step: Step) -> bool {
    matches!(step, Step::Hold | Step::HoldAgain)
}
