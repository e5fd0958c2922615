//! Who holds, in the shop's own words: an account number, a name, an e-mail address. Compared as it is spelled, after
//! Unicode normalization; letter case counts.

use super::spelling::{invisible, normalized};

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
pub struct Customer(String);

const CUSTOMER_CHARS_MAX: usize = 128;

impl Customer {
    /// 1 to 128 characters of any script, counted after normalization, none of them a control or format character, no
    /// space at either end.
    pub fn new(text: String) -> Option<Customer> {
        let text = normalized(text);
        let fits = (1..=CUSTOMER_CHARS_MAX).contains(&text.chars().count());
        let is_seen = invisible(&text).is_none();
        let is_trimmed = text.trim() == text;
        (fits && is_seen && is_trimmed).then_some(Customer(text))
    }

    /// A customer of a row that was written before, perhaps when less was asked of the text.
    pub fn stored(text: String) -> Customer {
        Customer(text)
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_customer_is_1_to_128_characters_of_any_script() {
        for text in ["a", "ada@example.com", "山田 太郎", &"é".repeat(128)] {
            assert!(Customer::new(text.into()).is_some(), "{text:?}");
        }
        for text in [
            "",
            " ",
            " a",
            "a ",
            "a\u{a0}",
            "a\nb",
            "a\u{0}",
            "\u{85}",
            "ada\u{200b}@example.com",
            "ada\u{200d}",
            "\u{feff}ada",
            "a\u{ad}da",
            "\u{202e}ada",
            "ada\u{e0061}",
            &"é".repeat(129),
        ] {
            assert!(Customer::new(text.into()).is_none(), "{text:?}");
        }
    }

    #[test]
    fn a_customer_is_one_however_the_name_was_typed() {
        let typed = |text: &str| Customer::new(text.into());
        assert_eq!(typed("Zoe\u{308}"), typed("Zo\u{eb}"));
        assert!(typed("Zoe\u{308}").is_some());
        assert!(typed(&"e\u{301}".repeat(128)).is_some());
        assert_ne!(typed("Ada"), typed("ada"), "letter case is kept");
    }
}
