//! What must be true after any of them: what was acknowledged is there as it was told, what was refused or said not to be
//! applied is not, and what is unknown is there whole or not at all.
//!
//! The same program tells what must be there: the steps that were applied, played again where nothing fails.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use super::sale::{Heard, Run, Script};
use super::steps::steps;
use super::{Point, all_are_right, points, sample};

/// More in one run than this would be told as one thing each.
const UNKNOWN_MAX: usize = 3;

struct Judge {
    script: Script,
    /// By the steps that were played.
    played: Mutex<HashMap<Vec<bool>, Arc<Run>>>,
}

impl Judge {
    fn new() -> Judge {
        Judge {
            script: Script::new(),
            played: Mutex::default(),
        }
    }

    fn verdict(&self, point: &Point) -> Result<String, String> {
        let run = self.script.play(Some(point), |_| true)?;
        for exit in &run.exits {
            if !(point.kills() && exit.code.is_none()) {
                exit.is_told(&[0, 73, 74, 77])?;
            }
        }
        self.is_right(&run)?;
        let last = run.exits.last().expect("a server has ended");
        Ok(last
            .code
            .map_or("killed".into(), |code| format!("exit {code}")))
    }

    fn is_right(&self, run: &Run) -> Result<(), String> {
        let is_unknown = |index: &usize| run.heard[*index] == Heard::Unknown;
        let unknown: Vec<usize> = (0..run.heard.len()).filter(is_unknown).collect();
        if unknown.len() > UNKNOWN_MAX {
            return Err(format!("{} outcomes are unknown", unknown.len()));
        }
        let mut why = String::new();
        for applied in 0..1_usize << unknown.len() {
            let applied: Vec<usize> = (0..unknown.len())
                .filter(|bit| applied >> bit & 1 == 1)
                .map(|bit| unknown[bit])
                .collect();
            match self.is_as_if(run, &applied) {
                Ok(()) => return Ok(()),
                Err(difference) => why += &format!("\n  if {applied:?} were applied: {difference}"),
            }
        }
        Err(why)
    }

    /// Whether it is as if all that was answered had been applied, and these.
    fn is_as_if(&self, run: &Run, applied: &[usize]) -> Result<(), String> {
        let heard = run.heard.iter().enumerate();
        let asked = heard
            .map(|(index, heard)| matches!(heard, Heard::Answer(..)) || applied.contains(&index));
        let expected = self.played(asked.collect())?;
        for ((step, heard), expected) in steps().zip(&run.heard).zip(&expected.heard) {
            if matches!(heard, Heard::Answer(..)) && heard != expected {
                return Err(format!("{}: {heard:?}, not {expected:?}", step.name));
            }
        }
        if run.stored == expected.stored {
            return Ok(());
        }
        let lines = run.stored.lines().zip(expected.stored.lines());
        let differ: Vec<_> = lines
            .filter(|(found, expected)| found != expected)
            .take(5)
            .collect();
        Err(format!("stored are other rows: {differ:?}"))
    }

    fn played(&self, asked: Vec<bool>) -> Result<Arc<Run>, String> {
        if let Some(run) = self.played.lock().unwrap().get(&asked) {
            return Ok(run.clone());
        }
        let run = self.script.play(None, |step| asked[step]);
        let run = Arc::new(run.map_err(|why| format!("where nothing fails: {why}"))?);
        self.played.lock().unwrap().insert(asked, run.clone());
        Ok(run)
    }
}

#[test]
fn at_every_call_of_a_sale_what_was_told_is_true() {
    let judge = Judge::new();
    let whole = judge.played(vec![true; steps().count()]).unwrap();
    for (step, heard) in steps().zip(&whole.heard) {
        let is_answered =
            matches!(heard, Heard::Answer(200..=202, _)) || step.name == "too much is held";
        assert!(is_answered, "{}: {heard:?}", step.name);
    }
    println!("{:?} calls", whole.counts);
    let all = points(whole.counts);
    all_are_right("sale", &sample(&all, 60), |point| judge.verdict(point));
}

/// The judge can say no.
#[test]
fn what_was_lost_or_invented_or_altered_is_found() {
    let judge = Judge::new();
    let index = |name| steps().position(|step| step.name == name).unwrap();
    let run = || {
        judge
            .script
            .play(None, |step| step != index("c is released"))
            .unwrap()
    };
    judge.is_right(&run()).unwrap();
    let released = Heard::Answer(200, serde_json::json!({"status": "released"}));
    for (step, heard) in [
        ("c is released", released),
        ("f is held", Heard::NotApplied),
        ("b is held", Heard::Unknown),
    ] {
        let mut told = run();
        told.heard[index(step)] = heard;
        let found = judge.is_right(&told);
        assert_eq!(found.is_err(), step != "b is held", "{step}");
    }
    let mut told = run();
    told.stored = told.stored.replace("\"ada\"", "\"eve\"");
    assert!(judge.is_right(&told).is_err());
}
