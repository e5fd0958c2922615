//! No formula for a spreadsheet, and nothing that must be told to nobody.

use serde_json::json;

use super::{ADMIN_TOKEN, TABLES, history};
use crate::server::Premises;
use crate::wire::post_with_key;

#[test]
fn no_cell_that_others_wrote_is_a_formula() {
    let premises = Premises::stocked(10);
    let server = premises.serve_operator();
    history(&premises, &server);
    server.stop();
    for (table, column, cells) in [
        ("orders", "transaction_id", &["'@SUM(A1)", ""][..]),
        (
            "holds",
            "customer",
            &[
                "'=HYPERLINK(\"http://evil.example\",\"open me\")",
                "'+1",
                "'-1",
                "'＝1",
                "",
            ],
        ),
        (
            "payments",
            "idempotency_key",
            &["'=1+1", "'-2", "'@early", "odd"],
        ),
        (
            "payments",
            "amount",
            &["199.98", "'=1+1", "", "{\"a\":\n\"=1\"}"],
        ),
        (
            "payments",
            "transaction_id",
            &["'@SUM(A1)", "'＋1", "", "t \"1\", ä 山"],
        ),
        ("payments", "note", &["", "'-by hand", "", ""]),
    ] {
        assert_eq!(premises.column(table, column), cells, "{table} {column}");
    }
    let reasons = premises.column("movements", "reason");
    assert_eq!(
        reasons[reasons.len() - 2..],
        ["'@restocked, \"too\"", "lost, \"too\" – ä"]
    );
    assert_eq!(
        premises.json_lines("payments")[0]["idempotency_key"],
        "=1+1",
        "programs get what was sent"
    );
}

#[test]
fn an_export_holds_no_payload_no_token_and_no_key_of_a_request() {
    let premises = Premises::stocked(10);
    let server = premises.serve_operator();
    history(&premises, &server);
    let wish = json!({"product_id": 1, "quantity": 1});
    let hold = post_with_key(&server, "/api/holds", "a-buyer's-key", &wish);
    let token = hold.body["token"].as_str().unwrap().to_owned();
    server.stop();
    let secret: Vec<u8> = premises
        .database()
        .query_row("select token_secret from meta", [], |row| row.get(0))
        .unwrap();
    for (table, _, _) in TABLES {
        for format in ["csv", "json"] {
            let ran = premises.export(&[table, "--format", format]).succeeded();
            let bytes = [ran.0.stdout, ran.0.stderr].concat();
            for secret in [
                b"secret-iban",
                ADMIN_TOKEN.as_bytes(),
                b"a-buyer's-key",
                token.as_bytes(),
                &secret,
            ] {
                let found = bytes.windows(secret.len()).any(|bytes| bytes == secret);
                assert!(!found, "{table}: {}", String::from_utf8_lossy(secret));
            }
        }
    }
}
