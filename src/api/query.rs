//! The query of a request: which page of a list is asked for, and which rows. Every wrong parameter is named.

use std::borrow::Cow;

use crate::http::Request;
use crate::input::Values;
use crate::input::formats::whole_number;
use crate::sale::{Secret, TokenKind};

const LIMIT_DEFAULT: usize = 50;
const LIMIT_MAX: usize = 100;

pub type Query<'a> = Values<'a, Cow<'a, str>>;

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
        Values::new(form_urlencoded::parse(text.as_bytes()).collect())
    }

    /// A cursor that was not made here, or for another list, is refused and not guessed at.
    pub fn paging(&mut self, secret: &Secret, list: TokenKind) -> Paging {
        let limit = self.read("limit", "a whole number from 1 to 100", |text| {
            let limit = whole_number(text).and_then(|limit| usize::try_from(limit).ok());
            limit.filter(|limit| (1..=LIMIT_MAX).contains(limit))
        });
        let after = self.read("cursor", "a next_cursor of this list", |text| {
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
}

pub fn cursor(secret: &Secret, list: TokenKind, number: i64) -> String {
    format!("{number}.{}", secret.token(list, number))
}
