//! The same JSON in other letters.

/// With spaces wherever JSON allows them, and every letter of a string as an escape: no reader of JSON may tell it from the text
/// that it was made of. Digits in strings stay, since an amount is one or is none as it stands.
pub fn respelt(json: &str) -> String {
    let mut other = String::new();
    let mut chars = json.chars();
    while let Some(char) = chars.next() {
        match char {
            '"' => {
                other.push('"');
                respell_string(&mut chars, &mut other);
            }
            '{' | '}' | '[' | ']' | ',' | ':' => {
                other.push_str(" \n");
                other.push(char);
                other.push_str("\t\r ");
            }
            char => other.push(char),
        }
    }
    other
}

/// After its opening quote.
fn respell_string(chars: &mut std::str::Chars<'_>, other: &mut String) {
    while let Some(char) = chars.next() {
        match char {
            '"' => {
                other.push('"');
                return;
            }
            '\\' => {
                other.push(char);
                let escaped = chars.next();
                other.extend(escaped);
                if escaped == Some('u') {
                    other.extend(chars.by_ref().take(4));
                }
            }
            char if char.is_ascii_alphabetic() || char == '_' => {
                other.push_str(&format!("\\u{:04x}", u32::from(char)));
            }
            char => other.push(char),
        }
    }
}
