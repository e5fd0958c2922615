//! The query of every list. The same parameters in another encoding mean the same.

use flashsale::http::{Method, Request};

use super::api::OPEN;
use super::picked;

/// Of every path that reads its query. The first byte picks one.
const PATHS: [&str; 8] = [
    "/api/products",
    "/api/events",
    "/admin/api/products/1/movements",
    "/admin/api/holds",
    "/admin/api/orders",
    "/admin/api/payments",
    "/admin/api/refunds",
    "/admin/api/reversals",
];

pub fn target(bytes: &[u8]) {
    let Some((path, query)) = picked(&PATHS, bytes) else {
        return;
    };
    // As a head brings it.
    if !query.iter().all(u8::is_ascii_graphic) || query.contains(&b'#') {
        return;
    }
    let meaning_of = |query: &str| {
        let target = format!("{path}?{query}");
        format!("{:?}", OPEN.meaning_of(Request::new(Method::Get, &target)))
    };
    let query = std::str::from_utf8(query).unwrap();
    let pairs: Vec<_> = form_urlencoded::parse(query.as_bytes()).collect();
    let printed = form_urlencoded::Serializer::new(String::new())
        .extend_pairs(&pairs)
        .finish();
    let encoded = pairs
        .iter()
        .map(|(name, value)| format!("{}={}", percents(name), percents(value)));
    let encoded = encoded.collect::<Vec<_>>().join("&");
    let meaning = meaning_of(query);
    assert_eq!(meaning, meaning_of(&printed), "{query} is {printed}");
    assert_eq!(meaning, meaning_of(&encoded), "{query} is {encoded}");
}

fn percents(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}
