//! What an event of Stripe's says of a sale: a pure function of its bytes.

use serde::Serialize;

use super::about::About;
use super::amount::amount_of;
use crate::api::errors::Error;
use crate::input::formats::{SWITCH, TEXT, string, whole_number};
use crate::input::{FINISHED, Fields, Format, WrongValues};
use crate::sale::{
    Amount, Command, PaymentEvent, PaymentStatus, Report, Reporter, ReversalEvent, ReversalKind,
    is_visible_key,
};

/// Of every key of an event of Stripe's, and of no other key.
pub const KEY_PREFIX: &str = "stripe:";

#[derive(Debug)]
pub enum Understood {
    Told(Command),
    Ignored(Reason),
}

/// Why an event is answered with 200 and not stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// It is of no type that tells how a payment ended.
    NotFinal,
    TestMode,
    /// It names nothing of this sale: another one takes its money on the same account.
    NotOurs,
}

impl Reason {
    pub const fn as_str(self) -> &'static str {
        match self {
            Reason::NotFinal => "not_final",
            Reason::TestMode => "test_mode",
            Reason::NotOurs => "not_ours",
        }
    }
}

const ID: Format<String> = Format::new("1 to 255 visible ASCII characters", |raw| {
    string(raw).filter(|id| is_visible_key(id))
});
const MINOR_UNITS: Format<i64> = Format::new(
    "a whole number of minor units, without a sign",
    whole_number,
);
/// In small letters, as Stripe writes it.
const CODE: Format<String> = Format::new("three letters", |raw| {
    let code = string(raw)?.to_ascii_lowercase();
    let is_code = code.len() == 3 && code.bytes().all(|byte| byte.is_ascii_lowercase());
    is_code.then_some(code)
});

/// Judged in this order: JSON, the fields that every event has, its type, live mode, what it is about, and only then what its
/// object says of money: an event that is ignored need not be whole.
pub fn understand(body: &[u8], counts_test_mode: bool) -> Result<Understood, Error> {
    let mut event = Fields::of_body(body)?;
    let id = event.required("id", &ID);
    let kind = event.required("type", &TEXT);
    let is_live = event.optional("livemode", &SWITCH).unwrap_or(true);
    let object = event.raw("data").and_then(object_in);
    if object.is_none() {
        event.tell("data.object", "The data.object must be an object.".into());
    }
    event.finish_leniently()?;
    let (id, kind, mut object) = (
        id.expect(FINISHED),
        kind.expect(FINISHED),
        object.expect(FINISHED),
    );

    let Some(meaning) = Meaning::of(&kind, &mut object) else {
        return Ok(Understood::Ignored(Reason::NotFinal));
    };
    if !is_live && !counts_test_mode {
        return Ok(Understood::Ignored(Reason::TestMode));
    }
    let command = match meaning.tells {
        Tells::Paid => {
            let Some(target) = About::of(&kind, &mut object).target()? else {
                return Ok(Understood::Ignored(Reason::NotOurs));
            };
            let money = meaning.read(object)?;
            let payload = money.payload(&id, &kind);
            let report = Report {
                status: PaymentStatus::Success,
                amount: Some(money.amount),
                transaction_id: money.transaction_id,
            };
            Command::RecordPayment(PaymentEvent {
                reporter: Reporter::Stripe,
                key: key_of(&id),
                target,
                report,
                payload: Some(payload),
            })
        }
        Tells::Reversed(reversal) => {
            let money = meaning.read(object)?;
            let payload = money.payload(&id, &kind);
            Command::RecordReversal(ReversalEvent {
                key: key_of(&id),
                kind: reversal,
                transaction_id: money.transaction_id.expect(FINISHED),
                amount: money.amount.cents(),
                payload: Some(payload),
            })
        }
    };
    Ok(Understood::Told(command))
}

fn key_of(event: &str) -> String {
    format!("{KEY_PREFIX}{event}")
}

fn object_in(data: &str) -> Option<Fields<'_>> {
    Fields::of_object(Fields::of_object(data)?.raw("object")?)
}

#[derive(Clone, Copy)]
enum Tells {
    Paid,
    Reversed(ReversalKind),
}

/// What an event of its type tells, and which fields of its object say how much was moved, and by which transaction: the first
/// of these that is not null.
#[derive(Clone, Copy)]
struct Meaning {
    tells: Tells,
    amount: &'static str,
    transaction: &'static [&'static str],
}

const INTENT: &str = "payment_intent";

