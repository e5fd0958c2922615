//! A sale by a script: two servers, one after the other, then a third that nothing happens to.

use std::collections::HashMap;
use std::fs;
use std::path::Path;
use std::process::Stdio;

use rustix::process::Signal;
use serde_json::{Value, json};
use ureq::Agent;
use ureq::http;

use flashsale::sale::Timestamp;
use flashsale::store::{Access, OpenError};

use super::process::{Exit, HANG_MAX, Process};
use super::steps::{ORDERS, PARTS, PAYMENTS, Step};
use super::{Counts, Gauges, Point, Shims};
use crate::database;
use crate::server::{Premises, flashsale, read};
use crate::shop::ADMIN_TOKEN;

/// How long the hold `d` waits in vain.
const LATER_S: i64 = 130;

/// What became of a step.
#[derive(Clone, Debug, PartialEq)]
pub enum Heard {
    Skipped,
    /// A success, or a refusal, without its times.
    Answer(u16, Value),
    NotApplied,
    Unknown,
}

pub struct Run {
    /// One for each step.
    pub heard: Vec<Heard>,
    /// Of the servers that something may have happened to.
    pub exits: Vec<Exit>,
    pub counts: Counts,
    /// What is stored in the end, without its times.
    pub stored: String,
}

pub struct Script {
    shims: Shims,
    /// As a kill has left it: the database and its log.
    found: [Vec<u8>; 2],
}

impl Script {
    pub fn new() -> Script {
        let premises =
            Premises::selling("sku,name,price,total_stock\ntee,Tee,99.99,50\nmug,Mug,5,9\n");
        let server = premises.serve();
        assert_eq!(server.hold(1).0, 201);
        // What has no deadline is the same however long this takes.
        assert_eq!(server.post(ORDERS, &json!({"hold_id": 1})).0, 201);
        let paid = json!({"idempotency_key": "first", "order_id": 1, "status": "success"});
        assert_eq!(server.post(PAYMENTS, &paid).0, 200);
        server.kill();
        let found =
            ["", "-wal"].map(|suffix| fs::read(database_in(premises.path(), suffix)).unwrap());
        assert!(!found[1].is_empty());
        Script {
            shims: Shims::new(),
            found,
        }
    }

    /// Plays those of the steps that are asked for. `Err` tells what may never be, whatever happens.
    pub fn play(
        &self,
        at: Option<&Point>,
        is_asked_for: impl Fn(usize) -> bool,
    ) -> Result<Run, String> {
        let folder = tempfile::tempdir().unwrap();
        let gauges = Gauges::new();
        for (suffix, bytes) in ["", "-wal"].iter().zip(&self.found) {
            fs::write(database_in(folder.path(), suffix), bytes).unwrap();
        }
        let mut play = Play {
            shims: &self.shims,
            folder: folder.path(),
            gauges: &gauges,
            ids: HashMap::new(),
            heard: Vec::new(),
        };
        let mut exits = Vec::new();
        let mut first = 0;
        for (part, steps) in PARTS.into_iter().enumerate() {
            if part > 0 {
                gauges.set_ahead(LATER_S);
            }
            let is_last = part + 1 == PARTS.len();
            let is_over = exits.last().is_some_and(|exit: &Exit| exit.code != Some(0));
            if is_last || !is_over {
                let exit = play.serve(steps, (!is_last).then_some(at), |step| {
                    is_asked_for(first + step)
                })?;
                exits.push(exit);
            }
            first += steps.len();
            play.heard.resize(first, Heard::Skipped);
        }
        let last = exits.pop().expect("the last server has ended");
        last.is_told(&[0])?;
        let heard = play.heard;
        let verified = flashsale()
            .arg("verify")
            .current_dir(folder.path())
            .output()
            .unwrap();
        if !verified.status.success() {
            return Err(format!("the books are wrong: {verified:?}"));
        }
        Ok(Run {
            heard,
            exits,
            counts: gauges.counts(),
            stored: stored(&database_in(folder.path(), "")),
        })
    }
}

pub fn database_in(folder: &Path, suffix: &str) -> std::path::PathBuf {
    folder.join(format!("flash_sale.db{suffix}"))
}

struct Play<'a> {
    shims: &'a Shims,
    folder: &'a Path,
    gauges: &'a Gauges,
    /// By the steps that they came with.
    ids: HashMap<&'static str, i64>,
    heard: Vec<Heard>,
}

