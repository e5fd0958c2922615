//! A body whose length is not known when it begins (RFC 9112, section 7.1), decoded as its bytes come: each byte is looked at
//! once, however they are cut. Strict, since whatever two readers understand differently is where a request can be hidden:
//! a line ends with CRLF, a size is plain hexadecimal digits, and a line that breaks the grammar is refused.
//!
//! Chunk extensions and trailers are checked, bounded and dropped: nothing here gives them a meaning.

use super::message::Refusal;

/// A size may have zeros before it, but not for ever.
const SIZE_DIGITS_MAX: usize = 16;
/// Of all chunk extensions of a body together, without the ends of their lines.
const EXTENSION_BYTES_MAX: usize = 1024;
/// Of all trailer fields of a body together, without the ends of their lines.
const TRAILER_BYTES_MAX: usize = 1024;

#[derive(Debug)]
pub struct ChunkedBody {
    bytes_max: usize,
    data: Vec<u8>,
    state: State,
    /// The extensions of a chunk, or a trailer field, as far as they have come.
    line: Vec<u8>,
    extension_bytes: usize,
    trailer_bytes: usize,
}

/// What comes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Size { digits: usize, size: usize },
    Extensions { size: usize },
    SizeLineFeed { size: usize },
    Data { left: usize },
    DataCarriageReturn,
    DataLineFeed,
    Trailer,
    TrailerLineFeed { is_last: bool },
    Ended,
}

impl ChunkedBody {
    pub fn new(bytes_max: usize) -> ChunkedBody {
        ChunkedBody {
            bytes_max,
            data: Vec::new(),
            state: State::Size { digits: 0, size: 0 },
            line: Vec::new(),
            extension_bytes: 0,
            trailer_bytes: 0,
        }
    }

    /// Takes what belongs to the body out of the buffer; the decoded body once its end has come.
    pub fn take_from(&mut self, buffer: &mut Vec<u8>) -> Result<Option<Vec<u8>>, Refusal> {
        let mut taken = 0;
        while taken < buffer.len() && self.state != State::Ended {
            taken += self.take(&buffer[taken..])?;
        }
        buffer.drain(..taken);
        let has_ended = self.state == State::Ended;
        Ok(has_ended.then(|| std::mem::take(&mut self.data)))
    }

    /// Takes at least one byte, of which there is one; how many it took.
    fn take(&mut self, bytes: &[u8]) -> Result<usize, Refusal> {
        if let State::Data { left } = self.state {
            let taken = left.min(bytes.len());
            self.data.extend_from_slice(&bytes[..taken]);
            self.state = match left - taken {
                0 => State::DataCarriageReturn,
                left => State::Data { left },
            };
            return Ok(taken);
        }
        self.state = self.after(bytes[0])?;
        Ok(1)
    }

    fn after(&mut self, byte: u8) -> Result<State, Refusal> {
        match (self.state, byte) {
            (State::Size { digits, size }, _) if byte.is_ascii_hexdigit() => {
                self.after_digit(digits, size, byte)
            }
            (State::Size { digits: 1.., size }, b'\r') => Ok(State::SizeLineFeed { size }),
            (State::Size { digits: 1.., size }, b';' | b' ' | b'\t') => {
                self.after_extension_byte(size, byte)
            }
            (State::Extensions { size }, b'\r') if are_extensions(&self.line) => {
                self.line.clear();
                Ok(State::SizeLineFeed { size })
            }
            (State::Extensions { size }, _) if is_text(byte) => {
                self.after_extension_byte(size, byte)
            }
            (State::SizeLineFeed { size: 0 }, b'\n') => Ok(State::Trailer),
            (State::SizeLineFeed { size }, b'\n') => Ok(State::Data { left: size }),
            (State::DataCarriageReturn, b'\r') => Ok(State::DataLineFeed),
            (State::DataLineFeed, b'\n') => Ok(State::Size { digits: 0, size: 0 }),
            (State::Trailer, b'\r') if self.line.is_empty() || is_field(&self.line) => {
                let is_last = self.line.is_empty();
                self.line.clear();
                Ok(State::TrailerLineFeed { is_last })
            }
            (State::Trailer, _) if is_text(byte) => self.after_trailer_byte(byte),
            (State::TrailerLineFeed { is_last: true }, b'\n') => Ok(State::Ended),
            (State::TrailerLineFeed { is_last: false }, b'\n') => Ok(State::Trailer),
            (state, _) => Err(refusal(state)),
        }
    }

