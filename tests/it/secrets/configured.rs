//! Where a secret may be configured, and how a wrong one is refused without being shown.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use super::{ADMIN_TOKEN, is_refused, tells_none};
use crate::provider::SECRET;
use crate::server::Premises;
use crate::wire::{self, configure};

fn config(premises: &Premises, mode: u32, text: &str) -> PathBuf {
    let path = premises.file("shop.toml", text);
    fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
    path
}

#[test]
fn a_file_with_a_secret_that_others_can_read_is_refused() {
    let premises = Premises::stocked(1);
    let secrets = format!("webhook_secrets = [\n  \"{SECRET}\",\n]\nrequire_tokens = true");
    let admin = format!("admin_token = \"{ADMIN_TOKEN}\"");
    for (secret, key) in [(&secrets, "webhook_secrets"), (&admin, "admin_token")] {
        for mode in [0o644, 0o640, 0o604, 0o666] {
            let path = config(&premises, mode, &format!("# the shop\n\n{secret}\n"));
            let mut command = premises.command(&["serve", "--config", path.to_str().unwrap()]);
            let said = is_refused(&mut command, 78);
            let place = format!("shop.toml, line 3: {key}: ");
            assert!(said.contains(&place), "no {place:?} in {said}");
            tells_none(&said, &[SECRET, ADMIN_TOKEN]);
        }
    }
    let path = config(&premises, 0o600, &format!("{secrets}\n{admin}\n"));
    let server = premises.serve_with(&["--config", path.to_str().unwrap()]);
    wire::probe(&server, "/healthz");
    let unsigned = wire::call(&server, "POST /api/payments/webhook", &[], b"{}");
    unsigned.is(401).says("code", "invalid_signature");
    server.stop();
    let path = config(
        &premises,
        0o644,
        "webhook_secrets = []\nrequire_tokens = true\n",
    );
    premises
        .serve_with(&["--config", path.to_str().unwrap()])
        .stop();
}

/// An access control list as Linux stores it: the version, then each entry's tag, permissions and id.
fn access_list(entries: &[(u16, u16, u32)]) -> Vec<u8> {
    let mut list = 2u32.to_le_bytes().to_vec();
    for (tag, permissions, id) in entries {
        list.extend(tag.to_le_bytes());
        list.extend(permissions.to_le_bytes());
        list.extend(id.to_le_bytes());
    }
    list
}

/// systemd's copy of a credential shows the mode 0440, since its list names the service's user beside root.
#[test]
fn a_file_whose_access_list_names_this_user_alone_is_read() {
    const NO_ID: u32 = u32::MAX;
    const OWNER: (u16, u16, u32) = (0x01, 4, NO_ID);
    const NAMED_USER: u16 = 0x02;
    const GROUP: (u16, u16, u32) = (0x04, 0, NO_ID);
    const NAMED_GROUP: (u16, u16, u32) = (0x08, 4, 4321);
    const MASK: (u16, u16, u32) = (0x10, 4, NO_ID);
    const OTHERS: (u16, u16, u32) = (0x20, 0, NO_ID);
    let premises = Premises::stocked(1);
    let admin = format!("admin_token = \"{ADMIN_TOKEN}\"\n");
    let path = config(&premises, 0o400, &admin);
    let ours = (NAMED_USER, 4, rustix::process::geteuid().as_raw());
    let set = |entries: &[_]| {
        let (name, list) = ("system.posix_acl_access", access_list(entries));
        rustix::fs::setxattr(&path, name, &list, rustix::fs::XattrFlags::empty())
    };
    if set(&[OWNER, ours, GROUP, MASK, OTHERS]) == Err(rustix::io::Errno::NOTSUP) {
        return eprintln!("left out: this file system has no access control lists");
    }
    let mode = fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o440);
    let serve = ["--config", path.to_str().unwrap()];
    premises.serve_with(&serve).stop();

    let another = (NAMED_USER, 4, 4321);
    let group = (GROUP.0, 4, NO_ID);
    for others in [
        &[OWNER, ours, another, GROUP, MASK, OTHERS][..],
        &[OWNER, ours, group, MASK, OTHERS],
        &[OWNER, ours, GROUP, NAMED_GROUP, MASK, OTHERS],
        &[OWNER, ours, GROUP, MASK, (OTHERS.0, 4, NO_ID)],
    ] {
        set(others).unwrap();
        let mut command = premises.command(&["serve", "--config", path.to_str().unwrap()]);
        let said = is_refused(&mut command, 78);
        assert!(said.contains("shop.toml, line 1: admin_token: "), "{said}");
    }
}

/// What was meant as a secret and is none. `correct` stands in each.
const BAD: [&str; 7] = [
    "correct",
    "whsec_correct",
    "whsec_correct+horse+battery+staple+correct+horse==",
    "whsec_correct-horse-battery-staple",
    "whsec_correcthorsebatterystaple;whsec_correcthorsebatterystaple",
    "correct horse battery staple",
    "correct-hörse-battery-staple",
];

