//! What a body must be before its fields are read.

/// How deep a body may nest, its outer object being 1.
const DEPTH_MAX: usize = 16;

/// A body that can be one JSON object: it is UTF-8, and no deeper than we read. What else JSON asks, the parser will.
pub struct Text<'a> {
    pub text: &'a str,
    pub has_half_pair: bool,
}

/// Why a body is not read.
#[derive(Debug)]
pub struct InvalidJson(pub &'static str);

pub fn check(body: &[u8]) -> Result<Text<'_>, InvalidJson> {
    let text = std::str::from_utf8(body).map_err(|_| InvalidJson("The body is not UTF-8"))?;
    let (depth, has_half_pair) = scan(text);
    if depth > DEPTH_MAX {
        return Err(InvalidJson("The body nests deeper than 16 levels"));
    }
    Ok(Text {
        text,
        has_half_pair,
    })
}

/// Whether a string of this JSON holds half of a surrogate pair, which no text can.
pub fn has_half_pair(json: &str) -> bool {
    scan(json).1
}

/// How deep this JSON nests, and whether a string of it holds half of a surrogate pair.
fn scan(json: &str) -> (usize, bool) {
    let mut has_half_pair = false;
    let (mut depth, mut deepest) = (0_usize, 0);
    let mut rest = json.as_bytes();
    while let Some((byte, after)) = rest.split_first() {
        rest = after;
        match byte {
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth = depth.saturating_sub(1),
            b'"' => rest = after_string(after, &mut has_half_pair),
            _ => {}
        }
        deepest = deepest.max(depth);
    }
    (deepest, has_half_pair)
}

/// Skips a string whose opening quote was read.
fn after_string<'a>(mut rest: &'a [u8], has_half_pair: &mut bool) -> &'a [u8] {
    loop {
        match rest {
            [b'"', after @ ..] => return after,
            [b'\\', b'u', after @ ..] => {
                let (unit, after) = code_unit(after);
                rest = match (unit, after) {
                    (0xD800..=0xDBFF, [b'\\', b'u', low @ ..])
                        if matches!(code_unit(low).0, 0xDC00..=0xDFFF) =>
                    {
                        code_unit(low).1
                    }
                    (0xD800..=0xDFFF, _) => {
                        *has_half_pair = true;
                        after
                    }
                    _ => after,
                };
            }
            [b'\\', _, after @ ..] => rest = after,
            [_, after @ ..] => rest = after,
            [] => return rest,
        }
    }
}

/// The four hexadecimal digits of an escape; 0 where there are not four, which the parser will refuse.
fn code_unit(digits: &[u8]) -> (u32, &[u8]) {
    match digits.split_at_checked(4) {
        Some((unit, after)) => {
            let unit = std::str::from_utf8(unit)
                .ok()
                .and_then(|unit| u32::from_str_radix(unit, 16).ok());
            (unit.unwrap_or(0), after)
        }
        None => (0, &[]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_a_surrogate_pair_is_found_wherever_it_stands() {
        for body in [
            r#""\ud83d""#,
            r#""\udc00""#,
            r#""\ud83dx""#,
            r#""\ud83d\u0041""#,
            r#""\ud83d\ud83d\ude00""#,
            r#"{"a":{"b":["\uDFFF"]}}"#,
            r#"{"\udc00":1}"#,
        ] {
            assert!(has_half_pair(body), "{body}");
        }
        for body in [
            r#""\ud83d\ude00""#,
            r#""\u0041""#,
            r#""\\ud83d""#,
            r#"\ud83d"#,
        ] {
            assert!(!has_half_pair(body), "{body}");
        }
    }
}