    fn after_digit(&self, digits: usize, size: usize, digit: u8) -> Result<State, Refusal> {
        if digits == SIZE_DIGITS_MAX {
            return Err(refusal(self.state));
        }
        let size = size * 16 + hexadecimal(digit);
        if size > self.bytes_max - self.data.len() {
            let bytes_max = self.bytes_max;
            return Err(Refusal::BodyTooLarge { bytes_max });
        }
        Ok(State::Size {
            digits: digits + 1,
            size,
        })
    }

    fn after_extension_byte(&mut self, size: usize, byte: u8) -> Result<State, Refusal> {
        if self.extension_bytes == EXTENSION_BYTES_MAX {
            return Err(Refusal::Malformed(
                "The extensions of the chunks are larger than 1 KiB.",
            ));
        }
        self.extension_bytes += 1;
        self.line.push(byte);
        Ok(State::Extensions { size })
    }

    fn after_trailer_byte(&mut self, byte: u8) -> Result<State, Refusal> {
        if self.trailer_bytes == TRAILER_BYTES_MAX {
            return Err(Refusal::Malformed("The trailers are larger than 1 KiB."));
        }
        self.trailer_bytes += 1;
        self.line.push(byte);
        Ok(State::Trailer)
    }
}

fn refusal(state: State) -> Refusal {
    Refusal::Malformed(match state {
        State::Size { .. } | State::Extensions { .. } | State::SizeLineFeed { .. } => {
            "A chunk begins with a line of its size in 1 to 16 hexadecimal digits, and valid extensions if any."
        }
        State::Data { .. } | State::DataCarriageReturn | State::DataLineFeed => {
            "A chunk is as long as it says, and ends with CRLF."
        }
        State::Trailer | State::TrailerLineFeed { .. } | State::Ended => {
            "A trailer is a line with a name, a colon and a value."
        }
    })
}

/// Of a byte that is such a digit.
fn hexadecimal(digit: u8) -> usize {
    usize::from(match digit {
        b'0'..=b'9' => digit - b'0',
        _ => (digit | 0x20) - b'a' + 10,
    })
}

/// What may stand in a line: no control character but a tab.
fn is_text(byte: u8) -> bool {
    matches!(byte, b'\t' | b' '..=b'~' | 0x80..)
}

fn is_field(line: &[u8]) -> bool {
    after_token(line).is_some_and(|after| after.starts_with(b":"))
}

/// `*( BWS ";" BWS name [ BWS "=" BWS value ] )`, RFC 9112, section 7.1.1.
fn are_extensions(line: &[u8]) -> bool {
    let mut rest = line;
    while !rest.is_empty() {
        let Some(after) = after_extension(rest) else {
            return false;
        };
        rest = after;
    }
    true
}

fn after_extension(text: &[u8]) -> Option<&[u8]> {
    let name = after_space(text).strip_prefix(b";")?;
    let after_name = after_token(after_space(name))?;
    match after_space(after_name).strip_prefix(b"=") {
        None => Some(after_name),
        Some(value) => match after_space(value).strip_prefix(b"\"") {
            None => after_token(after_space(value)),
            Some(quoted) => after_quoted(quoted),
        },
    }
}

fn after_space(text: &[u8]) -> &[u8] {
    let space = text.iter().take_while(|byte| matches!(byte, b' ' | b'\t'));
    &text[space.count()..]
}

/// RFC 9110, section 5.6.2.
fn after_token(text: &[u8]) -> Option<&[u8]> {
    let is_letter = |byte: &&u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(*byte);
    let letters = text.iter().take_while(is_letter).count();
    (letters > 0).then(|| &text[letters..])
}

