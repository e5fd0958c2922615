//! `flashsale seed`: all of a catalogue or none of it.

use serde_json::json;

use crate::server::Premises;

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
    let premises = Premises::new();
    let first = "sku,name,price,total_stock,max_per_hold,starts_at\na,A,1.00,10,2,2024-01-01T00:00:00Z\nb,B,2,20,,\n";
    premises.run_with_input(&["seed", "-"], first).succeeded();
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
fn a_bad_row_loads_nothing_and_is_named_with_its_column() {
    for (rows, line, column) in [
        ("a,A,1.00,10\n,B,1,1\n", 3, "sku"),
        ("a,,1.00,10\n", 2, "name"),
        ("a,A,x,10\n", 2, "price"),
        ("a,A,-1,10\n", 2, "price"),
        ("a,A,1.999,10\n", 2, "price"),
        ("a,A,1e2,10\n", 2, "price"),
        ("a,A,10000000.01,10\n", 2, "price"),
        ("a,A,1,-1\n", 2, "total_stock"),
        ("a,A,1,1.5\n", 2, "total_stock"),
        ("a,A,1,2147483648\n", 2, "total_stock"),
        ("a,A,1,\n", 2, "total_stock"),
        ("a,A,1\n", 2, "total_stock"),
        ("a,A,1,1\nb,B,1,1\na,A,1,1\n", 4, "sku"),
        ("\"a\nb\",A,1,1\n", 2, "sku"),
        ("a,\"A\n\",1,1\nb,B,1,x\n", 4, "total_stock"),
    ] {
        let premises = Premises::new();
        let catalogue = format!("sku,name,price,total_stock\n{rows}");
        let ran = premises
            .run_with_input(&["seed", "-"], &catalogue)
            .exited(65);
        ran.complains(&format!("line {line}, column {column}"));
        assert!(
            !premises.path().join("flash_sale.db").exists(),
            "nothing is made of bad input"
        );
    }
}

#[test]
fn a_bad_header_is_named() {
    for (header, about) in [
        ("sku,name,price,total_stock,colour", "line 1, column colour"),
        ("sku,name,price", "line 1, column total_stock"),
        ("sku,name,price,total_stock,sku", "line 1, column sku"),
        ("", "line 1"),
    ] {
        Premises::new()
            .run_with_input(&["seed", "-"], &format!("{header}\n"))
            .exited(65)
            .complains(about);
    }
}

#[test]
fn bad_json_is_named_with_its_line() {
    for (catalogue, about) in [
        (
            "[\n{\"sku\":\"a\",\"name\":\"A\",\"price\":1,\"total_stock\":1},\n{\"sku\":\"b\"}]",
            "line 3, column name",
        ),
        (
            "[\n{\"sku\":\"a\",\"name\":\"A\",\"price\":\"1\",\"total_stock\":1}]",
            "line 2, column price",
        ),
        (
            "[\n{\"sku\":\"a\",\"name\":\"A\",\"price\":1,\"total_stock\":1,\"colour\":1}]",
            "line 2, column colour",
        ),
        (
            "[\n{\"sku\":\"a\",\"sku\":\"b\",\"name\":\"A\",\"price\":1,\"total_stock\":1}]",
            "line 2, column sku",
        ),
        ("[\n1]", "line 2"),
        ("[\n{]", "line 2"),
        ("{}", "line 1"),
    ] {
        Premises::new()
            .run_with_input(&["seed", "-"], catalogue)
            .exited(65)
            .complains(about);
    }
}

#[test]
fn a_window_must_open_before_it_closes() {
    let catalogue = "sku,name,price,total_stock,starts_at,ends_at\n\
        a,A,1,1,2024-01-02T00:00:00Z,2024-01-03T00:00:00Z\nb,B,1,1,2024-01-02T00:00:00Z,2024-01-01T00:00:00Z\n";
    let premises = Premises::new();
    premises
        .run_with_input(&["seed", "-"], catalogue)
        .exited(65)
        .complains("line 3, column ends_at");
    let server = premises.serve();
    assert_eq!(server.get("/api/products/1").0, 404, "nothing is loaded");
    server.stop();
}

#[test]
fn the_stock_never_falls_below_what_is_reserved_and_sold() {
    let premises = Premises::stocked(10);
    let server = premises.serve();
    server.hold(4);
    let seed = |stock: i64| {
        premises.run_with_input(
            &["seed", "-"],
            &format!("sku,name,price,total_stock\ntee,Tee,99.99,{stock}\n"),
        )
    };
    seed(3).exited(65).complains("line 2, column total_stock");
    assert_eq!(server.get("/api/products/1").1["total_stock"], 10);
    seed(4).succeeded();
    assert_eq!(server.get("/api/products/1").1["available_stock"], 0);
    server.stop();
    premises.books_are_right();
}

#[test]
fn a_missing_file_and_bytes_that_are_no_text_are_told() {
    let premises = Premises::new();
    premises
        .run(&["seed", "missing.csv"])
        .exited(66)
        .complains("missing.csv");
    std::fs::write(
        premises.path().join("latin.csv"),
        b"sku,name,price,total_stock\na,\xe9,1,1\n",
    )
    .unwrap();
    premises
        .run(&["seed", "latin.csv"])
        .exited(65)
        .complains("line 2");
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
        .run_with_input(&["seed", "-"], &catalogue)
        .exited(65)
        .complains("line 25002, column total_stock");
    premises.books_are_right();
}

#[test]
fn lines_are_counted_as_an_editor_counts_them() {
    for (catalogue, about) in [
        (
            "sku,name,price,total_stock\r\nA,a,1,1\r\nB,b,1,1\r\nC,c,1,q\r\n",
            "line 4, column total_stock",
        ),
        (
            "sku,name,price,total_stock\nA,a,1,1\n\n\nC,c,1,q\n",
            "line 5, column total_stock",
        ),
        (
            "sku,name,price,total_stock\rA,a,1,1\rC,c,1,q\r",
            "line 3, column total_stock",
        ),
        (
            "sku,name,price,total_stock\r\nA,a,1,1\r\nB,b,1,1\r\nA,c,1,1\r\n",
            "line 4, column sku: \"A\" stands in line 2",
        ),
        (
            "sku,name,price,total_stock\r\nA,\"a\r\nb\",1,1\r\nC,c,1,q\r\n",
            "line 2, column name",
        ),
    ] {
        Premises::new()
            .run_with_input(&["seed", "-"], catalogue)
            .exited(65)
            .complains(about);
    }
}
