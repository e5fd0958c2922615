//! The rows of a catalogue that cannot be loaded, and why.

use std::fmt;

/// An error in one column, or one of the row as a whole.
#[derive(Debug, PartialEq, Eq)]
pub struct RowError {
    pub column: Option<String>,
    pub why: String,
}

impl RowError {
    pub fn in_column(column: &str, why: impl Into<String>) -> RowError {
        RowError {
            column: Some(shown(column)),
            why: why.into(),
        }
    }

    pub fn of_row(why: impl Into<String>) -> RowError {
        RowError {
            column: None,
            why: why.into(),
        }
    }
}

impl fmt::Display for RowError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.column {
            Some(column) => write!(f, "column {column}: {}", self.why),
            None => f.write_str(&self.why),
        }
    }
}

/// The rows that cannot be loaded, by line; the first line of the file is 1. Those beyond the first 20 are only counted.
#[derive(Debug, Default)]
pub struct BadRows {
    named: Vec<(u64, Vec<RowError>)>,
    count: u64,
}

const BAD_ROWS_NAMED_MAX: usize = 20;

impl BadRows {
    pub fn add(&mut self, line: u64, errors: Vec<RowError>) {
        self.count += 1;
        if self.named.len() < BAD_ROWS_NAMED_MAX {
            self.named.push((line, errors));
        }
    }

    pub fn of(line: u64, error: RowError) -> BadRows {
        let mut bad = BadRows::default();
        bad.add(line, vec![error]);
        bad
    }

    pub fn is_empty(&self) -> bool {
        self.count == 0
    }
}

impl fmt::Display for BadRows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let indent = if self.count == 1 {
            ""
        } else {
            write!(f, "{} rows are wrong, and nothing is loaded:", self.count)?;
            "\n  "
        };
        for (line, errors) in &self.named {
            write!(f, "{indent}line {line}")?;
            for (index, error) in errors.iter().enumerate() {
                let separator = match (index, &error.column) {
                    (0, None) => ": ",
                    (0, Some(_)) => ", ",
                    _ => "; ",
                };
                write!(f, "{separator}{error}")?;
            }
        }
        match self.count - self.named.len() as u64 {
            0 => Ok(()),
            more => write!(f, "\n  and {more} more"),
        }
    }
}

/// A text from the file as a message shows it: cut to 60 characters, its control characters escaped.
pub fn shown(text: &str) -> String {
    const CHARS_MAX: usize = 60;
    let escape = |char: char| match char {
        '\'' | '"' | '\\' => char.to_string(),
        char => char.escape_debug().to_string(),
    };
    let mut shown: String = text.chars().take(CHARS_MAX).map(escape).collect();
    if text.chars().nth(CHARS_MAX).is_some() {
        shown.push('…');
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_from_the_file_is_shown_short_and_escaped() {
        assert_eq!(shown("12\" vinyl"), "12\" vinyl");
        assert_eq!(shown("\u{1b}[2Ja\u{200b}"), "\\u{1b}[2Ja\\u{200b}");
        assert_eq!(shown(&"é".repeat(1000)), format!("{}…", "é".repeat(60)));
    }
}
