//! The query of a request: which page of a list is asked for, and which rows. Every wrong parameter is named.

use std::borrow::Cow;

use super::errors::Error;
use super::fields::whole_number;
use crate::http::Request;
use crate::sale::{Secret, TokenKind};

const LIMIT_DEFAULT: usize = 50;
const LIMIT_MAX: usize = 100;

pub struct Query<'a> {
    pairs: Vec<(Cow<'a, str>, Cow<'a, str>)>,
    errors: Vec<(String, String)>,
}

/// Which page of a list.
pub struct Paging {
    pub list: TokenKind,
    pub limit: usize,
    /// The number of the last row of the page before.
    pub after: Option<i64>,
}

impl<'a> Query<'a> {
    pub fn of(request: &'a Request) -> Query<'a> {
        let text = request.query.as_deref().unwrap_or_default();
        Query {
            pairs: form_urlencoded::parse(text.as_bytes()).collect(),
            errors: Vec::new(),
        }
    }

    /// A cursor that was not made here, or for another list, is refused and not guessed at.
    pub fn paging(&mut self, secret: &Secret, list: TokenKind) -> Paging {
        let wanted = "a whole number from 1 to 100";
        let limit = self.optional("limit", wanted, |text| {
            let limit = whole_number(text).and_then(|limit| usize::try_from(limit).ok());
            limit.filter(|limit| (1..=LIMIT_MAX).contains(limit))
        });
        let after = self.optional("cursor", "a cursor of this list", |text| {
            let (number, proof) = text.split_once('.')?;
            let number = whole_number(number)?;
            secret.admits(list, number, proof).then_some(number)
        });
        Paging {
            list,
            limit: limit.unwrap_or(LIMIT_DEFAULT),
            after,
        }
    }

    /// An error is kept for `finish`.
    pub fn optional<T>(
        &mut self,
        name: &str,
        wanted: &str,
        read: impl Fn(&str) -> Option<T>,
    ) -> Option<T> {
        let found = self.pairs.extract_if(.., |(found, _)| found == name);
        let read = match &found.collect::<Vec<_>>()[..] {
            [] => return None,
            [(_, text)] => read(text).ok_or_else(|| format!("The {name} must be {wanted}.")),
            _ => Err(format!("The {name} is given more than once.")),
        };
        read.map_err(|wrong| self.errors.push((name.to_owned(), wrong)))
            .ok()
    }

    /// Refuses what went wrong. Parameters that nobody took are fine: links are decorated on their way.
    pub fn finish(self) -> Result<(), Error> {
        if self.errors.is_empty() {
            Ok(())
        } else {
            Err(Error::Invalid(self.errors))
        }
    }

    /// Refuses unknown parameters too: a filter that is misspelt must not show everything.
    pub fn finish_strictly(mut self) -> Result<(), Error> {
        for (name, _) in std::mem::take(&mut self.pairs) {
            self.errors.push((
                name.into_owned(),
                "This parameter is not known here.".into(),
            ));
        }
        self.finish()
    }
}

pub fn cursor(secret: &Secret, list: TokenKind, number: i64) -> String {
    format!("{number}.{}", secret.token(list, number))
}
