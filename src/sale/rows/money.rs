//! Money in whole cents of one unnamed currency. No float ever takes part: text becomes cents digit by digit.

use std::fmt::Write;

use serde_json::value::RawValue;

use super::currency::Currency;
use super::quantity::Quantity;

/// An amount in cents. Prints as a JSON number with exactly two decimals.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cents(i64);

impl Cents {
    pub const ZERO: Cents = Cents(0);

    /// More than any payment.
    pub const MAX: Cents = Cents(i64::MAX);

    /// The dearest unit price: 10 000 000.00. Times the largest quantity it still fits an `i64`.
    const PRICE_MAX: Cents = Cents(1_000_000_000);

    pub const fn new(cents: i64) -> Cents {
        Cents(cents)
    }

    pub const fn get(self) -> i64 {
        self.0
    }

    pub fn times(self, quantity: Quantity) -> Cents {
        Cents(
            self.0
                .checked_mul(quantity.units())
                .expect("price and quantity are bounded so that their product fits"),
        )
    }

    /// The exact value of a JSON number, if it is a whole, non-negative count of cents: `99.99`, `99.990`, `9.999e1`.
    fn from_json_number(text: &str) -> Option<Cents> {
        let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
        match mantissa.strip_prefix('-') {
            Some(negated) => exact_cents(negated, 0).filter(|cents| cents.0 == 0),
            None if exact_cents(mantissa, 0) == Some(Cents(0)) => Some(Cents(0)),
            None => exact_cents(mantissa, exponent.parse().ok()?),
        }
    }

    /// The exact value of plain digits with at most one point, as a person or a spreadsheet writes a price.
    fn from_plain_decimal(text: &str) -> Option<Cents> {
        exact_cents(text, 0)
    }

    pub fn price_from_json_number(text: &str) -> Option<Cents> {
        Cents::from_json_number(text).filter(|price| *price <= Cents::PRICE_MAX)
    }

    pub fn price_from_plain_decimal(text: &str) -> Option<Cents> {
        Cents::from_plain_decimal(text).filter(|price| *price <= Cents::PRICE_MAX)
    }
}

/// More digits than any `i64` has.
const DIGITS_MAX: usize = 19;

/// `mantissa × 10^exponent` in cents; `None` for a sign, a fraction of a cent, or more than an `i64` holds.
fn exact_cents(mantissa: &str, exponent: i64) -> Option<Cents> {
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits: String = [whole, fraction].concat();
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let significant = digits.trim_end_matches('0');
    if significant.is_empty() {
        return Some(Cents(0));
    }
    let dropped_zeros = i64::try_from(digits.len() - significant.len()).ok()?;
    let cents_exponent = exponent
        .checked_add(2)?
        .checked_sub(i64::try_from(fraction.len()).ok()?)?
        .checked_add(dropped_zeros)?;
    let significant = significant.trim_start_matches('0');
    let zeros = usize::try_from(cents_exponent).ok()?;
    if significant.len().checked_add(zeros)? > DIGITS_MAX {
        return None;
    }
    format!("{significant}{}", "0".repeat(zeros))
        .parse()
        .ok()
        .map(Cents)
}

impl std::fmt::Display for Cents {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{:02}", self.0 / 100, self.0 % 100)
    }
}

/// A number of JSON with exactly two decimals.
impl serde::Serialize for Cents {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut printed = Printed::default();
        write!(printed, "{self}").expect("an amount is no longer than PRINTED_BYTES");
        let number: &RawValue = serde_json::from_slice(&printed.bytes[..printed.length])
            .expect("digits and a point are a JSON number");
        number.serialize(serializer)
    }
}

/// An amount as text, without an allocation: every body of an answer has one.
#[derive(Default)]
struct Printed {
    bytes: [u8; PRINTED_BYTES],
    length: usize,
}

/// As long as the largest amount is, and its point and sign.
const PRINTED_BYTES: usize = 24;

impl Write for Printed {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        let end = self.length + text.len();
        let free = self
            .bytes
            .get_mut(self.length..end)
            .ok_or(std::fmt::Error)?;
        free.copy_from_slice(text.as_bytes());
        self.length = end;
        Ok(())
    }
}

