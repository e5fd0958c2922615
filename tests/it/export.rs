//! `flashsale export`: every row of a table, once, as CSV that is safe to open and as JSON lines, beside a server.

use std::collections::BTreeSet;
use std::fs::{self, OpenOptions};
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Stdio};

use rusqlite::Connection;
use serde_json::{Value, json};

use crate::crowd::beside_buyers;
use crate::server::{Premises, Ran, Server};

const ADMIN_TOKEN: &str = "correct-horse-battery-staple";

const TABLES: [(&str, &str, &str); 4] = [
    (
        "orders",
        "order_id,hold_id,product_id,quantity,unit_price,total_price,status,customer,pay_by,created_at,paid_at,transaction_id",
        "/admin/api/orders",
    ),
    (
        "holds",
        "hold_id,product_id,quantity,unit_price,status,customer,expires_at,order_id",
        "/admin/api/holds",
    ),
    (
        "payments",
        "webhook_id,idempotency_key,status,verdict,order_id,hold_id,amount,transaction_id,refund_due,received_at,resolved_at,note",
        "/admin/api/payments",
    ),
    (
        "movements",
        "product_id,version,at,kind,available,reserved,sold,hold_id,order_id,reason",
        "/admin/api/products/1/movements",
    ),
];

impl Premises {
    fn serve_operator(&self) -> Server {
        let mut command = self.command(&["serve"]);
        self.serve_by(command.env("FLASHSALE_ADMIN_TOKEN", ADMIN_TOKEN))
    }

    fn database(&self) -> Connection {
        Connection::open(self.path().join("flash_sale.db")).unwrap()
    }

    fn export(&self, arguments: &[&str]) -> Ran {
        self.run(&[&["export"], arguments].concat())
    }

    fn start_export(&self, arguments: &[&str]) -> Child {
        let mut command = self.command(&[&["export"], arguments].concat());
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command.spawn().unwrap()
    }

    /// The header and the rows.
    #[track_caller]
    fn csv(&self, table: &str) -> (String, Vec<Vec<String>>) {
        let text = self.export(&[table]).succeeded().stdout();
        let header = text.lines().next().unwrap().to_owned();
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        let rows = reader.records().map(Result::unwrap);
        let rows = rows.map(|row| row.iter().map(str::to_owned).collect());
        (header, rows.collect())
    }

    #[track_caller]
    fn json_lines(&self, table: &str) -> Vec<Value> {
        let text = self
            .export(&[table, "--format", "json"])
            .succeeded()
            .stdout();
        assert!(text.is_empty() || text.ends_with('\n'));
        text.lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    /// One column of a CSV.
    #[track_caller]
    fn column(&self, table: &str, name: &str) -> Vec<String> {
        let (header, rows) = self.csv(table);
        let index = header.split(',').position(|column| column == name).unwrap();
        rows.iter().map(|row| row[index].clone()).collect()
    }
}

impl Server {
    #[track_caller]
    fn did(&self, path: &str, body: &str) -> Value {
        let request = self.agent.post(format!("{}{path}", self.base));
        let request = request.header("Authorization", format!("Bearer {ADMIN_TOKEN}"));
        let mut answer = request.send(body).unwrap();
        let text = answer.body_mut().read_to_string().unwrap();
        assert!(answer.status().is_success(), "{path} {body}: {text}");
        serde_json::from_str(&text).unwrap()
    }

    /// Newest first.
    fn operator_list(&self, path: &str) -> Vec<Value> {
        let request = self.agent.get(format!("{}{path}", self.base));
        let request = request.header("Authorization", format!("Bearer {ADMIN_TOKEN}"));
        let mut answer = request.call().unwrap();
        let text = answer.body_mut().read_to_string().unwrap();
        let list: Value = serde_json::from_str(&text).unwrap();
        list["data"].as_array().unwrap().clone()
    }

