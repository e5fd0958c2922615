//! Statuses as they are by the clock, swept or not.

use super::history;
use crate::server::Premises;

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
