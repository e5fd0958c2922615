//! What the API says of itself: its description by OpenAPI 3.1, and that as a page. Both are made once and are the same
//! whatever is configured.
//!
//! The JSON files beside this one say what only a person can: sentences, examples, and which refusals an endpoint has of
//! its own. What follows from the table of endpoints (paths, methods, what must be shown, the refusals of every command) is
//! taken from there.

mod assemble;
mod components;
mod page;
mod refusals;
mod schemas;
mod written;

use std::sync::LazyLock;

use super::Api;
use super::call::Call;
use super::embedded::{Assets, Document};
use super::errors::Error;
use crate::http::Response;

static ASSETS: LazyLock<Assets> = LazyLock::new(|| {
    Assets::new(
        "/docs/",
        &[
            ("docs.css", include_str!("docs.css")),
            ("icon.svg", include_str!("../icon.svg")),
        ],
    )
});
static OPENAPI: LazyLock<Document> =
    LazyLock::new(|| Document::new("application/json", assemble::description().to_string()));
static DOCS: LazyLock<Document> = LazyLock::new(|| {
    let page = page::of(&assemble::description());
    Document::new("text/html; charset=utf-8", ASSETS.linked(&page))
});

/// The description, as it is served at `/openapi.json`.
pub fn openapi() -> &'static str {
    OPENAPI.text()
}

impl Api {
    pub fn show_description(&self, call: &Call<'_>) -> Result<Response, Error> {
        Ok(OPENAPI.answer_to(call.request))
    }

    pub fn show_docs(&self, call: &Call<'_>) -> Result<Response, Error> {
        Ok(DOCS.page_for(call.request))
    }

    pub fn show_docs_asset(&self, call: &Call<'_>) -> Result<Response, Error> {
        ASSETS.answer_to(call.id).ok_or(Error::NoSuchPath)
    }
}
