//! `flashsale seed`: all of a catalogue or none of it.

use serde_json::{Value, json};

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

const HEADER: &str = "sku,name,price,total_stock\n";

/// What `GET` tells of the first product.
fn first_product(premises: &Premises) -> Value {
    let server = premises.serve();
    let (status, product) = server.get("/api/products/1");
    assert_eq!(status, 200, "{product}");
    server.stop();
    product
}

#[test]
fn what_spreadsheets_save_is_read() {
    for (catalogue, price) in [
        (
            "\u{feff}sku;name;price;total_stock\r\nVINYL;Signed Vinyl;35,00;300\r\n",
            35.0,
        ),
        (
            "sep=;\r\nsku;name;price;total_stock\r\nVINYL;Signed Vinyl;35.00;300\r\n",
            35.0,
        ),
        (
            "\u{feff}sep=;\nsku;name;price;total_stock\nVINYL;Signed Vinyl;35,5;300\n",
            35.5,
        ),
        (
            "sep=,\nsku,name,price,total_stock\nVINYL,Signed Vinyl,35,300\n",
            35.0,
        ),
        (
            "sku,name,price,total_stock\r\nVINYL,Signed Vinyl,35.00,300\r\n,,,\r\n,,,\r\n",
            35.0,
        ),
        (
            "sku;name;price;total_stock\n;;;\n\n;\n \t; ;\nVINYL;\"Signed Vinyl\";35,00;300\n\"\";;;",
            35.0,
        ),
        (
            "\n,,,\n\"sku\",\"name\",\"price\",\"total_stock\"\n\"VINYL\",\"Signed Vinyl\",\"35.00\",\"300\"",
            35.0,
        ),
        (
            "sku,name,price,total_stock\nVINYL , Signed Vinyl,35.00,300",
            35.0,
        ),
    ] {
        let premises = Premises::new();
        premises
            .run_with_input(&["seed", "-"], catalogue)
            .succeeded();
        let product = first_product(&premises);
        let told = ["name", "price", "total_stock"].map(|field| product[field].clone());
        assert_eq!(
            told,
            [json!("Signed Vinyl"), json!(price), json!(300)],
            "{catalogue}"
        );
    }
}

#[test]
fn quotes_and_separators_inside_of_quotes_are_kept() {
    let premises = Premises::new();
    let catalogue = "sku;name;price;total_stock\nV;\"12\"\" Vinyl; red, \"\"signed\"\"\";1;1\n";
    premises
        .run_with_input(&["seed", "-"], catalogue)
        .succeeded();
    assert_eq!(
        first_product(&premises)["name"],
        "12\" Vinyl; red, \"signed\""
    );
}

#[test]
fn a_quote_in_the_wrong_place_is_refused_and_never_loaded_altered() {
    for (row, column) in [
        ("VINYL,\"Signed 12\" Vinyl\",35.00,300", "name"),
        ("VINYL,Signed 12\" Vinyl,35.00,300", "name"),
        ("VINYL,12\",35.00,300", "name"),
        ("VINYL, \"Signed Vinyl\",35.00,300", "name"),
        ("VINYL,\"Signed Vinyl\" ,35.00,300", "name"),
        ("VINYL,\"Signed Vinyl,35.00,300", "name"),
        ("\"VINYL,Signed Vinyl,35.00,300", "sku"),
        ("VINYL,Signed Vinyl,35.00,\"300", "total_stock"),
        ("VINYL,\"Signed \\\"Vinyl\\\"\",35.00,300", "name"),
    ] {
        let premises = Premises::new();
        let catalogue = format!("{HEADER}CD,CD,1.00,5\n{row}\nMC,MC,1.00,x\n");
        premises
            .run_with_input(&["seed", "-"], &catalogue)
            .exited(65)
            .complains(&format!("line 3, column {column}: "))
            .complains("line 4, column total_stock: ");
    }
    Premises::new()
        .run_with_input(&["seed", "-"], "sku,na\"me,price,total_stock\nA,a,1,1\n")
        .exited(65)
        .complains("line 1: a quote stands inside");
}

