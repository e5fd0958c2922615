# The few verbs. `just` lists them.

default:
    @just --list

# Serve the sample catalogue on http://127.0.0.1:8000
serve:
    cargo run --release -- serve --demo

# All tests
test:
    cargo test

# What must pass before a change lands
check:
    .ci/run

# The tests again, for hours
nightly:
    FLASHSALE_TEST_KILLS=1000 FLASHSALE_TEST_COMMANDS=50000 FLASHSALE_TEST_IDLE_CONNECTIONS=10000 PROPTEST_CASES=100000 FLASHSALE_TEST_TRANSITIONS=10000000 FLASHSALE_TEST_BUYERS=100000 cargo test --release
    FLASHSALE_TEST_ROUNDS=10 FLASHSALE_TEST_KILLS=100 FLASHSALE_TEST_STOCK=20000 cargo test --release --features postgres --test it -- postgres

# Three data nodes under Patroni, whose leader is killed, cut off, paused and relieved under load: ten minutes, as root
failover:
    tests/patroni/run.py

# Measures everything, and writes the figures into README.md and docs/performance.md
bench:
    benches/run.py

# Each guard taken away in turn, and which test notices: a quarter of an hour
controls:
    tests/controls.py

# Mistakes that no test notices, one of each kind at a time: part 0 of 40, or another. An hour or so each; `0/1` is all of them
mutants PART="0/40":
    CARGO_PROFILE_TEST_DEBUG=0 FLASHSALE_TEST_SEEDS=4 FLASHSALE_TEST_TRANSITIONS=20000 cargo mutants --shard {{PART}}

# Licences, sources, advisories
deny:
    .ci/deny
