//! When a request's answer is made, and where: at once; after its commit; after a look at a row; once there are events.
//! What another thread has had the news for is made where it is awaited, so that neither the writer nor a reader is kept from
//! what comes next.

use std::sync::Arc;
use std::time::Instant;

use super::access_log::PendingEntry;
use super::bodies::respond;
use super::call::{Submission, Wanted, Work};
use super::counted::Counted;
use super::endpoints::Route;
use super::errors::{Audience, Error};
use super::storefront::{hold_answer, order_answer};
use super::{Api, content_headers, payments, stripe};
use crate::http::{Recipient, Reply, Request, Response};
use crate::metrics::Metrics;
use crate::sale::{Command, Outcome, PlaceHold, ProductId, Rejection};
use crate::store::{StoreError, Then};
use crate::writer::{CommandError, Writer};

impl Api {
    pub fn answer(
        &self,
        request: &Request,
        route: Option<Route<'_>>,
        work: Result<Work, Error>,
        reply: Reply,
    ) {
        let entry = PendingEntry::of(request, route, self.proxies.client_of(request));
        let counted = Counted::of(&self.metrics, &request.method, route);
        let grant = self.origins.grant(request.header("Origin"));
        let access_log = self.access_log.clone();
        let (recipient, client) = (reply.recipient(), reply.awaited());
        let tokens_required = self.guard.tokens_required;
        let finish = move |response| {
            let response = grant.given_to(response);
            let entry = entry.answered(&response);
            counted.answered(&entry, &response);
            access_log(&entry);
            reply.send(response);
        };
        let print = move |answer: Result<Response, Error>| {
            answer.unwrap_or_else(|error| error.response(Audience::without_holder(tokens_required)))
        };
        match work {
            Ok(Work::Answered(response)) => finish(response),
            Ok(Work::Submitted(submission)) => {
                self.submit(submission, recipient, request.began, finish);
            }
            Ok(Work::Looks(wanted)) => {
                self.look(wanted, recipient, move |answer| finish(print(answer)));
            }
            Ok(Work::Waits(wanted, wait)) => {
                let finish = move |answer| finish(print(answer));
                self.long_polls.wait(wanted, wait, client, finish);
            }
            Err(error) => finish(print(Err(content_headers::explain(error, request)))),
        }
    }

    fn look(
        &self,
        wanted: Wanted,
        recipient: Arc<dyn Recipient>,
        finish: impl FnOnce(Result<Response, Error>) + Send + 'static,
    ) {
        let currency = self.terms.currency;
        match wanted {
            Wanted::Product(wanted) => {
                let (id, printed) = (wanted.id, self.printed_products.clone());
                let answer = move |seen| finish(wanted.answer(seen, &printed, currency));
                self.reader
                    .product_then(id, self.when_read(recipient, answer));
            }
            Wanted::Hold(id) => {
                let answer = move |seen| finish(hold_answer(seen, currency));
                self.reader.hold_then(id, self.when_read(recipient, answer));
            }
            Wanted::Order(id) => {
                let answer = move |seen| finish(order_answer(seen, currency));
                self.reader
                    .order_then(id, self.when_read(recipient, answer));
            }
        }
    }

    /// Reads of a reader that is far come by another thread.
    fn when_read<T: Send + 'static>(
        &self,
        recipient: Arc<dyn Recipient>,
        work: impl FnOnce(Result<T, StoreError>) + Send + 'static,
    ) -> Then<T> {
        if self.reader.is_far() {
            Box::new(move |read| recipient.run(Box::new(move || work(read))))
        } else {
            Box::new(work)
        }
    }

    /// Where the product of a hold was sold out before, a reader judges first, by the writer's rules: most holds are refused
    /// without a place in the queue, and the others go to the writer.
    fn submit(
        &self,
        submission: Submission,
        recipient: Arc<dyn Recipient>,
        began: Instant,
        finish: impl FnOnce(Response) + Send + 'static,
    ) {
        let Submission { command, is_holder } = submission;
        let product = product_wanted(&command);
        let is_hinted = product.is_some_and(|product| self.sold_out_hint.is_set(product));
        let answer = self.answering(&command, is_holder, finish);
        let question = Question {
            metrics: self.metrics.clone(),
            recipient,
            began,
        };
        if is_hinted && let Command::PlaceHold(wish) = command {
            self.judge_first(wish, question, answer);
        } else {
            question.ask(&self.writer, command, answer);
        }
    }

    fn judge_first(
        &self,
        wish: PlaceHold,
        question: Question,
        answer: impl FnOnce(Result<Outcome, Error>) + Send + 'static,
    ) {
        let recipient = question.recipient.clone();
        let (writer, sold_out_hint) = (self.writer.clone(), self.sold_out_hint.clone());
        let judged = move |judged: Result<(PlaceHold, _), StoreError>| match judged {
            Ok((_, Some(rejection))) => answer(Err(CommandError::Refused(rejection).into())),
            Ok((wish, None)) => {
                sold_out_hint.clear(wish.product);
                question.ask(&writer, Command::PlaceHold(wish), answer);
            }
            Err(failure) => answer(Err(Error::from(failure))),
        };
        let then = self.when_read(recipient, judged);
        self.reader.refusal_then(wish, &self.terms, then);
    }

    /// What is done with what came of the command.
    fn answering(
        &self,
        command: &Command,
        is_holder: bool,
        finish: impl FnOnce(Response) + Send + 'static,
    ) -> impl FnOnce(Result<Outcome, Error>) + Send + 'static {
        let secret = self.guard.secret.clone();
        let (tokens_required, currency) = (self.guard.tokens_required, self.terms.currency);
        let (sold_out_hint, wanted) = (self.sold_out_hint.clone(), product_wanted(command));
        let (metrics, stripe_event) = (self.metrics.clone(), stripe::named_by(command));
        move |answer| {
            if let Err(Error::Command(CommandError::Refused(rejection))) = &answer {
                if let Some(product) = wanted
                    && is_sold_out(rejection)
                {
                    sold_out_hint.set(product);
                }
                if let Some(event) = &stripe_event {
                    stripe::note_refusal(event, rejection, &metrics);
                }
            }
            if let Ok(Outcome::PaymentRecorded(recorded)) = &answer {
                payments::note(recorded, &metrics);
            }
            let audience = Audience {
                tokens_required,
                holder: is_holder.then_some(&secret),
            };
            finish(match answer {
                Ok(outcome) => respond(&outcome, &secret, currency),
                Err(error) => error.response(audience),
            });
        }
    }
}

/// Whose command the writer is asked about.
struct Question {
    metrics: Arc<Metrics>,
    recipient: Arc<dyn Recipient>,
    began: Instant,
}

impl Question {
    fn ask(
        self,
        writer: &Writer,
        command: Command,
        answer: impl FnOnce(Result<Outcome, Error>) + Send + 'static,
    ) {
        let Question {
            metrics,
            recipient,
            began,
        } = self;
        writer.submit(command, move |answered| {
            recipient.run(Box::new(move || {
                metrics.latency.record(began.elapsed());
                answer(answered.map_err(Error::from));
            }));
        });
    }
}

fn product_wanted(command: &Command) -> Option<ProductId> {
    if let Command::PlaceHold(wish) = command {
        Some(wish.product)
    } else {
        None
    }
}

fn is_sold_out(rejection: &Rejection) -> bool {
    matches!(rejection, Rejection::InsufficientStock { available: 0 })
}
