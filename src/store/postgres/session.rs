//! A connection to the server, and the only place that knows that it is asynchronous underneath: statements that are sent
//! together cost one round trip.

use std::borrow::Cow;
use std::collections::HashMap;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::Poll;
use std::time::{Duration, Instant};

use tokio::runtime::{Builder, Runtime};
use tokio::time::timeout;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Row, Statement};

use super::server::{Role, Server};
use super::server_error::ServerError;

/// A statement and its parameters, `$1` first.
pub struct Step {
    sql: Cow<'static, str>,
    params: Vec<Box<dyn ToSql + Sync + Send>>,
}

impl Step {
    pub fn of(sql: String, params: Vec<Box<dyn ToSql + Sync + Send>>) -> Step {
        Step {
            sql: sql.into(),
            params,
        }
    }

    pub fn new(sql: impl Into<Cow<'static, str>>) -> Step {
        Step {
            sql: sql.into(),
            params: Vec::new(),
        }
    }

    pub fn with(mut self, param: impl ToSql + Sync + Send + 'static) -> Step {
        self.params.push(Box::new(param));
        self
    }
}

/// How many statements stay prepared: lists have some dozens of forms, and so have batches. The server keeps up to 400 KB for one.
const STATEMENTS_MAX: usize = 128;

pub struct Session {
    client: Client,
    statements: HashMap<String, Statement>,
    /// How long an answer is waited for; and, if one is set, the end of all waiting. A server that does not answer is taken
    /// for lost. One that waits for its standby at a commit is not told to give up: a commit that is cancelled there has
    /// happened.
    patience: Duration,
    end: Option<Instant>,
    /// It did not answer in time, or its end was told: what it would still answer is not waited for.
    is_lost: bool,
    /// Which of the server's hosts has let it in.
    host: usize,
    /// Let go of last: the connection's task lives on it.
    runtime: Runtime,
}

impl Session {
    pub fn connect(server: &Server, role: Role) -> Result<Session, ServerError> {
        let runtime = Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| ServerError::Lost(format!("no event loop can be made: {error}")))?;
        let (client, host) = runtime.block_on(server.connect(role))?;
        Ok(Session {
            client,
            statements: HashMap::new(),
            patience: server.patience(),
            end: None,
            is_lost: false,
            host,
            runtime,
        })
    }

    pub fn is_closed(&self) -> bool {
        self.is_lost || self.client.is_closed()
    }

    pub fn host(&self) -> usize {
        self.host
    }

    /// From now on nothing is waited for beyond this time; or, without one, each answer as long as any other.
    pub fn wait_until(&mut self, end: Option<Instant>) {
        self.end = end;
    }

    /// How long the next answer is waited for.
    fn patience(&self) -> Option<Duration> {
        let left = |end: Instant| end.saturating_duration_since(Instant::now());
        Some(self.end.map_or(self.patience, left))
    }

    /// Runs statements that need no parameters and whose rows do not matter, in one round trip.
    pub fn execute(&mut self, sql: &str) -> Result<(), ServerError> {
        self.execute_within(sql, self.patience())
    }

    /// The same, for as long as it takes: for what changes a schema.
    pub fn execute_patiently(&mut self, sql: &str) -> Result<(), ServerError> {
        self.execute_within(sql, None)
    }

    fn execute_within(&mut self, sql: &str, patience: Option<Duration>) -> Result<(), ServerError> {
        let Session {
            client,
            is_lost,
            runtime,
            ..
        } = self;
        let executed = async {
            let executed = client.batch_execute(sql).await;
            executed.map_err(ServerError::answered)
        };
        let executed = runtime.block_on(in_time(executed, patience));
        *is_lost |= executed.as_ref().is_err_and(ServerError::is_lost);
        executed
    }

    /// The rows of every step, in order. All steps are sent at once, and the answer to each is looked at: the first failure
    /// counts, as what follows it in a transaction only says that the transaction has failed. A connection that does not
    /// answer all of it in time is as good as lost, and must not be used again.
    pub fn run(&mut self, steps: &[Step]) -> Result<Vec<Vec<Row>>, ServerError> {
        self.run_within(steps, self.patience())
    }

    /// The same, for as long as it takes: for reports, and for what writes much at once.
    pub fn run_patiently(&mut self, steps: &[Step]) -> Result<Vec<Vec<Row>>, ServerError> {
        self.run_within(steps, None)
    }

    fn run_within(
        &mut self,
        steps: &[Step],
        patience: Option<Duration>,
    ) -> Result<Vec<Vec<Row>>, ServerError> {
        let Session {
            client,
            statements,
            is_lost,
            runtime,
            ..
        } = self;
        let answers = async {
            prepare(client, statements, steps).await?;
            let answers = steps.iter().map(|step| {
                let statement = statements[step.sql.as_ref()].clone();
                let client = &*client;
                async move {
                    let params: Vec<&(dyn ToSql + Sync)> =
                        step.params.iter().map(|param| &**param as _).collect();
                    client.query(&statement, &params).await
                }
            });
            in_one_go(answers).await
        };
        let answers = runtime.block_on(in_time(answers, patience));
        *is_lost |= answers.as_ref().is_err_and(ServerError::is_lost);
        answers
    }
}

