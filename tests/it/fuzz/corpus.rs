//! The committed inputs: a file a target, a line an input, each byte that is not printable ASCII as an escape.

use std::fs;
use std::path::Path;

/// The inputs of a target.
pub fn of(target: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/fuzz/corpus");
    let text = fs::read_to_string(folder.join(format!("{target}.txt"))).unwrap();
    text.lines().map(bytes).collect()
}

/// As a line of a corpus.
pub fn line(bytes: &[u8]) -> String {
    bytes.escape_ascii().to_string()
}

fn bytes(line: &str) -> Vec<u8> {
    let mut rest = line.as_bytes();
    let mut bytes = Vec::new();
    while let [first, after @ ..] = rest {
        let (byte, after) = match (first, after) {
            (b'\\', [b'n', after @ ..]) => (b'\n', after),
            (b'\\', [b'r', after @ ..]) => (b'\r', after),
            (b'\\', [b't', after @ ..]) => (b'\t', after),
            (b'\\', [b'x', high, low, after @ ..]) => (hexadecimal(&[*high, *low]), after),
            (b'\\', [escaped, after @ ..]) => (*escaped, after),
            (first, after) => (*first, after),
        };
        bytes.push(byte);
        rest = after;
    }
    bytes
}

fn hexadecimal(digits: &[u8]) -> u8 {
    let digits = std::str::from_utf8(digits).unwrap();
    u8::from_str_radix(digits, 16).unwrap()
}

#[test]
fn an_input_survives_its_line() {
    let every_byte: Vec<u8> = (0..=255).collect();
    assert_eq!(bytes(&line(&every_byte)), every_byte);
}
