//! How a text is spelled by which customers, or products, are told apart: texts that look the same are the same. The
//! operator and the customer see glyphs; a limit per customer and a catalogue's sku are compared by bytes.

use unicode_normalization::{UnicodeNormalization, is_nfc};
use unicode_properties::{GeneralCategory, UnicodeGeneralCategory};

const SKU_CHARS_MAX: usize = 255;

/// The text in Unicode normalization form C, in which `e` with an accent is one character however it was typed.
pub fn normalized(text: String) -> String {
    if text.is_ascii() || is_nfc(&text) {
        text
    } else {
        text.nfc().collect()
    }
}

/// The first invisible character: a control character, or a format character (general category Cf: zero-width
/// spaces and joiners, marks of direction, soft hyphens, tags), by which two texts that look the same could differ.
pub fn invisible(text: &str) -> Option<char> {
    let is_format =
        |char: char| !char.is_ascii() && char.general_category() == GeneralCategory::Format;
    text.chars()
        .find(|char| char.is_control() || is_format(*char))
}

/// A product's sku, normalized: 1 to 255 characters that are seen, and not only spaces.
pub fn sku(text: String) -> Option<String> {
    let text = normalized(text);
    let fits = (1..=SKU_CHARS_MAX).contains(&text.chars().count());
    (fits && invisible(&text).is_none() && !text.trim().is_empty()).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_looks_the_same_is_the_same() {
        for (typed, kept) in [
            ("Cafe\u{301}", "Caf\u{e9}"),
            ("\u{212b}", "\u{c5}"),
            ("\u{1112}\u{1161}\u{11ab}", "\u{d55c}"),
            ("q\u{307}\u{323}", "q\u{323}\u{307}"),
            ("VINYL-1", "VINYL-1"),
        ] {
            assert_eq!(sku(typed.into()).as_deref(), Some(kept));
            assert_eq!(normalized(kept.into()), kept);
        }
    }

    #[test]
    fn a_sku_has_no_character_that_nobody_sees() {
        for unseen in [
            '\u{0}',
            '\t',
            '\u{7f}',
            '\u{85}',
            '\u{ad}',
            '\u{600}',
            '\u{61c}',
            '\u{180e}',
            '\u{200b}',
            '\u{200d}',
            '\u{200e}',
            '\u{202e}',
            '\u{2060}',
            '\u{2066}',
            '\u{feff}',
            '\u{fff9}',
            '\u{1d173}',
            '\u{e0041}',
            '\u{e007f}',
        ] {
            let text = format!("a{unseen}b");
            assert_eq!(invisible(&text), Some(unseen), "{unseen:?}");
            assert_eq!(sku(text), None, "{unseen:?}");
        }
        for seen in ["\u{915}\u{93c}", "👍🏽", "山", "a b", "ﷺ", "\u{2764}\u{fe0f}"] {
            assert!(sku(seen.into()).is_some(), "{seen:?}");
        }
    }

    #[test]
    fn a_sku_is_measured_as_it_is_kept() {
        assert!(sku("e\u{301}".repeat(255)).is_some());
        assert!(sku("e\u{301}".repeat(256)).is_none());
        assert!(sku(String::new()).is_none() && sku(" \u{a0}".into()).is_none());
    }
}
