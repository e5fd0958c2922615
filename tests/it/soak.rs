//! A soak of the real binary: a mix of requests for as long as it is asked, and what the server takes meanwhile does not grow with
//! their number. The first half is compared with the second. `FLASHSALE_TEST_SOAK_MINUTES` for longer.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use crate::server::{Premises, Server};
use crate::wire::{configure, get, hold};

/// As many samples in each half; the first one is for caches to fill, and is thrown away.
const SAMPLES: usize = 6;
const CONNECTIONS_A_SAMPLE: usize = 100;
/// What would be told as a leak: half a KiB for each request, and half a descriptor or thread for each sample.
const LEAK_BYTES: u64 = 512;
/// How long what was closed may be on its way.
const HANG: Duration = Duration::from_secs(60);

/// What a process takes.
#[derive(Clone, Copy, Debug)]
struct Taken {
    requests: u64,
    anonymous_bytes: u64,
    descriptors: u64,
    threads: u64,
}

/// What a client does after it has asked.
#[derive(Clone, Copy)]
enum Client {
    HangsUp,
    /// Every so many connections stay, each with half a body.
    Stays(usize),
}

fn requests() -> Vec<String> {
    let sold_out = hold().replace("\"product_id\":1", "\"product_id\":2");
    let unknown = "GET /nowhere HTTP/1.1\r\nHost: a\r\n\r\n".to_owned();
    let wrong = hold().replace("\"quantity\":1", "\"quantity\":x");
    let unsigned = get("/admin/api/orders");
    let mut requests = Vec::new();
    for _ in 0..4 {
        requests.extend([get("/healthz"), get("/api/products/1"), sold_out.clone()]);
    }
    requests.extend([get("/api/products"), hold(), unknown, wrong, unsigned]);
    requests.extend([get("/api/holds/1"), get("/readyz")]);
    requests
}

/// Sends all at once, on a connection of its own, and reads as many answers.
fn ask_all(server: &Server, requests: &[String]) -> TcpStream {
    let mut stream = server.connect();
    stream.write_all(requests.concat().as_bytes()).unwrap();
    let (mut answers, mut seen) = (0, Vec::new());
    let mut buffer = [0; 16 * 1024];
    while answers < requests.len() {
        let read = stream.read(&mut buffer).unwrap();
        assert!(read > 0, "the server has answered {answers} and closed");
        seen.extend_from_slice(&buffer[..read]);
        // No body has this in it.
        answers = seen.windows(9).filter(|it| *it == b"HTTP/1.1 ").count();
    }
    stream
}

/// Some connections' requests, and then what the server takes at rest.
fn sample(server: &Server, client: Client, kept: &mut Vec<TcpStream>, sent: &mut u64) -> Taken {
    let requests = requests();
    for number in 0..CONNECTIONS_A_SAMPLE {
        let mut stream = ask_all(server, &requests);
        *sent += requests.len() as u64;
        // Half a head, and gone.
        server.connect().write_all(b"GET / HT").unwrap();
        if let Client::Stays(every) = client
            && number % every == 0
        {
            let half =
                "POST /api/payments/webhook HTTP/1.1\r\nHost: a\r\nContent-Length: 60000\r\n\r\n";
            stream.write_all(half.as_bytes()).unwrap();
            stream.write_all(&[b' '; 50_000]).unwrap();
            kept.push(stream);
        }
    }
    at_rest(server, kept.len() as u64, *sent)
}

