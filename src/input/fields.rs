//! The fields of a JSON object. Each is kept as the raw JSON that came and then read by its own format, so that a number
//! which no field can hold is that field's error.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::formats::{Format, string};
use super::json_text::{self, InvalidJson};
use super::values::Values;
use crate::sale::Patch;

pub type Fields<'a> = Values<'a, &'a str>;

impl<'a> Fields<'a> {
    /// A body that must be one JSON object.
    pub fn of_body(body: &'a [u8]) -> Result<Fields<'a>, InvalidJson> {
        let body = json_text::check(body)?;
        let fields =
            Fields::of_object(body.text).ok_or(InvalidJson("The body is not one JSON object"))?;
        if body.has_half_pair {
            fields.ensure_text_but_in_payload()?;
        }
        Ok(fields)
    }

    /// A body that may be left out.
    pub fn of_optional_body(body: &'a [u8]) -> Result<Fields<'a>, InvalidJson> {
        if body.is_empty() {
            Ok(Fields::new(Vec::new()))
        } else {
            Fields::of_body(body)
        }
    }

    pub fn of_object(text: &'a str) -> Option<Fields<'a>> {
        Fields::by_names::<Name<'a>>(text).or_else(|| Fields::by_names::<OddName<'a>>(text))
    }

    fn by_names<N: Deserialize<'a> + Into<Cow<'a, str>>>(text: &'a str) -> Option<Fields<'a>> {
        let mut deserializer = serde_json::Deserializer::from_str(text);
        let pairs = deserializer.deserialize_map(Pairs::<N>(PhantomData)).ok()?;
        deserializer.end().ok()?;
        Some(Fields::new(pairs))
    }

    /// What a payment provider cut in the middle of a character is kept as it came; nothing else may be cut so.
    fn ensure_text_but_in_payload(&self) -> Result<(), InvalidJson> {
        let is_text = |(name, value): &(Cow<'_, str>, &str)| {
            let is_payload = name == "payload";
            !json_text::has_half_pair(name) && (is_payload || !json_text::has_half_pair(value))
        };
        if self.pairs().iter().all(is_text) {
            Ok(())
        } else {
            Err(InvalidJson("A string holds half of a surrogate pair"))
        }
    }

    /// A value that may be absent, or `null`, which is a value too.
    pub fn nullable<T>(&mut self, name: &'static str, format: &Format<T>) -> Option<Option<T>> {
        match self.raw(name)? {
            "null" => Some(None),
            raw => {
                let value = (format.read)(raw);
                if value.is_none() {
                    self.tell(
                        name,
                        format!("The {name} must be {}, or null.", format.wanted),
                    );
                }
                value.map(Some)
            }
        }
    }

    /// A change of a property that `null` clears.
    pub fn patch<T>(&mut self, name: &'static str, format: &Format<T>) -> Patch<T> {
        match self.nullable(name, format) {
            None => Patch::Keep,
            Some(None) => Patch::Clear,
            Some(Some(value)) => Patch::To(value),
        }
    }
}

/// Reads an object's pairs in order, repeated names and all.
struct Pairs<N>(PhantomData<N>);

impl<'de, N: Deserialize<'de> + Into<Cow<'de, str>>> Visitor<'de> for Pairs<N> {
    type Value = Vec<(Cow<'de, str>, &'de str)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut pairs = Vec::new();
        while let Some((name, value)) = map.next_entry::<N, &RawValue>()? {
            pairs.push((name.into(), value.get()));
        }
        Ok(pairs)
    }
}

/// A name that borrows from the body unless it has escapes.
#[derive(Deserialize)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

impl<'a> From<Name<'a>> for Cow<'a, str> {
    fn from(name: Name<'a>) -> Cow<'a, str> {
        name.0
    }
}

/// A name that may hold half of a surrogate pair: then it is what stands in the body, quotes and all, and so no name that
/// is asked for.
#[derive(Deserialize)]
struct OddName<'a>(#[serde(borrow)] &'a RawValue);

impl<'a> From<OddName<'a>> for Cow<'a, str> {
    fn from(name: OddName<'a>) -> Cow<'a, str> {
        let raw = name.0.get();
        string(raw).map_or(Cow::Borrowed(raw), Cow::Owned)
    }
}
