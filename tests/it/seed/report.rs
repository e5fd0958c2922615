//! What is told of the changes, after they were made or, by `--dry-run`, without making them.

use serde_json::{Value, json};

use super::HEADER;
use crate::server::{Premises, Ran};
use crate::wire::Lock;

#[test]
fn the_report_names_each_changed_product_and_what_changed() {
    let header = "sku,name,price,total_stock,starts_at,max_per_hold\n";
    let before = format!("{header}VINYL,Vinyl,35.00,7,,2\nCD,CD,12.00,50,,\nMC,MC,5.00,5,,\n");
    let premises = Premises::selling(&before);
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
    premises.seed(&before).succeeded();
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

/// As without `--dry-run`.
#[test]
fn a_dry_run_of_a_database_that_cannot_be_made_says_so() {
    let premises = Premises::new();
    premises.file("notes.txt", "no folder");
    for place in ["notes.txt/shop.db", "no/such/folder/shop.db"] {
        for arguments in [&["seed", "--dry-run"][..], &["seed"]] {
            premises
                .run(&[arguments, &["--db", place]].concat())
                .exited(73)
                .complains("shop.db: it cannot be created: ");
        }
    }
}

#[test]
fn a_dry_run_beside_a_server_sees_what_is_sold_and_takes_no_lock() {
    let premises = Premises::stocked(10);
    let server = premises.serve();
    server.hold(4);
    let lock = Lock::take(&premises);
    let dry = |stock: i64| {
        let catalogue = format!("{HEADER}tee,Tee,99.99,{stock}\n");
        premises.run_with_input(&["seed", "--dry-run", "-"], &catalogue)
    };
    dry(3).exited(65).complains("line 2, column total_stock");
    dry(4).succeeded().prints("tee: total_stock 10 → 4\n");
    lock.release();
    assert_eq!(server.get("/api/products/1").1["total_stock"], 10);
    server.stop();
    premises.books_are_right();
}

#[test]
fn a_report_of_very_many_changes_has_an_end() {
    let catalogue = |stock: i64| {
        let row = |number: i64| format!("sku-{number},Product,1,{stock}\n");
        HEADER.to_owned() + &(0..1500).map(row).collect::<String>()
    };
    let premises = Premises::selling(&catalogue(1));
    let told = premises.seed(&catalogue(2)).succeeded().stdout();
    assert_eq!(told.lines().count(), 1004, "{told}");
    assert!(
        told.contains("\n… and 500 more products\ninserted: 0\nupdated: 1500\n"),
        "{told}"
    );
}
