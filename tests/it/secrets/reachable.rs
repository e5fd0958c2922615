//! A server that can be reached from elsewhere has secrets and tokens, or says that it wants none.

use std::os::unix::net::UnixStream;

use super::{ADMIN_TOKEN, TOKENS, is_refused, tells_none};
use crate::provider::SECRET;
use crate::server::Premises;
use crate::wire::{self, configure};

const SECRETS: (&str, &str) = ("webhook_secrets", SECRET);

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
fn a_flag_lets_strangers_in_no_more_than_the_environment_does() {
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