async fn in_time<T>(
    answer: impl Future<Output = Result<T, ServerError>>,
    patience: Option<Duration>,
) -> Result<T, ServerError> {
    let Some(patience) = patience else {
        return answer.await;
    };
    let too_late = |_| ServerError::Lost(format!("it did not answer within {patience:?}"));
    timeout(patience, answer).await.map_err(too_late)?
}

/// Prepares what is not prepared yet.
async fn prepare(
    client: &Client,
    statements: &mut HashMap<String, Statement>,
    steps: &[Step],
) -> Result<(), ServerError> {
    let mut missing: Vec<&str> = steps.iter().map(|step| step.sql.as_ref()).collect();
    missing.retain(|sql| !statements.contains_key(*sql));
    if missing.is_empty() {
        return Ok(());
    }
    if statements.len() + missing.len() > STATEMENTS_MAX {
        statements.clear();
        missing = steps.iter().map(|step| step.sql.as_ref()).collect();
    }
    missing.sort_unstable();
    missing.dedup();
    let prepared = in_one_go(missing.iter().map(|sql| client.prepare(sql))).await?;
    let prepared = missing.into_iter().map(str::to_owned).zip(prepared);
    statements.extend(prepared);
    Ok(())
}

/// Starts all in order, and waits for all.
async fn in_one_go<T>(
    questions: impl Iterator<Item = impl Future<Output = Result<T, tokio_postgres::Error>>>,
) -> Result<Vec<T>, ServerError> {
    let mut asked: Vec<Question<_, T>> = questions
        .map(|question| Question::Waiting(Box::pin(question)))
        .collect();
    let mut is_first = true;
    poll_fn(|context| {
        let mut is_over = true;
        for asked in &mut asked {
            if let Question::Waiting(question) = asked {
                match question.as_mut().poll(context) {
                    // It could not even be sent: neither is what follows it, least of all a commit.
                    Poll::Ready(Err(error)) if is_first => {
                        return Poll::Ready(Err(ServerError::unsent(error)));
                    }
                    Poll::Ready(answer) => *asked = Question::Answered(answer),
                    Poll::Pending => is_over = false,
                }
            }
        }
        is_first = false;
        if is_over {
            Poll::Ready(Ok(()))
        } else {
            Poll::Pending
        }
    })
    .await?;
    let answers = asked.into_iter().filter_map(|asked| match asked {
        Question::Waiting(_) => None,
        Question::Answered(answer) => Some(answer.map_err(ServerError::answered)),
    });
    answers.collect()
}

enum Question<F, T> {
    Waiting(Pin<Box<F>>),
    Answered(Result<T, tokio_postgres::Error>),
}
