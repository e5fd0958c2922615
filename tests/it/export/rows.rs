//! What an export tells of each row, and that it tells what the API tells.

use serde_json::{Value, json};

use super::{TABLES, history};
use crate::server::Premises;

#[test]
fn each_table_has_its_columns_in_both_formats_and_says_what_the_api_says() {
    let premises = Premises::stocked(10);
    let server = premises.serve_operator();
    history(&premises, &server);
    for (table, columns, path) in TABLES {
        let names: Vec<&str> = columns.split(',').collect();
        let (header, rows) = premises.csv(table);
        assert_eq!(header, columns);
        let objects = premises.json_lines(table);
        let mut shown = server.operator_list(path);
        shown.reverse();
        assert_eq!((rows.len(), objects.len()), (shown.len(), shown.len()));
        assert!(shown.len() >= 2, "{table} has rows");
        for ((object, cells), shown) in objects.iter().zip(&rows).zip(&shown) {
            let fields: Vec<&str> = object
                .as_object()
                .unwrap()
                .keys()
                .map(String::as_str)
                .collect();
            assert_eq!(fields, names);
            for (name, cell) in names.iter().zip(cells) {
                assert_eq!(object[name], shown[name], "{table} {name}");
                match &object[name] {
                    Value::Null => assert_eq!(cell, "", "{table} {name}"),
                    Value::String(text) => assert_eq!(
                        cell.strip_prefix('\'').unwrap_or(cell),
                        text,
                        "{table} {name}"
                    ),
                    Value::Number(number) => assert_eq!(
                        cell.parse::<f64>().unwrap(),
                        number.as_f64().unwrap(),
                        "{table} {name}"
                    ),
                    Value::Bool(flag) => assert_eq!(cell, &flag.to_string()),
                    Value::Object(_) => assert_eq!(cell, "{\"a\":\n\"=1\"}"),
                    Value::Array(_) => unreachable!("nobody sent one"),
                }
            }
        }
    }
    server.stop();
}

#[test]
fn rows_are_told_oldest_first_with_exact_money() {
    let premises = Premises::stocked(10);
    let server = premises.serve_operator();
    history(&premises, &server);
    let time = |name: &str, index: usize| premises.column("orders", name)[index].clone();
    let orders = premises.export(&["orders"]).succeeded().stdout();
    let expected = format!(
        "1,1,1,2,99.99,199.98,paid,\"'=HYPERLINK(\"\"http://evil.example\"\",\"\"open me\"\")\",{},{},{},'@SUM(A1),0,0.00,\n\
         2,4,1,1,99.99,99.99,pending,'＝1,{},{},,,0,0.00,\n",
        time("pay_by", 0),
        time("created_at", 0),
        time("paid_at", 0),
        time("pay_by", 1),
        time("created_at", 1)
    );
    assert_eq!(orders.split_once('\n').unwrap().1, expected);
    assert_eq!(
        premises.column("holds", "status"),
        ["ordered", "released", "active", "ordered", "active"]
    );
    assert_eq!(
        premises.column("movements", "available"),
        ["10", "-2", "0", "-1", "1", "-1", "-1", "-1", "5", "-3"]
    );
    assert_eq!(
        premises.column("payments", "verdict"),
        ["applied", "amount_mismatch", "parked", "ignored"]
    );
    server.stop();

    let premises = Premises::selling("sku,name,price,total_stock\na,A,100,5\n");
    let server = premises.serve();
    server.hold(2);
    server.post("/api/orders", &json!({"hold_id": 1}));
    let order = premises.export(&["orders", "--format", "json"]).stdout();
    let money = r#""unit_price":100.00,"total_price":200.00,"#;
    assert!(order.contains(money), "{order}");
    server.stop();
}

#[test]
fn each_products_ledger_is_there() {
    let products = 2_500;
    let rows = (1..=products).map(|number| format!("sku-{number},Product,1.00,{number}\n"));
    let catalogue = format!("sku,name,price,total_stock\n{}", rows.collect::<String>());
    let premises = Premises::selling(&catalogue);
    let expected: Vec<String> = (1..=products).map(|number| number.to_string()).collect();
    assert_eq!(premises.column("movements", "product_id"), expected);
    assert_eq!(premises.column("movements", "available"), expected);
}

#[test]
fn an_empty_table_is_a_header_and_no_line_of_json() {
    let premises = Premises::selling("sku,name,price,total_stock\n");
    for (table, columns, _) in TABLES {
        let printed = premises.export(&[table]).succeeded().stdout();
        assert_eq!(printed, format!("{columns}\n"));
        let printed = premises.export(&[table, "--format", "json"]).succeeded();
        assert_eq!(printed.stdout(), "");
    }
}

#[test]
fn a_byte_order_mark_is_there_for_whoever_needs_one() {
    let premises = Premises::stocked(1);
    for (table, columns, _) in TABLES {
        let printed = premises.export(&[table, "--bom"]).succeeded().stdout();
        assert!(
            printed.starts_with(&format!("\u{feff}{columns}\n")),
            "{printed}"
        );
        assert!(!printed[3..].contains('\u{feff}'), "{printed}");
        assert!(
            premises
                .export(&[table])
                .succeeded()
                .stdout()
                .starts_with(columns)
        );
    }
    premises
        .export(&["orders", "--bom", "--format", "json"])
        .exited(2);
}
