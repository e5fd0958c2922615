//! Which names are one customer.

use serde_json::json;

use super::{ask, premises, used};

/// One name that a Mac and a Windows keyboard spell with different bytes.
const COMPOSED: &str = "Zo\u{eb} O\u{308}zil";
const DECOMPOSED: &str = "Zoe\u{308} \u{d6}zil";

#[test]
fn a_name_that_looks_the_same_is_the_same_customer() {
    let premises = premises();
    let server = premises.serve();
    assert_eq!(ask(&server, COMPOSED, 3, None).0, 201);
    let (status, refused) = ask(&server, DECOMPOSED, 3, None);
    assert_eq!((status, &refused["code"]), (400, &json!("limit_exceeded")));
    assert_eq!(refused["used"], 3);
    let key = Some("0d9c1a52-8f61-4b0e-9a3e-5d2f7c1b6e44");
    let (_, first) = ask(&server, DECOMPOSED, 1, key);
    assert_eq!(
        ask(&server, COMPOSED, 1, key),
        (201, first),
        "the same request, however its name was typed"
    );
    server.stop();
    let normalized = "Zo\u{eb} \u{d6}zil".to_owned();
    assert_eq!(used(&premises.contents()), [(normalized, 4)].into());
}

#[test]
fn a_customer_has_no_character_that_nobody_sees() {
    let premises = premises();
    let server = premises.serve();
    for unseen in [
        "\u{0}",
        "\n",
        "\u{7f}",
        "\u{ad}",
        "\u{200b}",
        "\u{200c}",
        "\u{200d}",
        "\u{200e}",
        "\u{202e}",
        "\u{2066}",
        "\u{2060}",
        "\u{feff}",
        "\u{e0061}",
    ] {
        for customer in [
            format!("a{unseen}da"),
            format!("ada{unseen}"),
            format!("{unseen}ada"),
        ] {
            let (status, refused) = ask(&server, &customer, 1, None);
            assert_eq!(status, 422, "{customer:?}");
            assert!(refused["errors"]["customer"].is_array(), "{refused}");
        }
    }
    assert_eq!(ask(&server, &"e\u{301}".repeat(128), 1, None).0, 201);
    assert_eq!(ask(&server, &"e\u{301}".repeat(129), 1, None).0, 422);
    server.stop();
}
