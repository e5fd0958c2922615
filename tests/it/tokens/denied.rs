//! The wrong token, or none: what is there looks like what is not.

use flashsale::http::Method;
use flashsale::sale::TokenKind;
use serde_json::{Value, json};

use super::{Call, by_path_of_hold, guarded, of_hold, of_order, two_of_each};
use crate::server::Premises;
use crate::shop::Shop;
use crate::wire;

/// The same of one that came over a socket; when and to whom it was said aside.
fn whole_of_wire(answer: &wire::Answer) -> (Vec<String>, String) {
    let lines = answer.head.lines();
    let lines =
        lines.filter(|line| !line.starts_with("Date:") && !line.starts_with("X-Request-Id"));
    (lines.map(str::to_owned).collect(), answer.text.clone())
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

/// Calls of what is there, without its token, are answered as those of what is nowhere.
#[track_caller]
fn are_denied(shop: &Shop, calls: Vec<(Call, Call)>, code: &str, right: &str, others: &[&String]) {
    let before = shop.contents();
    for (call, nowhere) in calls {
        let nothing = nowhere.at(shop).failed_with(404, code);
        let wrong = wrong_tokens(right, others);
        let shown = wrong.iter().flat_map(|wrong| call.showing(wrong));
        for denied in shown.chain(nowhere.showing(right)).chain([call.clone()]) {
            assert_eq!(denied.at(shop).whole(), nothing.whole(), "{denied:?}");
        }
    }
    assert!(shop.contents() == before, "nothing is stored or moved");
}

#[test]
fn whoever_lacks_the_token_of_a_hold_is_told_that_there_is_none() {
    let shop = guarded();
    let [mine, theirs, order, their_order] = two_of_each(&shop);
    let calls = of_hold(1).into_iter().zip(of_hold(999)).collect();
    let others = [&theirs, &order, &their_order];
    are_denied(&shop, calls, "hold_not_found", &mine, &others);
}

#[test]
fn whoever_lacks_the_token_of_an_order_is_told_that_there_is_none() {
    let shop = guarded();
    let [mine, theirs, order, their_order] = two_of_each(&shop);
    let calls = of_order("1").into_iter().zip(of_order("999")).collect();
    let others = [&mine, &theirs, &their_order];
    are_denied(&shop, calls, "order_not_found", &order, &others);
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
            assert_eq!(call.at(&shop).whole(), nothing.whole(), "{call:?}");
            for shown in call.showing(&hold).into_iter().chain(call.showing(&order)) {
                assert_eq!(shown.at(&shop).whole(), nothing.whole(), "{shown:?}");
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
            assert_eq!(shown.at(&shop).whole(), nothing.whole(), "{shown:?}");
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
    let before = premises.contents();
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
    assert!(premises.contents() == before, "nothing is stored or moved");
    server.stop();
    premises.books_are_right();
}
