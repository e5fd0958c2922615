//! `flashsale health`, for containers without an HTTP client.

use std::io::Write;
use std::net::TcpListener;
use std::thread;

use crate::server::Premises;

#[test]
fn a_server_is_well_until_it_has_stopped() {
    let premises = Premises::stocked(1);
    let server = premises.serve();
    let address = server.address().to_owned();
    let url = format!("http://{}", address.trim_start_matches("http://"));
    for url in [url.clone(), format!("{url}/readyz")] {
        let ran = premises.run(&["health", "--url", &url]).succeeded();
        assert!(
            ran.stdout().contains(" answers 200 to /"),
            "{}",
            ran.stdout()
        );
    }
    let missing = format!("{url}/nowhere");
    let ran = premises.run(&["health", "--url", &missing]).exited(1);
    ran.complains("answers 404 to /nowhere");
    server.stop();
    let ran = premises.run(&["health", "--url", &url]).exited(1);
    ran.complains("does not answer");
}

#[test]
fn without_a_url_the_configured_address_is_asked_over_a_unix_socket_too() {
    let premises = Premises::stocked(1);
    let listen = format!("unix:{}", premises.path().join("shop.sock").display());
    premises.file(
        "flash_sale.toml",
        &format!("listen = {listen:?}\nallow_open = true\n"),
    );
    premises
        .run(&["health"])
        .exited(1)
        .complains("does not answer");
    let server = premises.serve_where_told(&mut premises.command(&["serve"]));
    premises.run(&["health"]).succeeded().prints(&listen);
    server.stop();
}

#[test]
fn a_url_that_is_none_is_a_mistake_of_the_command_line() {
    let premises = Premises::new();
    for url in [
        "127.0.0.1:8000",
        "https://shop.example/",
        "http://",
        "http://127.0.0.1:1/a b",
    ] {
        premises.run(&["health", "--url", url]).exited(2);
    }
}

#[test]
fn what_speaks_no_http_is_not_well() {
    let premises = Premises::new();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let other = thread::spawn(move || {
        let (mut client, _) = listener.accept().unwrap();
        client.write_all(b"220 mail ready\r\n").unwrap();
    });
    premises.run(&["health", "--url", &url]).exited(1);
    other.join().unwrap();
}
