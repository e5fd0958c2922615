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

use sha2::{Digest, Sha256};

use super::Api;
use super::call::Call;
use super::errors::Error;
use super::printed_products::entity_tag;
use super::storefront::unless_known;
use crate::http::Response;

struct Document {
    media_type: &'static str,
    body: Vec<u8>,
    tag: String,
}

impl Document {
    fn new(media_type: &'static str, body: Vec<u8>) -> Document {
        Document {
            media_type,
            tag: entity_tag(&body),
            body,
        }
    }

    fn response(&self) -> Response {
        let mut response = Response::new(200);
        response.content_type = self.media_type;
        response.body.clone_from(&self.body);
        response
    }
}

/// A file that the page loads. Its name changes with its content, so that a browser may keep it.
struct Asset {
    name: String,
    media_type: &'static str,
    body: &'static [u8],
}

impl Asset {
    fn new(stem: &str, ending: &str, media_type: &'static str, body: &'static [u8]) -> Asset {
        let digest: [u8; 32] = Sha256::digest(body).into();
        let hash = digest
            .first_chunk()
            .map_or(0, |head| u64::from_be_bytes(*head));
        Asset {
            name: format!("{stem}-{hash:016x}.{ending}"),
            media_type,
            body,
        }
    }
}

static STYLE: LazyLock<Asset> = LazyLock::new(|| {
    let style = include_bytes!("docs.css");
    Asset::new("docs", "css", "text/css; charset=utf-8", style)
});
static ICON: LazyLock<Asset> = LazyLock::new(|| {
    let icon = include_bytes!("icon.svg");
    Asset::new("icon", "svg", "image/svg+xml", icon)
});
static OPENAPI: LazyLock<Document> = LazyLock::new(|| {
    let description = assemble::description().to_string();
    Document::new("application/json", description.into_bytes())
});
static DOCS: LazyLock<Document> = LazyLock::new(|| {
    let page = page::of(&assemble::description(), &STYLE.name, &ICON.name);
    Document::new("text/html; charset=utf-8", page.into_bytes())
});

/// The description, as it is served at `/openapi.json`.
pub fn openapi() -> &'static str {
    std::str::from_utf8(&OPENAPI.body).expect("JSON is UTF-8")
}

impl Api {
    pub fn show_description(&self, call: &Call<'_>) -> Result<Response, Error> {
        Ok(unless_known(call.request, &OPENAPI.tag, || {
            OPENAPI.response()
        }))
    }

    /// Nothing from another host, no script, and no form.
    pub fn show_docs(&self, call: &Call<'_>) -> Result<Response, Error> {
        let response = unless_known(call.request, &DOCS.tag, || DOCS.response());
        Ok(response
            .with_header(
                "Content-Security-Policy",
                "default-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'",
            )
            .with_header("X-Content-Type-Options", "nosniff")
            .with_header("Referrer-Policy", "no-referrer"))
    }

    pub fn show_docs_asset(&self, call: &Call<'_>) -> Result<Response, Error> {
        let mut assets = [&*STYLE, &*ICON].into_iter();
        let asset = assets.find(|asset| asset.name == call.id);
        let asset = asset.ok_or(Error::NoSuchPath)?;
        let mut response = Response::new(200).with_header("X-Content-Type-Options", "nosniff");
        response.content_type = asset.media_type;
        response.cache_control = "public, max-age=31536000, immutable";
        response.body = asset.body.to_vec();
        Ok(response)
    }
}