#[test]
fn a_bad_secret_is_named_by_its_place_and_never_shown() {
    let premises = Premises::stocked(1);
    for bad in BAD {
        let admin = format!("admin_token = \"correct {bad}\"");
        let list = format!("webhook_secrets = [\"{bad}\"]");
        let second = format!("webhook_secrets = [\"{SECRET}\", \"{bad}\"]");
        let text = format!("webhook_secrets = \"{bad}\"");
        let table = format!("admin_token = {{ value = \"{bad}\" }}");
        let inside = format!("admin_token.value = \"{bad}\"");
        let unquoted = format!("admin_token = {bad}");
        let unclosed = format!("webhook_secrets = [\"{bad}\"");
        let open = format!("admin_token = \"{bad}");
        for line in [
            admin, list, second, text, table, inside, unquoted, unclosed, open,
        ] {
            let path = config(
                &premises,
                0o600,
                &format!("drain_s = 1\n{line}\nhold_ttl_s = 9\n"),
            );
            let mut command = premises.command(&["serve", "--config", path.to_str().unwrap()]);
            let said = is_refused(&mut command, 78);
            assert!(said.contains("shop.toml, line "), "{line}: {said}");
            tells_none(&said, &["correct", "rse-batt", SECRET]);
        }
        for (key, value) in [
            ("webhook_secrets", bad.to_owned()),
            ("webhook_secrets", format!("{SECRET},{bad}")),
            (
                "webhook_secrets",
                format!("{SECRET},{SECRET},{SECRET},{bad}"),
            ),
            ("admin_token", format!("correct {bad}")),
        ] {
            let mut command = premises.command(&["serve"]);
            let said = is_refused(configure(&mut command, &[(key, &value)]), 78);
            let place = format!("environment, FLASHSALE_{}: {key}: ", key.to_uppercase());
            assert!(said.contains(&place), "no {place:?} in {said}");
            tells_none(&said, &["correct", "rse-batt", SECRET]);
        }
    }
}

#[test]
fn a_secret_under_a_misspelt_key_is_not_shown_either() {
    let premises = Premises::stocked(1);
    for key in [
        "webhook_secret",
        "webhooks_secrets",
        "admin_tokn",
        "Admin_token",
        "token",
    ] {
        for value in [format!("\"{SECRET}\""), format!("[\"{SECRET}\"]")] {
            let path = config(&premises, 0o600, &format!("drain_s = 1\n{key} = {value}\n"));
            let mut command = premises.command(&["serve", "--config", path.to_str().unwrap()]);
            let said = is_refused(&mut command, 78);
            let place = format!("shop.toml, line 2: {key}: ");
            assert!(said.contains(&place), "no {place:?} in {said}");
            tells_none(&said, &[SECRET]);
        }
    }
    let mut command = premises.command(&["serve"]);
    let settings = [("webhook_secret", SECRET), ("admin_tokn", ADMIN_TOKEN)];
    let server = premises.serve_by(configure(&mut command, &settings));
    let log = server.stop_and_read_log();
    assert!(
        log.contains("FLASHSALE_ADMIN_TOKN"),
        "a warning names it: {log}"
    );
    tells_none(&log, &[SECRET, ADMIN_TOKEN]);
}

#[test]
fn a_line_with_two_settings_shows_no_secret() {
    let premises = Premises::stocked(1);
    for line in [
        format!("drain_s = 1 admin_token = \"{ADMIN_TOKEN}\""),
        format!("drain_s = 1, webhook_secrets = [\"{SECRET}\"]"),
        format!("drain_s = {{ admin_token = \"{ADMIN_TOKEN}\", webhook_secrets = \"{SECRET}\" }}"),
    ] {
        let path = config(&premises, 0o600, &format!("{line}\n"));
        let mut command = premises.command(&["serve", "--config", path.to_str().unwrap()]);
        let said = is_refused(&mut command, 78);
        assert!(said.contains("shop.toml, line 1"), "{said}");
        tells_none(&said, &[SECRET, ADMIN_TOKEN]);
    }
}

#[test]
fn there_is_no_flag_for_a_secret() {
    let premises = Premises::stocked(1);
    for command in [&["--help"][..], &["serve", "--help"]] {
        let help = premises.run(command).succeeded().stdout().to_lowercase();
        tells_none(&help, &["secret", "token"]);
    }
    for flag in [
        "--webhook-secrets",
        "--webhook_secrets",
        "--admin-token",
        "--admin_token",
    ] {
        for args in [
            vec![flag.to_owned(), SECRET.to_owned()],
            vec![format!("{flag}={SECRET}")],
        ] {
            let told = is_refused(premises.command(&["serve"]).args(&args), 2);
            assert!(told.contains(flag), "{told}");
            tells_none(&told, &[SECRET]);
        }
    }
}