#[test]
fn what_a_spreadsheet_or_a_program_has_spoilt_is_explained() {
    for (row, said) in [
        (
            "VINYL,Signed Vinyl,35.0,300.0",
            "column total_stock: it must be a whole number from 0 to 2147483647, not 300.0: that is how a program writes a whole number that it took for a decimal one; write 300\n",
        ),
        (
            "VINYL,Signed Vinyl,35.0,\"1,200\"",
            "without separators between the thousands: 1200",
        ),
        ("VINYL,Signed Vinyl,35.0,1.2E+03", "write all of its digits"),
        (
            "4.01235E+12,Mangled EAN,35.00,300",
            "column sku: 4.01235E+12 is what a spreadsheet or a program makes of a long number",
        ),
        (
            "\"4,01235E+12\",Mangled EAN,35.00,300",
            "column sku: 4,01235E+12 is what",
        ),
        (
            "VINYL,Signed Vinyl,\"35,00\",300",
            "a decimal comma is read where semicolons separate the cells",
        ),
        ("VINYL,Signed Vinyl,35,00,300", "5 cells under 4 columns"),
        (
            "VINYL,Signed Vinyl,\"1,200.00\",300",
            "without separators between the thousands",
        ),
        (
            "VINYL,Signed Vinyl,35.00 €,300",
            "write digits alone, like 35.00",
        ),
        (
            "VI\u{200b}NYL,Signed Vinyl,35.00,300",
            "column sku: it must be 1 to 255 characters without control or format characters, not VI\\u{200b}NYL: there is the character U+200B in it, which nobody sees",
        ),
        (
            "VINYL,\"Signed\nVinyl\",35.00,300",
            "column name: it must be 1 to 255 characters without control characters, not Signed\\nVinyl: there is a line break in it",
        ),
    ] {
        Premises::new()
            .run_with_input(&["seed", "-"], &format!("{HEADER}{row}\n"))
            .exited(65)
            .complains("line 2")
            .complains(said);
    }
    let german = "sku;name;price;total_stock\nA;a;1.234,56;1.000\nB;b;1,234;300,0\n";
    Premises::new()
        .run_with_input(&["seed", "-"], german)
        .exited(65)
        .complains("line 2, column price: ")
        .complains("column total_stock: it must be a whole number from 0 to 2147483647, not 1.000: write it without separators between the thousands: 1000")
        .complains("line 3, column price: ")
        .complains("write 300\n");
    let json = r#"[{"sku": 4012350000000, "name": "A", "price": "35.00", "total_stock": 300.0}]"#;
    Premises::new()
        .run_with_input(&["seed", "-"], json)
        .exited(65)
        .complains("line 1, column sku: ")
        .complains("a text stands in JSON in quotes")
        .complains("column price: ")
        .complains("a number stands in JSON without quotes")
        .complains("column total_stock: ")
        .complains("write 300");
    let shortened = r#"[{"sku": "4.01235E+12", "name": "A", "price": 35.00, "total_stock": 300}]"#;
    Premises::new()
        .run_with_input(&["seed", "-"], shortened)
        .exited(65)
        .complains("column sku: \"4.01235E+12\" is what");
}

#[test]
fn other_kinds_of_files_are_told_from_text() {
    let premises = Premises::new();
    for (bytes, said) in [
        (&b"PK\x03\x04\x14\x00\xff\xff"[..], "a workbook"),
        (b"\xff\xfes\x00k\x00u\x00", "UTF-16"),
        (b"\xfe\xff\x00s\x00k\x00u", "UTF-16"),
        (
            b"sku,name,price,total_stock\nV,Sch\xf6n,1,1\n",
            "line 2: this is not UTF-8",
        ),
        (
            b"sku\tname\tprice\ttotal_stock\nV\tV\t1\t1\n",
            "separated by tabs",
        ),
        (
            b"sep=\t\nsku\tname\tprice\ttotal_stock\n",
            "line 1: after sep= ",
        ),
        (
            b"sku,name,price,total_stock,\nV,V,1,1,\n",
            "line 1: the header's cell 5 has no name",
        ),
        (
            b"sku,name,price,total_stock,\x1b[2Jx\n",
            "column \\u{1b}[2Jx: ",
        ),
    ] {
        std::fs::write(premises.path().join("file.csv"), bytes).unwrap();
        premises
            .run(&["seed", "file.csv"])
            .exited(65)
            .complains(said);
    }
    premises.run(&["seed", "."]).exited(66);
}

