//! What somebody sees who opens the server's address in a browser: where the docs are.

use crate::http::Response;

pub fn response() -> Response {
    let mut response = Response::new(200)
        .with_header("Content-Security-Policy", "default-src 'none'")
        .with_header("X-Content-Type-Options", "nosniff");
    response.content_type = "text/html; charset=utf-8";
    response.body = include_bytes!("front_page.html").to_vec();
    response
}
