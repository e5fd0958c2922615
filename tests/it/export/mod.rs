//! `flashsale export`: every row of a table, once, as CSV that is safe to open and as JSON lines, beside a server.

mod by_the_clock;
mod rows;
mod safe_cells;
mod streaming;

use std::process::{Child, Stdio};

use serde_json::{Value, json};

use crate::server::{Premises, Ran, Server};
use crate::wire;

const ADMIN_TOKEN: &str = "correct-horse-battery-staple";

const TABLES: [(&str, &str, &str); 5] = [
    (
        "orders",
        "order_id,hold_id,product_id,quantity,unit_price,total_price,status,customer,pay_by,created_at,paid_at,transaction_id,\
         refunded_quantity,refunded_amount,dispute",
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
        "reversals",
        "webhook_id,idempotency_key,kind,transaction_id,amount,verdict,received_at",
        "/admin/api/reversals",
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
    fn operator(&self, line: &str, body: &str) -> wire::Answer {
        let bearer = format!("Bearer {ADMIN_TOKEN}");
        wire::call(self, line, &[("Authorization", &bearer)], body.as_bytes())
    }

    #[track_caller]
    fn did(&self, path: &str, body: &str) -> Value {
        let answer = self.operator(&format!("POST {path}"), body);
        let is_success = (200..300).contains(&answer.status);
        assert!(is_success, "{path} {body}: {}", answer.text);
        answer.body
    }

    /// Newest first.
    fn operator_list(&self, path: &str) -> Vec<Value> {
        let list = self.operator(&format!("GET {path}"), "").is(200);
        list.body["data"].as_array().unwrap().clone()
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
    wire::call(server, "DELETE /api/holds/2", &[], b"").is(200);
    server.holds_for("-1", 1);
    server.holds_for("＝1", 1);
    server.did("/api/orders", r#"{"hold_id": 4}"#);
    server.did(
        "/api/payments/webhook",
        r#"{"idempotency_key": "-2", "order_id": 2, "status": "success",
            "payload": {"transaction_id": "＋1", "amount": 1.10}}"#,
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
          \"payload\": {\"transaction_id\": \"t \\\"1\\\", ä 山\", \"amount\": 1.10}}",
    );
    server.did(
        "/admin/api/products/1/restock",
        r#"{"quantity": 5, "reason": "@restocked, \"too\""}"#,
    );
    server.did(
        "/admin/api/products/1/restock",
        r#"{"quantity": -3, "reason": "lost, \"too\" – ä"}"#,
    );
    for (key, of, amount) in [("=back", "@SUM(A2)", "1.1"), ("-open", "+t", "null")] {
        let event = format!(
            r#"{{"idempotency_key": "{key}", "status": "refunded", "payload": {{"transaction_id": "{of}", "amount": {amount}}}}}"#
        );
        server.did("/api/payments/webhook", &event);
    }
    // Older versions stored whatever was called an amount.
    let older = [("-2", "\"=1+1\""), ("odd", "{\"a\":\n\"=1\"}")];
    for (key, amount) in older {
        let sql = "update payments set amount = ?2 where key = ?1";
        assert_eq!(premises.database().execute(sql, (key, amount)).unwrap(), 1);
    }
}
