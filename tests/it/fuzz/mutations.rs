//! Inputs that are almost those of a corpus.

use crate::dice::Dice;

/// What grammars hang on.
const ODD: [&[u8]; 24] = [
    b"\r\n",
    b"\r\n\r\n",
    b"\n",
    b"\r",
    b"\0",
    b"\t",
    b" ",
    b"\xff",
    b"\xc3\xa9",
    b"\xef\xbb\xbf",
    b":",
    b",",
    b";",
    b"=",
    b"\"",
    b"\\",
    b"\\ud83d",
    b"{",
    b"}",
    b"[",
    b"null",
    b"-",
    b"9999999999999999999",
    b"1e400",
];

/// One of them, changed in one to four places.
pub fn mutated(corpus: &[Vec<u8>], dice: &mut Dice) -> Vec<u8> {
    let mut bytes = dice.one_of(corpus);
    for _ in 0..=dice.below(4) {
        mutate(&mut bytes, corpus, dice);
    }
    bytes
}

fn mutate(bytes: &mut Vec<u8>, corpus: &[Vec<u8>], dice: &mut Dice) {
    let at = below(dice, bytes.len() + 1);
    let end = (at + below(dice, 9)).min(bytes.len());
    match dice.below(8) {
        0 => {
            bytes.drain(at..end);
        }
        1 => drop(bytes.splice(at..at, dice.one_of(&ODD).iter().copied())),
        2 => drop(bytes.splice(at..end, dice.one_of(&ODD).iter().copied())),
        3 => {
            let again = bytes[at..end].to_vec();
            bytes.splice(at..at, again);
        }
        4 if at < bytes.len() => bytes[at] = u8::try_from(dice.below(256)).unwrap(),
        5 if at < bytes.len() => bytes[at] ^= 1 << dice.below(8),
        6 => bytes.truncate(at),
        _ => {
            let other = dice.one_of(corpus);
            let from = below(dice, other.len() + 1);
            bytes.truncate(at);
            bytes.extend_from_slice(&other[from..]);
        }
    }
}

fn below(dice: &mut Dice, count: usize) -> usize {
    usize::try_from(dice.below(i64::try_from(count).unwrap())).unwrap()
}
