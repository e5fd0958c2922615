//! The operator's page: files that a browser runs as they are, and a reader can open. It has no data in it, and asks for the
//! operator's token itself; what it shows comes from the operator's API.

use std::sync::LazyLock;

use super::Api;
use super::call::Call;
use super::embedded::{Assets, Document};
use super::errors::Error;
use crate::http::Response;

macro_rules! files {
    ($($file:literal),* $(,)?) => {
        &[("icon.svg", include_str!("../icon.svg")), $(($file, include_str!($file))),*]
    };
}

/// Each after those that it imports.
const FILES: &[(&str, &str)] = files![
    "page.css",
    "format.js",
    "dom.js",
    "api.js",
    "poller.js",
    "fields.js",
    "dialog.js",
    "chart.js",
    "pager.js",
    "catalogue.js",
    "list.js",
    "verdicts.js",
    "money_back.js",
    "sale.js",
    "holds.js",
    "payments.js",
    "orders.js",
    "refunds.js",
    "products.js",
    "health.js",
    "app.js",
];

static ASSETS: LazyLock<Assets> = LazyLock::new(|| Assets::new("/admin/", FILES));
static PAGE: LazyLock<Document> = LazyLock::new(|| {
    let page = ASSETS.linked(include_str!("page.html"));
    Document::new("text/html; charset=utf-8", page)
});

impl Api {
    pub fn show_page(&self, call: &Call<'_>) -> Result<Response, Error> {
        Ok(PAGE.page_for(call.request))
    }

    pub fn show_page_asset(&self, call: &Call<'_>) -> Result<Response, Error> {
        ASSETS.answer_to(call.id).ok_or(Error::NoSuchPath)
    }
}
