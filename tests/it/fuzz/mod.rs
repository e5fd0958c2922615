//! What strangers can send, as bytes: a small corpus for each reader, and some thousands of mutations of it.
//! `FLASHSALE_TEST_MUTATIONS` for more. `fuzz/run.py` has libFuzzer look for inputs that reach further; what it finds is in the
//! corpus.

mod corpus;
mod mutations;
mod targets;

use std::panic::{self, AssertUnwindSafe};

use mutations::mutated;

use crate::dice::Dice;

const SEEDS: u64 = 4;
const MUTATIONS: u64 = 3_000;

fn try_with_mutations(name: &str) {
    let (target, corpus) = (targets::named(name), corpus::of(name));
    assert!(!corpus.is_empty());
    let tried = |bytes: &[u8], which: &str| {
        panic::catch_unwind(AssertUnwindSafe(|| target(bytes))).unwrap_or_else(|_| {
            panic!("{name}, {which}: {}", corpus::line(bytes));
        });
    };
    for bytes in &corpus {
        tried(bytes, "of the corpus");
    }
    let mutations = std::env::var("FLASHSALE_TEST_MUTATIONS").map(|it| it.parse().unwrap());
    let mutations = mutations.unwrap_or(MUTATIONS) / SEEDS;
    // Odd and even ones.
    for seed in 0..SEEDS {
        let mut dice = Dice::new(seed);
        for index in 0..mutations {
            let bytes = mutated(&corpus, &mut dice);
            tried(&bytes, &format!("seed {seed}, mutation {index}"));
        }
    }
}

/// URLs are read by the program with PostgreSQL alone.
fn is_built(target: &str) -> bool {
    cfg!(feature = "postgres") || target != "database_url"
}

macro_rules! fuzzed {
    ($($fact:ident: $target:literal),+ $(,)?) => {
        $(#[test]
        fn $fact() {
            if is_built($target) {
                try_with_mutations($target);
            }
        })+

        #[test]
        fn every_target_is_tried() {
            let targets = targets::TARGETS.iter().map(|(name, _)| *name);
            let tried = [$($target),+];
            assert!(targets.eq(tried.into_iter().filter(|name| is_built(name))));
        }
    };
}

fuzzed! {
    a_head_is_read_as_rfc_9112_is: "head",
    a_chunked_body_is_read_as_others_read_it: "chunked",
    a_body_means_the_same_in_other_letters: "body",
    a_webhooks_signature_was_made_with_the_key: "webhook_header",
    stripes_signature_was_made_with_the_secret: "stripe_header",
    an_event_of_stripes_tells_the_same_in_other_letters: "stripe_event",
    no_secret_of_a_configuration_is_shown: "configuration",
    no_password_of_a_databases_url_is_shown: "database_url",
    a_catalogue_that_was_read_is_written_and_read_again: "catalogue",
    a_query_means_the_same_in_another_encoding: "query",
    an_idempotency_key_is_visible_and_there_once: "idempotency_key",
    no_client_can_forge_its_address: "forwarded_for",
}
