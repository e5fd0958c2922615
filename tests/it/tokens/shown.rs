//! How a token is shown, and what one is.

use std::collections::BTreeSet;

use super::{Call, guarded, of_hold, of_order, token, two_of_each};
use crate::shop::Shop;

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
