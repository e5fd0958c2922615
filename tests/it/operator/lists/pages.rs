//! Lists by the page: each row once, newest first, and what a list may be asked by.

use std::time::Duration;

use super::{LISTS, late_payment, numbers, rows};
use crate::shop::{Shop, item};

/// Five rows of each list, or more.
fn five_of_each(shop: &Shop) {
    for index in 0..5 {
        late_payment(shop, &format!("late-{index}"));
    }
}

#[test]
fn pages_give_each_row_once_newest_first_whatever_happens_meanwhile() {
    let shop = Shop::operated(vec![item("tee", 1000)]);
    five_of_each(&shop);
    for (path, name) in LISTS {
        let all = || {
            let newest = numbers(&shop.admin_get(&format!("{path}?limit=1")).ok(), name);
            (1..=newest[0]).rev().collect::<Vec<_>>()
        };
        assert!(all().len() >= 5, "{path}");
        for limit in [1, 4, 100] {
            let expected = all();
            let (mut found, mut cursor) = (Vec::new(), String::new());
            loop {
                let page = shop
                    .admin_get(&format!("{path}?limit={limit}{cursor}"))
                    .ok();
                assert!(rows(&page).len() <= limit, "{path}");
                found.extend(numbers(&page, name));
                let Some(next) = page.body["next_cursor"].as_str() else {
                    break;
                };
                assert_eq!(rows(&page).len(), limit, "only the last page is short");
                cursor = format!("&cursor={next}");
                late_payment(&shop, &format!("{path}-{limit}-{cursor}").replace('/', "-"));
                shop.after(Duration::from_secs(1));
            }
            assert_eq!(found, expected, "{path}?limit={limit}");
        }
    }
}

#[test]
fn a_page_has_fifty_rows_or_as_many_as_are_asked_for_up_to_a_hundred() {
    let shop = Shop::operated(vec![item("tee", 1000)]);
    for _ in 0..100 {
        shop.hold("tee", 1).created();
    }
    let count = |target: &str| {
        let answer = shop.admin_get(target).ok();
        (rows(&answer).len(), answer.body["next_cursor"].is_null())
    };
    assert_eq!(count("/holds"), (50, false));
    assert_eq!(count("/holds?limit=1"), (1, false));
    assert_eq!(count("/holds?limit=99"), (99, false));
    assert_eq!(count("/holds?limit=100"), (100, true));
    shop.hold("tee", 1).created();
    assert_eq!(count("/holds?limit=100"), (100, false));
}

#[test]
fn what_a_list_is_not_asked_by_is_refused() {
    let shop = Shop::operated(vec![item("tee", 1000)]);
    five_of_each(&shop);
    let cursor_of = |path: &str| {
        let page = shop.admin_get(&format!("{path}?limit=2")).ok();
        page.body["next_cursor"].as_str().unwrap().to_owned()
    };
    let products = {
        shop.admin_post("/products", r#"{"name":"Cap","price":1,"total_stock":1}"#)
            .created();
        let page = shop.get("/api/products?limit=1").ok();
        page.body["next_cursor"].as_str().unwrap().to_owned()
    };
    let cursors = LISTS.map(|(path, _)| (path, cursor_of(path)));
    shop.admin_get(&format!("/products/2/movements?cursor={}", cursors[4].1))
        .invalid("cursor");
    for (path, _) in LISTS {
        let own = cursor_of(path);
        shop.admin_get(&format!("{path}?cursor={own}")).ok();
        for limit in ["0", "101", "abc", "-1", "1.5", "", "1e1", "%31%30%31"] {
            shop.admin_get(&format!("{path}?limit={limit}"))
                .invalid("limit");
        }
        let (number, proof) = own.split_once('.').unwrap();
        let made_up = format!("{}.{proof}", number.parse::<i64>().unwrap() + 1);
        let others = cursors.iter().filter(|(other, _)| *other != path);
        let others = others.map(|(_, cursor)| cursor.as_str());
        let wrong = ["", "x", number, &made_up, &own[1..], &own[..own.len() - 1]];
        for cursor in others.chain(wrong).chain([products.as_str()]) {
            shop.admin_get(&format!("{path}?cursor={cursor}"))
                .invalid("cursor");
        }
        for unknown in ["x=1", "Limit=1", "statu=active", "%78=1"] {
            let name = unknown.replace("%78", "x");
            shop.admin_get(&format!("{path}?limit=1&{unknown}"))
                .invalid(name.split('=').next().unwrap());
        }
        shop.admin_get(&format!("{path}?limit=1&limit=1"))
            .invalid("limit");
        shop.admin_get(&format!("{path}?cursor={own}&cursor={own}"))
            .invalid("cursor");
        shop.admin_get(&format!("{path}?limit=0&cursor=x&y=z"))
            .invalid("limit")
            .invalid("cursor")
            .invalid("y");
    }
}

#[test]
fn what_a_list_is_not_narrowed_by_is_refused() {
    let shop = Shop::operated(vec![item("tee", 1000)]);
    five_of_each(&shop);
    for (path, known, unknown) in [
        ("/holds", "status", "verdict"),
        ("/orders", "status", "verdict"),
        ("/payments", "verdict", "status"),
    ] {
        for value in ["sold", "Active", "", "%20active"] {
            shop.admin_get(&format!("{path}?{known}={value}"))
                .invalid(known);
        }
        for (name, value) in [
            ("product_id", "0"),
            ("product_id", "abc"),
            ("product_id", ""),
            ("product_id", "9007199254740993"),
            ("customer", ""),
            ("customer", "%20ada"),
            ("customer", "%00"),
            (unknown, "active"),
        ] {
            shop.admin_get(&format!("{path}?{name}={value}"))
                .invalid(name);
        }
        for twice in ["product_id=1", "customer=ada", &format!("{known}=x")] {
            shop.admin_get(&format!("{path}?{twice}&{twice}"))
                .invalid(twice.split('=').next().unwrap());
        }
    }
    for path in ["/refunds", "/products/1/movements", "/stats"] {
        for filter in ["product_id", "status", "verdict", "customer"] {
            shop.admin_get(&format!("{path}?{filter}=1"))
                .invalid(filter);
        }
    }
}
