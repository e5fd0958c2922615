//! The files of the description as they are written down.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value};

pub const WRITTEN: &str = "the files of the description are read by every test";

/// What is written down of an endpoint.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Operation {
    pub tag: String,
    pub operation_id: String,
    pub summary: String,
    pub description: Option<String>,
    #[serde(default)]
    pub parameters: Vec<String>,
    pub body: Option<Body>,
    pub answers: BTreeMap<String, Answer>,
    /// Of its own, as `status code`, beside those that its line in the table of endpoints brings.
    #[serde(default)]
    pub refusals: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Body {
    pub schema: String,
    pub required: bool,
    pub example: Value,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Answer {
    pub description: String,
    #[serde(default)]
    pub media: Media,
    pub schema: Option<String>,
    #[serde(default)]
    pub headers: Vec<String>,
    #[serde(default)]
    pub example: Value,
}

#[derive(Deserialize)]
#[serde(untagged)]
pub enum Media {
    One(String),
    Either(Vec<String>),
}

impl Default for Media {
    fn default() -> Media {
        Media::One("application/json".to_owned())
    }
}

/// An error that the API answers.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Refusal {
    pub status: u16,
    pub code: String,
    pub when: String,
    /// An example, without its code.
    pub body: Map<String, Value>,
    #[serde(default)]
    pub may_have: Vec<String>,
}

impl Refusal {
    pub fn is(&self, name: &str) -> bool {
        name.split_once(' ') == Some((&self.status.to_string(), &self.code))
    }
}

pub fn read<T: for<'a> Deserialize<'a>>(text: &str) -> T {
    serde_json::from_str(text).expect(WRITTEN)
}
