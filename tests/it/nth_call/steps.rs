//! What each server of the sale is asked for.

pub struct Step {
    pub name: &'static str,
    /// The step whose id stands for `$`.
    pub about: Option<&'static str>,
    /// Method, path and body.
    pub request: [&'static str; 3],
    pub key: Option<&'static str>,
}

const fn step(name: &'static str, about: &'static str, request: [&'static str; 3]) -> Step {
    let about = if about.is_empty() { None } else { Some(about) };
    Step {
        name,
        about,
        request,
        key: None,
    }
}

const fn step_with_key(
    name: &'static str,
    about: &'static str,
    request: [&'static str; 3],
    key: &'static str,
) -> Step {
    Step {
        key: Some(key),
        ..step(name, about, request)
    }
}

pub const HOLDS: &str = "/api/holds";
pub const ORDERS: &str = "/api/orders";
pub const PAYMENTS: &str = "/api/payments/webhook";

/// What the first server is asked for.
const FIRST: &[Step] = &[
    step_with_key(
        "a is held",
        "",
        ["POST", HOLDS, r#"{"product_id":1,"quantity":2}"#],
        "a",
    ),
    step(
        "b is held",
        "",
        [
            "POST",
            HOLDS,
            r#"{"product_id":1,"quantity":1,"customer":"ada"}"#,
        ],
    ),
    step(
        "c is held",
        "",
        ["POST", HOLDS, r#"{"product_id":1,"quantity":3}"#],
    ),
    step(
        "d is held",
        "",
        ["POST", HOLDS, r#"{"product_id":2,"quantity":4}"#],
    ),
    step(
        "b is paid early",
        "b is held",
        [
            "POST",
            PAYMENTS,
            r#"{"idempotency_key":"b","hold_id":$,"status":"success"}"#,
        ],
    ),
    step_with_key(
        "a is ordered",
        "a is held",
        ["POST", ORDERS, r#"{"hold_id":$}"#],
        "ao",
    ),
    step(
        "b is ordered",
        "b is held",
        ["POST", ORDERS, r#"{"hold_id":$}"#],
    ),
    step("c is released", "c is held", ["DELETE", "/api/holds/$", ""]),
    step("a is paid", "a is ordered", ["POST", PAYMENTS, PAID_A]),
    step(
        "a is paid again",
        "a is ordered",
        ["POST", PAYMENTS, PAID_A],
    ),
    step(
        "too much is held",
        "",
        ["POST", HOLDS, r#"{"product_id":1,"quantity":9999}"#],
    ),
    step("tees are shown", "", ["GET", "/api/products/1", ""]),
];

const PAID_A: &str =
    r#"{"idempotency_key":"a","order_id":$,"status":"success","payload":{"transaction_id":"t-a"}}"#;

/// What the second is asked for, when the hold `d` is past its deadline.
const SECOND: &[Step] = &[
    step(
        "e is held",
        "",
        ["POST", HOLDS, r#"{"product_id":1,"quantity":1}"#],
    ),
    step(
        "e is ordered",
        "e is held",
        ["POST", ORDERS, r#"{"hold_id":$}"#],
    ),
    step(
        "e's payment fails",
        "e is ordered",
        [
            "POST",
            PAYMENTS,
            r#"{"idempotency_key":"e","order_id":$,"status":"failure"}"#,
        ],
    ),
    step(
        "f is held",
        "",
        ["POST", HOLDS, r#"{"product_id":1,"quantity":5}"#],
    ),
    step(
        "f is ordered",
        "f is held",
        ["POST", ORDERS, r#"{"hold_id":$}"#],
    ),
    step(
        "f is paid too little",
        "f is ordered",
        [
            "POST",
            PAYMENTS,
            r#"{"idempotency_key":"f","order_id":$,"status":"success","payload":{"amount":1}}"#,
        ],
    ),
    step_with_key(
        "tees are restocked",
        "",
        [
            "POST",
            "/admin/api/products/1/restock",
            r#"{"quantity":5,"reason":"found"}"#,
        ],
        "r",
    ),
    step(
        "a is refunded",
        "a is ordered",
        ["POST", "/admin/api/orders/$/refund", r#"{"restock":true}"#],
    ),
    step("tees are shown again", "", ["GET", "/api/products/1", ""]),
    step("a is shown", "a is ordered", ["GET", "/api/orders/$", ""]),
];

/// What is asked of a server that nothing happens to, after the others.
const LAST: &[Step] = &[step(
    "g is held",
    "",
    ["POST", HOLDS, r#"{"product_id":1,"quantity":1}"#],
)];

pub const PARTS: [&[Step]; 3] = [FIRST, SECOND, LAST];

pub fn steps() -> impl Iterator<Item = &'static Step> {
    PARTS.into_iter().flatten()
}