/// What a payment event says was paid, as the raw JSON that came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Amount(String);

impl Amount {
    pub fn new(raw_json: String) -> Amount {
        Amount(raw_json)
    }

    pub fn as_json(&self) -> &str {
        &self.0
    }

    /// Names its currency by a code in small letters: `"199.98 usd"`. `None` for more than any order costs.
    pub fn in_currency(cents: Cents, code: &str) -> Option<Amount> {
        (cents <= AMOUNT_MAX).then(|| Amount(format!("\"{cents} {code}\"")))
    }

    /// The cents that a number or a string of digits says, be there a currency or none. `None` for everything else, and for
    /// more than any order costs.
    pub fn cents(&self) -> Option<Cents> {
        let digits = self.digits_and_currency().map(|(digits, _)| digits);
        let cents = match digits.or(self.text()) {
            Some(digits) => Cents::from_plain_decimal(digits),
            None => cents_of_number(&self.0),
        };
        cents.filter(|cents| *cents <= AMOUNT_MAX)
    }

    /// The code of the currency that it names.
    pub fn currency(&self) -> Option<&str> {
        self.digits_and_currency().map(|(_, code)| code)
    }

    fn digits_and_currency(&self) -> Option<(&str, &str)> {
        let (digits, code) = self.text()?.split_once(' ')?;
        let is_code = code.len() == 3 && code.bytes().all(|byte| byte.is_ascii_lowercase());
        is_code.then_some((digits, code))
    }

    fn text(&self) -> Option<&str> {
        self.0.strip_prefix('"')?.strip_suffix('"')
    }

    /// Whether it is the price, where it names no currency. Where it names one, that must be the sale's, and there may be more
    /// in it: shipping, or a tip.
    pub fn pays(&self, price: Cents, currency: Option<Currency>) -> bool {
        match self.currency() {
            None => self.cents() == Some(price),
            Some(code) => {
                currency.is_some_and(|currency| currency.as_str().eq_ignore_ascii_case(code))
                    && self.cents() >= Some(price)
            }
        }
    }

    /// A hundred times the price: a provider that counts in minor units.
    pub fn is_hundredfold(&self, price: Cents) -> bool {
        let hundredfold = price.0.checked_mul(100).map(Cents);
        price.0 > 0
            && self.currency().is_none()
            && hundredfold.is_some_and(|it| self.cents() == Some(it))
    }
}

/// 10 000 000.00 × 2^31.
const AMOUNT_MAX: Cents = Cents(Cents::PRICE_MAX.0 << 31);

/// Digits of a number in millionths, which a `u128` holds.
const MILLIONTHS_DIGITS_MAX: usize = 30;

