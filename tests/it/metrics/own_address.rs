//! `metrics_listen`: the metrics alone at an address of their own.

use std::net::TcpListener;

use super::scrape::Scrape;
use super::texts;
use crate::server::{Premises, Ran, Server};
use crate::shop::ADMIN_TOKEN;
use crate::waiting::wait_until;

const KEY: &str = "FLASHSALE_METRICS_LISTEN";

fn status(base: &str, method: &str, path: &str) -> u16 {
    let request = ureq::http::Request::builder();
    let request = request.method(method).uri(format!("{base}{path}"));
    let config = ureq::Agent::config_builder().http_status_as_error(false);
    let agent: ureq::Agent = config.build().into();
    let answer = agent.run(request.body(()).unwrap());
    answer.unwrap().status().as_u16()
}

/// As the log names it.
fn metrics_address(server: &Server) -> String {
    let names = "metrics are at ";
    wait_until("the log names the address", || server.log().contains(names));
    let log = server.log();
    let mut lines = log.lines().filter_map(|line| line.split_once(names));
    lines.next().unwrap().1.to_owned()
}

#[test]
fn metrics_stand_at_their_own_address_and_nothing_else_does() {
    let premises = Premises::stocked(5);
    let mut command = premises.command(&["serve"]);
    let command = command.env("FLASHSALE_ADMIN_TOKEN", ADMIN_TOKEN);
    let server = premises.serve_by(command.env(KEY, "127.0.0.1:0"));
    let metrics = metrics_address(&server);
    assert_eq!(status(&server.base, "GET", "/metrics"), 404);
    assert_eq!(server.hold(1).0, 201);
    let told = Scrape::read(&texts::text(&metrics));
    told.has("flashsale_holds_total{result=\"placed\"}", 1.0);
    told.has("flashsale_http_connections{state=\"idle\"}", 1.0);
    for (method, path, expected) in [
        ("HEAD", "/metrics", 200),
        ("GET", "/metrics/", 200),
        ("POST", "/metrics", 405),
        ("GET", "/", 404),
        ("GET", "/healthz", 404),
        ("GET", "/api/products", 404),
        ("GET", "/admin/api/stats", 404),
        ("GET", "/admin", 404),
    ] {
        assert_eq!(status(&metrics, method, path), expected, "{method} {path}");
    }
    server.stop();
    premises.books_are_right();
}

#[test]
fn an_address_that_is_taken_ends_the_server_before_it_makes_a_database() {
    let premises = Premises::new();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = listener.local_addr().unwrap().to_string();
    let mut command = premises.command(&["serve", "--listen", "127.0.0.1:0"]);
    let ran = Ran(command.env(KEY, &taken).output().unwrap());
    ran.exited(69).complains(&taken).complains("metrics_listen");
    assert!(!premises.path().join("flash_sale.db").exists());
}
