//! Rows that SQLite takes, and nobody can read.

use serde_json::json;

use crate::server::Premises;
use crate::wire::post_with_key;

/// No constraint says so: SQLite takes any bytes for a text.
#[test]
fn verify_finds_what_cannot_be_read_and_no_error_quotes_it() {
    for tampering in [
        "update products set name = cast(x'ff' as text)",
        "update holds set customer = cast(x'ff' as text)",
        "update replays set key = 'no key ever has spaces'",
    ] {
        let premises = Premises::stocked(10);
        let server = premises.serve();
        let wish = json!({"product_id": 1, "quantity": 1, "customer": "ada"});
        post_with_key(&server, "/api/holds", "key-1", &wish).is(201);
        server.stop();
        premises.database().execute_batch(tampering).unwrap();
        let verified = premises.run(&["verify", "--format", "json"]).exited(1);
        let checks = verified.json()["checks"].clone();
        let mut checks = checks.as_array().unwrap().iter();
        let found = checks.find(|check| check["name"] == "every row can be read");
        assert_eq!(found.unwrap()["broken"], 1, "{tampering}");
        if tampering.contains("replays") {
            let refused = premises
                .run(&["serve", "--listen", "127.0.0.1:0"])
                .exited(65);
            assert!(!refused.stderr().contains("no key"), "{}", refused.stderr());
        }
    }
}