    fn holds_for(&self, customer: &str, quantity: i64) {
        let wish = json!({"product_id": 1, "quantity": quantity, "customer": customer});
        self.did("/api/holds", &wish.to_string());
    }
}

/// A sale to people who know spreadsheets.
fn history(premises: &Premises, server: &Server) {
    server.holds_for("=HYPERLINK(\"http://evil.example\",\"open me\")", 2);
    server.did("/api/orders", r#"{"hold_id": 1}"#);
    server.did(
        "/api/payments/webhook",
        r#"{"idempotency_key": "=1+1", "order_id": 1, "status": "success",
            "payload": {"transaction_id": "@SUM(A1)", "amount": 199.98, "iban": "secret-iban"}}"#,
    );
    server.holds_for("+1", 1);
    let released = server.agent.delete(format!("{}/api/holds/2", server.base));
    assert_eq!(released.call().unwrap().status().as_u16(), 200);
    server.holds_for("-1", 1);
    server.holds_for("＝1", 1);
    server.did("/api/orders", r#"{"hold_id": 4}"#);
    server.did(
        "/api/payments/webhook",
        r#"{"idempotency_key": "-2", "order_id": 2, "status": "success",
            "payload": {"transaction_id": "\t＋1", "amount": 1.10}}"#,
    );
    server.did("/admin/api/refunds/2/resolve", r#"{"note": "-by hand"}"#);
    server.did("/api/holds", r#"{"product_id": 1, "quantity": 1}"#);
    server.did(
        "/api/payments/webhook",
        r#"{"idempotency_key": "@early", "hold_id": 5, "status": "success"}"#,
    );
    server.did(
        "/api/payments/webhook",
        "{\"idempotency_key\": \"odd\", \"order_id\": 1, \"status\": \"failure\",
          \"payload\": {\"transaction_id\": \"t \\\"1\\\", ä\\n山\", \"amount\": 1.10}}",
    );
    server.did(
        "/admin/api/products/1/restock",
        r#"{"quantity": 5, "reason": "@restocked, \"too\""}"#,
    );
    server.did(
        "/admin/api/products/1/restock",
        r#"{"quantity": -3, "reason": "lost, \"too\" – ä"}"#,
    );
    // Older versions stored whatever was called an amount.
    let older = [("-2", "\"=1+1\""), ("odd", "{\"a\":\n\"=1\"}")];
    for (key, amount) in older {
        let sql = "update payments set amount = ?2 where key = ?1";
        assert_eq!(premises.database().execute(sql, (key, amount)).unwrap(), 1);
    }
}

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
        "1,1,1,2,99.99,199.98,paid,\"'=HYPERLINK(\"\"http://evil.example\"\",\"\"open me\"\")\",{},{},{},'@SUM(A1)\n\
         2,4,1,1,99.99,99.99,pending,'＝1,{},{},,\n",
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

    let premises = Premises::new();
    let catalogue = "sku,name,price,total_stock\na,A,100,5\n";
    premises
        .run_with_input(&["seed", "-"], catalogue)
        .succeeded();
    let server = premises.serve();
    server.hold(2);
    server.post("/api/orders", &json!({"hold_id": 1}));
    let order = premises.export(&["orders", "--format", "json"]).stdout();
    let money = r#""unit_price":100.00,"total_price":200.00,"#;
    assert!(order.contains(money), "{order}");
    server.stop();
}

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
            &["'@SUM(A1)", "'\t＋1", "", "t \"1\", ä\n山"],
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
    let request = server.agent.post(format!("{}/api/holds", server.base));
    let answer = request
        .header("Idempotency-Key", "a-buyer's-key")
        .send_json(json!({"product_id": 1, "quantity": 1}));
    let hold: Value = answer.unwrap().body_mut().read_json().unwrap();
    let token = hold["token"].as_str().unwrap().to_owned();
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

fn end_everything(premises: &Premises, at: i64) {
    premises
        .database()
        .execute_batch(&format!(
            "update holds set expires_at = {at} where status = 'active';
             update orders set pay_by = {at};
             update payments set parked_until = {at} where verdict = 'parked';"
        ))
        .unwrap();
}

#[track_caller]
fn everything_is_over(premises: &Premises) {
    assert_eq!(
        premises.column("holds", "status"),
        ["ordered", "released", "expired", "ordered", "expired"]
    );
    assert_eq!(premises.column("orders", "status"), ["paid", "expired"]);
    assert_eq!(
        premises.column("payments", "verdict"),
        ["applied", "amount_mismatch", "late_payment", "ignored"]
    );
    assert_eq!(
        premises.column("payments", "refund_due"),
        ["false", "true", "true", "false"]
    );
}

#[test]
fn what_nobody_has_swept_is_told_as_the_clock_sees_it() {
    let premises = Premises::stocked(10);
    let server = premises.serve_operator();
    history(&premises, &server);
    server.stop();
    end_everything(&premises, 1_000_000);
    everything_is_over(&premises);
    let unswept = "select count(*) from holds where status = 'active'";
    let unswept: i64 = premises
        .database()
        .query_row(unswept, [], |row| row.get(0))
        .unwrap();
    assert_eq!(unswept, 2, "an export changes nothing");
}

/// The sale was at a later time before the wall clock was set back.
#[test]
fn an_export_is_not_behind_the_sales_own_time() {
    const YEAR_2098: i64 = 4_039_372_800_000_000;
    let premises = Premises::stocked(10);
    let server = premises.serve_operator();
    history(&premises, &server);
    server.stop();
    end_everything(&premises, YEAR_2098);
    assert_eq!(premises.column("orders", "status"), ["paid", "pending"]);
    let advance = format!("update meta set last_now = {YEAR_2098}");
    premises.database().execute_batch(&advance).unwrap();
    everything_is_over(&premises);
}

/// So many movements of one product: holds placed and released.
fn with_movements(count: i64) -> Premises {
    let premises = Premises::stocked(10);
    premises
        .database()
        .execute_batch(&format!(
            "pragma foreign_keys = off; begin;
             with recursive numbers (n) as (select 2 union all select n + 1 from numbers where n < {count})
             insert into movements (product_id, version, at, kind, available, reserved, sold, hold_id)
             select 1, n, n * 1000000, iif(n % 2 = 0, 'hold_placed', 'hold_released'),
                iif(n % 2 = 0, -1, 1), iif(n % 2 = 0, 1, -1), 0, n / 2 from numbers;
             update products set version = {count}; commit;"
        ))
        .unwrap();
    premises
}

/// The most memory that an export ever had, in KiB, read while its last rows wait for us: more than a pipe holds.
#[track_caller]
fn peak_of_export(premises: &Premises, format: &str, lines: usize) -> u64 {
    const LAST_LINES: usize = 2_000;
    let mut child = premises.start_export(&["movements", "--format", format]);
    let stdout = BufReader::new(child.stdout.take().unwrap());
    let mut printed = stdout.split(b'\n').map(Result::unwrap);
    assert!(printed.nth(lines - LAST_LINES - 1).is_some());
    let status = fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap();
    let peak = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .unwrap();
    let peak = peak.trim().trim_end_matches(" kB").parse().unwrap();
    assert_eq!(printed.count(), LAST_LINES);
    assert_eq!(child.wait().unwrap().code(), Some(0));
    peak
}

/// But for SQLite's cache of pages, which is 2 MiB once it is full.
#[test]
fn memory_does_not_grow_with_the_table() {
    let few = with_movements(3_000);
    let many = with_movements(200_000);
    for (format, header) in [("csv", 1), ("json", 0)] {
        let few = peak_of_export(&few, format, 3_000 + header);
        let many = peak_of_export(&many, format, 200_000 + header);
        assert!(many <= few + 4 * 1024, "{format}: {few} KiB, {many} KiB");
    }
}

/// Whoever reads it has read one line and then stalls.
#[test]
fn a_stalled_export_holds_nobody_up_and_what_comes_meanwhile_is_not_in_it() {
    let premises = with_movements(9_500);
    let mut child = premises.start_export(&["movements"]);
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    let mut text = String::new();
    stdout.read_line(&mut text).unwrap();
    stdout.read_line(&mut text).unwrap();

    let server = premises.serve();
    assert_eq!(server.hold(1).0, 201);
    let checkpoint = "pragma wal_checkpoint(truncate)";
    let busy: i64 = premises
        .database()
        .query_row(checkpoint, [], |row| row.get(0))
        .unwrap();
    assert_eq!(busy, 0, "the log is cut short");
    server.stop();

    stdout.read_to_string(&mut text).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert_eq!(text.lines().count(), 1 + 9_500);
    assert_eq!(premises.csv("movements").1.len(), 9_501);
}

#[test]
fn each_products_ledger_is_there() {
    let premises = Premises::new();
    let products = 2_500;
    let rows = (1..=products).map(|number| format!("sku-{number},Product,1.00,{number}\n"));
    let catalogue = format!("sku,name,price,total_stock\n{}", rows.collect::<String>());
    premises
        .run_with_input(&["seed", "-"], &catalogue)
        .succeeded();
    let expected: Vec<String> = (1..=products).map(|number| number.to_string()).collect();
    assert_eq!(premises.column("movements", "product_id"), expected);
    assert_eq!(premises.column("movements", "available"), expected);
}

#[test]
fn an_export_in_a_crowd_ends_and_has_each_hold_acknowledged_before_it_once() {
    let premises = Premises::stocked(1_000_000);
    let server = premises.serve();
    beside_buyers(&server, |_, before| {
        for (table, name) in [("holds", "hold_id"), ("movements", "hold_id")] {
            let rows = premises.json_lines(table);
            let ids: Vec<i64> = rows.iter().filter_map(|row| row[name].as_i64()).collect();
            let once: BTreeSet<i64> = ids.iter().copied().collect();
            assert_eq!(ids.len(), once.len(), "a row came twice");
            assert!(before.is_subset(&once), "an acknowledged hold is missing");
        }
    });
    server.stop();
    premises.books_are_right();
}

#[test]
fn whoever_has_read_enough_may_leave() {
    let premises = with_movements(10_000);
    for format in ["csv", "json"] {
        let mut child = premises.start_export(&["movements", "--format", format]);
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        stdout.read_line(&mut String::new()).unwrap();
        drop(stdout);
        let ran = Ran(child.wait_with_output().unwrap()).succeeded();
        assert_eq!(ran.stderr(), "");
    }
}

#[test]
fn an_export_that_cannot_be_written_has_failed() {
    let premises = Premises::stocked(1);
    let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
    let mut command = premises.command(&["export", "holds"]);
    let output = command.stdout(full).stderr(Stdio::piped()).output();
    Ran(output.unwrap()).exited(74).complains("stdout: ");
}

#[test]
fn an_empty_table_is_a_header_and_no_line_of_json() {
    let premises = Premises::new();
    let header = "sku,name,price,total_stock\n";
    premises.run_with_input(&["seed", "-"], header).succeeded();
    for (table, columns, _) in TABLES {
        let printed = premises.export(&[table]).succeeded().stdout();
        assert_eq!(printed, format!("{columns}\n"));
        let printed = premises.export(&[table, "--format", "json"]).succeeded();
        assert_eq!(printed.stdout(), "");
    }
}

#[test]
fn what_cannot_be_exported_has_its_status() {
    let premises = Premises::new();
    premises
        .export(&["orders"])
        .exited(66)
        .complains("there is no database");
    for arguments in [&["customers"][..], &[], &["orders", "--format", "xml"]] {
        premises.export(arguments).exited(2);
    }
    premises.file("notes.txt", &"not a database ".repeat(100));
    premises.export(&["orders", "--db", "notes.txt"]).exited(65);

    let premises = Premises::stocked(1);
    for (version, code) in [(1, 75), (99, 65)] {
        let conn = premises.database();
        conn.pragma_update(None, "user_version", version).unwrap();
        drop(conn);
        let ran = premises.export(&["orders"]).exited(code);
        assert_eq!(ran.stdout(), "");
    }
}

/// A commit that takes long was judged before the deadline and lands after it: what it pays is never told as expired.
#[test]
fn beside_a_commit_under_way_an_export_judges_by_the_newest_committed_time() {
    let premises = Premises::stocked(10);
    let server = premises.serve_operator();
    server.did("/api/holds", r#"{"product_id": 1, "quantity": 1}"#);
    server.did("/api/holds", r#"{"product_id": 1, "quantity": 1}"#);
    server.did("/api/orders", r#"{"hold_id": 1}"#);
    server.stop();
    let writer = premises.database();
    writer
        .execute_batch(
            "update orders set pay_by = (select last_now + 1 from meta);
             update holds set expires_at = (select last_now + 1 from meta) where id = 2;
             begin immediate;
             update orders set status = 'paid', paid_at = pay_by - 1;",
        )
        .unwrap();
    let statuses = || {
        let holds = premises.column("holds", "status");
        (premises.column("orders", "status"), holds)
    };
    let told =
        |order: &str, hold: &str| (vec![order.to_owned()], vec!["ordered".into(), hold.into()]);
    assert_eq!(statuses(), told("pending", "active"));
    writer.execute_batch("rollback").unwrap();
    assert_eq!(statuses(), told("expired", "expired"));
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
