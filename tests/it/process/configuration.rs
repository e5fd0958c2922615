//! Wrong configuration and wrong usage are refused with their place.

use crate::server::{Premises, flashsale};

#[test]
fn wrong_configuration_is_refused_with_its_place() {
    let premises = Premises::stocked(1);
    premises.file("flash_sale.toml", "hold_ttl_s = 5\norder_ttl_s = -1\n");
    premises
        .run(&["verify"])
        .exited(78)
        .complains("flash_sale.toml, line 2: order_ttl_s");
    premises.file("flash_sale.toml", "hold_ttl = 5\n");
    premises
        .run(&["serve"])
        .exited(78)
        .complains("line 1: hold_ttl");
    premises.file("flash_sale.toml", "");
    premises
        .run(&["serve", "--config", "missing.toml"])
        .exited(66);
    premises
        .run(&["serve", "--hold-ttl-s", "0"])
        .exited(78)
        .complains("--hold-ttl-s");
    premises
        .run(&["serve", "--listen", "0.0.0.0:0"])
        .exited(78)
        .complains("allow_open");
    premises.run(&["serve", "--listen", "nonsense"]).exited(78);
    let by_environment = premises
        .command(&["verify"])
        .env("FLASHSALE_BATCH_MAX", "0")
        .output()
        .unwrap();
    assert_eq!(by_environment.status.code(), Some(78));
}

#[test]
fn wrong_usage_ends_with_2() {
    for arguments in [
        &["sell"][..],
        &["serve", "--colour"],
        &["verify", "--format", "xml"],
        &[],
    ] {
        assert_eq!(
            flashsale().args(arguments).output().unwrap().status.code(),
            Some(2),
            "{arguments:?}"
        );
    }
    assert_eq!(
        flashsale().arg("--help").output().unwrap().status.code(),
        Some(0)
    );
    assert_eq!(
        flashsale().arg("--version").output().unwrap().status.code(),
        Some(0)
    );
}

#[test]
fn a_variable_that_is_no_text_is_not_ignored() {
    use std::os::unix::ffi::OsStrExt;
    let premises = Premises::stocked(1);
    let no_text = std::ffi::OsStr::from_bytes(b"\xff");
    let output = premises
        .command(&["verify"])
        .env("FLASHSALE_DB", no_text)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(78));
    std::fs::write(
        premises.path().join("flash_sale.toml"),
        b"drain_s = 1\ndb = \"\xff\"\n",
    )
    .unwrap();
    premises.run(&["verify"]).exited(78).complains("line 2");
}
