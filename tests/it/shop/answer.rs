//! An answer, and what a test may say about it.

use flashsale::http::Response;
use serde_json::Value;

use crate::conformance::Described;

/// An answer, and what a test may say about it.
pub struct Answer {
    pub status: u16,
    pub body: Value,
    pub bytes: Vec<u8>,
    /// By name, in small letters.
    pub headers: Vec<(String, String)>,
}

impl Answer {
    pub fn new(response: Response) -> Answer {
        let headers = response.headers.iter();
        let kept = [
            ("content-type", response.content_type),
            ("cache-control", response.cache_control),
        ];
        let kept = kept.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let headers = headers.map(|header| {
            (
                header.field.to_string().to_lowercase(),
                header.value.to_string(),
            )
        });
        Answer {
            status: response.status.0,
            body: serde_json::from_slice(&response.body).unwrap_or(Value::Null),
            headers: headers.chain(kept).collect(),
            bytes: response.body,
        }
    }

    pub fn described(&self) -> Described<'_> {
        let headers = self.headers.iter();
        Described {
            status: self.status,
            headers: headers.map(|(name, value)| (&**name, &**value)).collect(),
            body: &self.bytes,
            is_whole: false,
        }
    }

    /// All that it tells.
    pub fn whole(&self) -> (u16, Vec<(String, String)>, String) {
        let text = String::from_utf8(self.bytes.clone()).unwrap();
        (self.status, self.headers.clone(), text)
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(known, _)| known == &name.to_lowercase())
            .map(|(_, value)| value.as_str())
    }

    #[track_caller]
    pub fn id(&self, name: &str) -> i64 {
        self.body[name]
            .as_i64()
            .unwrap_or_else(|| panic!("no {name} in {}", self.body))
    }

    #[track_caller]
    pub fn has_status(self, status: u16) -> Answer {
        assert_eq!(self.status, status, "{}", self.body);
        self
    }

    #[track_caller]
    pub fn ok(self) -> Answer {
        self.has_status(200)
    }

    #[track_caller]
    pub fn created(self) -> Answer {
        let answer = self.has_status(201);
        assert!(
            answer.header("Location").is_some(),
            "every 201 has a Location"
        );
        answer
    }

    /// An error of one shape: a sentence, and this code.
    #[track_caller]
    pub fn failed_with(self, status: u16, code: &str) -> Answer {
        let answer = self.has_status(status);
        assert_eq!(answer.body["code"], code, "{}", answer.body);
        assert!(answer.body["error"].is_string(), "{}", answer.body);
        answer
    }

    /// The shop says no.
    #[track_caller]
    pub fn refused(self, code: &str) -> Answer {
        self.failed_with(400, code)
    }

    /// A field is missing or wrong.
    #[track_caller]
    pub fn invalid(self, field: &str) -> Answer {
        let answer = self.failed_with(422, "validation_failed");
        assert!(
            answer.body["errors"][field][0].is_string(),
            "no errors.{field} in {}",
            answer.body
        );
        answer
    }

    #[track_caller]
    pub fn says(self, name: &str, value: impl Into<Value>) -> Answer {
        assert_eq!(self.body[name], value.into(), "{name} of {}", self.body);
        self
    }

    /// The verdict on a payment event, with the order's status after it. Only an event that begins to wait is accepted
    /// for later.
    #[track_caller]
    pub fn verdict(self, verdict: &str, order_status: impl Into<Value>) -> Answer {
        let waits = verdict == "parked" && self.body["already_processed"] == false;
        let answer = self.has_status(if waits { 202 } else { 200 });
        answer
            .says("success", true)
            .says("verdict", verdict)
            .says("order_status", order_status)
    }
}