/// After the opening quote; RFC 9110, section 5.6.4.
fn after_quoted(mut text: &[u8]) -> Option<&[u8]> {
    loop {
        match text {
            [b'"', after @ ..] => return Some(after),
            [b'\\', _, after @ ..] => text = after,
            [b'\\'] | [] => return None,
            [_, after @ ..] => text = after,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BYTES_MAX: usize = 100;

    type Decoded = Result<Option<(Vec<u8>, Vec<u8>)>, Refusal>;

    /// What becomes of bytes that come in these pieces: the body, and what follows it.
    fn decoded<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Decoded {
        let mut body = ChunkedBody::new(BYTES_MAX);
        let (mut buffer, mut whole) = (Vec::new(), None);
        for piece in pieces {
            buffer.extend_from_slice(piece);
            if whole.is_none() {
                whole = body.take_from(&mut buffer)?;
            }
        }
        Ok(whole.map(|whole| (whole, buffer)))
    }

    #[test]
    fn what_follows_the_last_chunk_is_left_alone() {
        let body = b"3;a=\"\\\"\";b\r\nabc\r\n0a\r\n0123456789\r\n000\r\nX: y\r\nZ:\r\n\r\nGET /";
        let (data, left) = decoded([&body[..]]).unwrap().unwrap();
        assert_eq!(data, b"abc0123456789");
        assert_eq!(left, b"GET /");
    }

    #[test]
    fn a_body_that_has_not_ended_is_incomplete_wherever_it_stops() {
        let body = b"3 ; a = \"b;\t\"\r\nabc\r\n0\r\nX: y\r\n\r\n";
        for end in 0..body.len() {
            assert_eq!(decoded([&body[..end]]), Ok(None), "{end}");
        }
    }

    /// Bodies that are right, and what becomes of them with bytes changed, left out and put in.
    #[test]
    fn it_does_not_matter_how_a_body_is_cut_and_what_is_read_is_what_others_read() {
        let (mut whole, mut broken) = (0, 0);
        for seed in 0..2000 {
            let mut random = Random(seed);
            let mut bytes = encoded(&mut random);
            for _ in 0..random.below(3) {
                let at = random.below(bytes.len());
                let byte = b"\r\n;=\" \t0aFgx:\0\x7f\xff"[random.below(16)];
                match random.below(3) {
                    0 => bytes[at] = byte,
                    1 => bytes.insert(at, byte),
                    _ => drop(bytes.remove(at)),
                }
            }
            let at_once = decoded([&bytes[..]]);
            let in_bytes = decoded(bytes.chunks(1));
            assert_eq!(at_once, in_bytes, "seed {seed}");
            for at in 0..bytes.len() {
                let (first, second) = bytes.split_at(at);
                assert_eq!(
                    at_once,
                    decoded([first, second]),
                    "seed {seed}, cut at {at}"
                );
            }
            match &at_once {
                Ok(Some((data, left))) => {
                    let trailers = as_others_read(&bytes, data).unwrap();
                    assert!(trailers.ends_with(left), "seed {seed}");
                    whole += 1;
                }
                Ok(None) => {}
                Err(_) => broken += 1,
            }
        }
        assert!(
            whole > 500 && broken > 500,
            "{whole} whole, {broken} broken"
        );
    }

    /// Follows the sizes by another parser: what comes after the last chunk, if these were the data.
    fn as_others_read<'a>(mut bytes: &'a [u8], mut data: &[u8]) -> Option<&'a [u8]> {
        loop {
            let Ok(httparse::Status::Complete((line, size))) = httparse::parse_chunk_size(bytes)
            else {
                return None;
            };
            let after = &bytes[line..];
            let size = usize::try_from(size).ok()?;
            if size == 0 {
                return data.is_empty().then_some(after);
            }
            let (chunk, after) = after.split_at_checked(size)?;
            data = data.strip_prefix(chunk)?;
            bytes = after.strip_prefix(b"\r\n")?;
        }
    }

    fn encoded(random: &mut Random) -> Vec<u8> {
        let extensions = [
            "",
            ";a",
            ";a=b",
            " ; a = \"b\\\"\"",
            "\t;a;b=\"\"",
            ";a=\"é\"",
        ];
        let mut bytes = Vec::new();
        for _ in 0..random.below(4) {
            let size = 1 + random.below(20);
            let zeros = "0".repeat(random.below(3));
            let extension = extensions[random.below(6)];
            bytes.extend_from_slice(format!("{zeros}{size:x}{extension}\r\n").as_bytes());
            bytes.extend((0..size).map(|_| b"ab\r\n0;"[random.below(6)]));
            bytes.extend_from_slice(b"\r\n");
        }
        bytes.extend_from_slice(b"0\r\n");
        for _ in 0..random.below(3) {
            bytes.extend_from_slice(b"X-Trailer: \tits value\r\n");
        }
        bytes.extend_from_slice(b"\r\nGET / HTTP/1.1\r\n");
        bytes
    }

    /// A sequence that its seed decides (SplitMix64).
    struct Random(u64);

    impl Random {
        fn below(&mut self, bound: usize) -> usize {
            self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            usize::try_from((mixed ^ (mixed >> 31)) % bound as u64).unwrap_or(0)
        }
    }
}
