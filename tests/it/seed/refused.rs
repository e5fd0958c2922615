//! What is refused, with the line and the column where it stands, and nothing of it loaded.

use serde_json::json;

use super::{HEADER, refused};
use crate::server::Premises;

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
        let ran = premises.seed(&catalogue).exited(65);
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
        refused(&format!("{header}\n")).complains(about);
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
        refused(catalogue).complains(about);
    }
}

#[test]
fn a_window_must_open_before_it_closes() {
    let catalogue = "sku,name,price,total_stock,starts_at,ends_at\n\
        a,A,1,1,2024-01-02T00:00:00Z,2024-01-03T00:00:00Z\nb,B,1,1,2024-01-02T00:00:00Z,2024-01-01T00:00:00Z\n";
    let premises = Premises::new();
    premises
        .seed(catalogue)
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
        premises.seed(&format!(
            "sku,name,price,total_stock\ntee,Tee,99.99,{stock}\n"
        ))
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
        refused(catalogue).complains(about);
    }
}

#[test]
fn all_bad_rows_are_named_but_no_more_than_20() {
    let premises = Premises::new();
    let rows =
        "a,A,x,1\nb,B,1,1\n\n,,,\nc,,1,x\na,A,1,1\nb,B,1,1\n\"d\nd\",D,1,1\ne,E,1,1,1\nf,F,-1,-1\n";
    let ran = premises.seed(&format!("sep=,\n{HEADER}{rows}"));
    let ran = ran.exited(65);
    let told = ran.stderr();
    let lines: Vec<&str> = told.lines().collect();
    assert_eq!(lines.len(), 7, "{told}");
    assert_eq!(
        lines[0],
        "flashsale: stdin: 6 rows are wrong, and nothing is loaded:"
    );
    for (line, begins) in lines[1..].iter().zip([
        "  line 3, column price: ",
        "  line 7, column name: ",
        "  line 9, column sku: \"b\" stands in line 4 already",
        "  line 10, column sku: ",
        "  line 12: 5 cells under 4 columns",
        "  line 13, column price: ",
    ]) {
        assert!(line.starts_with(begins), "{line}");
    }
    assert!(lines[2].contains("; column total_stock: "), "{told}");
    let many: String = (0..50)
        .map(|number| format!("sku-{number},A,1,x\n"))
        .collect();
    let ran = premises.seed(&format!("{HEADER}{many}"));
    let told = ran.exited(65).stderr();
    assert_eq!(told.lines().count(), 22, "{told}");
    assert!(told.ends_with("\n  and 30 more\n"), "{told}");
    assert!(!premises.path().join("flash_sale.db").exists());
}

#[test]
fn all_rows_that_the_sale_refuses_are_named() {
    let catalogue = |stock| format!("{HEADER}a,A,1,{stock}\nb,B,1,{stock}\nc,C,1,{stock}\n");
    let premises = Premises::selling(&catalogue(10));
    let server = premises.serve();
    for product in [1, 3] {
        let wish = json!({"product_id": product, "quantity": 5});
        assert_eq!(server.post("/api/holds", &wish).0, 201);
    }
    for arguments in [&["seed", "-"][..], &["seed", "--dry-run", "-"]] {
        premises
            .run_with_input(arguments, &catalogue(4))
            .exited(65)
            .complains("stdin: 2 rows are wrong")
            .complains(
                "line 2, column total_stock: it would fall below the 5 units reserved and sold",
            )
            .complains("line 4, column total_stock: ");
    }
    assert_eq!(
        server.get("/api/products/2").1["total_stock"],
        10,
        "nothing is loaded"
    );
    server.stop();
    premises.books_are_right();
}
