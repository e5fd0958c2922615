//! What of the configuration and the machine would hurt the real sale.

use crate::faults::Disk;
use crate::server::{Premises, Ran};

#[test]
fn what_would_hurt_the_sale_is_told_before_it_begins() {
    let premises = Premises::selling("sku,name,price,total_stock\ntee,Tee,9.99,40\n");
    let quiet = [
        ("FLASHSALE_ORDER_TTL_S", "3600"),
        ("FLASHSALE_HOLD_TTL_S", "1"),
    ];
    let warned = |arguments: &[&str], settings: &[(&str, &str)]| {
        let buyers = match arguments {
            ["--buyers", ..] => &[][..],
            _ => &["--buyers", "60"],
        };
        let all = [&["rehearse", "--over", "0.2"], buyers, arguments].concat();
        let mut command = premises.command_after("ulimit -n 4096", &all);
        let settings = quiet.iter().chain(settings).copied();
        let ran = Ran(command.envs(settings).output().unwrap()).succeeded();
        let stderr = ran.stderr();
        let told = stderr
            .lines()
            .filter_map(|line| line.strip_prefix("warning: "));
        told.map(String::from).collect::<Vec<_>>()
    };
    // Nothing but what a slow disk would add.
    let about = |warnings: Vec<String>| {
        let mut warnings = warnings;
        warnings.retain(|it| !it.contains("to make a write durable"));
        warnings
    };
    assert_eq!(about(warned(&[], &[])), Vec::<String>::new());
    for (arguments, settings, told) in [
        (
            &["--payment-page", "3601"][..],
            &[][..],
            "order_ttl_s is 3600",
        ),
        (&["--proxy-idle", "75"], &[], "idle_timeout_s is 75"),
        (
            &[],
            &[("FLASHSALE_MAX_CONNECTIONS", "100")],
            "max_connections is 100",
        ),
        (
            &["--abandon", "1"],
            &[("FLASHSALE_HOLD_TTL_S", "120")],
            "hold_ttl_s is 120",
        ),
        (
            &["--buyers", "4000", "--abandon", "0"],
            &[],
            "RLIMIT_NOFILE",
        ),
    ] {
        let warnings = about(warned(arguments, settings));
        assert_eq!(warnings.len(), 1, "{warnings:?}");
        assert!(warnings[0].contains(told), "{told}: {warnings:?}");
    }

    let server = premises.serve();
    server.hold(1);
    server.stop();
    let warnings = about(warned(&[], &[]));
    assert!(warnings[0].contains("Idempotency-Key"), "{warnings:?}");
}

#[test]
fn a_disk_that_makes_every_buyer_wait_is_told_before_the_sale_begins() {
    let premises = Premises::selling("sku,name,price,total_stock\ntee,Tee,9.99,5\n");
    let disk = Disk::new();
    disk.fails("slow");
    let mut command = premises.command(&["rehearse", "--buyers", "10", "--over", "0.2"]);
    disk.is_under(&mut command);
    let ran = Ran(command.output().unwrap()).succeeded();
    let stderr = ran.stderr();
    let mut warnings = stderr.lines().filter(|line| line.starts_with("warning: "));
    let slow = warnings.find(|line| line.contains("ms to make a write durable"));
    let slow = slow.unwrap_or_else(|| panic!("{stderr}"));
    let takes = slow.split(' ').find_map(|word| word.parse::<f64>().ok());
    assert!(takes.is_some_and(|ms| ms >= 20.0), "{slow}");
}
