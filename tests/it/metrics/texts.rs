//! What a scrape is, whoever asks for it, and under which names its figures stand.

use flashsale::http::{Method, Request};

use super::scrape::Scrape;
use crate::feed::serve_feed;
use crate::server::Premises;
use crate::shop::{Shop, item};
use crate::wire;

/// Of a server on a file, with a request behind it.
const NAMES: [&str; 29] = [
    "flashsale_build_info{version=",
    "flashsale_clock_ahead_seconds",
    "flashsale_commit_duration_seconds_bucket{le=",
    "flashsale_database_bytes{file=\"database\"}",
    "flashsale_database_bytes{file=\"log\"}",
    "flashsale_disk_free_bytes",
    "flashsale_expired_total{kind=\"hold\"}",
    "flashsale_expired_total{kind=\"order\"}",
    "flashsale_expired_total{kind=\"payment\"}",
    "flashsale_feed_unread_oldest_seconds",
    "flashsale_holds_total{result=\"placed\"}",
    "flashsale_http_connections{state=\"working\"}",
    "flashsale_http_refused_total{reason=\"bad_request\"}",
    "flashsale_http_request_duration_seconds_bucket{",
    "flashsale_http_requests_total{method=\"POST\",route=\"/api/holds\",status=\"201\"}",
    "flashsale_orders_total{result=\"placed\"}",
    "flashsale_payments_total{verdict=\"already_processed\"}",
    "flashsale_refunds_due",
    "flashsale_refunds_due_oldest_seconds",
    "flashsale_stock_units{product=\"1\",state=\"available\"}",
    "flashsale_stock_units{product=\"1\",state=\"reserved\"}",
    "flashsale_stock_units{product=\"1\",state=\"sold\"}",
    "flashsale_store_up",
    "flashsale_writer_batch_commands_count",
    "flashsale_writer_queue",
    "process_cpu_seconds_total",
    "process_open_fds",
    "process_resident_memory_bytes",
    "process_start_time_seconds",
];

/// Of a server to which something of everything has happened.
pub fn busy_scrape() -> Scrape {
    let premises = Premises::stocked(5);
    let server = serve_feed(&premises);
    assert_eq!(server.hold(2).0, 201);
    wire::answer_to(&server, b"nonsense\r\n\r\n").is(400);
    let scrape = Scrape::read(&text(&server.base));
    server.stop();
    scrape
}

#[test]
fn every_name_is_there() {
    let scrape = busy_scrape();
    for name in NAMES {
        let is_there = scrape.names().any(|known| known.starts_with(name));
        assert!(is_there, "no {name} in {scrape:#?}");
    }
    scrape.has("flashsale_store_up", 1.0);
    scrape.has("flashsale_http_refused_total{reason=\"bad_request\"}", 1.0);
    scrape.has("flashsale_commit_duration_seconds_count", 1.0);
    assert!(scrape.figure("process_resident_memory_bytes") > 1e6);
    assert!(scrape.figure("process_start_time_seconds") > 1.7e9);
}

pub fn text(base: &str) -> String {
    let mut answer = ureq::get(format!("{base}/metrics")).call().unwrap();
    answer.body_mut().read_to_string().unwrap()
}

#[test]
fn a_scrape_has_its_type_and_no_token_and_head_is_the_same_without_a_body() {
    let shop = Shop::operated(vec![item("tee", 5)]);
    let answer = shop.get("/metrics").ok();
    let openmetrics = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    assert_eq!(answer.header("Content-Type"), Some(openmetrics));
    assert_eq!(answer.header("Cache-Control"), Some("no-store"));
    let head = shop.call(Request::new(Method::Head, "/metrics")).ok();
    assert_eq!(head.header("Content-Type"), Some(openmetrics));
    shop.call(Request::new(Method::Post, "/metrics"))
        .failed_with(405, "method_not_allowed");
}
