//! A value as a source has it, and what the types of keys have in common.

use std::ops::RangeInclusive;

use crate::sale::Currency;
use crate::store::Place;

/// A value from the file, or one from the environment or a flag.
#[derive(Clone, Copy)]
pub enum Value<'a> {
    Toml(&'a toml::Value),
    Text(&'a str),
}

/// A type that a key may have.
pub trait Setting: Sized {
    /// A secret stands in no flag, and in no message.
    const IS_SECRET: bool = false;

    /// `Err` says what the value must be.
    fn read(value: Value<'_>) -> Result<Self, String>;

    /// The values that are allowed, where they are few; else empty.
    fn allowed() -> String {
        String::new()
    }
}

impl<'a> Value<'a> {
    pub fn text(self) -> Result<&'a str, String> {
        match self {
            Value::Toml(toml::Value::String(text)) if !text.is_empty() => Ok(text),
            Value::Text(text) if !text.is_empty() => Ok(text),
            Value::Toml(_) | Value::Text(_) => {
                Err("it must be a text in quotes, and not empty".into())
            }
        }
    }

    pub fn whole<T: TryFrom<i64>>(self, bounds: &RangeInclusive<i64>) -> Result<T, String> {
        let number = match self {
            Value::Toml(toml::Value::Integer(number)) => Some(*number),
            Value::Toml(_) => None,
            Value::Text(text) => text.parse().ok(),
        };
        let number = number.filter(|number| bounds.contains(number));
        number
            .and_then(|number| T::try_from(number).ok())
            .ok_or_else(|| {
                let (min, max) = (bounds.start(), bounds.end());
                format!("it must be a whole number from {min} to {max}")
            })
    }

    /// In the environment and in flags, commas separate the items.
    pub fn list<T>(self, parse: impl Fn(&str) -> Result<T, String>) -> Result<Vec<T>, String> {
        let items: Option<Vec<&str>> = match self {
            Value::Toml(toml::Value::Array(items)) => {
                items.iter().map(toml::Value::as_str).collect()
            }
            Value::Toml(_) => None,
            Value::Text(text) => {
                let items = text.split(',').map(str::trim);
                Some(items.filter(|item| !item.is_empty()).collect())
            }
        };
        let items = items.ok_or("it must be a list of texts")?;
        items.into_iter().map(parse).collect()
    }
}

impl Setting for bool {
    fn read(value: Value<'_>) -> Result<bool, String> {
        match value {
            Value::Toml(toml::Value::Boolean(switch)) => Ok(*switch),
            Value::Text("true") => Ok(true),
            Value::Text("false") => Ok(false),
            Value::Toml(_) | Value::Text(_) => Err(format!("it must be {}", Self::allowed())),
        }
    }

    fn allowed() -> String {
        "true or false".into()
    }
}

impl Setting for u32 {
    fn read(value: Value<'_>) -> Result<u32, String> {
        value.whole(&(0..=u32::MAX.into()))
    }
}

impl Setting for usize {
    fn read(value: Value<'_>) -> Result<usize, String> {
        value.whole(&(0..=i64::MAX))
    }
}

impl Setting for Option<Currency> {
    fn read(value: Value<'_>) -> Result<Option<Currency>, String> {
        let currency = Currency::parse(value.text()?);
        currency.map(Some).ok_or_else(|| {
            "it must be the ISO 4217 code of a currency with two decimals, in three capitals, like \"EUR\"".into()
        })
    }
}

impl Setting for Place {
    fn read(value: Value<'_>) -> Result<Place, String> {
        Place::named(value.text()?)
    }
}
