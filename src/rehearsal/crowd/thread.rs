//! One thread of the crowd: its share of the buyers, of the hostile clients and of the connections, all in one epoll.
//!
//! Buyers act by a schedule that waits for no answer: an errand that is due goes into a queue, and is sent as soon as a
//! connection is free. Its wait counts from when it was due.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::buyer::{Answer, Buyer, Outcome, Surroundings};
use super::errand::{Errand, Step};
use super::requests::Requests;
use super::{Counted, Crowd};
use crate::http::Clients;
use crate::rehearsal::choices::Draw;
use crate::rehearsal::tally::{Kind, Tally};
use crate::rehearsal::told::{Told, ToldHold, ToldOrder};

/// No request is waited for longer.
const ANSWER_US_MAX: u64 = 10_000_000;
const WAIT_MAX: Duration = Duration::from_millis(50);
/// What is due within the grain of the poller's clock is done now.
const GRAIN_US: u64 = 1_000;
const CHECK_EVERY_US: u64 = 100_000;
/// When a request whose answer was lost is repeated.
const LOST_US: u64 = 50_000;
/// Where the client is that opens connection after connection.
const KNOCKER: Ipv4Addr = Ipv4Addr::new(127, 66, 66, 66);
/// Of no buyer.
const NOBODY: u32 = u32::MAX;

pub struct CrowdThread<'a> {
    crowd: &'a Crowd,
    clients: Clients,
    connections_max: usize,
    open: usize,
    free: Vec<usize>,
    /// By slot: what is asked there, and since when.
    asked: Vec<Option<(Errand, u64)>>,
    opened_connections: u32,
    /// First come first served.
    waiting: VecDeque<Errand>,
    timers: BinaryHeap<Reverse<Errand>>,
    /// Errands that wait for their time, for a connection or for an answer.
    open_errands: usize,
    buyers: Vec<Buyer>,
    requests: Requests,
    tally: Tally,
    told: Told,
    next: Vec<Errand>,
}

/// Which of the crowd's threads, of how many.
#[derive(Clone, Copy)]
pub struct Share {
    pub thread: usize,
    pub of: usize,
}

