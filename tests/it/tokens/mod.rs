//! Tokens of holds and orders: whoever cannot show the right one learns nothing and moves nothing.

mod denied;
mod keys;
mod shown;

use flashsale::http::{Method, Request};
use serde_json::{Value, json};

use crate::server::Server;
use crate::shop::{Answer, Shop, config, item};
use crate::wire;

fn guarded() -> Shop {
    Shop::on_terms(vec![item("tee", 9)], config(|it| it.require_tokens = true))
}

/// A call that names a hold or an order.
#[derive(Clone, Debug)]
struct Call {
    method: Method,
    target: String,
    /// `None` where a body says nothing.
    body: Option<Value>,
    headers: Vec<(&'static str, String)>,
}

fn call(method: Method, target: String, body: Option<Value>) -> Call {
    Call {
        method,
        target,
        body,
        headers: Vec::new(),
    }
}

/// Ids that stand in a body are not among them: what is no id there is a wrong field.
fn by_path_of_hold(id: &str) -> Vec<Call> {
    let path = format!("/api/holds/{id}");
    vec![
        call(Method::Get, path.clone(), None),
        call(Method::Head, path.clone(), None),
        call(Method::Delete, path, Some(json!({}))),
    ]
}

fn of_hold(id: i64) -> Vec<Call> {
    let order = call(
        Method::Post,
        "/api/orders".into(),
        Some(json!({"hold_id": id})),
    );
    let mut calls = by_path_of_hold(&id.to_string());
    calls.push(order);
    calls
}

fn of_order(id: &str) -> Vec<Call> {
    let path = format!("/api/orders/{id}");
    vec![
        call(Method::Get, path.clone(), None),
        call(Method::Head, path.clone(), None),
        call(Method::Post, format!("{path}/cancel"), Some(json!({}))),
    ]
}

impl Call {
    fn with(mut self, name: &'static str, value: &str) -> Call {
        self.headers.push((name, value.to_owned()));
        self
    }

    fn bearing(self, token: &str) -> Call {
        self.with("Authorization", &format!("Bearer {token}"))
    }

    /// Shows the token in its body.
    fn saying(mut self, token: &str) -> Call {
        self.body.as_mut().unwrap()["token"] = token.into();
        self
    }

    fn takes_a_body(&self) -> bool {
        self.body.is_some()
    }

    /// With this token, in each way that it can be shown.
    fn showing(&self, token: &str) -> Vec<Call> {
        let mut ways = vec![self.clone().bearing(token)];
        if self.takes_a_body() {
            ways.push(self.clone().saying(token));
            ways.push(self.clone().saying(token).bearing(token));
        }
        ways
    }

    fn at(&self, shop: &Shop) -> Answer {
        let headers = self.headers.iter();
        let request = Request::new(self.method.clone(), &self.target);
        let request = headers.fold(request, |request, (name, value)| {
            request.with_header(name, value)
        });
        shop.call(match &self.body {
            Some(body) => request.with_body(body.to_string().as_bytes()),
            None => request,
        })
    }

    fn over(&self, server: &Server) -> wire::Answer {
        let headers = self.headers.iter();
        let headers: Vec<_> = headers.map(|(name, value)| (*name, &**value)).collect();
        let line = format!("{} {}", self.method, self.target);
        let body = self.body.as_ref().map_or(String::new(), Value::to_string);
        wire::call(server, &line, &headers, body.as_bytes())
    }
}

fn token(answer: Answer) -> String {
    answer.created().body["token"].as_str().unwrap().to_owned()
}

/// Holds 1 and 2 that are live and orders 1 and 2, and their tokens.
fn two_of_each(shop: &Shop) -> [String; 4] {
    let [mine, theirs, ordered, ordered_too] = [(); 4].map(|()| token(shop.hold("tee", 1)));
    let order = |id: i64, shown: &str| {
        token(shop.post("/api/orders", &json!({"hold_id": id, "token": shown})))
    };
    [mine, theirs, order(3, &ordered), order(4, &ordered_too)]
}
