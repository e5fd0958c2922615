//! What a browser shows at the server's address: where the docs are.

use super::Api;
use super::call::Call;
use super::errors::Error;
use crate::http::Response;

impl Api {
    pub fn show_front_page(&self, _: &Call<'_>) -> Result<Response, Error> {
        let mut response = Response::new(200)
            .with_header("Content-Security-Policy", "default-src 'none'")
            .with_header("X-Content-Type-Options", "nosniff");
        response.content_type = "text/html; charset=utf-8";
        response.body = include_bytes!("front_page.html").to_vec();
        Ok(response)
    }
}
