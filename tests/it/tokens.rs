//! Tokens of holds and orders: whoever cannot show the right one learns nothing and moves nothing.

use std::collections::BTreeSet;

use flashsale::config::Config;
use flashsale::http::{Method, Request};
use flashsale::sale::TokenKind;
use flashsale::store::sqlite::{Access, Database};
use flashsale::store::{Contents, Reader};
use serde_json::{Value, json};

use crate::crowd::at_once;
use crate::server::{Premises, Server};
use crate::shop::{Answer, Shop, item};
use crate::wire;

/// As long as a key must be where tokens are required.
const KEY: &str = "0123456789abcdef";

fn guarded() -> Shop {
    let config = Config {
        require_tokens: true,
        ..Config::default()
    };
    Shop::on_terms(vec![item("tee", 9)], config)
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

/// All that an answer tells.
fn whole(answer: &Answer) -> (u16, Vec<(String, String)>, String) {
    let text = String::from_utf8(answer.bytes.clone()).unwrap();
    (answer.status, answer.headers.clone(), text)
}

/// The same of one that came over a socket; when and to whom it was said aside.
fn whole_of_wire(answer: &wire::Answer) -> (Vec<String>, String) {
    let lines = answer.head.lines();
    let lines =
        lines.filter(|line| !line.starts_with("Date:") && !line.starts_with("X-Request-Id"));
    (lines.map(str::to_owned).collect(), answer.text.clone())
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

/// What somebody may show who has not got `right`.
fn wrong_tokens(right: &str, others: &[&String]) -> Vec<String> {
    let mut last_changed = right.to_owned();
    let last = last_changed.pop();
    last_changed.push(if last == Some('0') { '1' } else { '0' });
    let mut wrong = vec![
        String::new(),
        "x".into(),
        "0".repeat(right.len()),
        right[..right.len() - 1].into(),
        format!("{right}0"),
        last_changed,
        format!("{right} {right}"),
        format!("{right},{right}"),
    ];
    wrong.extend(others.iter().map(|token| (*token).clone()));
    wrong
}

#[test]
fn whoever_lacks_the_token_of_a_hold_is_told_that_there_is_none() {
    let shop = guarded();
    let [mine, theirs, order, their_order] = two_of_each(&shop);
    let before = shop.contents();
    for (call, nowhere) in of_hold(1).into_iter().zip(of_hold(999)) {
        let nothing = nowhere.at(&shop).failed_with(404, "hold_not_found");
        assert_eq!(whole(&call.at(&shop)), whole(&nothing), "{call:?}");
        for wrong in wrong_tokens(&mine, &[&theirs, &order, &their_order]) {
            for shown in call.showing(&wrong) {
                assert_eq!(whole(&shown.at(&shop)), whole(&nothing), "{shown:?}");
            }
        }
        for shown in nowhere.showing(&mine) {
            assert_eq!(whole(&shown.at(&shop)), whole(&nothing), "{shown:?}");
        }
    }
    assert!(shop.contents() == before, "nothing is stored or moved");
}

#[test]
fn whoever_lacks_the_token_of_an_order_is_told_that_there_is_none() {
    let shop = guarded();
    let [mine, theirs, order, their_order] = two_of_each(&shop);
    let before = shop.contents();
    for (call, nowhere) in of_order("1").into_iter().zip(of_order("999")) {
        let nothing = nowhere.at(&shop).failed_with(404, "order_not_found");
        assert_eq!(whole(&call.at(&shop)), whole(&nothing), "{call:?}");
        for wrong in wrong_tokens(&order, &[&mine, &theirs, &their_order]) {
            for shown in call.showing(&wrong) {
                assert_eq!(whole(&shown.at(&shop)), whole(&nothing), "{shown:?}");
            }
        }
        for shown in nowhere.showing(&order) {
            assert_eq!(whole(&shown.at(&shop)), whole(&nothing), "{shown:?}");
        }
    }
    assert!(shop.contents() == before, "nothing is stored or moved");
}

#[test]
fn what_is_no_id_names_nothing_whatever_is_shown() {
    let shop = guarded();
    let [hold, _, order, _] = two_of_each(&shop);
    let before = shop.contents();
    for id in [
        "0",
        "-1",
        "abc",
        "1.0",
        "9007199254740991",
        "9007199254740992",
        "18446744073709551617",
    ] {
        let of_holds = by_path_of_hold(id).into_iter().zip(of_hold(999));
        for (call, nowhere) in of_holds.chain(of_order(id).into_iter().zip(of_order("999"))) {
            let nothing = nowhere.at(&shop).has_status(404);
            assert_eq!(whole(&call.at(&shop)), whole(&nothing), "{call:?}");
            for shown in call.showing(&hold).into_iter().chain(call.showing(&order)) {
                assert_eq!(whole(&shown.at(&shop)), whole(&nothing), "{shown:?}");
            }
        }
    }
    for id in [json!(0), json!("abc"), json!(9_007_199_254_740_992_i64)] {
        let body = json!({"hold_id": id, "token": hold});
        shop.post("/api/orders", &body).invalid("hold_id");
    }
    assert!(shop.contents() == before, "nothing is stored or moved");
}

/// A token outlives what it was for when a database is restored from a backup.
#[test]
fn the_right_token_of_what_is_not_there_is_no_better_than_a_wrong_one() {
    let shop = guarded();
    let secret = shop.api().guard.secret.clone();
    let holds = of_hold(999).into_iter().map(|call| (call, TokenKind::Hold));
    let orders = of_order("999").into_iter();
    for (call, kind) in holds.chain(orders.map(|call| (call, TokenKind::Order))) {
        let nothing = call.at(&shop).has_status(404);
        for shown in call.showing(&secret.token(kind, 999)) {
            assert_eq!(whole(&shown.at(&shop)), whole(&nothing), "{shown:?}");
        }
    }
}

#[test]
fn over_a_socket_too_whoever_lacks_the_token_is_told_that_there_is_nothing() {
    let premises = Premises::stocked(9);
    let server = wire::serve(&premises, &[("require_tokens", "true")]);
    let token_of = |(status, body): (u16, Value)| {
        assert_eq!(status, 201, "{body}");
        body["token"].as_str().unwrap().to_owned()
    };
    let [mine, theirs, ordered] = [1, 1, 1].map(|units| token_of(server.hold(units)));
    let order = token_of(server.post("/api/orders", &json!({"hold_id": 3, "token": ordered})));
    let before = contents(&premises);
    let holds = of_hold(1).into_iter().zip(of_hold(999));
    let orders = of_order("1").into_iter().zip(of_order("999"));
    for ((call, nowhere), [right, other]) in holds
        .map(|calls| (calls, [&mine, &order]))
        .chain(orders.map(|calls| (calls, [&order, &mine])))
    {
        let nothing = nowhere.over(&server).is(404);
        assert_eq!(nothing.text.is_empty(), call.method == Method::Head);
        let nothing = whole_of_wire(&nothing);
        assert_eq!(whole_of_wire(&call.over(&server)), nothing, "{call:?}");
        for wrong in wrong_tokens(right, &[other, &theirs]) {
            for shown in call.showing(&wrong) {
                assert_eq!(whole_of_wire(&shown.over(&server)), nothing, "{shown:?}");
            }
        }
    }
    assert!(contents(&premises) == before, "nothing is stored or moved");
    server.stop();
    premises.books_are_right();
}

fn contents(premises: &Premises) -> Contents {
    let path = premises.path().join("flash_sale.db");
    let database = Database::open(&path, Access::Existing).unwrap();
    database.reader(1).unwrap().contents().unwrap()
}

#[test]
fn the_right_token_opens_as_a_bearer() {
    for scheme in ["Bearer ", "bearer ", "BEARER ", "bEaReR ", "Bearer   "] {
        let shop = guarded();
        let [hold, other_hold, order, _] = two_of_each(&shop);
        let statuses = |calls: Vec<Call>, token: &str| {
            let shown = format!("{scheme}{token}");
            let calls = calls.into_iter();
            let answers = calls.map(|call| call.with("Authorization", &shown).at(&shop).status);
            answers.collect::<Vec<_>>()
        };
        assert_eq!(
            statuses(of_hold(1), &hold),
            [200, 200, 200, 400],
            "shown, shown, released, released"
        );
        let mut backwards = of_hold(2);
        backwards.reverse();
        assert_eq!(
            statuses(backwards, &other_hold),
            [201, 400, 200, 200],
            "ordered, used, shown, shown"
        );
        assert_eq!(statuses(of_order("1"), &order), [200, 200, 200]);
        shop.stock_is("tee", 7, 2, 0);
    }
}

#[test]
fn the_right_token_opens_in_the_body() {
    let shop = guarded();
    let [hold, other_hold, order, _] = two_of_each(&shop);
    let status = |call: &Call, token: &str| call.clone().saying(token).at(&shop).status;
    assert_eq!(status(&of_hold(1)[2], &hold), 200);
    assert_eq!(status(&of_hold(2)[3], &other_hold), 201);
    assert_eq!(status(&of_order("1")[2], &order), 200);
    shop.stock_is("tee", 7, 2, 0);
}

#[test]
fn of_two_tokens_shown_both_must_be_right() {
    let shop = guarded();
    let [hold, other_hold, order, _] = two_of_each(&shop);
    let before = shop.contents();
    for (call, right, wrong) in [
        (&of_hold(1)[2], &hold, &other_hold),
        (&of_hold(1)[3], &hold, &order),
        (&of_order("1")[2], &order, &hold),
    ] {
        call.clone()
            .saying(right)
            .bearing(wrong)
            .at(&shop)
            .has_status(404);
        call.clone()
            .saying(wrong)
            .bearing(right)
            .at(&shop)
            .has_status(404);
    }
    assert!(shop.contents() == before, "nothing is stored or moved");
    for (call, right) in [(&of_hold(1)[2], &hold), (&of_order("1")[2], &order)] {
        call.clone().saying(right).bearing(right).at(&shop).ok();
    }
}

#[test]
fn a_token_that_is_no_bearer_or_is_sent_twice_is_none() {
    let shop = guarded();
    let [hold, _, order, _] = two_of_each(&shop);
    let before = shop.contents();
    for (calls, right) in [(of_hold(1), &hold), (of_order("1"), &order)] {
        for call in calls {
            for value in [
                "Basic {}",
                "{}",
                "Bearer{}",
                "Bearer",
                "Bearer,{}",
                "Bearer token={}",
                "X Bearer {}",
            ] {
                let shown = call
                    .clone()
                    .with("Authorization", &value.replace("{}", right));
                shown.at(&shop).has_status(404);
            }
            let right_twice = call.clone().bearing(right).bearing(right);
            right_twice.at(&shop).has_status(404);
            let basic_too = call.clone().with("Authorization", "Basic YTpi");
            basic_too.bearing(right).at(&shop).has_status(404);
            let elsewhere = Call {
                target: format!("{}?token={right}", call.target),
                ..call
            };
            elsewhere.with("X-Token", right).at(&shop).has_status(404);
        }
    }
    assert!(shop.contents() == before, "nothing is stored or moved");
    let for_a_proxy = of_order("1")[2].clone().with("Authorization", "Basic YTpi");
    for_a_proxy.saying(&order).at(&shop).ok();
}

#[test]
fn where_tokens_are_not_required_ids_alone_do() {
    let shop = Shop::with_stock("tee", 9);
    two_of_each(&shop);
    for (hold, order, wrong) in [(1, "1", None), (2, "2", Some("wrong"))] {
        for call in of_hold(hold).into_iter().chain(of_order(order)) {
            let call = match wrong {
                Some(wrong) => call.bearing(wrong),
                None => call,
            };
            assert_ne!(call.at(&shop).status, 404, "{call:?}");
        }
    }
    shop.stock_is("tee", 9, 0, 0);
}

#[test]
fn a_token_cannot_be_guessed_from_others() {
    let shop = Shop::with_stock("tee", 1000);
    let holds: Vec<String> = (0..256).map(|_| token(shop.hold("tee", 1))).collect();
    let orders = (1..=256).map(|hold| token(shop.order(hold)));
    let all: Vec<String> = holds.into_iter().chain(orders).collect();
    assert_eq!(
        all.iter().collect::<BTreeSet<_>>().len(),
        all.len(),
        "no two are equal"
    );
    for token in &all {
        assert!(token.len() >= 32, "128 bits in hexadecimal: {token}");
        assert!(
            token.bytes().all(|byte| byte.is_ascii_hexdigit()),
            "{token}"
        );
    }
    for place in 0..all[0].len() {
        let digits: BTreeSet<u8> = all.iter().map(|token| token.as_bytes()[place]).collect();
        assert_eq!(digits.len(), 16, "every digit is seen at place {place}");
    }
    let halves: BTreeSet<&str> = all
        .iter()
        .flat_map(|token| [&token[..16], &token[16..]])
        .collect();
    assert_eq!(halves.len(), 2 * all.len(), "no half repeats another");
}

#[test]
fn each_database_has_tokens_of_its_own() {
    let shops = [(); 3].map(|()| Shop::with_stock("tee", 1));
    let tokens = shops
        .iter()
        .flat_map(|shop| [token(shop.hold("tee", 1)), token(shop.order(1))]);
    assert_eq!(tokens.collect::<BTreeSet<_>>().len(), 6);
}

fn keyed(call: Call, key: &str) -> Call {
    call.with("Idempotency-Key", key)
}

fn hold_call(quantity: i64) -> Call {
    let body = json!({"product_id": 1, "quantity": quantity});
    call(Method::Post, "/api/holds".into(), Some(body))
}

#[test]
fn a_short_key_is_refused_where_tokens_are_required() {
    let shop = guarded();
    let [hold, _, order, _] = two_of_each(&shop);
    let calls = [
        hold_call(1),
        of_hold(1)[3].clone().saying(&hold),
        of_order("1")[2].clone().saying(&order),
    ];
    let before = shop.contents();
    for call in &calls {
        for key in ["k", &KEY[1..], ""] {
            keyed(call.clone(), key)
                .at(&shop)
                .refused("invalid_idempotency_key");
        }
    }
    assert!(shop.contents() == before, "nothing is stored or moved");
    for (call, key) in
        calls
            .into_iter()
            .zip(["0123456789abcdef", "0123456789abcdeg", "0123456789abcdeh"])
    {
        let first = keyed(call.clone(), key).at(&shop);
        assert!(matches!(first.status, 200 | 201), "{}", first.body);
        let again = keyed(call, key).at(&shop);
        assert_eq!(
            (again.header("Idempotent-Replayed"), &again.bytes),
            (Some("true"), &first.bytes)
        );
    }
}

#[test]
fn a_known_key_does_not_stand_for_a_token() {
    let shop = guarded();
    let [hold, other_hold, order, other_order] = two_of_each(&shop);
    let other_key = KEY.replace('0', "1");
    for (call, nowhere, key, right, wrong) in [
        (
            of_hold(1)[3].clone(),
            of_hold(999)[3].clone(),
            KEY,
            &hold,
            &other_hold,
        ),
        (
            of_order("1")[2].clone(),
            of_order("999")[2].clone(),
            &other_key,
            &order,
            &other_order,
        ),
    ] {
        let nothing = nowhere.at(&shop).has_status(404);
        let first = keyed(call.clone().saying(right), key).at(&shop);
        assert!(matches!(first.status, 200 | 201), "{}", first.body);
        let before = shop.contents();
        let guesses = call.showing(wrong).into_iter().chain([call.clone()]);
        for guess in guesses {
            assert_eq!(
                whole(&keyed(guess.clone(), key).at(&shop)),
                whole(&nothing),
                "{guess:?}"
            );
        }
        assert!(shop.contents() == before, "nothing is stored or moved");
        for shown in call.showing(right) {
            let again = keyed(shown, key).at(&shop).has_status(first.status);
            assert_eq!(
                (again.header("Idempotent-Replayed"), &again.bytes),
                (Some("true"), &first.bytes)
            );
        }
    }
}

#[test]
fn that_a_key_was_used_for_something_else_is_told_to_whoever_shows_the_token() {
    let shop = guarded();
    let [hold, other_hold, order, other_order] = two_of_each(&shop);
    keyed(of_hold(1)[3].clone().saying(&hold), KEY)
        .at(&shop)
        .created();
    let before = shop.contents();
    for (call, nowhere, right, wrong) in [
        (
            of_hold(2)[3].clone(),
            of_hold(999)[3].clone(),
            &other_hold,
            &hold,
        ),
        (
            of_order("1")[2].clone(),
            of_order("999")[2].clone(),
            &order,
            &other_order,
        ),
    ] {
        let nothing = nowhere.at(&shop).has_status(404);
        for guess in call.showing(wrong).into_iter().chain([call.clone()]) {
            assert_eq!(
                whole(&keyed(guess.clone(), KEY).at(&shop)),
                whole(&nothing),
                "{guess:?}"
            );
        }
        for shown in call.showing(right) {
            keyed(shown, KEY)
                .at(&shop)
                .failed_with(422, "idempotency_key_reused");
        }
    }
    assert!(shop.contents() == before, "nothing is stored or moved");
}

#[test]
fn a_restart_changes_no_token_and_forgets_no_key() {
    let premises = Premises::stocked(9);
    let guarded = [("require_tokens", "true")];
    let sale = |server: &Server| {
        let hold = keyed(hold_call(2), "the-key-of-the-hold")
            .over(server)
            .is(201);
        let token = hold.body["token"].as_str().unwrap();
        let order = of_hold(1)[3].clone().saying(token);
        let order = keyed(order, "the-key-of-the-order").over(server).is(201);
        let token = order.body["token"].as_str().unwrap();
        of_order("1")[0].clone().bearing(token).over(server).is(200);
        [hold, order]
    };
    let server = wire::serve(&premises, &guarded);
    let first = sale(&server);
    server.stop();
    let server = wire::serve(&premises, &guarded);
    let again = sale(&server);
    server.kill();
    let server = wire::serve(&premises, &guarded);
    let last = sale(&server);
    for (first, replayed) in first.iter().zip(&again).chain(first.iter().zip(&last)) {
        assert!(
            !first.head.contains("Idempotent-Replayed"),
            "{}",
            first.head
        );
        assert!(
            replayed.head.contains("Idempotent-Replayed: true"),
            "{}",
            replayed.head
        );
        assert_eq!(replayed.text, first.text);
    }
    assert_eq!(server.get("/api/products/1").1["reserved_stock"], 2);
    server.stop();
    premises.books_are_right();
}

#[test]
fn equal_requests_at_once_have_one_effect_and_one_answer() {
    let premises = Premises::stocked(9);
    let server = wire::serve(&premises, &[("require_tokens", "true")]);
    let crowd = |call: Call| {
        let answers = at_once(16, |_| call.over(&server));
        let first = answers
            .iter()
            .filter(|answer| !answer.head.contains("Idempotent-Replayed: true"));
        assert_eq!(first.count(), 1, "{call:?}");
        for answer in &answers {
            assert_eq!(
                (answer.status, &answer.text),
                (answers[0].status, &answers[0].text)
            );
        }
        answers.into_iter().next().unwrap()
    };
    let hold = crowd(keyed(hold_call(2), "the-key-of-the-hold")).is(201);
    let token = hold.body["token"].as_str().unwrap();
    let order = of_hold(1)[3].clone().saying(token);
    let order = crowd(keyed(order, "the-key-of-the-order")).is(201);
    let token = order.body["token"].as_str().unwrap();
    let cancel = of_order("1")[2].clone().bearing(token);
    crowd(keyed(cancel, "the-key-of-the-cancellation")).is(200);
    let stored = contents(&premises);
    assert_eq!(
        (
            stored.holds.len(),
            stored.orders.len(),
            stored.idempotency_records.len()
        ),
        (1, 1, 3)
    );
    assert_eq!(server.get("/api/products/1").1["available_stock"], 9);
    server.stop();
    premises.books_are_right();
}
