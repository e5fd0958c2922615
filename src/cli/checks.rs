//! What came of the checks of a database's books, as commands print it and end with it.

use std::process::ExitCode;

use super::exit_status::FOUND_A_PROBLEM;
use crate::store::Check;

pub fn are_ok(checks: &[Check]) -> bool {
    checks.iter().all(|check| check.broken == 0)
}

pub fn exit_code(is_ok: bool) -> ExitCode {
    if is_ok {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(FOUND_A_PROBLEM)
    }
}

/// One check as a line of text.
pub fn line(check: &Check) -> String {
    let Check {
        name,
        checked,
        broken,
    } = check;
    match broken {
        0 => format!("ok     {checked:>9}  {name}"),
        _ => format!("DRIFT  {broken:>9}  {name} (of {checked})"),
    }
}

/// The checks that found drift, and that `dest` was not made of `whose` books, a line each.
pub fn drift(checks: &[Check], dest: &str, whose: &str) -> String {
    let broken = checks.iter().filter(|check| check.broken > 0);
    let mut lines: Vec<String> = broken.map(line).collect();
    lines.push(format!("{dest}: not made, since {whose} have drifted"));
    lines.join("\n")
}
