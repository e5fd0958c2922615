//! Stripe's amounts: whole minor units, how many of which are a major one depends on the currency
//! (<https://docs.stripe.com/currencies>).

use crate::sale::{Amount, Cents};

/// An amount is the whole major units.
const WITHOUT_DECIMALS: [&str; 15] = [
    "bif", "clp", "djf", "gnf", "jpy", "kmf", "krw", "mga", "pyg", "rwf", "vnd", "vuv", "xaf",
    "xof", "xpf",
];
/// The last digit of an amount is always 0.
const WITH_THREE_DECIMALS: [&str; 5] = ["bhd", "jod", "kwd", "omr", "tnd"];

/// `None` where it is no amount of hundredths, or more than anything costs.
pub fn amount_of(minor_units: i64, code: &str) -> Option<Amount> {
    let hundredths = if WITHOUT_DECIMALS.contains(&code) {
        minor_units.checked_mul(100)?
    } else if WITH_THREE_DECIMALS.contains(&code) {
        (minor_units % 10 == 0).then_some(minor_units / 10)?
    } else {
        minor_units
    };
    Amount::in_currency(Cents::new(hundredths), code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_amount_has_as_many_decimals_as_its_currency() {
        for (minor_units, code, shown) in [
            (19_998, "usd", Some("\"199.98 usd\"")),
            (5, "eur", Some("\"0.05 eur\"")),
            (0, "eur", Some("\"0.00 eur\"")),
            (500, "jpy", Some("\"500.00 jpy\"")),
            (1_230, "kwd", Some("\"1.23 kwd\"")),
            (1_234, "kwd", None),
            (i64::MAX, "usd", None),
            (i64::MAX, "jpy", None),
        ] {
            let amount = amount_of(minor_units, code);
            assert_eq!(
                amount.as_ref().map(Amount::as_json),
                shown,
                "{minor_units} {code}"
            );
        }
    }
}
