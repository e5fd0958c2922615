//! Files as spreadsheets and programs save them: what is read, and what is refused rather than loaded altered.

use serde_json::{Value, json};

use super::{HEADER, refused};
use crate::server::Premises;

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
        let premises = Premises::selling(catalogue);
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
    let catalogue = "sku;name;price;total_stock\nV;\"12\"\" Vinyl; red, \"\"signed\"\"\";1;1\n";
    let premises = Premises::selling(catalogue);
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
            .seed(&catalogue)
            .exited(65)
            .complains(&format!("line 3, column {column}: "))
            .complains("line 4, column total_stock: ");
    }
    refused("sku,na\"me,price,total_stock\nA,a,1,1\n").complains("line 1: a quote stands inside");
}

/// What a cell may have become, and what is said of it.
const SPOILT: [(&str, &str); 11] = [
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
        "column sku: it must be 1 to 255 characters without control or format characters, not VI\\u{200b}NYL: there is the character U+200B in it, which is invisible",
    ),
    (
        "VINYL,\"Signed\nVinyl\",35.00,300",
        "column name: it must be 1 to 255 characters without control characters, not Signed\\nVinyl: there is a line break in it",
    ),
];

#[test]
fn what_a_spreadsheet_or_a_program_has_spoilt_is_explained() {
    for (row, said) in SPOILT {
        refused(&format!("{HEADER}{row}\n"))
            .complains("line 2")
            .complains(said);
    }
    let german = "sku;name;price;total_stock\nA;a;1.234,56;1.000\nB;b;1,234;300,0\n";
    refused(german)
        .complains("line 2, column price: ")
        .complains("column total_stock: it must be a whole number from 0 to 2147483647, not 1.000: write it without separators between the thousands: 1000")
        .complains("line 3, column price: ")
        .complains("write 300\n");
    let json = r#"[{"sku": 4012350000000, "name": "A", "price": "35.00", "total_stock": 300.0}]"#;
    refused(json)
        .complains("line 1, column sku: ")
        .complains("a text stands in JSON in quotes")
        .complains("column price: ")
        .complains("a number stands in JSON without quotes")
        .complains("column total_stock: ")
        .complains("write 300");
    let shortened = r#"[{"sku": "4.01235E+12", "name": "A", "price": 35.00, "total_stock": 300}]"#;
    refused(shortened).complains("column sku: \"4.01235E+12\" is what");
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
