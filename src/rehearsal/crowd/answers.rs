//! What buyers read in answers.

use serde::Deserialize;
use serde_json::value::RawValue;

#[derive(Deserialize)]
pub struct ProductAnswer {
    pub available_stock: i64,
}

#[derive(Deserialize)]
pub struct HoldAnswer<'a> {
    pub hold_id: i64,
    pub quantity: i64,
    #[serde(borrow)]
    pub unit_price: &'a RawValue,
    pub token: &'a str,
}

#[derive(Deserialize)]
pub struct OrderAnswer<'a> {
    pub order_id: i64,
    pub status: &'a str,
}

#[derive(Deserialize)]
pub struct EventAnswer<'a> {
    pub webhook_id: i64,
    pub order_status: Option<&'a str>,
}

#[derive(Deserialize)]
pub struct ErrorAnswer<'a> {
    pub code: &'a str,
}

/// `None` where the answer is not what the API says that it is.
pub fn read<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Option<T> {
    serde_json::from_slice(body).ok()
}
