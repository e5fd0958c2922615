//! The crowd is as large as the sale's, and its memory small enough for the machine that serves.

use std::fs;
use std::process::Stdio;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use crate::server::Premises;

/// What a simulated buyer may take; it takes some 90.
const BYTES_A_BUYER: u64 = 250;
/// What differs from one run to another.
const SLACK_BYTES: u64 = 2 << 20;
/// As many as have a connection each, and more.
const FEW: u64 = 1_000;

/// The most memory, in bytes, that a rehearsal with so many buyers had: its server's, which is a process of its own, is not in it.
#[track_caller]
fn peak_with(buyers: u64) -> u64 {
    let premises = Premises::new();
    let mut command = premises.command(&["rehearse", "--buyers", &buyers.to_string()]);
    let piped = command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = piped.spawn().unwrap();
    let status = format!("/proc/{}/status", child.id());
    let (sender, ended) = mpsc::channel();
    thread::spawn(move || sender.send(child.wait_with_output().unwrap()).ok());
    let mut peak_kib = 0;
    loop {
        let status = fs::read_to_string(&status).unwrap_or_default();
        let mut lines = status.lines();
        if let Some(peak) = lines.find_map(|line| line.strip_prefix("VmHWM:")) {
            peak_kib = peak.trim().trim_end_matches(" kB").parse().unwrap();
        }
        match ended.recv_timeout(Duration::from_millis(5)) {
            Err(RecvTimeoutError::Timeout) => {}
            Ok(output) => {
                // On a busy machine some buyers are turned away, which ends with 1.
                let told = String::from_utf8_lossy(&output.stderr);
                assert!(matches!(output.status.code(), Some(0 | 1)), "{told}");
                return peak_kib * 1024;
            }
            Err(RecvTimeoutError::Disconnected) => panic!("the rehearsal was not waited for"),
        }
    }
}

/// 5000 buyers more than a few, or as many as `FLASHSALE_TEST_BUYERS` says.
#[test]
fn a_buyer_takes_few_bytes() {
    let buyers = std::env::var("FLASHSALE_TEST_BUYERS").ok();
    let more = buyers.map_or(5_000, |buyers| buyers.parse().unwrap());
    let [few, many] = [FEW, FEW + more].map(peak_with);
    println!("{FEW} buyers take {few} bytes, {more} more {many}");
    assert!(
        many <= few + more * BYTES_A_BUYER + SLACK_BYTES,
        "{few} bytes, and with {more} buyers more {many}"
    );
}
