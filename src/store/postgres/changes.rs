//! What a batch changes, almost all of it in one statement. Each change says what it expects to find, and fails the transaction
//! if it finds something else.

use std::fmt::Write as _;

use tokio_postgres::types::ToSql;

use super::session::Step;

/// A change of one table.
pub struct Change {
    sql: &'static str,
    params: Vec<Box<dyn ToSql + Sync + Send>>,
    rows: Option<i64>,
}

impl Change {
    /// Of as many rows as there are.
    pub fn new(sql: &'static str) -> Change {
        Change {
            sql,
            params: Vec::new(),
            rows: None,
        }
    }

    /// Of so many rows. The server divides by zero if it finds another number, which fails the transaction: the commit is sent
    /// before the number is known here.
    pub fn of(rows: usize, sql: &'static str) -> Change {
        Change {
            rows: Some(i64::try_from(rows).unwrap_or(i64::MAX)),
            ..Change::new(sql)
        }
    }

    pub fn with(mut self, param: impl ToSql + Sync + Send + 'static) -> Change {
        self.params.push(Box::new(param));
        self
    }
}

#[derive(Default)]
pub struct Changes {
    first: Vec<Step>,
    together: Vec<Change>,
}

impl Changes {
    /// No other change of the batch may be of the same rows.
    pub fn add(&mut self, change: Change) {
        self.together.push(change);
    }

    /// Before all others, some of which are of the same rows.
    pub fn first(&mut self, change: Change) {
        self.first.push(in_one_statement(vec![change]));
    }

    pub fn into_steps(self) -> Vec<Step> {
        let mut steps = self.first;
        if !self.together.is_empty() {
            steps.push(in_one_statement(self.together));
        }
        steps
    }
}

impl From<Change> for Changes {
    fn from(change: Change) -> Changes {
        let mut changes = Changes::default();
        changes.add(change);
        changes
    }
}

/// Batches that change the same tables have the same text, and it stays prepared.
fn in_one_statement(changes: Vec<Change>) -> Step {
    let (mut sql, mut are_found) = (String::from("with"), String::from("true"));
    let mut params = Vec::new();
    for (number, change) in changes.into_iter().enumerate() {
        let separator = if number == 0 { "" } else { "," };
        let _ = write!(sql, "{separator} change_{number} as (");
        push_renumbered(&mut sql, change.sql, params.len());
        params.extend(change.params);
        if let Some(rows) = change.rows {
            sql.push_str(" returning 1");
            params.push(Box::new(rows));
            let rows = params.len();
            let _ = write!(
                are_found,
                " and (select count(*) from change_{number}) = ${rows}::bigint"
            );
        }
        sql.push(')');
    }
    let sql = format!("{sql} select 1 / (case when {are_found} then 1 else 0 end)");
    Step::of(sql, params)
}

/// `$1` of a change comes after the parameters of those before it.
fn push_renumbered(sql: &mut String, change: &str, params_before: usize) {
    let mut parts = change.split('$');
    sql.push_str(parts.next().unwrap_or_default());
    for part in parts {
        let digits = part.find(|it: char| !it.is_ascii_digit());
        let (number, rest) = part.split_at(digits.unwrap_or(part.len()));
        let number: usize = number.parse().expect("a parameter has a number");
        let number = number + params_before;
        let _ = write!(sql, "${number}{rest}");
    }
}