impl<'a> CrowdThread<'a> {
    pub fn new(crowd: &'a Crowd, server: SocketAddr, share: Share) -> io::Result<CrowdThread<'a>> {
        let Share { thread, of } = share;
        let draw = Draw::new(&crowd.plan, &crowd.sale);
        let buyers = (0..crowd.plan.buyers).skip(thread).step_by(of);
        let mut thread = CrowdThread {
            crowd,
            clients: Clients::of(server)?,
            connections_max: (crowd.plan.connections.saturating_sub(thread))
                .div_ceil(of)
                .max(1),
            open: 0,
            free: Vec::new(),
            asked: Vec::new(),
            opened_connections: 0,
            waiting: VecDeque::new(),
            timers: BinaryHeap::new(),
            open_errands: 0,
            buyers: buyers
                .map(|number| Buyer::new(number, draw.buyer(number)))
                .collect(),
            requests: Requests::new(crowd.plan.seed, &crowd.sale, crowd.opened_at),
            tally: Tally::default(),
            told: Told::default(),
            next: Vec::new(),
        };
        thread.schedule(share);
        Ok(thread)
    }

    fn schedule(&mut self, Share { thread, of }: Share) {
        let arrivals = self.crowd.arrivals.iter().skip(thread).step_by(of);
        let looks = arrivals.zip(0..).map(|(wanted_us, buyer)| Errand {
            wanted_us: *wanted_us,
            buyer,
            step: Step::Look,
        });
        let storm = self.crowd.storm.iter().skip(thread).step_by(of);
        let storm = storm.zip([Step::Reload, Step::Knock].into_iter().cycle());
        let storm = storm.map(|(wanted_us, step)| Errand {
            wanted_us: *wanted_us,
            buyer: NOBODY,
            step,
        });
        self.timers.extend(looks.chain(storm).map(Reverse));
        self.open_errands = self.timers.len();
    }

    pub fn run(mut self) -> Counted {
        let mut ready = Vec::new();
        let mut check_at = 0;
        let mut idle = Duration::ZERO;
        while self.open_errands > 0 && !self.crowd.stop.load(Ordering::Relaxed) {
            let now_us = self.crowd.now_us();
            self.take_due(now_us);
            self.send_waiting();
            let wait = self.until_next();
            let slept_at = Instant::now();
            ready.clear();
            if let Err(error) = self.clients.wait(wait, &mut ready) {
                self.tally
                    .unexpected
                    .insert(0, format!("the poller: {error}"));
                break;
            }
            if !wait.is_zero() {
                idle += slept_at.elapsed();
            }
            for slot in ready.drain(..) {
                self.receive(slot);
            }
            if now_us >= check_at {
                check_at = now_us + CHECK_EVERY_US;
                self.end_overdue(now_us);
            }
        }
        self.counted(idle)
    }

    fn take_due(&mut self, now_us: u64) {
        while let Some(Reverse(errand)) = self.timers.peek() {
            if errand.wanted_us > now_us + GRAIN_US {
                return;
            }
            let wanted_us = errand.wanted_us.min(now_us);
            self.waiting.push_back(Errand {
                wanted_us,
                ..*errand
            });
            self.timers.pop();
        }
    }

    fn until_next(&self) -> Duration {
        let has_room = !self.free.is_empty() || self.open < self.connections_max;
        if !self.waiting.is_empty() && has_room {
            return Duration::ZERO;
        }
        let Some(Reverse(errand)) = self.timers.peek() else {
            return WAIT_MAX;
        };
        let us = errand.wanted_us.saturating_sub(self.crowd.now_us());
        Duration::from_millis(us / 1_000).min(WAIT_MAX)
    }

    fn send_waiting(&mut self) {
        while let Some(errand) = self.waiting.front().copied() {
            let Some(slot) = self.connection(errand.step) else {
                return;
            };
            self.waiting.pop_front();
            match slot {
                Ok(slot) => self.send(slot, errand),
                Err(_) => self.lost(errand),
            }
        }
    }

    /// A connection to send on; `None` while all are in use.
    fn connection(&mut self, step: Step) -> Option<io::Result<usize>> {
        if step == Step::Knock {
            if self.open == self.connections_max {
                let slot = self.free.pop()?;
                self.close(slot);
            }
            return Some(self.connect(Some(KNOCKER)));
        }
        if let Some(slot) = self.free.pop() {
            return Some(Ok(slot));
        }
        if self.open == self.connections_max {
            return None;
        }
        self.opened_connections += 1;
        let [.., high, low] = self.opened_connections.to_be_bytes();
        let address = Ipv4Addr::new(127, 1, high, low);
        let from = self.crowd.sale.counts_addresses.then_some(address);
        Some(self.connect(from))
    }

    fn connect(&mut self, from: Option<Ipv4Addr>) -> io::Result<usize> {
        let slot = self.clients.connect(from)?;
        self.open += 1;
        if self.asked.len() <= slot {
            self.asked.resize(slot + 1, None);
        }
        Ok(slot)
    }

    fn send(&mut self, slot: usize, errand: Errand) {
        let sale = &self.crowd.sale;
        let now_us = self.crowd.now_us();
        let buyer = self.buyers.get_mut(errand.buyer as usize);
        let (request, is_lost) = match buyer {
            Some(buyer) => {
                let is_lost = buyer.loses_answer(errand.step);
                let requests = &mut self.requests;
                (requests.of_buyer(buyer, errand.step, sale, now_us), is_lost)
            }
            None => (self.requests.reload(sale), false),
        };
        let sent = self.clients.send(slot, request);
        if sent.is_err() {
            self.close(slot);
            self.lost(errand);
        } else if is_lost {
            self.close(slot);
            let wanted_us = now_us + LOST_US;
            self.timers.push(Reverse(Errand {
                wanted_us,
                ..errand
            }));
        } else {
            self.asked[slot] = Some((errand, now_us));
        }
    }

    fn receive(&mut self, slot: usize) {
        let mut body = Vec::new();
        let received = self.clients.receive(slot, &mut body);
        let asked = self.asked.get_mut(slot).and_then(Option::take);
        match (received, asked) {
            (Ok(None), asked) => {
                if let Some(place) = self.asked.get_mut(slot) {
                    *place = asked;
                }
            }
            (Ok(Some(head)), Some((errand, _))) => {
                if head.closes || errand.step == Step::Knock {
                    self.close(slot);
                } else {
                    self.free.push(slot);
                }
                self.answered(errand, head.status, &body);
            }
            // The server has ended a connection, or said something that it was not asked.
            (Ok(Some(_)) | Err(_), asked) => {
                self.free.retain(|free| *free != slot);
                self.close(slot);
                if let Some((errand, _)) = asked {
                    self.lost(errand);
                }
            }
        }
    }

    fn answered(&mut self, errand: Errand, status: u16, body: &[u8]) {
        let now_us = self.crowd.now_us();
        self.open_errands -= 1;
        let kind = errand.step.kind();
        self.tally.answered(kind, errand.wanted_us, now_us, status);
        self.crowd.progress.answered(errand.wanted_us, now_us, kind);
        if kind == Kind::Storm {
            return;
        }
        let answer = Answer {
            status,
            body,
            now_us,
        };
        self.tell(errand, |buyer, around| {
            buyer.answered(errand, &answer, around);
        });
    }

    /// The connection is gone, or the answer did not come in time.
    fn lost(&mut self, errand: Errand) {
        self.open_errands -= 1;
        if errand.step.is_storm() {
            return;
        }
        self.tally.errors_transport += 1;
        let now_us = self.crowd.now_us();
        self.tell(errand, |buyer, around| {
            buyer.retry(errand, now_us, around);
        });
    }

    fn tell(&mut self, errand: Errand, tell: impl FnOnce(&mut Buyer, &mut Surroundings<'_>)) {
        let buyer = &mut self.buyers[errand.buyer as usize];
        let before = (buyer.hold.is_some(), buyer.outcome);
        let mut around = Surroundings {
            patience: self.crowd.plan.patience,
            tally: &mut self.tally,
            told: &mut self.told,
            next: &mut self.next,
        };
        tell(buyer, &mut around);
        let progress = &self.crowd.progress;
        let quantity = buyer.hold.as_ref().map_or(0, |hold| hold.quantity);
        if !before.0 && buyer.hold.is_some() {
            progress.held(quantity);
        }
        if before.1.is_none() && buyer.outcome.is_some() {
            progress.served();
        }
        if before.1 != buyer.outcome && buyer.outcome == Some(Outcome::Paid) {
            progress.sold(quantity);
        }
        self.open_errands += self.next.len();
        self.timers.extend(self.next.drain(..).map(Reverse));
    }

    fn end_overdue(&mut self, now_us: u64) {
        for slot in 0..self.asked.len() {
            if let Some((errand, sent_us)) = self.asked[slot]
                && now_us.saturating_sub(sent_us) > ANSWER_US_MAX
            {
                self.close(slot);
                self.lost(errand);
            }
        }
    }

    fn close(&mut self, slot: usize) {
        self.clients.close(slot);
        self.asked[slot] = None;
        self.open -= 1;
    }

    fn counted(self, idle: Duration) -> Counted {
        let mut told = self.told;
        for buyer in &self.buyers {
            let product = self.crowd.sale.goods[buyer.choices.good as usize].id.get();
            if let Some(hold) = &buyer.hold {
                told.holds.push(ToldHold {
                    id: hold.id,
                    product,
                    quantity: hold.quantity,
                });
            }
            if let (Some(id), Some(hold)) = (buyer.order, &buyer.hold) {
                told.orders.push(ToldOrder {
                    id,
                    hold: hold.id,
                    is_paid: buyer.outcome == Some(Outcome::Paid),
                });
            }
        }
        let count = |outcome| {
            let buyers = self.buyers.iter().filter(|it| it.outcome == Some(outcome));
            buyers.count() as u64
        };
        let ended = [Outcome::Paid, Outcome::Abandoned, Outcome::EmptyHanded].map(count);
        Counted {
            tally: self.tally,
            told,
            paid: ended[0],
            abandoned: ended[1],
            empty_handed: ended[2],
            failed: self.buyers.len() as u64 - ended.iter().sum::<u64>(),
            busy: self.crowd.opening.elapsed().saturating_sub(idle),
        }
    }
}
