//! A chunked body. It does not matter how it is cut; it is never larger than it may be; and what is read is what `httparse`
//! reads by its sizes.

use flashsale::http::{ChunkedBody, Refusal};

const BYTES_MAX: usize = 100;

type Decoded = Result<Option<(Vec<u8>, Vec<u8>)>, Refusal>;

/// The first byte says in pieces of how many bytes the body comes a third time.
pub fn target(bytes: &[u8]) {
    let Some((size, bytes)) = bytes.split_first() else {
        return;
    };
    let at_once = decoded([bytes]);
    assert_eq!(at_once, decoded(bytes.chunks(1)), "byte by byte");
    let size = usize::from(*size).max(2);
    assert_eq!(at_once, decoded(bytes.chunks(size)), "by {size} bytes");
    if let Ok(Some((data, left))) = at_once {
        assert!(data.len() <= BYTES_MAX);
        assert!(bytes.ends_with(&left));
        let after = as_others_read(bytes, &data).expect("its sizes are those of its data");
        assert!(after.ends_with(&left));
    }
}

/// The body, and what follows it.
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

/// What comes after the last chunk, if these were the data.
fn as_others_read<'a>(mut bytes: &'a [u8], mut data: &[u8]) -> Option<&'a [u8]> {
    loop {
        let Ok(httparse::Status::Complete((line, size))) = httparse::parse_chunk_size(bytes) else {
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
