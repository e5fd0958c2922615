//! Instants of the sale, in microseconds since 1970 UTC. Nothing here reads a clock; every deadline is compared here.

use chrono::{DateTime, Datelike, Timelike, Utc};

/// An instant between the years 0000 and 9999, to the microsecond.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

const YEAR_0000: i64 = -62_167_219_200_000_000;
const YEAR_9999_END: i64 = 253_402_300_799_999_999;

impl Timestamp {
    /// The earliest there is.
    pub const FIRST: Timestamp = Timestamp(YEAR_0000);

    /// Instants outside the years that RFC 3339 can write are held at its edges.
    pub fn from_micros(micros: i64) -> Timestamp {
        Timestamp(micros.clamp(YEAR_0000, YEAR_9999_END))
    }

    pub const fn micros(self) -> i64 {
        self.0
    }

    pub fn plus_seconds(self, seconds: u32) -> Timestamp {
        Timestamp::from_micros(self.0.saturating_add(i64::from(seconds) * 1_000_000))
    }

    /// The one comparison of a deadline with the time: at the deadline itself it has passed.
    pub fn has_passed(self, now: Timestamp) -> bool {
        now >= self
    }

    /// Whole seconds from `now` until this instant, rounded up; 0 once it has passed.
    pub fn seconds_left(self, now: Timestamp) -> i64 {
        let micros = self.0.saturating_sub(now.0).max(0);
        micros.div_euclid(1_000_000) + i64::from(micros % 1_000_000 > 0)
    }

    /// Reads RFC 3339 with any offset; what is finer than a microsecond is cut off.
    pub fn parse_rfc3339(text: &str) -> Option<Timestamp> {
        let time = DateTime::parse_from_rfc3339(text).ok()?;
        let micros = time.timestamp_micros();
        (YEAR_0000..=YEAR_9999_END)
            .contains(&micros)
            .then_some(Timestamp(micros))
    }
}

/// RFC 3339 in UTC with six decimals, as the original API prints it: `2024-01-01T12:02:00.000000Z`.
impl std::fmt::Display for Timestamp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(text(&self.rfc3339()))
    }
}

impl serde::Serialize for Timestamp {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(text(&self.rfc3339()))
    }
}

impl Timestamp {
    /// Digit by digit, in half the time that `write!` takes: most answers have one.
    fn rfc3339(self) -> [u8; RFC_3339_BYTES] {
        let time = DateTime::<Utc>::from_timestamp_micros(self.0)
            .expect("a timestamp stays within chrono's years");
        let mut printed = *b"0000-00-00T00:00:00.000000Z";
        print_digits(&mut printed[0..4], time.year().unsigned_abs());
        print_digits(&mut printed[5..7], time.month());
        print_digits(&mut printed[8..10], time.day());
        print_digits(&mut printed[11..13], time.hour());
        print_digits(&mut printed[14..16], time.minute());
        print_digits(&mut printed[17..19], time.second());
        print_digits(&mut printed[20..26], time.timestamp_subsec_micros());
        printed
    }
}

const RFC_3339_BYTES: usize = 27;

/// The last decimal digits of `number`, as many as there is place for.
fn print_digits(place: &mut [u8], mut number: u32) {
    for digit in place.iter_mut().rev() {
        *digit = b"0123456789"[number as usize % 10];
        number /= 10;
    }
}

fn text(ascii: &[u8; RFC_3339_BYTES]) -> &str {
    std::str::from_utf8(ascii).expect("digits and signs are ASCII")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timestamp_prints_six_decimals_and_reads_any_offset() {
        let text = "2024-01-01T12:02:00.000000Z";
        assert_eq!(
            Timestamp::parse_rfc3339(text)
                .map(|t| t.to_string())
                .as_deref(),
            Some(text)
        );
        assert_eq!(
            Timestamp::parse_rfc3339("2024-01-01T14:02:00+02:00"),
            Timestamp::parse_rfc3339(text)
        );
        for text in [
            "",
            "2024-01-01",
            "2024-01-01T12:02:00",
            "2024-13-01T00:00:00Z",
            "yesterday",
        ] {
            assert_eq!(Timestamp::parse_rfc3339(text), None, "{text:?}");
        }
        assert_eq!(
            Timestamp::from_micros(i64::MAX).to_string(),
            "9999-12-31T23:59:59.999999Z"
        );
        assert_eq!(
            Timestamp::from_micros(i64::MIN).to_string(),
            "0000-01-01T00:00:00.000000Z"
        );
    }

    #[test]
    fn a_deadline_has_passed_at_its_own_microsecond() {
        let deadline = Timestamp::from_micros(5_000_000);
        assert!(!deadline.has_passed(Timestamp::from_micros(4_999_999)));
        assert!(deadline.has_passed(deadline));
        assert_eq!(deadline.seconds_left(Timestamp::from_micros(4_999_999)), 1);
        assert_eq!(deadline.seconds_left(Timestamp::from_micros(4_000_000)), 1);
        assert_eq!(deadline.seconds_left(Timestamp::from_micros(3_999_999)), 2);
        assert_eq!(deadline.seconds_left(deadline), 0);
    }
}