/// The cent that a JSON number lies within 0.000001 of, digit by digit: binary floats print as `199.98000000000002`.
fn cents_of_number(text: &str) -> Option<Cents> {
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let (unsigned, is_negative) = match mantissa.strip_prefix('-') {
        Some(unsigned) => (unsigned, true),
        None => (mantissa, false),
    };
    let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
    let digits = [whole, fraction].concat();
    if whole.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let digits = digits.trim_start_matches('0');
    if digits.is_empty() {
        return Some(Cents(0));
    }
    if is_negative {
        return None;
    }
    let to_millionths = exponent.parse::<i64>().ok()?.checked_add(6)?;
    let shift = to_millionths.checked_sub(i64::try_from(fraction.len()).ok()?)?;
    let length = i64::try_from(digits.len()).ok()?.checked_add(shift)?.max(0);
    let length = usize::try_from(length)
        .ok()
        .filter(|length| *length <= MILLIONTHS_DIGITS_MAX)?;
    let kept = &digits[..length.min(digits.len())];
    let has_more = digits[kept.len()..].bytes().any(|digit| digit != b'0');
    let millionths: u128 = format!("0{kept:0<length$}").parse().ok()?;
    let cents = millionths / 10_000;
    let above = millionths % 10_000;
    let nearest = if above == 0 || (above == 1 && !has_more) {
        cents
    } else if above == 9_999 {
        cents + 1
    } else {
        return None;
    };
    i64::try_from(nearest).ok().map(Cents)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_price_is_read_digit_by_digit() {
        for (text, cents) in [
            ("99.99", 9999),
            ("100", 10_000),
            ("100.00", 10_000),
            ("99.9", 9990),
            ("99.9900000000000000000000000000000000", 9999),
            ("9.999e1", 9999),
            ("999900E-4", 9999),
            ("0", 0),
            ("0e999", 0),
            ("-0", 0),
            ("-0.00e7", 0),
            ("0e99999999999999999999", 0),
            ("0.00", 0),
            ("00012.50", 1250),
        ] {
            assert_eq!(Cents::from_json_number(text), Some(Cents(cents)), "{text}");
        }
        for text in [
            "",
            ".",
            "-1",
            "99.999",
            "199.980000000000000001",
            "1e400",
            "1e99999999999999999999",
            "1,5",
            "NaN",
        ] {
            assert_eq!(Cents::from_json_number(text), None, "{text}");
        }
        assert_eq!(Cents::from_plain_decimal("1e2"), None);
    }

    #[test]
    fn money_prints_with_exactly_two_decimals() {
        for (cents, text) in [
            (9999, "99.99"),
            (10_000, "100.00"),
            (5, "0.05"),
            (0, "0.00"),
            (1_000_000_000, "10000000.00"),
        ] {
            assert_eq!(Cents(cents).to_string(), text);
            assert_eq!(serde_json::to_string(&Cents(cents)).unwrap(), text);
        }
    }

    #[test]
    fn an_amount_is_the_price_only_as_an_exact_decimal() {
        let price = Cents(19998);
        for raw in ["199.98", "199.980", "1.9998e2", "\"199.98\"", "\"199.980\""] {
            assert!(Amount::new(raw.into()).pays(price, None), "{raw}");
        }
        for raw in [
            "199.97",
            "\"199.980000000000000001\"",
            "\"1.9998e2\"",
            "\" 199.98\"",
            "\"+199.98\"",
            "true",
            "[199.98]",
            "\"\"",
            "-199.98",
        ] {
            assert!(!Amount::new(raw.into()).pays(price, None), "{raw}");
        }
    }

    #[test]
    fn a_float_as_binary_prints_it_is_its_cent() {
        for (raw, cents) in [
            ("199.98000000000002", 19998),
            ("199.97999999999999", 19998),
            ("199.980001", 19998),
            ("199.979999", 19998),
            ("0.30000000000000004", 30),
            ("1.9998000000000002e2", 19998),
            ("19998000000e-8", 19998),
            ("70", 7000),
            ("1e2", 10_000),
            ("0", 0),
            ("-0.0", 0),
            ("0e400", 0),
            ("1e-400", 0),
            ("21474836480000000.00", 2_147_483_648_000_000_000),
        ] {
            assert_eq!(Amount::new(raw.into()).cents(), Some(Cents(cents)), "{raw}");
        }
        for raw in [
            "199.985",
            "199.9800011",
            "199.9799989",
            "0.001",
            "-0.000000001",
            "-1",
            "1e400",
            "1e99999999999999999999",
            "21474836480000000.01",
            "null",
            "{\"value\":1}",
            "\"199,98\"",
            "\"199.98 EUR\"",
            "\"199.981\"",
            "\"-1.00\"",
        ] {
            assert_eq!(Amount::new(raw.into()).cents(), None, "{raw}");
        }
        let in_dollars = Amount::in_currency(Cents(100_000), "usd").unwrap();
        assert_eq!(in_dollars.cents(), Some(Cents(100_000)));
        assert!(
            !in_dollars.is_hundredfold(Cents(1000)),
            "minor units were meant"
        );
        assert!(Amount::new("1000".into()).is_hundredfold(Cents(1000)));
        assert!(!Amount::new("999".into()).is_hundredfold(Cents(1000)));
        assert!(!Amount::new("0".into()).is_hundredfold(Cents(0)));
    }
}
