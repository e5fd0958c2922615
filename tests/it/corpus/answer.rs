//! An answer as it came over the wire, and what is true of every one.

use serde_json::Value;

use super::ensure;
use crate::conformance::{Described, assert_described_somewhere};

pub struct Answer {
    pub status: u16,
    fields: Vec<(String, String)>,
    body: String,
    /// All of it, as it came.
    pub text: String,
}

impl Answer {
    /// The first answer in these bytes; `None` while it is incomplete.
    pub fn parse(bytes: &[u8], to_head: bool) -> Result<Option<Answer>, String> {
        let Some(head_end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else {
            return Ok(None);
        };
        let head = std::str::from_utf8(&bytes[..head_end]).map_err(|error| error.to_string())?;
        let mut lines = head.split("\r\n");
        let status = lines.next().and_then(status_of);
        let fields: Option<Vec<_>> = lines.map(field_of).collect();
        let mut answer = Answer {
            status: status.ok_or("it has no status line")?,
            fields: fields.ok_or("it has a line that is no field")?,
            body: String::new(),
            text: String::new(),
        };
        let body_start = head_end + 4;
        let length = answer.content_length()?.filter(|_| !to_head);
        let body_end = body_start + length.unwrap_or(0);
        if bytes.len() < body_end {
            return Ok(None);
        }
        let text = String::from_utf8(bytes[..body_end].to_vec());
        answer.text = text.map_err(|error| error.to_string())?;
        answer.body = answer.text[body_start..].to_owned();
        Ok(Some(answer))
    }

    /// What is true of every answer.
    pub fn check(&self, to_head: bool) -> Result<(), String> {
        if self.status < 200 {
            return Ok(());
        }
        if !to_head {
            assert_described_somewhere(&self.described());
        }
        httpdate::parse_http_date(self.once("Date")?).map_err(|error| error.to_string())?;
        ensure(is_sane_id(self.once("X-Request-Id")?), "its id is not sane")?;
        self.once("Cache-Control")?;
        self.at_most_once("Connection")?;
        if matches!(self.status, 204 | 304) {
            return Ok(());
        }
        ensure(!(300..400).contains(&self.status), "it leads elsewhere")?;
        let kind = self.once("Content-Type")?;
        if self.status == 200 && kind == "text/html; charset=utf-8" {
            let is_page = to_head || self.body.starts_with("<!doctype html>");
            return ensure(is_page, "it is no page");
        }
        ensure(kind == "application/json", "it is no JSON")?;
        if self.status == 405 {
            self.once("Allow")?;
        }
        if to_head {
            return Ok(());
        }
        let body: Value = serde_json::from_str(&self.body).map_err(|error| error.to_string())?;
        let explains = body["error"].is_string() && body["code"].is_string();
        ensure(
            self.status < 400 || explains,
            "its body does not say what is wrong",
        )
    }

    fn described(&self) -> Described<'_> {
        let fields = self.fields.iter();
        Described {
            status: self.status,
            headers: fields.map(|(name, value)| (&**name, &**value)).collect(),
            body: self.body.as_bytes(),
            is_whole: true,
        }
    }

    /// `None` where an answer has no body.
    fn content_length(&self) -> Result<Option<usize>, String> {
        ensure(
            self.at_most_once("Transfer-Encoding")?.is_none(),
            "it is encoded",
        )?;
        if matches!(self.status, 100..200 | 204 | 304) {
            let length = self.at_most_once("Content-Length")?;
            return ensure(length.is_none(), "it has a length and no body").map(|()| None);
        }
        let length = self.once("Content-Length")?;
        length
            .parse()
            .map(Some)
            .map_err(|_| "its length is no number".into())
    }

    pub fn once(&self, name: &str) -> Result<&str, String> {
        self.at_most_once(name)?.ok_or(format!("it has no {name}"))
    }

    pub fn at_most_once(&self, name: &str) -> Result<Option<&str>, String> {
        let named = |(found, _): &&(String, String)| found.eq_ignore_ascii_case(name);
        let mut values = self
            .fields
            .iter()
            .filter(named)
            .map(|(_, value)| value.as_str());
        let first = values.next();
        ensure(values.next().is_none(), &format!("it has two of {name}")).map(|()| first)
    }
}

fn status_of(line: &str) -> Option<u16> {
    let (status, reason) = line.strip_prefix("HTTP/1.1 ")?.split_once(' ')?;
    let is_plain = status.len() == 3 && !reason.is_empty();
    status.parse().ok().filter(|_| is_plain)
}

fn field_of(line: &str) -> Option<(String, String)> {
    let (name, value) = line.split_once(": ")?;
    let is_letter = |letter: u8| letter.is_ascii_alphanumeric() || letter == b'-';
    let is_plain = !name.is_empty() && name.bytes().all(is_letter);
    let is_clean = is_plain && !value.chars().any(char::is_control);
    is_clean.then(|| (name.to_owned(), value.to_owned()))
}

fn is_sane_id(id: &str) -> bool {
    let is_letter = |letter: u8| letter.is_ascii_alphanumeric() || b"_.-".contains(&letter);
    (1..=64).contains(&id.len()) && id.bytes().all(is_letter)
}
