#!/usr/bin/env python3
"""Takes each guard away in turn and sees a test fail: a proof that cannot fail proves nothing.

    tests/controls.py           all guards: about a minute each after the build
    tests/controls.py 2         as many as that, chosen by the commit, so that commits take turns
    tests/controls.py NAME ...  those

A guard is taken away in a copy of the source, below target/controls, and nowhere else: the program has no switch for it.
Prints which test missed which guard; ends with 1 where none did, or where the line of a guard is not there any more.
"""

import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
from typing import NamedTuple

PROJECT = pathlib.Path(__file__).resolve().parent.parent
COPY = PROJECT / "target/controls/source"
BUILD = PROJECT / "target/controls/build"
SECONDS_MAX = 600


# Once it serves, a transaction is committed by the next one.
LATER = """if self.commits_since_checkpoint > 20 {
                    let mut tx = tx;
                    tx.set_drop_behavior(rusqlite::DropBehavior::Ignore);
                    return Ok(done);
                }
                commit(&tx, &self.files)?;"""


class Ended(NamedTuple):
    status: int
    stdout: str
    stderr: str


class Guard(NamedTuple):
    name: str
    edits: list  # (file, what stands there once, what takes its place)
    tests: str  # a filter for those that are to fail
    target: str = "--test=it"


GUARDS = [
    Guard(
        "an update names the version that it saw",
        [("src/store/sqlite/tables/products.rs", "where id = :id and version = :seen", "where id = :id and :seen = :seen")],
        "store::sqlite::tables::products",
        "--lib",
    ),
    Guard(
        "stock below zero is refused by the file",
        [("schema.sql", "check (available >= 0 and reserved >= 0 and sold >= 0)", "check (available >= -1000000)")],
        "constraints",
    ),
    Guard(
        "a known idempotency key is looked at",
        [("src/sale/rules/mod.rs", "if let Some(kept) = set.record(key)? {", "if let Some(kept) = set.record(key)?.filter(|_| false) {")],
        "idempotency",
    ),
    Guard(
        "answers leave after the commit",
        [
            ("src/store/sqlite/store.rs", "    let tx = conn\n", "    if !conn.is_autocommit() {\n        conn.execute_batch(\"commit\").map_err(not_applied)?;\n    }\n    let tx = conn\n"),
            ("src/store/sqlite/store.rs", "commit(&tx, &self.files)?;", LATER),
        ],
        "nothing_acknowledged_is_lost_by_a_kill",
    ),
    Guard(
        "a commit is synced",
        [("src/store/sqlite/file/connection.rs", '"pragma synchronous = full", 2_i64', '"pragma synchronous = off", 0_i64')],
        "faults",
    ),
    Guard(
        "a reader's clock waits for the batch in flight",
        [("src/clock.rs", "state.in_flight.map_or(now, |in_flight| now.min(in_flight))", "now")],
        "what_a_reader_calls_expired",
    ),
    Guard(
        "a file that was moved is not written",
        [("src/store/sqlite/file/named_file.rs", "            Some(identity) if identity == self.identity => Fate::InPlace,\n", "            _ if self.path.is_absolute() || self.path.is_relative() => Fate::InPlace,\n")],
        "files::a_server_whose_file_was",
    ),
    Guard(
        "a token is compared",
        [("src/sale/rows/token.rs", ".ct_eq(shown.as_bytes())", ".ct_eq(self.token(kind, id).as_bytes())")],
        "tokens",
    ),
    Guard(
        "a request has one length",
        [("src/http/head.rs", '    if request.has_header("Content-Length") {', '    if request.has_header("No-Such-Header") {')],
        "corpus",
    ),
]


def main():
    chosen = choose(sys.argv[1:])
    for guard in GUARDS:
        for file, there, _ in guard.edits:
            count = (PROJECT / file).read_text().count(there)
            if count != 1:
                sys.exit(f"{guard.name}: {file} has {count} times {there!r}; say where the guard is now")
    link_dependencies()
    copy_source()
    expect_success(chosen)
    missed = [name for name, failed in map(take_away, chosen) if not failed]
    if missed:
        sys.exit(f"no test noticed: {', '.join(missed)}")


def choose(arguments):
    if not arguments:
        return GUARDS
    if arguments[0].isdigit():
        count = int(arguments[0])
        commit = subprocess.run(["git", "rev-parse", "HEAD"], cwd=PROJECT, capture_output=True, text=True).stdout
        first = int(commit[:8] or "0", 16)
        return [GUARDS[(first + each) % len(GUARDS)] for each in range(min(count, len(GUARDS)))]
    by_name = {guard.name: guard for guard in GUARDS}
    return [by_name.get(name) or sys.exit(f"no guard {name!r}; there are: {', '.join(by_name)}") for name in arguments]


def link_dependencies():
    """What the project itself was built with need not be built again."""
    built = PROJECT / "target/debug"
    if built.is_dir() and not (BUILD / "debug").exists():
        own = shutil.ignore_patterns("*flashsale*", "it-*", "incremental", ".cargo-lock")
        shutil.copytree(built, BUILD / "debug", copy_function=os.link, ignore=own)


def copy_source():
    """What is there already keeps its time of change, so that little is built; what is not as it was gets a new one."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=PROJECT, check=True, capture_output=True, text=True).stdout
    files = {file for file in listed.split("\0") if file and (PROJECT / file).is_file()}
    for there in [path for path in COPY.rglob("*") if path.is_file()]:
        if str(there.relative_to(COPY)) not in files:
            there.unlink()
    for file in files:
        text = (PROJECT / file).read_bytes()
        if not (COPY / file).is_file() or (COPY / file).read_bytes() != text:
            (COPY / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(PROJECT / file, COPY / file)


def expect_success(guards):
    """With every guard in its place, the same tests pass."""
    for guard in guards:
        ended = run(guard)
        if ended.status != 0 or passed(ended) == 0:
            sys.exit(f"{guard.name}: its tests do not pass as it is\n{ended.stdout}{ended.stderr}")


def take_away(guard):
    """The name of the guard, and the first test that failed without it."""
    kept = {file: (COPY / file).read_bytes() for file, _, _ in guard.edits}
    for file, there, instead in guard.edits:
        text = (COPY / file).read_text()
        (COPY / file).write_text(text.replace(there, instead))
    try:
        ended = run(guard)
    finally:
        for file, text in kept.items():
            (COPY / file).write_bytes(text)
    if "could not compile" in ended.stderr:
        sys.exit(f"{guard.name}: does not compile without it\n{ended.stderr}")
    failed = re.findall(r"^test (\S+) \.\.\. FAILED$", ended.stdout, re.MULTILINE)
    others = f" and {len(failed) - 1} more" if len(failed) > 1 else ""
    print(f"{guard.name:48} {failed[0] + others if failed else 'NOT NOTICED'}", flush=True)
    return guard.name, failed


def passed(ended):
    return sum(map(int, re.findall(r"(\d+) passed", ended.stdout)))


def run(guard):
    command = ["cargo", "test", "-q", "--no-fail-fast", guard.target, "--", guard.tests, "--format=pretty"]
    environment = os.environ | {"CARGO_TARGET_DIR": str(BUILD)}
    process = subprocess.Popen(
        command, cwd=COPY, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    try:
        stdout, stderr = process.communicate(timeout=SECONDS_MAX)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        stdout, stderr = process.communicate()
        stdout += f"\ntest none_ended_within_{SECONDS_MAX}_s ... FAILED\n"
    return Ended(process.returncode, stdout, stderr)


if __name__ == "__main__":
    main()
