//! Keys whose value is one of two words.

use super::value::{Setting, Value};
use crate::sale::{FailedPayment, LatePayment};
use crate::store::Durability;

/// What a line of the log looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    Text,
    Json,
}

trait Choice: Sized {
    const CHOICES: [(&'static str, Self); 2];
}

impl Choice for LatePayment {
    const CHOICES: [(&'static str, Self); 2] = [
        ("refund", LatePayment::Refund),
        ("accept", LatePayment::Accept),
    ];
}

impl Choice for FailedPayment {
    const CHOICES: [(&'static str, Self); 2] = [
        ("cancel", FailedPayment::Cancel),
        ("keep", FailedPayment::Keep),
    ];
}

impl Choice for Durability {
    const CHOICES: [(&'static str, Self); 2] =
        [("full", Durability::Full), ("normal", Durability::Normal)];
}

impl Choice for LogFormat {
    const CHOICES: [(&'static str, Self); 2] =
        [("text", LogFormat::Text), ("json", LogFormat::Json)];
}

impl<T: Choice> Setting for T {
    fn read(value: Value<'_>) -> Result<T, String> {
        let text = value.text().ok();
        let mut choices = T::CHOICES.into_iter();
        let chosen = choices.find(|(word, _)| text == Some(*word));
        chosen
            .map(|(_, choice)| choice)
            .ok_or_else(|| format!("it must be {}", T::allowed()))
    }

    fn allowed() -> String {
        let [(one, _), (other, _)] = T::CHOICES;
        format!("{one:?} or {other:?}")
    }
}
