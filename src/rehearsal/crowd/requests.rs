//! What clients send.

use std::fmt::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, Mac};
use sha2::Sha256;

use super::buyer::Buyer;
use super::errand::{Event, Step};
use crate::http::write_request;
use crate::rehearsal::choices::mixed;
use crate::rehearsal::plan::Sale;
use crate::sale::{Cents, Quantity, Timestamp};

/// Writes requests, each over the one before.
pub struct Requests {
    seed: u64,
    /// By which the provider signs, if it does.
    mac: Option<Hmac<Sha256>>,
    opened_at: Timestamp,
    body: String,
    request: Vec<u8>,
}

impl Requests {
    pub fn new(seed: u64, sale: &Sale, opened_at: Timestamp) -> Requests {
        let mac = sale.webhook_secret.as_ref().map(|secret| {
            Hmac::new_from_slice(secret.bytes()).expect("an HMAC takes a key of any length")
        });
        Requests {
            seed,
            mac,
            opened_at,
            body: String::new(),
            request: Vec::new(),
        }
    }

    /// Of a client that is no buyer: the first product's page.
    pub fn reload(&mut self, sale: &Sale) -> &[u8] {
        let product = sale.goods.first().map_or(1, |good| good.id.get());
        self.get(&format!("/api/products/{product}"))
    }

    pub fn of_buyer(&mut self, buyer: &Buyer, step: Step, sale: &Sale, now_us: u64) -> &[u8] {
        let good = &sale.goods[buyer.choices.good as usize];
        match step {
            Step::Look | Step::Reload | Step::Knock => {
                self.get(&format!("/api/products/{}", good.id))
            }
            Step::Hold | Step::HoldAgain => {
                let key = self.key(buyer.number, u64::from(buyer.attempts));
                let customer = if good.is_limited_per_customer {
                    format!(r#","customer":"buyer-{}@rehearsal.example""#, buyer.number)
                } else {
                    String::new()
                };
                let body = format!(
                    r#"{{"product_id":{},"quantity":{}{customer}}}"#,
                    good.id, buyer.asked
                );
                self.post("/api/holds", &[("Idempotency-Key", &key)], &body)
            }
            Step::Order => {
                let key = self.key(buyer.number, ORDER);
                let (hold, token) = buyer
                    .hold
                    .as_ref()
                    .map_or((0, ""), |hold| (hold.id, &*hold.token));
                let body = format!(r#"{{"hold_id":{hold},"token":"{token}"}}"#);
                self.post("/api/orders", &[("Idempotency-Key", &key)], &body)
            }
            Step::Event(event) => self.event(buyer, event, now_us),
        }
    }

    fn event(&mut self, buyer: &Buyer, event: Event, now_us: u64) -> &[u8] {
        let (name, status) = match event {
            Event::Early | Event::Success | Event::Repeat => ("paid", "success"),
            Event::Failure | Event::Reordered => ("failed", "failure"),
            Event::Late => ("late", "success"),
        };
        let target = match (event, buyer.order) {
            (Event::Early, _) | (_, None) => {
                ("hold_id", buyer.hold.as_ref().map_or(0, |hold| hold.id))
            }
            (_, Some(order)) => ("order_id", order),
        };
        let total = buyer.hold.as_ref().map_or(Cents::ZERO, |hold| {
            let quantity = Quantity::new(hold.quantity);
            quantity.map_or(Cents::ZERO, |quantity| hold.unit_price.times(quantity))
        });
        let key = format!("evt_{name}_{:016x}_{}", mixed(self.seed), buyer.number);
        let mut body = std::mem::take(&mut self.body);
        body.clear();
        write!(
            body,
            r#"{{"idempotency_key":"{key}","{}":{},"status":"{status}","payload":{{"transaction_id":"txn_{name}_{}","amount":{total}}}}}"#,
            target.0, target.1, buyer.number
        )
        .expect("a text takes what is written");
        self.signed(&key, &body, now_us);
        self.body = body;
        &self.request
    }

    fn signed(&mut self, id: &str, body: &str, now_us: u64) {
        const PATH: &str = "/api/payments/webhook";
        let Some(mut mac) = self.mac.clone() else {
            self.post(PATH, &[], body);
            return;
        };
        let sent_s = (self.opened_at.micros() + now_us as i64).div_euclid(1_000_000);
        let sent_s = sent_s.to_string();
        for part in [id, ".", &sent_s, ".", body] {
            mac.update(part.as_bytes());
        }
        let signature = format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()));
        let headers = [
            ("webhook-id", id),
            ("webhook-timestamp", &sent_s),
            ("webhook-signature", &signature),
        ];
        self.post(PATH, &headers, body);
    }

    /// As random as a UUID, and the same for equal seeds.
    fn key(&self, buyer: u32, what: u64) -> String {
        let first = mixed(self.seed ^ mixed(u64::from(buyer)));
        format!("{first:016x}{:016x}", mixed(first ^ what))
    }

    fn get(&mut self, path: &str) -> &[u8] {
        self.request.clear();
        write_request(&mut self.request, "GET", path, &[], "");
        &self.request
    }

    fn post(&mut self, path: &str, headers: &[(&str, &str)], body: &str) -> &[u8] {
        self.request.clear();
        write_request(&mut self.request, "POST", path, headers, body);
        &self.request
    }
}

/// Of a buyer's keys, that of the order; the others are numbered by the holds that were asked for.
const ORDER: u64 = 1 << 32;
