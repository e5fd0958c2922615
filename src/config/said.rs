//! A value as a source says it, before anybody knows whether it is right, and where a file says it.

use std::fmt::{self, Write};

use toml::Value;

pub fn line_of(text: &str, offset: usize) -> usize {
    1 + text[..offset.min(text.len())].matches('\n').count()
}

/// A line of the file with carets under what is meant.
pub struct Shown<'a> {
    pub text: &'a str,
    pub at: std::ops::Range<usize>,
}

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let before = self.text.get(..self.at.start).unwrap_or(self.text);
        let start = before.rfind('\n').map_or(0, |newline| newline + 1);
        let line = self.text[start..].lines().next().unwrap_or_default();
        let before = before[start..].chars().count();
        let meant = self.text.get(self.at.clone()).unwrap_or_default();
        let meant = meant.lines().next().unwrap_or_default();
        writeln!(f, "  {line}")?;
        f.write_str("  ")?;
        (0..before).try_for_each(|_| f.write_char(' '))?;
        (0..meant.chars().count().max(1)).try_for_each(|_| f.write_char('^'))
    }
}

/// A value as a source says it.
pub enum Said<'a> {
    Toml(&'a Value),
    /// From the environment or a flag.
    Text(&'a str),
}

impl Said<'_> {
    pub fn text(&self) -> Result<&str, String> {
        match self {
            Said::Toml(Value::String(text)) if !text.is_empty() => Ok(text),
            Said::Text(text) if !text.is_empty() => Ok(text),
            Said::Toml(_) | Said::Text(_) => {
                Err("it must be a text in quotes, and not empty".into())
            }
        }
    }

    pub fn parsed<T: std::str::FromStr>(&self, wanted: &str) -> Result<T, String> {
        self.text()?
            .parse()
            .map_err(|_| format!("it must be {wanted}"))
    }

    pub fn whole<T: TryFrom<i64>>(&self, min: i64, max: i64) -> Result<T, String> {
        let number = match self {
            Said::Toml(Value::Integer(number)) => Some(*number),
            Said::Toml(_) => None,
            Said::Text(text) => text.parse().ok(),
        };
        let number = number
            .filter(|number| (min..=max).contains(number))
            .and_then(|number| T::try_from(number).ok());
        number.ok_or_else(|| format!("it must be a whole number from {min} to {max}"))
    }

    pub fn switch(&self) -> Result<bool, String> {
        match self {
            Said::Toml(Value::Boolean(switch)) => Ok(*switch),
            Said::Text("true") => Ok(true),
            Said::Text("false") => Ok(false),
            Said::Toml(_) | Said::Text(_) => Err("it must be true or false".into()),
        }
    }

    pub fn one_of(&self, choices: [&'static str; 2]) -> Result<&'static str, String> {
        let said = self.text().ok();
        let found = choices.into_iter().find(|choice| said == Some(choice));
        found.ok_or_else(|| format!("it must be {:?} or {:?}", choices[0], choices[1]))
    }

    /// In the environment, lists are separated by commas.
    pub fn list(&self) -> Result<Vec<String>, String> {
        let list = match self {
            Said::Toml(Value::Array(items)) => items
                .iter()
                .map(|item| item.as_str().map(str::to_owned))
                .collect(),
            Said::Toml(_) => None,
            Said::Text(text) => Some(
                text.split(',')
                    .map(str::trim)
                    .filter(|item| !item.is_empty())
                    .map(str::to_owned)
                    .collect(),
            ),
        };
        list.ok_or_else(|| "it must be a list of texts".into())
    }
}
