//! Values by name, each taken by its format. Every value that is wrong, given twice or not known is told, in the order in
//! which it was found.

use std::borrow::Cow;

use super::formats::Format;

pub struct Values<'a, V> {
    pairs: Vec<(Cow<'a, str>, V)>,
    /// The names that were asked for.
    known: Vec<&'static str>,
    wrong: WrongValues,
}

/// Why a required value is there once the others are, too.
pub const FINISHED: &str = "finish refuses a required value that is missing or wrong";

/// Names, and a sentence on what is wrong with each.
#[derive(Debug, Default)]
pub struct WrongValues(pub Vec<(String, String)>);

impl<'a, V: AsRef<str>> Values<'a, V> {
    pub fn new(pairs: Vec<(Cow<'a, str>, V)>) -> Values<'a, V> {
        Values {
            pairs,
            known: Vec::new(),
            wrong: WrongValues::default(),
        }
    }

    pub fn pairs(&self) -> &[(Cow<'a, str>, V)] {
        &self.pairs
    }

    pub fn has(&self, name: &str) -> bool {
        self.pairs.iter().any(|(found, _)| found == name)
    }

    /// A value that must be there. What is wrong is kept for the end, here as below.
    pub fn required<T>(&mut self, name: &'static str, format: &Format<T>) -> Option<T> {
        if !self.has(name) {
            self.tell(name, format!("The {name} is required."));
        }
        self.optional(name, format)
    }

    /// A value that may be absent.
    pub fn optional<T>(&mut self, name: &'static str, format: &Format<T>) -> Option<T> {
        self.read(name, format.wanted, format.read)
    }

    pub fn read<T>(
        &mut self,
        name: &'static str,
        wanted: &str,
        read: impl FnOnce(&str) -> Option<T>,
    ) -> Option<T> {
        let raw = self.raw(name)?;
        let value = read(raw.as_ref());
        if value.is_none() {
            self.tell(name, format!("The {name} must be {wanted}."));
        }
        value
    }

    /// A value's text as it came.
    pub fn raw(&mut self, name: &'static str) -> Option<V> {
        self.known.push(name);
        let mut found = self.pairs.extract_if(.., |(found, _)| found == name);
        let value = found.next().map(|(_, value)| value);
        if found.count() > 0 {
            self.tell(name, format!("The {name} is given more than once."));
            return None;
        }
        value
    }

    pub fn tell(&mut self, name: &str, sentence: String) {
        self.wrong.0.push((name.to_owned(), sentence));
    }

    pub fn is_wrong(&self, name: &str) -> bool {
        self.wrong.0.iter().any(|(wrong, _)| wrong == name)
    }

    /// Refuses what was not asked for too: a name that is misspelt never becomes a default.
    pub fn finish(mut self) -> Result<(), WrongValues> {
        if !self.pairs.is_empty() {
            let known = match &self.known[..] {
                [] => "This is not known here.".to_owned(),
                known => format!("This is not known here; known are {}.", known.join(", ")),
            };
            for (name, _) in std::mem::take(&mut self.pairs) {
                self.tell(&name, known.clone());
            }
        }
        self.finish_leniently()
    }

    /// What was not asked for is fine.
    pub fn finish_leniently(self) -> Result<(), WrongValues> {
        if self.wrong.0.is_empty() {
            Ok(())
        } else {
            Err(self.wrong)
        }
    }
}
