//! The operator's hand on the sale: who is let in, products, restocks, refunds of orders, and what is looked through.

mod access;
mod lists;
mod order_history;
mod products;
mod refund;
mod restock;
mod running_sale;

use flashsale::http::{Method, Request};
use flashsale::sale::Timestamp;

fn request(method: &Method, target: &str, body: Option<&str>) -> Request {
    let request = Request::new(method.clone(), target);
    match body {
        Some(body) => request.with_body(body.as_bytes()),
        None => request,
    }
}

fn at(micros: i64) -> String {
    Timestamp::from_micros(micros).to_string()
}

/// A body of these fields, each given as it stands in JSON.
fn object(fields: &[(&str, &str)]) -> String {
    let fields = fields.iter().map(|(name, raw)| format!("\"{name}\":{raw}"));
    format!("{{{}}}", fields.collect::<Vec<_>>().join(","))
}