impl Play<'_> {
    /// One server's life. `at`: whether its calls are counted, and which of them is struck.
    fn serve(
        &mut self,
        steps: &'static [Step],
        at: Option<Option<&Point>>,
        is_asked_for: impl Fn(usize) -> bool,
    ) -> Result<Exit, String> {
        let mut command = flashsale();
        command
            .args(["serve", "--listen", "127.0.0.1:0"])
            .env("FLASHSALE_ADMIN_TOKEN", ADMIN_TOKEN)
            .current_dir(self.folder)
            .stdin(Stdio::null());
        match at {
            Some(at) => self
                .gauges
                .are_over(&mut command, self.shims, self.folder, at),
            None => self.gauges.clock_is_over(&mut command, self.shims),
        }
        let server = Process::start(&mut command);
        let Some(line) = server.first_line()? else {
            return server.exit();
        };
        let base = line.strip_prefix("listening on ").ok_or(line.clone())?;
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(HANG_MAX));
        let agent: Agent = config.build().into();
        for (index, step) in steps.iter().enumerate() {
            let heard = if is_asked_for(index) {
                self.ask(&agent, base, step)?
            } else {
                Heard::Skipped
            };
            let is_end = heard == Heard::Unknown;
            self.heard.push(heard);
            if is_end {
                break;
            }
        }
        server.signal(Signal::TERM);
        server.exit()
    }

    fn ask(&mut self, agent: &Agent, base: &str, step: &Step) -> Result<Heard, String> {
        let id = match step.about.map(|about| self.ids.get(about)) {
            None => String::new(),
            Some(Some(id)) => id.to_string(),
            Some(None) => return Ok(Heard::Skipped),
        };
        let [method, path, body] = step.request.map(|text| text.replace('$', &id));
        let mut request = http::Request::builder()
            .method(&*method)
            .uri(format!("{base}{path}"));
        if path.starts_with("/admin") {
            request = request.header("Authorization", format!("Bearer {ADMIN_TOKEN}"));
        }
        if let Some(key) = step.key {
            request = request.header("Idempotency-Key", key);
        }
        let answer = if body.is_empty() {
            agent.run(request.body(()).unwrap())
        } else {
            agent.run(request.body(body).unwrap())
        };
        let (status, mut answer) = match read(&method, &path, answer) {
            Ok(answer) => answer,
            Err(ureq::Error::Timeout(_)) => return Err(format!("{}: no answer", step.name)),
            Err(_) => return Ok(Heard::Unknown),
        };
        if status == 503 {
            return match answer["outcome"].as_str() {
                Some("not_applied") => Ok(Heard::NotApplied),
                Some("unknown") => Ok(Heard::Unknown),
                _ => Err(format!("{}: 503 {answer}", step.name)),
            };
        }
        if status >= 500 {
            return Err(format!("{}: {status} {answer}", step.name));
        }
        for id in ["order_id", "hold_id"] {
            if let (201, Some(id)) = (status, answer[id].as_i64()) {
                self.ids.entry(step.name).or_insert(id);
            }
        }
        remove_times(&mut answer);
        Ok(Heard::Answer(status, answer))
    }
}

pub fn remove_times(answer: &mut Value) {
    match answer {
        Value::Object(fields) => {
            fields.remove("expires_in_s");
            fields.values_mut().for_each(remove_times);
        }
        Value::Array(values) => values.iter_mut().for_each(remove_times),
        Value::String(text) if chrono::DateTime::parse_from_rfc3339(text).is_ok() => {
            *answer = json!("time")
        }
        Value::String(_) | Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Every row, without its times; or that there is no database, or one of an older version.
pub fn stored(path: &Path) -> String {
    let database = match database::open(path, Access::Existing) {
        Ok(database) => database,
        Err(error @ (OpenError::Missing | OpenError::Older)) => return error.to_string(),
        Err(error) => panic!("{}: {error}", path.display()),
    };
    let reader = database.reader_beside(Timestamp::FIRST).unwrap();
    let text = format!("{:#?}", reader.contents().unwrap());
    let mut parts = text.split("Timestamp(");
    let first = parts.next().unwrap().to_owned();
    parts.fold(first, |text, part| {
        let (_, after) = part.split_once(')').unwrap();
        text + "Timestamp(" + after
    })
}
