//! A door that is shut by default, and what must be told to nobody: secrets, tokens, keys and customers.

use std::fs::{self, Permissions};
use std::io::{BufRead, BufReader, Read};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::provider::{OTHER_SECRET, SECRET, borrowed, present_s, signed_with};
use crate::server::{Premises, Server};
use crate::wire::{self, Answer, configure};

const SECRETS: (&str, &str) = ("webhook_secrets", SECRET);
const TOKENS: (&str, &str) = ("require_tokens", "true");
const ADMIN_TOKEN: &str = "correct-horse-battery-staple";

/// Where others come from: what is configured and what is then listened on.
const ELSEWHERE: [(&[(&str, &str)], &str); 4] = [
    (&[("listen", "0.0.0.0:0")], "http://0.0.0.0:"),
    (&[("listen", "[::]:0")], "http://[::]:"),
    (&[("listen", "unix:shop.sock")], "unix:shop.sock"),
    (
        &[("listen", "127.0.0.1:0"), ("trusted_proxies", "10.0.0.1")],
        "http://127.0.0.1:",
    ),
];

/// What `serve` says when it ends at once, with this status.
#[track_caller]
fn is_refused(command: &mut Command, code: i32) -> String {
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    stdout.read_line(&mut line).unwrap();
    if line.starts_with("listening") {
        child.kill().unwrap();
    }
    let mut said = String::new();
    child
        .stderr
        .take()
        .unwrap()
        .read_to_string(&mut said)
        .unwrap();
    let status = child.wait().unwrap().code();
    assert_eq!((line.as_str(), status), ("", Some(code)), "{said}");
    said
}

#[track_caller]
fn tells_none(text: &str, secrets: &[&str]) {
    for secret in secrets {
        assert!(!text.contains(secret), "{secret} is told in {text}");
    }
}

#[test]
fn whoever_can_be_reached_from_elsewhere_serves_with_secrets_and_tokens() {
    let premises = Premises::stocked(1);
    for (settings, listening) in ELSEWHERE {
        let mut command = premises.command(&["serve"]);
        let settings = settings.iter().copied().chain([SECRETS, TOKENS]);
        configure(&mut command, &settings.collect::<Vec<_>>());
        let server = premises.serve_where_told(&mut command);
        assert!(server.base.starts_with(listening), "{}", server.base);
        if server.base.starts_with("unix:") {
            UnixStream::connect(premises.path().join("shop.sock")).unwrap();
        } else {
            wire::probe(&server, "/healthz");
        }
        server.stop();
    }
}

#[test]
fn whoever_can_be_reached_from_elsewhere_serves_with_nothing_less() {
    let premises = Premises::stocked(1);
    for (settings, _) in ELSEWHERE {
        for half in [
            &[][..],
            &[SECRETS],
            &[TOKENS],
            &[("require_tokens", "false"), SECRETS],
        ] {
            let settings = [settings, half, &[("admin_token", ADMIN_TOKEN)]].concat();
            let mut command = premises.command(&["serve"]);
            let said = is_refused(configure(&mut command, &settings), 78);
            for key in ["webhook_secrets", "require_tokens", "allow_open"] {
                assert!(said.contains(key), "no {key} in {said}");
            }
            tells_none(&said, &[SECRET, ADMIN_TOKEN]);
        }
    }
    assert!(!premises.path().join("shop.sock").exists());
}

#[test]
fn a_flag_opens_the_door_no_more_than_the_environment_does() {
    let premises = Premises::stocked(1);
    for address in ["0.0.0.0:0", "unix:shop.sock"] {
        let said = is_refused(&mut premises.command(&["serve", "--listen", address]), 78);
        assert!(
            said.contains("webhook_secrets") && said.contains("require_tokens"),
            "{said}"
        );
    }
    let mut command = premises.command(&["serve", "--listen", "0.0.0.0:0"]);
    let server = premises.serve_where_told(configure(&mut command, &[("allow_open", "true")]));
    wire::probe(&server, "/healthz");
    server.stop();
}

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
        for said in [
            vec![flag.to_owned(), SECRET.to_owned()],
            vec![format!("{flag}={SECRET}")],
        ] {
            let said: Vec<&str> = said.iter().map(String::as_str).collect();
            let told = is_refused(premises.command(&["serve"]).args(said), 2);
            assert!(told.contains(flag), "{told}");
            tells_none(&told, &[SECRET]);
        }
    }
}

