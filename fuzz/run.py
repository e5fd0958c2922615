#!/usr/bin/env python3
"""Has libFuzzer look for inputs that break a reader, or reach further into it, on stable Rust.

    fuzz/run.py                          every target, a minute each
    fuzz/run.py head body --seconds 600  these targets, ten minutes each
    fuzz/run.py --keep                   and put what reaches further into the committed corpora

The coverage is LLVM's own (`-C passes=sancov-module`), which a stable compiler has; address and leak sanitizers need a nightly
one, and find little where `unsafe_code` is forbidden. A C++ compiler is needed, for libFuzzer itself.

Prints a table: executions, edges reached of all edges of the program, crashes. An input that crashes is printed as a line of
a corpus; `cargo test --test it fuzz` fails with it once it stands there.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
CORPORA = HERE.parent / "tests/it/fuzz/corpus"
HOST = "x86_64-unknown-linux-gnu" if os.uname().machine == "x86_64" else "aarch64-unknown-linux-gnu"
BINARY = HERE / f"target/{HOST}/release/flashsale-fuzz"
COVERAGE = [
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
    "-Ccodegen-units=1",
]
# Of a committed corpus, so that all of them together stay small.
BYTES_MAX = 8 * 1024
INPUT_BYTES_MAX = 1024


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    known = sorted(path.stem for path in CORPORA.glob("*.txt"))
    arguments.add_argument("targets", nargs="*", metavar="TARGET", help="one of " + ", ".join(known))
    arguments.add_argument("--seconds", type=int, default=60, help="for each target")
    arguments.add_argument("--keep", action="store_true", help="put new inputs into the corpora")
    asked = arguments.parse_args()
    if unknown := set(asked.targets) - set(known):
        arguments.error(f"there is no target {', '.join(unknown)}; there are {', '.join(known)}")
    build()
    rows = [fuzz(target, asked.seconds, asked.keep) for target in asked.targets or known]
    print("\n| target | executions | edges | crashes |\n|---|---:|---:|---:|")
    for target, executions, edges, crashes in rows:
        print(f"| {target} | {executions:,} | {edges:,} | {crashes} |".replace(",", " "))
    sys.exit(any(crashes for *_, crashes in rows))


def build():
    # The versions that flashsale is built with, and libFuzzer.
    shutil.copy(HERE.parent / "Cargo.lock", HERE / "Cargo.lock")
    # With a target, so that build scripts are built without the counters.
    environment = os.environ | {"CARGO_ENCODED_RUSTFLAGS": "\x1f".join(COVERAGE)}
    command = ["cargo", "build", "--release", "--target", HOST]
    subprocess.run(command, cwd=HERE, env=environment, check=True)


def fuzz(target, seconds, keep):
    with tempfile.TemporaryDirectory() as folder:
        found, crashes = Path(folder, "found"), Path(folder, "crashes")
        found.mkdir()
        crashes.mkdir()
        for index, line in enumerate(read(target)):
            Path(found, f"committed-{index}").write_bytes(line)
        told = libfuzzer(
            target,
            [f"-max_total_time={seconds}", f"-artifact_prefix={crashes}/", "-max_len=4096", "-timeout=20"],
            [found],
        )
        print(f"{target}: {told.splitlines()[-1] if told else ''}", flush=True)
        inputs = list(crashes.iterdir())
        for crash in inputs:
            print(f"{target}, a crash: {escaped(crash.read_bytes())}\n{told[-3000:]}", flush=True)
        if keep and not inputs:
            write(target, smallest(target, found, Path(folder, "fewest")))
        executions = re.findall(r"stat::number_of_executed_units:\s*(\d+)", told)
        edges = re.findall(r"cov: (\d+)", told)
        return target, int(executions[-1] if executions else 0), int(edges[-1] if edges else 0), len(inputs)


def libfuzzer(target, options, folders):
    command = [BINARY, *options, "-print_final_stats=1", "-rss_limit_mb=4096", *folders]
    environment = os.environ | {"FUZZ_TARGET": target, "RUST_BACKTRACE": "1"}
    ran = subprocess.run(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return ran.stdout.decode(errors="replace")


def smallest(target, found, fewest):
    """The fewest inputs that reach what all of them reach, shortest first, as far as a corpus may grow; and those committed
    before."""
    fewest.mkdir()
    libfuzzer(target, ["-set_cover_merge=1", "-max_len=4096"], [fewest, found])
    committed = read(target)
    inputs, size = list(committed), sum(len(escaped(it)) + 1 for it in committed)
    for it in sorted((path.read_bytes() for path in fewest.iterdir()), key=lambda it: (len(it), it)):
        length = len(escaped(it)) + 1
        if it not in inputs and length <= INPUT_BYTES_MAX and size + length <= BYTES_MAX:
            inputs.append(it)
            size += length
    return inputs


def read(target):
    lines = (CORPORA / f"{target}.txt").read_text().splitlines()
    return [line.encode().decode("unicode_escape").encode("latin-1") for line in lines]


def write(target, inputs):
    (CORPORA / f"{target}.txt").write_text("".join(escaped(it) + "\n" for it in inputs))


def escaped(data):
    """As `escape_ascii` of Rust prints it."""
    short = {9: "\\t", 10: "\\n", 13: "\\r", 34: '\\"', 39: "\\'", 92: "\\\\"}
    return "".join(short.get(it) or (chr(it) if 32 <= it < 127 else f"\\x{it:02x}") for it in data)


main()
