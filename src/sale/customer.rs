//! Who holds, in the shop's own words: an account number, a name, an e-mail address. Compared byte for byte.

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Customer(String);

const CUSTOMER_CHARS_MAX: usize = 128;

impl Customer {
    /// 1 to 128 characters of any script, none of them a control character, no space at either end.
    pub fn new(text: String) -> Option<Customer> {
        let fits = (1..=CUSTOMER_CHARS_MAX).contains(&text.chars().count());
        let clean = !text.chars().any(char::is_control);
        let trimmed = text.trim() == text;
        (fits && clean && trimmed).then_some(Customer(text))
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
            &"é".repeat(129),
        ] {
            assert!(Customer::new(text.into()).is_none(), "{text:?}");
        }
    }
}
