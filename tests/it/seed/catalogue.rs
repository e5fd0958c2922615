//! What a catalogue loads: rows that are new, known or unchanged, from a file, from stdin, or the sample.

use serde_json::json;

use super::HEADER;
use crate::server::{Premises, Ran};

#[test]
fn the_sample_catalogue_is_loaded_once() {
    let premises = Premises::new();
    let seeded = premises.run(&["seed", "--format", "json"]).succeeded();
    assert_eq!(
        seeded.json(),
        json!({"inserted": 4, "updated": 0, "unchanged": 0})
    );
    let again = premises.run(&["seed"]).succeeded();
    assert_eq!(again.stdout(), "inserted: 0\nupdated: 0\nunchanged: 4\n");
    premises.books_are_right();
}

#[test]
fn a_known_sku_is_updated_and_an_unknown_one_inserted() {
    let first = "sku,name,price,total_stock,max_per_hold,starts_at\na,A,1.00,10,2,2024-01-01T00:00:00Z\nb,B,2,20,,\n";
    let premises = Premises::selling(first);
    let second = "name,sku,total_stock,price,max_per_hold\nA,a,15,1,\nB,b,20,2.0,\nC,c,0,0.5,1\n";
    let counts = premises
        .run_with_input(&["seed", "-", "--format", "json"], second)
        .succeeded()
        .json();
    assert_eq!(counts, json!({"inserted": 1, "updated": 1, "unchanged": 1}));
    let server = premises.serve();
    let (_, product) = server.get("/api/products/1");
    assert_eq!(
        (&product["total_stock"], &product["max_per_hold"]),
        (&json!(15), &json!(null)),
        "an empty cell clears"
    );
    assert_eq!(
        product["starts_at"], "2024-01-01T00:00:00.000000Z",
        "an absent column keeps"
    );
    server.stop();
    premises.books_are_right();
}

#[test]
fn json_is_a_catalogue_too() {
    let premises = Premises::new();
    let catalogue = r#"[
        {"sku": "a", "name": "A", "price": 99.99, "total_stock": 10, "ends_at": "2099-01-01T00:00:00+02:00"},
        {"sku": "b", "name": "B", "price": 100, "total_stock": 20, "max_per_customer": 3}
    ]"#;
    let file = premises.file("catalogue.json", catalogue);
    let counts = premises
        .run(&["seed", file.to_str().unwrap(), "--format", "json"])
        .succeeded()
        .json();
    assert_eq!(counts["inserted"], 2);
    let server = premises.serve();
    assert_eq!(
        server.get("/api/products/1").1["ends_at"],
        "2098-12-31T22:00:00.000000Z"
    );
    assert_eq!(server.get("/api/products/2").1["max_per_customer"], 3);
    server.stop();
}

#[test]
fn a_large_catalogue_is_loaded_whole() {
    let premises = Premises::new();
    let mut catalogue = String::from("sku,name,price,total_stock\n");
    for number in 0..25_000 {
        catalogue.push_str(&format!(
            "sku-{number},Product {number},{}.99,100\n",
            number % 1000
        ));
    }
    let counts = premises
        .run_with_input(&["seed", "-", "--format", "json"], &catalogue)
        .succeeded()
        .json();
    assert_eq!(counts["inserted"], 25_000);
    let counts = premises
        .run_with_input(&["seed", "-", "--format", "json"], &catalogue)
        .succeeded()
        .json();
    assert_eq!(counts["unchanged"], 25_000);
    catalogue.push_str("bad,Bad,1.00,x\n");
    premises
        .seed(&catalogue)
        .exited(65)
        .complains("line 25002, column total_stock");
    premises.books_are_right();
}

#[test]
fn a_sku_is_one_however_it_was_typed() {
    let catalogue = |sku: &str, stock: i64| format!("{HEADER}{sku},Café,1,{stock}\n");
    let premises = Premises::selling(&catalogue("caf\u{e9}", 7));
    premises
        .seed(&catalogue("cafe\u{301}", 10))
        .succeeded()
        .prints("caf\u{e9}: total_stock 7 → 10\n");
    let twice = format!("{HEADER}caf\u{e9},A,1,1\ncafe\u{301},B,1,1\n");
    premises
        .seed(&twice)
        .exited(65)
        .complains("line 3, column sku: \"caf\u{e9}\" stands in line 2 already");
    let twice = "[{\"sku\":\"caf\u{e9}\",\"name\":\"A\",\"price\":1,\"total_stock\":1},\n\
        {\"sku\":\"cafe\\u0301\",\"name\":\"A\",\"price\":1,\"total_stock\":1}]";
    premises
        .seed(twice)
        .exited(65)
        .complains("line 2, column sku: ");
}

#[test]
fn a_catalogue_at_stdin_is_never_ignored() {
    let premises = Premises::new();
    premises
        .run_with_input(&["seed"], &format!("{HEADER}a,A,1,1\n"))
        .exited(2)
        .complains("flashsale seed -");
    let file = premises.file("catalogue.csv", &format!("{HEADER}a,A,1,1\n"));
    let mut command = premises.command(&["seed"]);
    command.stdin(std::fs::File::open(&file).unwrap());
    Ran(command.output().unwrap())
        .exited(2)
        .complains("`flashsale seed -`");
    assert!(!premises.path().join("flash_sale.db").exists());
    let mut command = premises.command(&["seed", "catalogue.csv"]);
    command.stdin(std::fs::File::open(&file).unwrap());
    Ran(command.output().unwrap()).succeeded();
    premises.run(&["seed"]).succeeded();
}

/// A Mac and a Windows machine may have typed the names of a database that is older than their normalization.
#[test]
fn names_of_an_older_database_are_found_however_they_were_typed() {
    let premises = Premises::of_version_1();
    let renamed = "update products set sku = 'cafe\u{301}', max_per_customer = 2, version = 4, available = 8, reserved = 2;
         update holds set customer = 'a\u{200b}da';
         update orders set customer = 'a\u{200b}da';
         insert into holds values (2, 1, 2, 9999, 'zoe\u{308}', 'active', 253402300799000000);
         insert into movements values (1, 4, 1795385411654010, 'hold_placed', -2, 2, 0, 2, null, null);
         insert into products values (2, 'ta\u{303}', 'twin', 1, 0, 0, 0, 0, 1, null, null, null, null, 0);
         insert into products values (3, 't\u{e3}', 'twin', 1, 0, 0, 0, 0, 1, null, null, null, null, 0);
         insert into movements values (2, 1, 1795385410507712, 'stocked', 0, 0, 0, null, null, null);
         insert into movements values (3, 1, 1795385410507712, 'stocked', 0, 0, 0, null, null, null);
         update meta set next_product = 4, next_hold = 3;";
    premises.database().execute_batch(renamed).unwrap();
    let catalogue = format!("{HEADER}caf\u{e9},Tee,99.99,12\nt\u{e3},twin,0.01,0\n");
    premises
        .seed(&catalogue)
        .succeeded()
        .prints("caf\u{e9}: total_stock 10 → 12\ninserted: 0\nupdated: 1\nunchanged: 1\n");
    let server = premises.serve();
    let wish = json!({"product_id": 1, "quantity": 1, "customer": "zo\u{eb}"});
    let (status, refused) = server.post("/api/holds", &wish);
    assert_eq!((status, &refused["code"]), (400, &json!("limit_exceeded")));
    server.stop();
    premises.books_are_right();
    let exported = premises.run(&["export", "orders"]).succeeded().stdout();
    assert!(
        exported.contains(",a\u{200b}da,"),
        "what is asked for now was not asked for then: {exported}"
    );
}