impl Meaning {
    /// `None` where the type does not tell how a payment ended: an attempt that failed is no outcome.
    fn of(kind: &str, object: &mut Fields<'_>) -> Option<Meaning> {
        let paid = |amount, transaction| Meaning {
            tells: Tells::Paid,
            amount,
            transaction,
        };
        let reversed = |kind, amount, transaction| Meaning {
            tells: Tells::Reversed(kind),
            amount,
            transaction,
        };
        match kind {
            "payment_intent.succeeded" => Some(paid("amount_received", &["id"])),
            "checkout.session.completed" => {
                let is_paid = object.raw("payment_status").and_then(string);
                let is_paid = is_paid.as_deref() == Some("paid");
                is_paid.then(|| paid("amount_total", &[INTENT]))
            }
            "checkout.session.async_payment_succeeded" => Some(paid("amount_total", &[INTENT])),
            "charge.refunded" => {
                let kind = ReversalKind::Refunded;
                Some(reversed(kind, "amount_refunded", &[INTENT, "id"]))
            }
            "refund.failed" => Some(reversed(ReversalKind::RefundFailed, "amount", OF_A_CHARGE)),
            "charge.dispute.created" => {
                Some(reversed(ReversalKind::DisputeOpened, "amount", OF_A_CHARGE))
            }
            "charge.dispute.closed" => {
                let kind = match string(object.raw("status")?)?.as_str() {
                    "won" => ReversalKind::DisputeWon,
                    "lost" => ReversalKind::DisputeLost,
                    _ => return None,
                };
                Some(reversed(kind, "amount", OF_A_CHARGE))
            }
            _ => None,
        }
    }

    fn read(&self, mut object: Fields<'_>) -> Result<Money, Error> {
        let money = self.money_in(&mut object);
        finished(object, money)
    }

    fn money_in(&self, object: &mut Fields<'_>) -> Option<Money> {
        let id = object.required("id", &ID);
        let minor_units = object.required(self.amount, &MINOR_UNITS);
        let currency = object.required("currency", &CODE);
        let transaction_id = self.transaction_in(object, id.as_ref());
        let (id, minor_units, currency) = (id?, minor_units?, currency?);
        let amount = amount_of(minor_units, &currency);
        if amount.is_none() {
            let sentence = format!(
                "The {} is no amount of {currency} that is read.",
                self.amount
            );
            object.tell(self.amount, sentence);
        }
        Some(Money {
            id,
            minor_units,
            currency,
            amount: amount?,
            transaction_id: transaction_id?,
        })
    }

    /// `None`: it is wrong, or missing where there must be one.
    fn transaction_in(
        &self,
        object: &mut Fields<'_>,
        id: Option<&String>,
    ) -> Option<Option<String>> {
        let mut found = None;
        for name in self.transaction {
            let named = match *name {
                "id" => id.cloned(),
                name if object.has(name) => object.nullable(name, &ID)?,
                _ => None,
            };
            found = found.or(named);
        }
        match self.tells {
            Tells::Reversed(_) if found.is_none() => {
                let sentence = format!("One of {} must be there.", self.transaction.join(" and "));
                object.tell(self.transaction[0], sentence);
                None
            }
            Tells::Paid | Tells::Reversed(_) => Some(found),
        }
    }
}

const OF_A_CHARGE: &[&str] = &[INTENT, "charge"];

/// How much of which money.
struct Money {
    id: String,
    minor_units: i64,
    currency: String,
    amount: Amount,
    transaction_id: Option<String>,
}

impl Money {
    /// What is kept of an event. Names, addresses and cards are not.
    fn payload(&self, event: &str, kind: &str) -> String {
        #[derive(Serialize)]
        struct Payload<'a> {
            provider: &'static str,
            event: &'a str,
            r#type: &'a str,
            object: &'a str,
            amount: i64,
            currency: &'a str,
        }
        let payload = Payload {
            provider: "stripe",
            event,
            r#type: kind,
            object: &self.id,
            amount: self.minor_units,
            currency: &self.currency,
        };
        serde_json::to_string(&payload).expect("texts and a number are JSON")
    }
}

fn finished(object: Fields<'_>, money: Option<Money>) -> Result<Money, Error> {
    object.finish_leniently().map_err(|wrong| {
        let wrong = wrong.0.into_iter();
        WrongValues(
            wrong
                .map(|(name, sentence)| (format!("data.object.{name}"), sentence))
                .collect(),
        )
    })?;
    Ok(money.expect(FINISHED))
}
