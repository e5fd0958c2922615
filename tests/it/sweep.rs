//! `flashsale sweep-holds`: what it ends and prints, alone and beside others.

use std::time::Duration;

use flashsale::sale::Command;
use serde_json::json;

use crate::server::{Premises, flashsale};
use crate::shop::{HOLD_TTL, Shop};

/// There the command's clock is the shop's.
fn is_on_a_server(shop: &Shop) -> bool {
    if !shop.is_in_a_file() {
        println!("left out: this is about a database in a file");
    }
    !shop.is_in_a_file()
}

/// The shop's clock stands in 2024, so by the command's own clock everything is long overdue.
#[test]
fn a_sweep_prints_what_it_ended() {
    let shop = Shop::with_stock("tee", 10);
    if is_on_a_server(&shop) {
        return;
    }
    shop.hold("tee", 2).created();
    shop.ordered("tee", 3);
    let sweep = |format| {
        let mut command = flashsale();
        command
            .args(["sweep-holds", "--format", format, "--db"])
            .arg(shop.database());
        let output = command.output().unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    let swept: serde_json::Value = serde_json::from_str(&sweep("json")).unwrap();
    assert_eq!(
        swept,
        json!({"holds_expired": 1, "orders_expired": 1, "units_released": 5})
    );
    assert_eq!(
        sweep("text"),
        "holds_expired: 0\norders_expired: 0\nunits_released: 0\n"
    );
    shop.stock_is("tee", 10, 0, 0);
}

#[test]
fn two_sweeps_at_once_end_everything_once() {
    let shop = Shop::with_stock("tee", 3000);
    if is_on_a_server(&shop) {
        return;
    }
    for _ in 0..1000 {
        shop.hold("tee", 3).created();
    }
    let sweep = || {
        let mut command = flashsale();
        command
            .args(["sweep-holds", "--format", "json", "--db"])
            .arg(shop.database());
        let output = command.output().unwrap();
        assert!(output.status.success(), "{output:?}");
        let swept: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        swept["holds_expired"].as_i64().unwrap()
    };
    let (one, other) = std::thread::scope(|scope| {
        let other = scope.spawn(sweep);
        (sweep(), other.join().unwrap())
    });
    assert_eq!(one + other, 1000);
}

#[test]
fn a_server_beside_a_sweep_and_a_seed_goes_on() {
    let premises = Premises::stocked(1_000_000);
    let server = premises.serve();
    std::thread::scope(|scope| {
        let buyers = scope.spawn(|| (0..300).map(|_| server.hold(1).0).collect::<Vec<_>>());
        for _ in 0..5 {
            premises.run(&["sweep-holds"]).succeeded();
            premises.run(&["seed"]).succeeded();
        }
        assert!(buyers.join().unwrap().iter().all(|status| *status == 201));
    });
    server.stop();
    premises.books_are_right();
}

#[test]
fn sweeping_what_is_swept_changes_nothing() {
    let shop = Shop::with_stock("tee", 10);
    shop.hold("tee", 2).created();
    shop.after(HOLD_TTL + Duration::from_secs(1));
    shop.sweep();
    let before = shop.contents();
    assert!(
        shop.command(Command::Sweep {
            rows_max: 10,
            keys_max: 10
        })
        .is_ok()
    );
    assert_eq!(shop.contents(), before);
}
