//! Bodies that are sent as something else than JSON: encoded ones are refused, forms are told what was meant.

use super::errors::Error;
use crate::http::Request;

/// A compressed body is refused by its header, unread.
pub fn check_encoding(request: &Request) -> Result<(), Error> {
    let encodings = request.header_values("Content-Encoding");
    let mut encodings = encodings.flat_map(|value| value.split(',')).map(str::trim);
    if encodings.all(|encoding| encoding.is_empty() || encoding.eq_ignore_ascii_case("identity")) {
        Ok(())
    } else {
        Err(Error::UnsupportedEncoding)
    }
}

/// A form that was refused as JSON is told to be JSON; JSON that is sent by the name of a form, as `curl -d` does, is told
/// what is wrong with it.
pub fn explain(error: Error, request: &Request) -> Error {
    if matches!(error, Error::InvalidJson(_)) && is_form(request) {
        Error::InvalidJson(
            "The body is a form: send a JSON object, with Content-Type: application/json",
        )
    } else {
        error
    }
}

fn is_form(request: &Request) -> bool {
    let body = request.body.trim_ascii_start();
    let content_type = request.header("Content-Type").unwrap_or_default();
    let content_type = content_type.split(';').next().unwrap_or_default().trim();
    let is_said_to_be = content_type.eq_ignore_ascii_case("application/x-www-form-urlencoded")
        || content_type.eq_ignore_ascii_case("multipart/form-data");
    let looks_like_json = body.is_empty() || b"{[\"".contains(&body[0]);
    (is_said_to_be && !looks_like_json) || looks_like_form(body)
}

/// `name=value`, or the first boundary of a multipart form.
fn looks_like_form(body: &[u8]) -> bool {
    let is_name_byte = |byte: &&u8| byte.is_ascii_alphanumeric() || b"-._~%+[]".contains(*byte);
    let name = body.iter().take_while(is_name_byte).count();
    (name > 0 && !body.starts_with(b"[") && body.get(name) == Some(&b'='))
        || (body.starts_with(b"--") && is_part(body))
}

fn is_part(body: &[u8]) -> bool {
    const FIELD: &[u8] = b"content-disposition:";
    let mut lines = body.split(|byte| *byte == b'\n').skip(1);
    lines.next().is_some_and(|line| {
        let name = line.get(..FIELD.len());
        name.is_some_and(|name| name.eq_ignore_ascii_case(FIELD))
    })
}
