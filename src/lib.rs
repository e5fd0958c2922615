//! A flash-sale server: one binary and one SQLite file that sell a limited stock to a crowd, never oversell, never lose an
//! acknowledged write, and prove it.
//!
//! **A pure sale in the middle, one writer around it, a bounded front before it.**
//!
//! ```text
//! socket ──> http ──> api ──> Command ──> writer ──────> store.transact(commands) ──> sale::decide(set, command)
//!            │                              │ a batch       │ BEGIN IMMEDIATE, then now   refusals first, then effects,
//!            │                              │               │ fetch what rules need       on rows in memory
//! socket <── http <── api <── Outcome <──── a batch ────────┘ write what changed, COMMIT
//! reads:     http ──> api ──> store::Reader (a pool of connections that cannot write) ──> Response
//! sold out:  http ──> api ──> store::Reader judges by the same rules, and may only refuse ──> Response
//! cli:       seed, sweep-holds: the same store, one shot; verify, backup, export: read only; restore, copy: a new database
//! ```
//!
//! Data goes one way. A request becomes a `Command` at the edge. The writer takes the first waiting command and whatever
//! else waits with it (no timer: the batch grows exactly under load) and hands them to the store, which opens one
//! transaction, lets the sale judge every command in order on a `WorkingSet` of rows in memory, writes the rows that
//! changed and commits once; only then do the answers leave. One fsync serves the whole batch, and a hot product is read
//! and written once a batch: that is where the speed comes from.
//!
//! # The rooms, from the lowest up; each imports only from those below it
//!
//! | room | what is in it |
//! |---|---|
//! | [`sale`] | the rules, in four floors: rules that may refuse, transitions that cannot, the working set that both see, the rows |
//! | [`store`] | the traits of a database, of what writes it and of what reads it; the engines: one SQLite file, or a PostgreSQL server (feature `postgres`) |
//! | [`clock`] | the sale's time, which never runs back |
//! | [`config`] | the keys, one definition each with its default and bounds; file, environment and flags |
//! | [`input`] | text to values, for what HTTP brings and for what the command line reads |
//! | [`metrics`] | what a server counts of itself |
//! | [`writer`] | the bounded queue, group commit, answers after the commit |
//! | [`http`] | bytes to requests, responses to bytes, by a few event loops that own the connections |
//! | [`api`] | HTTP's side of the sale: the endpoints, one line each; fields in, bodies out, errors |
//! | [`rehearsal`] | a simulated crowd, and what the database says of what the crowd was told |
//! | [`cli`] | the command line, one file a command |
//!
//! # Invariants
//!
//! 1. The rules live in `sale` alone; it imports nothing of ours, no I/O, no clock. A deadline is compared one way: at the
//!    deadline itself it has passed (`Timestamp::has_passed`; in SQL, where lists and overdue rows are looked for,
//!    `deadline <= :now`, one fragment a table, which the differential test holds to the rule).
//! 2. Nothing is written outside of `Store`, whose methods all commit by one function, and into no file but the one that its
//!    path names; but for a copy that has no name yet. Only the engines in `store` know SQL.
//! 3. No answer leaves before the commit that made it durable. A refusal changes nothing: a rule changes nothing before
//!    its last look at the working set.
//! 4. Status codes and JSON live in `api` alone; sockets, threads and HTTP bytes in `http` alone. `api`'s answer to an
//!    outcome is total and pure, so a replay is byte-equal.
//! 5. Two guards on every promise: the rule, and a constraint in `schema.sql`. A constraint that fires is a bug: the batch
//!    is rolled back and its commands are tried one by one, so that only the culprit fails. (An
//!    `Idempotency-Key` is the exception: no index could hold keys in no order at this pace, so the second guard is the
//!    store's own, `store/sqlite/tables/kept_keys.rs`.)
//! 6. Every queue, buffer, batch, list and wait has a bound, and no thread waits for a client.
//! 7. Per product, at every commit: `total = available + reserved + sold`, none below 0; the ledger's replay gives the
//!    same counters.
//! 8. Only the writer decides that a command timed out; the connection waits for the writer's answer until it comes.
//! 9. The sale's time is `clock`'s alone. Time-outs, of connections, of queues and of a command's patience, are measured
//!    with the system's monotonic clock where they are waited for.
//!
//! The import directions and the confinements are held by `tests/it/tidy`, the others by the tests that
//! `docs/promises.md` names.
//!
//! # Which "no" is used where
//!
//! | type | says | becomes |
//! |---|---|---|
//! | `sale::Rejection` | the shop refuses, and nothing was changed | a status and a code, in `api/errors.rs` |
//! | `sale::Stop` | a rule refuses, or misses rows that the store must fetch first | never leaves `store` |
//! | `store::StoreError` | a batch, or a read, failed, and what was applied | a `CommandError`, a `WriterExit`, a 503, or an exit status |
//! | `store::OpenError` | a database is not opened | an exit status, in `cli/cli_error.rs` |
//! | `writer::CommandError` | a command has no outcome: refused, overloaded, stopped, not applied, unknown | a status and a code |
//! | `writer::WriterExit` | why nothing is written any more | an exit status of `serve` |
//! | `http::Refusal` | a request cannot be understood, or cannot be served now | a status, in `api/errors.rs`, and mostly a closed connection |
//! | `api::Error` | any "no" to a request | one line of the table in `api/errors.rs` |
//! | `config::ConfigError` | the file, line and key that are wrong | exit status 66 or 78 |
//! | `cli::CliError` | how a command fails | an exit status of sysexits.h and a sentence on stderr |
//!
//! # How a rule gets its rows
//!
//! A working set starts empty. A rule that looks at a row which is not there stops with a `Need`. No list of "rows that this
//! command will touch" exists that could go stale, and the working set always tells an absent row from one that was not
//! fetched. In the SQLite store, a batch begins with the products, holds and orders that the batch before knew, for as long as
//! `pragma data_version` says that no other connection has committed (`KnownRows`).
//!
//! An engine in the process fetches the row, and the rule starts again (`judge_in_turn`). For an engine far away, the whole
//! batch is rehearsed on a copy, all needs are fetched at once, and so on until a rehearsal misses nothing
//! (`judge_in_waves`): two waves for 512 commands of any kind. The memory store of the tests judges so.
//!
//! # Expiry and time
//!
//! A command that names a hold or an order judges it by the clock. A command that needs units ends overdue rows, oldest
//! first, until it fits. Besides, a batch ends up to 32 overdue rows of any product, or twice as many as its commands, where
//! the last sweep left something or was 5 ms ago (`writer/sweeping.rs`); and when idle the writer wakes at the next deadline,
//! and ends 256 at a time. Readers count overdue units as available. A reader tells the time that it judged at, which is no
//! later than that of the batch in flight, so that nothing it called expired is paid by that batch.
//!
//! # How the shop is told
//!
//! A transition that places, pays, ends or refunds an order writes an event beside the rows that it changes: in the same
//! transaction, numbered by a counter like every id, in columns that never change. `GET /api/events` reads them in order; a
//! request that waits takes no thread (`api/feed/long_polls.rs`). The server calls nobody.
//!
//! # What is stable
//!
//! The HTTP API, the command line, the configuration and the database's schema (older ones are migrated). The modules of
//! this crate are public for the tests and benchmarks beside them and may change with any commit; the feature
//! `test-support` is in no release.

pub mod sale;

pub mod store;

pub mod clock;

pub mod config;

pub mod metrics;

pub mod input;

pub mod writer;

pub mod http;

pub mod api;

pub mod rehearsal;

pub mod cli;
