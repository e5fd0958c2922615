#!/usr/bin/env python3
"""Measures a sale on PostgreSQL beside the same sale on a file, and writes the table of docs/scale-out.md.

    benches/postgres.py             measures, and writes the figures into the document; 6 minutes on two cores
    benches/postgres.py --redraw    writes the figures of the last run again

In each round every load runs once, one after the other, on the same machine: clients, servers and database share its cores, and
so only ratios say something about other machines. Set in the environment:

    ROUNDS        5          rounds
    SECONDS_EACH  4          seconds of each load in a round
    CONNECTIONS   64         connections, shared by the servers of a load; one load is by a quarter of them
    ROUND_TRIPS   0 0.5 2    milliseconds that the way to the database takes, there and back

Needs python3 and PostgreSQL (Debian's package is called postgresql).
"""

import datetime
import json
import os
import pathlib
import platform
import re
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from statistics import median

from cluster import Cluster
from figures import count
from process import Server, raise_descriptor_limit, timed

PROJECT = pathlib.Path(__file__).resolve().parent.parent
RELEASE = PROJECT / "target/release"
FLASHSALE = RELEASE / "flashsale"
FIGURES = PROJECT / "target/postgres-figures.json"
DOCUMENT = PROJECT / "docs/scale-out.md"
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

ROUNDS = int(os.environ.get("ROUNDS", "5"))
SECONDS_EACH = int(os.environ.get("SECONDS_EACH", "4"))
CONNECTIONS = int(os.environ.get("CONNECTIONS", "64"))
ROUND_TRIPS = os.environ.get("ROUND_TRIPS", "0 0.5 2").split()

PRODUCTS = "sku,name,price,total_stock\nsold-out,Sold out,1.00,0\nplenty,Plenty,1.00,2000000000\n"
SETTINGS = {"FLASHSALE_HOLD_TTL_S": "3600", "FLASHSALE_WEBHOOK_SECRETS": SECRET, "FLASHSALE_LOG_REQUESTS_PER_S": "0"}
# What is compared, which figure of it, with what, and what is aimed at: at least, or for processor time at most.
RATIOS = [
    ("holds, one server / a file", "hold", "rate", "hold on a file", 0.65),
    ("sales (hold, order, payment), one server / a file", "sale", "rate", "sale on a file", 0.6),
    ("holds, two servers / one", "hold by two", "rate", "hold", 0.75),
    ("holds, synchronous standby / none", "hold with a standby", "rate", "hold", 0.75),
    ("product reads, one server / a file", "product", "rate", "product on a file", 0.35),
    ("processor time a hold, server and database / a file", "hold", "cpu_us", "hold on a file", 1.6),
]


def main():
    if sys.argv[1:] == ["--redraw"]:
        return write(json.loads(FIGURES.read_text()))
    assert not sys.argv[1:], __doc__
    build = ["cargo", "build", "--release", "--quiet", "--features", "postgres", "--bin", "flashsale", "--example", "load"]
    subprocess.run(build, cwd=PROJECT, check=True)
    raise_descriptor_limit()
    began = time.monotonic()
    with tempfile.TemporaryDirectory(dir=PROJECT / "target") as folder:
        os.chmod(folder, 0o755)
        figures = Run(pathlib.Path(folder)).figures()
    figures["took_s"] = time.monotonic() - began
    FIGURES.write_text(json.dumps(figures, indent=1))
    write(figures)