/// Once connections that were closed are closed on the server's side, too.
fn at_rest(server: &Server, connections: u64, requests: u64) -> Taken {
    let began = Instant::now();
    loop {
        let (_, metrics) = text_of(server, "/metrics");
        let open: f64 = metrics
            .lines()
            .filter_map(|line| line.strip_prefix("flashsale_http_connections{"))
            .map(|line| line.rsplit(' ').next().unwrap().parse::<f64>().unwrap())
            .sum();
        // With the one that asks.
        if open <= connections as f64 + 1.0 {
            break;
        }
        assert!(began.elapsed() < HANG, "{open} connections are open");
    }
    let process = format!("/proc/{}", server.id());
    let status = std::fs::read_to_string(format!("{process}/status")).unwrap();
    let figure = |name: &str| -> u64 {
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        line.unwrap()
            .split_whitespace()
            .next()
            .unwrap()
            .parse()
            .unwrap()
    };
    Taken {
        requests,
        anonymous_bytes: figure("RssAnon:") * 1024,
        descriptors: std::fs::read_dir(format!("{process}/fd")).unwrap().count() as u64,
        threads: figure("Threads:"),
    }
}

fn text_of(server: &Server, path: &str) -> (u16, String) {
    let mut stream = server.connect();
    let request = format!("GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    (text[9..12].parse().unwrap(), text)
}

/// What grows from the first half to the second, in words; nothing for a server that is well.
fn growth(samples: &[Taken]) -> Vec<String> {
    let (first, second) = samples.split_at(samples.len() / 2);
    let median = |half: &[Taken], figure: fn(&Taken) -> u64| {
        let mut figures: Vec<u64> = half.iter().map(figure).collect();
        figures.sort_unstable();
        figures[figures.len() / 2]
    };
    let grown = |figure| median(second, figure).saturating_sub(median(first, figure));
    let requests = grown(|taken| taken.requests);
    let bytes = grown(|taken| taken.anonymous_bytes);
    let halves = (samples.len() / 2) as u64;
    let mut found = Vec::new();
    if bytes > requests * LEAK_BYTES {
        found.push(format!("{bytes} bytes in {requests} requests"));
    }
    for (name, grown) in [
        ("descriptors", grown(|taken| taken.descriptors)),
        ("threads", grown(|taken| taken.threads)),
    ] {
        if grown > halves / 2 {
            found.push(format!("{grown} {name} in {halves} samples"));
        }
    }
    found
}

fn soak(client: Client, samples: usize) -> Vec<Taken> {
    let premises =
        Premises::selling("sku,name,price,total_stock\ntee,Tee,9.99,2000000000\nout,Out,9.99,0\n");
    let mut command = premises.command(&["serve"]);
    let settings = [
        ("durability", "normal"),
        ("hold_ttl_s", "1"),
        ("http_threads", "2"),
        ("idle_timeout_s", "600"),
        ("body_timeout_s", "600"),
    ];
    let server = premises.serve_by(configure(&mut command, &settings));
    let minutes = std::env::var("FLASHSALE_TEST_SOAK_MINUTES");
    let minutes: u64 = minutes.map_or(0, |minutes| minutes.parse().unwrap());
    let (mut kept, mut sent, mut all) = (Vec::new(), 0, Vec::new());
    for _ in 0..3 {
        sample(&server, client, &mut kept, &mut sent);
    }
    let began = Instant::now();
    while all.len() < 2 * samples || began.elapsed() < Duration::from_secs(60 * minutes) {
        all.push(sample(&server, client, &mut kept, &mut sent));
    }
    drop(kept);
    server.stop();
    premises.books_are_right();
    all
}

#[test]
fn what_a_server_takes_does_not_grow_with_its_requests() {
    let samples = soak(Client::HangsUp, SAMPLES);
    let (first, last) = (samples[0], samples[samples.len() - 1]);
    println!("{} samples, from {first:?} to {last:?}", samples.len());
    let found = growth(&samples);
    assert!(found.is_empty(), "{found:?}: {samples:#?}");
}

/// The negative control: clients who leave a connection behind now and then, with 50 kB of a body, are a leak of descriptors and
/// of a KiB for each request.
#[test]
fn what_grows_is_found() {
    let samples = soak(Client::Stays(4), 2);
    let found = growth(&samples);
    assert!(found.iter().any(|it| it.contains("bytes")), "{samples:#?}");
    assert!(
        found.iter().any(|it| it.contains("descriptors")),
        "{samples:#?}"
    );
}
