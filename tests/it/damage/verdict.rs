//! What the program makes of a damaged database: it is refused with a sentence, or served, and then exactly; or what cannot be
//! served is said to be so, and nothing is written any more.

use std::collections::{BTreeSet, HashMap};
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::process::Stdio;

use rustix::process::Signal;
use serde_json::Value;
use tempfile::TempDir;
use ureq::{Agent, http};

use super::blows::{Blow, commits_of_log};
use super::found::{Files, SUFFIXES};
use crate::nth_call::process::{Exit, HANG_MAX, Process};
use crate::nth_call::sale::{database_in, remove_times, stored};
use crate::server::{flashsale, read};
use crate::shop::ADMIN_TOKEN;

pub struct Judge {
    pub files: Files,
    /// What a server of the files as they were answers.
    answers: Vec<Answer>,
    /// What is stored, and what was after each commit that the log holds, with how many came after it.
    states: HashMap<String, usize>,
    whole: String,
}

pub struct Verdict {
    pub outcome: String,
    /// What is stored otherwise, and nothing complains of.
    pub changed: BTreeSet<String>,
}

/// A status and a body, without its times; or that there was none.
type Answer = Option<(u16, Value)>;

const REQUESTS: &[[&str; 3]] = &[
    ["GET", "/api/products", ""],
    ["GET", "/api/products/1", ""],
    ["GET", "/api/holds/1", ""],
    ["GET", "/api/holds/130", ""],
    ["GET", "/api/orders/1", ""],
    ["GET", "/api/orders/95", ""],
    ["GET", "/admin/api/holds", ""],
    ["GET", "/admin/api/orders", ""],
    ["GET", "/admin/api/payments", ""],
    ["GET", "/admin/api/refunds", ""],
    ["GET", "/admin/api/products/1/movements", ""],
    ["POST", "/api/holds", r#"{"product_id":1,"quantity":1}"#],
    ["POST", "/api/orders", r#"{"hold_id":150}"#],
    [
        "POST",
        "/api/payments/webhook",
        r#"{"idempotency_key":"new","order_id":90,"status":"success"}"#,
    ],
    ["POST", "/api/holds", r#"{"product_id":2,"quantity":1}"#],
    ["POST", "/api/holds", r#"{"product_id":1,"quantity":320}"#],
    ["POST", "/api/holds", r#"{"product_id":1,"quantity":20}"#],
    ["POST", "/api/holds", r#"{"product_id":3,"quantity":1}"#],
];

/// How a command may end that finds damage, beside 0.
const REFUSALS: [i32; 7] = [1, 65, 66, 74, 75, 77, 78];

impl Judge {
    pub fn new(files: Files) -> Judge {
        let whole = stored_in(&files).unwrap();
        let mut judge = Judge {
            answers: Vec::new(),
            states: [(whole.clone(), 0)].into(),
            whole,
            files,
        };
        let folder = judge.folder(&judge.files);
        let (exit, answers) = serve(folder.path()).unwrap();
        exit.is_told(&[0]).unwrap();
        judge.answers = answers;
        if let Some(log) = &judge.files[1] {
            let commits = commits_of_log(log);
            for (lost, end) in commits.iter().rev().enumerate().skip(1) {
                let mut cut = judge.files.clone();
                cut[1] = Some(log[..*end].to_vec());
                cut[2] = None;
                judge.states.insert(stored_in(&cut).unwrap(), lost);
            }
            let none = [judge.files[0].clone(), None, None];
            judge
                .states
                .insert(stored_in(&none).unwrap(), commits.len());
        }
        judge
    }

    fn folder(&self, files: &Files) -> TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (suffix, bytes) in SUFFIXES.iter().zip(files) {
            if let Some(bytes) = bytes {
                fs::write(database_in(folder.path(), suffix), bytes).unwrap();
            }
        }
        folder
    }

    pub fn verdict(&self, blow: &Blow) -> Result<Verdict, String> {
        let told = |outcome: &str| Verdict {
            outcome: outcome.to_owned(),
            changed: BTreeSet::new(),
        };
        let Some(mut struck) = blow.strike(&self.files) else {
            return Ok(told("nothing was struck"));
        };
        if blow.file == 1 {
            // What a machine that was switched off leaves.
            struck[2] = None;
        }
        let verified = self.run(&struck, &["verify"])?;
        let backed_up = self.run(&struck, &["backup", "copy.db"])?;
        if verified != 0 && backed_up == 0 {
            return Err(format!(
                "verify ends with {verified}, and there is a backup"
            ));
        }
        let folder = self.folder(&struck);
        let (exit, answers) = serve(folder.path())?;
        exit.is_told(&[&[0][..], &REFUSALS].concat())?;
        if answers.is_empty() {
            let left = fs::read(database_in(folder.path(), "")).ok();
            if left != struck[0] && blow.file == 0 {
                return Err(format!("it is refused, and was written: {}", exit.stderr));
            }
            return Ok(told(&format!("refused, {}", exit.code.unwrap_or(-1))));
        }
        let verified_after = command(folder.path(), &["verify"])?;
        let is_found = [verified, verified_after, exit.code.unwrap_or(-1)] != [0; 3];
        let found = format!(
            "verify {verified}, served until {}, verify {verified_after}",
            exit.code.unwrap_or(-1)
        );
        self.are_no_more_units(&answers)?;
        if is_found {
            return Ok(told(&found));
        }
        let stored = catch_unwind(AssertUnwindSafe(|| stored_in(&struck)));
        let stored = stored.map_err(|_| "verify finds nothing, and it cannot be read")??;
        match self.states.get(&stored) {
            Some(0) if answers == self.answers => Ok(told("exact")),
            Some(0) => Err(format!(
                "other answers: {:?}",
                differing(&answers, &self.answers)
            )),
            Some(_) => Ok(told("an earlier commit")),
            None if figures(&answers) != figures(&self.answers) => Err(format!(
                "other figures: {:?}",
                changed(&stored, &self.whole)
            )),
            None => Ok(Verdict {
                outcome: "altered".into(),
                changed: changed(&stored, &self.whole),
            }),
        }
    }

    fn run(&self, files: &Files, arguments: &[&str]) -> Result<i32, String> {
        command(self.folder(files).path(), arguments)
    }

    /// Of the tees, some are there to be held.
    fn are_no_more_units(&self, answers: &[Answer]) -> Result<(), String> {
        let held = |answers: &[Answer]| -> i64 {
            let asked = REQUESTS.iter().zip(answers);
            let held = asked.filter(|([_, path, _], answer)| {
                *path == "/api/holds" && answer.as_ref().is_some_and(|(status, _)| *status == 201)
            });
            let units = held.map(|([_, _, body], _)| serde_json::from_str::<Value>(body).unwrap());
            let tees = units.filter(|wish| wish["product_id"] == 1);
            tees.map(|wish| wish["quantity"].as_i64().unwrap()).sum()
        };
        let (units, expected) = (held(answers), held(&self.answers));
        if units > expected && self.states.len() == 1 {
            return Err(format!("{units} units were held, and {expected} are there"));
        }
        Ok(())
    }
}

fn command(folder: &Path, arguments: &[&str]) -> Result<i32, String> {
    let mut command = flashsale();
    command
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::null());
    let exit = Process::start(&mut command).exit()?;
    let is_drift = exit.code == Some(1) && exit.stdout.contains("drifted");
    if !is_drift {
        exit.is_told(&[&[0][..], &REFUSALS].concat())?;
    }
    Ok(exit.code.expect("it was told"))
}

/// A server's life; without answers if it does not listen.
fn serve(folder: &Path) -> Result<(Exit, Vec<Answer>), String> {
    let mut command = flashsale();
    command
        .args(["serve", "--listen", "127.0.0.1:0", "--order-ttl-s", "0"])
        .env("FLASHSALE_ADMIN_TOKEN", ADMIN_TOKEN)
        .current_dir(folder)
        .stdin(Stdio::null());
    let server = Process::start(&mut command);
    let Some(line) = server.first_line()? else {
        return Ok((server.exit()?, Vec::new()));
    };
    let base = line.strip_prefix("listening on ").ok_or(line.clone())?;
    let config = Agent::config_builder()
        .http_status_as_error(false)
        .timeout_global(Some(HANG_MAX));
    let agent: Agent = config.build().into();
    let answers = REQUESTS.iter().map(|request| ask(&agent, base, request));
    let answers = answers.collect::<Result<_, _>>()?;
    server.signal(Signal::TERM);
    Ok((server.exit()?, answers))
}

fn ask(agent: &Agent, base: &str, [method, path, body]: &[&str; 3]) -> Result<Answer, String> {
    let mut request = http::Request::builder()
        .method(*method)
        .uri(format!("{base}{path}"));
    if path.starts_with("/admin") {
        request = request.header("Authorization", format!("Bearer {ADMIN_TOKEN}"));
    }
    let answer = if body.is_empty() {
        agent.run(request.body(()).unwrap())
    } else {
        agent.run(request.body((*body).to_owned()).unwrap())
    };
    match read(method, path, answer) {
        Ok((status, mut answer)) => {
            remove_times(&mut answer);
            Ok(Some((status, answer)))
        }
        Err(ureq::Error::Timeout(_)) => Err(format!("{method} {path}: no answer")),
        Err(_) => Ok(None),
    }
}

fn differing<'a>(answers: &'a [Answer], expected: &'a [Answer]) -> Vec<&'a [&'static str; 3]> {
    let asked = REQUESTS.iter().zip(answers).zip(expected);
    let differing = asked.filter(|((_, answer), expected)| answer != expected);
    differing.map(|((request, _), _)| request).collect()
}

/// Of units and of what became of them: what the books are about.
const FIGURES: [&str; 6] = [
    "available_stock",
    "total_stock",
    "reserved_stock",
    "sold_stock",
    "quantity",
    "status",
];

/// The statuses of the answers, and all figures in them.
fn figures(answers: &[Answer]) -> Vec<Value> {
    fn collect(answer: &Value, figures: &mut Vec<Value>) {
        match answer {
            Value::Object(fields) => {
                let own = fields
                    .iter()
                    .filter(|(name, _)| FIGURES.contains(&name.as_str()));
                figures.extend(own.map(|(_, value)| value.clone()));
                fields.values().for_each(|value| collect(value, figures));
            }
            Value::Array(values) => values.iter().for_each(|value| collect(value, figures)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
    let mut figures = Vec::new();
    for answer in answers {
        match answer {
            None => figures.push(Value::Null),
            Some((status, body)) => {
                figures.push((*status).into());
                collect(body, &mut figures);
            }
        }
    }
    figures
}

fn stored_in(files: &Files) -> Result<String, String> {
    let folder = tempfile::tempdir().unwrap();
    for (suffix, bytes) in SUFFIXES.iter().zip(files) {
        if let Some(bytes) = bytes {
            fs::write(database_in(folder.path(), suffix), bytes).unwrap();
        }
    }
    Ok(stored(&database_in(folder.path(), "")))
}

/// The fields that differ; or that there are other rows.
fn changed(stored: &str, expected: &str) -> BTreeSet<String> {
    if stored.lines().count() != expected.lines().count() {
        return ["rows".to_owned()].into();
    }
    let lines = stored.lines().zip(expected.lines());
    let differ = lines.filter(|(one, other)| one != other);
    differ
        .map(|(one, other)| format!("{} for {}", one.trim(), other.trim()))
        .collect()
}
