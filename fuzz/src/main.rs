//! One target of `tests/it/fuzz`, by the name in the variable FUZZ_TARGET, driven by libFuzzer.

#![no_main]

#[path = "../../tests/it/provider.rs"]
#[allow(dead_code)]
mod provider;
#[path = "../../tests/it/fuzz/targets/mod.rs"]
mod targets;

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;

static TARGET: LazyLock<targets::Target> = LazyLock::new(|| {
    let name = std::env::var("FUZZ_TARGET").expect("FUZZ_TARGET names a target");
    targets::named(&name)
});

fuzz_target!(|bytes: &[u8]| TARGET(bytes));