const CUSTOMER: &str = "ada.lovelace@shop.example";
const KEYS: [&str; 3] = [
    "f3c1a7d2-hold-key-4c1d",
    "f3c1a7d2-order-key-9b2e",
    "f3c1a7d2-cancel-key-77aa",
];
const PAYMENT_KEY: &str = "evt_9f8e7d6c5b4a";
const TRANSACTION: &str = "txn_1a2b3c4d5e6f";
const WHSEC_BYTES: &str = "FmPmDHTVyEtOjE5SKBkUpRqHgZXbwn8O4sTuaLYf";

#[test]
fn in_a_whole_sale_no_secret_gets_into_the_log_or_an_error() {
    for log_format in ["text", "json"] {
        let premises = Premises::stocked(9);
        let mut command = premises.command(&["serve"]);
        let both = format!("{SECRET},{OTHER_SECRET}");
        let settings = [
            ("webhook_secrets", both.as_str()),
            ("admin_token", ADMIN_TOKEN),
            ("log_format", log_format),
            TOKENS,
        ];
        configure(&mut command, &settings).env("RUST_LOG", "trace");
        let server = premises.serve_by(&mut command);
        let command_line = fs::read(format!("/proc/{}/cmdline", server.id())).unwrap();
        let (tokens, answers) = whole_sale(&server);
        let log = server.stop_and_read_log();

        let mut secrets = vec![
            ADMIN_TOKEN,
            SECRET,
            OTHER_SECRET,
            WHSEC_BYTES,
            CUSTOMER,
            PAYMENT_KEY,
            TRANSACTION,
        ];
        secrets.extend(KEYS);
        secrets.extend(tokens.iter().map(String::as_str));
        // Whoever shows a hold's token is told the token of the order that it became.
        let told = answers.iter().filter(|answer| {
            answer.status != 201 && !answer.text.contains(r#""code":"hold_used""#)
        });
        for answer in told {
            tells_none(&format!("{}\n{}", answer.head, answer.text), &secrets);
        }
        let requests = log
            .lines()
            .filter(|line| line.contains("request_id"))
            .count();
        assert_eq!(requests, answers.len(), "each request is a line: {log}");
        tells_none(&log, &secrets);
        tells_none(&String::from_utf8_lossy(&command_line), &secrets);
        premises.books_are_right();
    }
}

/// What is sold and what goes wrong: the tokens that were given, and every answer.
fn whole_sale(server: &Server) -> ([String; 2], Vec<Answer>) {
    let mut answers = Vec::new();
    let mut send = |line: &str, headers: &[(&str, &str)], body: &[u8]| {
        let answer = wire::call(server, line, headers, body);
        let told = (answer.status, answer.body.clone());
        answers.push(answer);
        told
    };
    let text = |body: &Value| body.to_string().into_bytes();

    let wish = text(&json!({"product_id": 1, "quantity": 2, "customer": CUSTOMER}));
    let (_, hold) = send("POST /api/holds", &[("Idempotency-Key", KEYS[0])], &wish);
    send("POST /api/holds", &[("Idempotency-Key", KEYS[0])], &wish);
    let hold = hold["token"].as_str().unwrap().to_owned();
    let bearer = format!("Bearer {hold}");
    assert_eq!(
        send("GET /api/holds/1", &[("Authorization", &bearer)], b"").0,
        200
    );
    let wish = text(&json!({"hold_id": 1, "token": hold}));
    let (_, order) = send("POST /api/orders", &[("Idempotency-Key", KEYS[1])], &wish);
    send("POST /api/orders", &[("Idempotency-Key", KEYS[1])], &wish);
    assert_eq!(send("POST /api/orders", &[], &wish).0, 400, "used");
    let order = order["token"].as_str().unwrap().to_owned();
    let bearer = format!("Bearer {order}");
    let event = text(
        &json!({"idempotency_key": PAYMENT_KEY, "order_id": 1, "status": "success",
        "payload": {"transaction_id": TRANSACTION, "amount": 199.98, "email": CUSTOMER}}),
    );
    for secret in [SECRET, OTHER_SECRET] {
        let signed = signed_with(secret, present_s(), &event);
        assert_eq!(
            send("POST /api/payments/webhook", &borrowed(&signed), &event).0,
            200
        );
    }
    assert_eq!(
        send("GET /api/orders/1", &[("Authorization", &bearer)], b"").0,
        200
    );
    let cancel = [
        ("Authorization", bearer.as_str()),
        ("Idempotency-Key", KEYS[2]),
    ];
    assert_eq!(
        send("POST /api/orders/1/cancel", &cancel, b"").0,
        400,
        "paid"
    );
    let other = br#"{"product_id":1,"quantity":3}"#;
    assert_eq!(
        send("POST /api/holds", &[("Idempotency-Key", KEYS[0])], other).0,
        422,
        "reused"
    );

    // What is sent wrongly, secrets and all.
    let all = format!("{hold} {order} {SECRET} {ADMIN_TOKEN} {PAYMENT_KEY} {CUSTOMER}");
    let shown = [
        ("Authorization", bearer.as_str()),
        ("Idempotency-Key", KEYS[0]),
    ];
    let spaced = format!("{} {}", KEYS[0], KEYS[1]);
    for line in [
        "POST /api/holds",
        "POST /api/orders",
        "POST /api/orders/1/cancel",
        "DELETE /api/holds/1",
        "POST /api/payments/webhook",
    ] {
        for body in [
            format!("{{\"token\":\"{all}\""),
            format!("{{\"token\":[\"{all}\"]}}"),
            format!("{{\"token\":\"{all}\",\"customer\":\"{all} \",\"x\":\"{all}\"}}"),
            format!(
                "{{\"product_id\":\"{all}\",\"hold_id\":\"{all}\",\"idempotency_key\":\"{all}\"}}"
            ),
            all.clone(),
        ] {
            for headers in [
                &shown[..],
                &[],
                &[("Idempotency-Key", &spaced)],
                &[("Authorization", &all), ("webhook-signature", &all)],
            ] {
                let (status, body) = send(line, headers, body.as_bytes());
                assert!(matches!(status, 400..=499), "{line}: {body}");
            }
        }
    }
    let broken = format!(
        "{{\"order_id\":1,\"idempotency_key\":\"{PAYMENT_KEY}\",\"status\":\"{all}\",\"payload\":\"{all}\"}}"
    );
    let signed = signed_with(SECRET, present_s(), broken.as_bytes());
    assert_eq!(
        send(
            "POST /api/payments/webhook",
            &borrowed(&signed),
            broken.as_bytes()
        )
        .0,
        422
    );
    let reused = text(&json!({"idempotency_key": PAYMENT_KEY, "order_id": 1, "status": "failure"}));
    let signed = signed_with(SECRET, present_s(), &reused);
    assert_eq!(
        send("POST /api/payments/webhook", &borrowed(&signed), &reused).0,
        422,
        "reused"
    );
    for path in [&hold, SECRET, ADMIN_TOKEN, KEYS[0], PAYMENT_KEY, CUSTOMER] {
        send(&format!("GET /api/holds/{path}"), &shown, b"");
        send(&format!("GET /api/orders/{path}?token={path}"), &shown, b"");
        send(&format!("PUT /{path}"), &shown, b"");
        send(
            &format!("GET /api/products?cursor={path}&limit={path}"),
            &shown,
            b"",
        );
    }
    // What is no request at all.
    for bytes in [
        format!("GET /api/holds/1 HTTP/1.1\r\nHost: a\r\nAuthorization {bearer}\r\n\r\n"),
        format!("GET /api/holds/1 HTTP/1.1\r\nHost: {all}\r\nAuthorization: {bearer}\r\n\r\n"),
        format!("GET /{} HTTP/1.1\r\nHost: a\r\n\r\n", hold.repeat(50)),
        format!(
            "GET / HTTP/1.1\r\nHost: a\r\nAuthorization: {}\r\n\r\n",
            hold.repeat(300)
        ),
        format!("POST /api/orders HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n{all}"),
        format!("POST /api/orders HTTP/1.1\r\nHost: a\r\nAuthorization: {bearer}\r\n\r\n"),
        format!("{all}\r\n\r\n"),
        format!("{order} /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"),
    ] {
        let answer = wire::answer_to(server, bytes.as_bytes());
        assert!(matches!(answer.status, 400..=599), "{}", answer.head);
        answers.push(answer);
    }
    ([hold, order], answers)
}
