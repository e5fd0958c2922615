//! Money in whole cents of one unnamed currency. No float ever takes part: text becomes cents digit by digit.

use super::quantity::Quantity;

/// An amount in cents. Prints as a JSON number with exactly two decimals.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cents(i64);

impl Cents {
    /// The dearest unit price: 10 000 000.00. Times the largest quantity it still fits an `i64`.
    pub const PRICE_MAX: Cents = Cents(1_000_000_000);

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
    pub fn from_json_number(text: &str) -> Option<Cents> {
        let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
        match mantissa.strip_prefix('-') {
            Some(negated) => exact_cents(negated, 0).filter(|cents| cents.0 == 0),
            None if exact_cents(mantissa, 0) == Some(Cents(0)) => Some(Cents(0)),
            None => exact_cents(mantissa, exponent.parse().ok()?),
        }
    }

    /// The exact value of plain digits with at most one point, as a person or a spreadsheet writes a price.
    pub fn from_plain_decimal(text: &str) -> Option<Cents> {
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

/// What a payment event says was paid, as the raw JSON that came: a number, a string, or anything else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Amount(String);

impl Amount {
    pub fn new(raw_json: String) -> Amount {
        Amount(raw_json)
    }

    pub fn as_json(&self) -> &str {
        &self.0
    }

    /// A number or a string of digits that is exactly `price`; everything else is another amount.
    pub fn is(&self, price: Cents) -> bool {
        let paid = match self
            .0
            .strip_prefix('"')
            .and_then(|text| text.strip_suffix('"'))
        {
            Some(text) => Cents::from_plain_decimal(text),
            None => Cents::from_json_number(&self.0),
        };
        paid == Some(price)
    }
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
        }
    }

    #[test]
    fn an_amount_is_the_price_only_as_an_exact_decimal() {
        let price = Cents(19998);
        for raw in ["199.98", "199.980", "1.9998e2", "\"199.98\"", "\"199.980\""] {
            assert!(Amount::new(raw.into()).is(price), "{raw}");
        }
        for raw in [
            "199.97",
            "199.980000000000000001",
            "\"1.9998e2\"",
            "\" 199.98\"",
            "\"+199.98\"",
            "true",
            "[199.98]",
            "\"\"",
            "-199.98",
        ] {
            assert!(!Amount::new(raw.into()).is(price), "{raw}");
        }
    }
}