#[test]
fn all_bad_rows_are_named_but_no_more_than_20() {
    let premises = Premises::new();
    let rows =
        "a,A,x,1\nb,B,1,1\n\n,,,\nc,,1,x\na,A,1,1\nb,B,1,1\n\"d\nd\",D,1,1\ne,E,1,1,1\nf,F,-1,-1\n";
    let ran = premises.run_with_input(&["seed", "-"], &format!("sep=,\n{HEADER}{rows}"));
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
    let ran = premises.run_with_input(&["seed", "-"], &format!("{HEADER}{many}"));
    let told = ran.exited(65).stderr();
    assert_eq!(told.lines().count(), 22, "{told}");
    assert!(told.ends_with("\n  and 30 more\n"), "{told}");
    assert!(!premises.path().join("flash_sale.db").exists());
}

#[test]
fn all_rows_that_the_sale_refuses_are_named() {
    let premises = Premises::new();
    let catalogue = |stock| format!("{HEADER}a,A,1,{stock}\nb,B,1,{stock}\nc,C,1,{stock}\n");
    premises
        .run_with_input(&["seed", "-"], &catalogue(10))
        .succeeded();
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

#[test]
fn a_sku_is_one_however_it_was_typed() {
    let premises = Premises::new();
    let catalogue = |sku: &str, stock: i64| format!("{HEADER}{sku},Café,1,{stock}\n");
    premises
        .run_with_input(&["seed", "-"], &catalogue("caf\u{e9}", 7))
        .succeeded();
    premises
        .run_with_input(&["seed", "-"], &catalogue("cafe\u{301}", 10))
        .succeeded()
        .prints("caf\u{e9}: total_stock 7 → 10\n");
    let twice = format!("{HEADER}caf\u{e9},A,1,1\ncafe\u{301},B,1,1\n");
    premises
        .run_with_input(&["seed", "-"], &twice)
        .exited(65)
        .complains("line 3, column sku: \"caf\u{e9}\" stands in line 2 already");
    let twice = "[{\"sku\":\"caf\u{e9}\",\"name\":\"A\",\"price\":1,\"total_stock\":1},\n\
        {\"sku\":\"cafe\\u0301\",\"name\":\"A\",\"price\":1,\"total_stock\":1}]";
    premises
        .run_with_input(&["seed", "-"], twice)
        .exited(65)
        .complains("line 2, column sku: ");
}

#[test]
fn the_report_names_each_changed_product_and_what_changed() {
    let premises = Premises::new();
    let header = "sku,name,price,total_stock,starts_at,max_per_hold\n";
    let before = format!("{header}VINYL,Vinyl,35.00,7,,2\nCD,CD,12.00,50,,\nMC,MC,5.00,5,,\n");
    premises.run_with_input(&["seed", "-"], &before).succeeded();
    let after = format!(
        "{header}VINYL,Vinyl,35.00,10,,2\nCD,\"Compact \"\"CD\"\"\",10.00,50,2030-01-01T00:00:00Z,1\nMC,MC,5.00,5,,\nLP,LP,1,1,,\n"
    );
    let told = "VINYL: total_stock 7 → 10\n\
        CD: name \"CD\" → \"Compact \\\"CD\\\"\", price 12.00 → 10.00, starts_at none → 2030-01-01T00:00:00.000000Z, max_per_hold none → 1\n\
        inserted: 1\nupdated: 2\nunchanged: 1\n";
    let vinyl = json!({"sku": "VINYL", "total_stock": {"from": 7, "to": 10}});
    let cd = json!({
        "sku": "CD",
        "name": {"from": "CD", "to": "Compact \"CD\""},
        "price": {"from": 12.0, "to": 10.0},
        "starts_at": {"from": null, "to": "2030-01-01T00:00:00.000000Z"},
        "max_per_hold": {"from": null, "to": 1},
    });
    let lines = |ran: &Ran| -> Vec<Value> {
        let told = ran.stderr();
        let lines = told.lines().map(|line| serde_json::from_str(line).unwrap());
        lines.collect()
    };
    let file = premises.file("after.csv", &after);
    let file = file.to_str().unwrap();
    let stored = || std::fs::read(premises.path().join("flash_sale.db")).unwrap();
    let untouched = stored();
    for _ in 0..2 {
        let dry = premises.run(&["seed", "--dry-run", file]).succeeded();
        assert_eq!(dry.stdout(), told);
    }
    let dry = premises.run(&["seed", "--dry-run", "--format", "json", file]);
    let dry = dry.succeeded();
    assert_eq!(
        dry.json(),
        json!({"inserted": 1, "updated": 2, "unchanged": 1})
    );
    assert_eq!(lines(&dry), [vinyl.clone(), cd.clone()]);
    assert!(stored() == untouched, "a dry run writes nothing");
    assert_eq!(premises.run(&["seed", file]).succeeded().stdout(), told);
    premises.run_with_input(&["seed", "-"], &before).succeeded();
    let again = premises
        .run(&["seed", "--format", "json", file])
        .succeeded();
    assert_eq!(
        again.json(),
        json!({"inserted": 0, "updated": 2, "unchanged": 2})
    );
    assert_eq!(lines(&again), [vinyl, cd]);
    premises.books_are_right();
}

#[test]
fn a_dry_run_without_a_database_makes_none() {
    let premises = Premises::new();
    let dry = premises.run(&["seed", "--dry-run", "--format", "json"]);
    assert_eq!(
        dry.succeeded().json(),
        json!({"inserted": 4, "updated": 0, "unchanged": 0})
    );
    let window = "sku,name,price,total_stock,starts_at,ends_at\n\
        a,A,1,1,2024-01-02T00:00:00Z,2024-01-01T00:00:00Z\n";
    premises
        .run_with_input(&["seed", "--dry-run", "-"], window)
        .exited(65)
        .complains("line 2, column ends_at");
    let left: Vec<_> = std::fs::read_dir(premises.path()).unwrap().collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn a_dry_run_beside_a_server_sees_what_is_sold_and_takes_no_lock() {
    let premises = Premises::stocked(10);
    let server = premises.serve();
    server.hold(4);
    let lock = rusqlite::Connection::open(premises.path().join("flash_sale.db")).unwrap();
    lock.execute_batch("begin immediate").unwrap();
    let dry = |stock: i64| {
        let catalogue = format!("{HEADER}tee,Tee,99.99,{stock}\n");
        premises.run_with_input(&["seed", "--dry-run", "-"], &catalogue)
    };
    dry(3).exited(65).complains("line 2, column total_stock");
    dry(4).succeeded().prints("tee: total_stock 10 → 4\n");
    lock.execute_batch("rollback").unwrap();
    drop(lock);
    assert_eq!(server.get("/api/products/1").1["total_stock"], 10);
    server.stop();
    premises.books_are_right();
}

#[test]
fn a_report_of_very_many_changes_has_an_end() {
    let premises = Premises::new();
    let catalogue = |stock: i64| {
        let row = |number: i64| format!("sku-{number},Product,1,{stock}\n");
        HEADER.to_owned() + &(0..1500).map(row).collect::<String>()
    };
    premises
        .run_with_input(&["seed", "-"], &catalogue(1))
        .succeeded();
    let told = premises
        .run_with_input(&["seed", "-"], &catalogue(2))
        .succeeded()
        .stdout();
    assert_eq!(told.lines().count(), 1004, "{told}");
    assert!(
        told.contains("\n… and 500 more products\ninserted: 0\nupdated: 1500\n"),
        "{told}"
    );
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
    let premises = Premises::new();
    let conn = rusqlite::Connection::open(premises.path().join("flash_sale.db")).unwrap();
    conn.execute_batch(include_str!("schema_version_1.sql"))
        .unwrap();
    conn.execute_batch(include_str!("rows_of_version_1.sql"))
        .unwrap();
    conn.execute_batch(
        "update products set sku = 'cafe\u{301}', max_per_customer = 2, version = 4, available = 8, reserved = 2;
         update holds set customer = 'a\u{200b}da';
         update orders set customer = 'a\u{200b}da';
         insert into holds values (2, 1, 2, 9999, 'zoe\u{308}', 'active', 253402300799000000);
         insert into movements values (1, 4, 1795385411654010, 'hold_placed', -2, 2, 0, 2, null, null);
         insert into products values (2, 'ta\u{303}', 'twin', 1, 0, 0, 0, 0, 1, null, null, null, null, 0);
         insert into products values (3, 't\u{e3}', 'twin', 1, 0, 0, 0, 0, 1, null, null, null, null, 0);
         insert into movements values (2, 1, 1795385410507712, 'stocked', 0, 0, 0, null, null, null);
         insert into movements values (3, 1, 1795385410507712, 'stocked', 0, 0, 0, null, null, null);
         update meta set next_product = 4, next_hold = 3;",
    )
    .unwrap();
    drop(conn);
    let catalogue = format!("{HEADER}caf\u{e9},Tee,99.99,12\nt\u{e3},twin,0.01,0\n");
    premises
        .run_with_input(&["seed", "-"], &catalogue)
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
