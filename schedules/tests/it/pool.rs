//! Requests that may take long, and threads that leave when they have had nothing to do.

use std::sync::Arc;
use std::time::{Duration, Instant};

use flashsale::http::{Handler, Method, Refusal, Reply, Request, RequestInfo, Response};
use flashsale_schedules::beside::context::{Context, Limits};
use flashsale_schedules::channel::{bounded, let_time_pass, unbounded};
use flashsale_schedules::{as_it_is, counts_on_a_thread_that_leaves};
use shuttle::thread;

use crate::explored::{breaks, holds};

struct Greeter;

impl Handler for Greeter {
    fn handle(&self, _: Request, reply: Reply) {
        reply.send(Response::new(200));
    }

    fn refuse(&self, _: Refusal, _: &RequestInfo) -> Response {
        Response::new(503)
    }

    fn body_bytes_max(&self, _: &str) -> usize {
        0
    }

    fn is_slow(&self, _: &Request) -> bool {
        true
    }
}

/// Two event loops hand over two requests each. A thread of the pool may leave at any moment that it has nothing to do.
macro_rules! every_request_is_handled {
    ($room:ident) => {
        || {
            let_time_pass();
            let limits = Limits {
                threads_max: 2,
                queue_max: 4,
                wait_max: Duration::from_secs(3600),
            };
            let context = Arc::new(Context {
                handler: Arc::new(Greeter),
                limits,
            });
            let (running, all_ended) = bounded(0);
            let pool = Arc::new($room::pool::Pool::new(context, running));
            let (answered, answers) = unbounded();
            for _ in 0..2 {
                let (pool, answered) = (pool.clone(), answered.clone());
                thread::spawn(move || {
                    for _ in 0..2 {
                        let answered = answered.clone();
                        let reply = Reply::new(move |response| {
                            answered.send(response.map(|it| it.status.0)).unwrap();
                        });
                        let request = Request::new(Method::Get, "/api/products");
                        pool.submit(request, reply, Instant::now());
                    }
                });
            }
            drop(answered);
            let answers: Vec<_> = (&answers).collect();
            assert_eq!(answers, [Some(200); 4]);
            drop(pool);
            assert!(all_ended.recv().is_err(), "its threads end with it");
        }
    };
}

#[test]
fn no_request_waits_for_a_thread_that_has_left() {
    holds("pool", every_request_is_handled!(as_it_is));
    breaks(
        "counts on a thread that leaves",
        every_request_is_handled!(counts_on_a_thread_that_leaves),
    );
}