class Run:
    def __init__(self, folder):
        self.folder = folder
        self.running = []
        self.placed = {}

    def figures(self):
        model = re.search(r"model name\s*: (.*)", pathlib.Path("/proc/cpuinfo").read_text())
        about = {
            "date": datetime.date.today().isoformat(),
            "commit": subprocess.run(
                ["git", "describe", "--always", "--dirty=, changed"], cwd=PROJECT, capture_output=True, text=True
            ).stdout.strip(),
            "machine": f"{os.cpu_count()} cores of {model.group(1) if model else platform.machine()}",
            "rounds": ROUNDS,
            "seconds_each": SECONDS_EACH,
            "connections": CONNECTIONS,
        }
        try:
            loads = self.loads()
            cells = []
            for round in range(ROUNDS):
                print(f"round {round + 1} of {ROUNDS}", file=sys.stderr)
                cells += [self.measure(*load) for load in loads]
            self.prove()
            return {"about": about, "cells": cells}
        finally:
            for thing in reversed(self.running):
                if thing.process.poll() is None:
                    thing.process.kill() if isinstance(thing, Server) else thing.stop()

    def cluster(self, name, **how):
        cluster = Cluster(self.folder / name, **how)
        self.running.append(cluster)
        return cluster

    def serve(self, name, db, is_seeded=True):
        environment = {**SETTINGS, "FLASHSALE_DB": str(db)}
        if is_seeded:
            catalogue = self.folder / "products.csv"
            catalogue.write_text(PRODUCTS)
            timed([FLASHSALE, "seed", catalogue], **environment)
        command = [FLASHSALE, "serve", "--listen", "127.0.0.1:0"]
        server = Server(self.folder / f"{name}.log", command, **environment)
        self.running.append(server)
        return server

    def loads(self):
        """Of each load its name, kind, connections, servers, database if it is one of its own, and path."""
        file = self.serve("file", self.folder / "file.db")
        self.one, self.pair = self.cluster("one"), self.cluster("pair", synchronous=True)
        first, second = self.serve("first", self.one.url()), self.serve("second", self.one.url(), is_seeded=False)
        standby = self.serve("standby", self.pair.url())
        self.databases = {"file": self.folder / "file.db", "one": self.one.url(), "pair": self.pair.url()}
        loads = [
            ("hold on a file", "hold", CONNECTIONS, [file], None),
            ("hold", "hold", CONNECTIONS, [first], self.one),
            ("hold by two", "hold", CONNECTIONS, [first, second], self.one),
            ("hold with a standby", "hold", CONNECTIONS, [standby], self.pair),
            ("sale on a file", "funnel", CONNECTIONS, [file], None),
            ("sale", "funnel", CONNECTIONS, [first], self.one),
            ("product on a file", "get", CONNECTIONS, [file], None, "/api/products/2"),
            ("product", "get", CONNECTIONS, [first], self.one, "/api/products/2"),
        ]
        for round_trip in ROUND_TRIPS:
            server = self.serve(f"far-{round_trip}", self.far(round_trip), is_seeded=False)
            loads.append((f"hold {round_trip} ms away", "hold", CONNECTIONS, [server], self.one))
            if round_trip == ROUND_TRIPS[0]:
                loads.append(("hold by a quarter", "hold", CONNECTIONS // 4, [server], self.one))
        return loads

    def far(self, round_trip_ms):
        delay = [sys.executable, PROJECT / "benches/delay.py", self.one.socket(), round_trip_ms]
        way = Server(self.folder / f"delay-{round_trip_ms}.log", delay)
        self.running.append(way)
        return f"postgres://flashsale@127.0.0.1:{way.address}/postgres"

    def measure(self, name, kind, connections, servers, cluster, *path):
        def cpu_s():
            return sum(server.cpu_s() for server in servers) + (cluster.cpu_s() if cluster else 0)

        def load(server):
            share = str(connections // len(servers))
            command = [RELEASE / "examples/load", kind, server.address, share, str(SECONDS_EACH), *path]
            return json.loads(timed(command, WEBHOOK_SECRET=SECRET)[0])

        before = cpu_s()
        with ThreadPoolExecutor(len(servers)) as clients:
            answers = list(clients.map(load, servers))
        done = sum(answer["done"] for answer in answers)
        if kind != "get":
            database = "file" if cluster is None else "one" if cluster is self.one else "pair"
            self.placed[database] = self.placed.get(database, 0) + done
        return {
            "load": name,
            "rate": sum(answer["done"] / answer["seconds"] for answer in answers),
            "p99_ms": max(answer["p99_us"] for answer in answers) / 1000,
            "cpu_us": (cpu_s() - before) / max(done, 1) * 1e6,
            "unexpected": sum(answer["unexpected"] for answer in answers),
        }

    def prove(self):
        """What was acknowledged is there, under as many ids, and the books are right."""
        for name, database in self.databases.items():
            environment = {"FLASHSALE_DB": str(database)}
            timed([FLASHSALE, "verify", "--quick"], **environment)
            output, _, _, _ = timed([FLASHSALE, "export", "holds"], **environment)
            ids = {line.split(",", 1)[0] for line in output.splitlines()[1:]}
            assert len(ids) >= self.placed[name], f"{name}: {self.placed[name]} acknowledged, {len(ids)} there"


def middle(figures, load, field):
    return median(cell[field] for cell in figures["cells"] if cell["load"] == load)


def write(figures):
    text = "\n".join(lines(figures))
    print(text)
    assert not any(cell["unexpected"] for cell in figures["cells"]), "every answer is one that is expected"
    begin, end = "<!-- figures -->\n", "<!-- end of figures -->"
    document = DOCUMENT.read_text()
    before, after = document.split(begin)[0], document.split(end)[1]
    DOCUMENT.write_text(f"{before}{begin}\n{text}\n\n{end}{after}")


def lines(figures):
    about = figures["about"]
    yield (
        f"{about['date']}, {about['commit']}, {about['machine']}, which clients, servers and databases share: medians of "
        f"{about['rounds']} rounds of {about['seconds_each']} s a load, {about['connections']} connections."
    )
    yield "\n| | ratio | aim |\n|---|---|---|"
    for name, load, field, other, aim in RATIOS:
        ratio = middle(figures, load, field) / middle(figures, other, field)
        yield f"| {name} | {ratio:.2f} | {'≤' if field == 'cpu_us' else '≥'} {aim} |"
    yield "\n| load | a second | p99 | processor time each |\n|---|---|---|---|"
    for load in dict.fromkeys(cell["load"] for cell in figures["cells"]):
        rate, p99, cpu = (middle(figures, load, field) for field in ["rate", "p99_ms", "cpu_us"])
        yield f"| {load} | {count(rate)} | {p99:.1f} ms | {cpu:.0f} µs |"


if __name__ == "__main__":
    main()
