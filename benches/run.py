#!/usr/bin/env python3
"""Measures everything that README.md and docs/performance.md say about speed, and writes it there.

    benches/run.py             measures, and writes the figures into both documents; 15 minutes on two cores
    benches/run.py --redraw    writes the figures of the last run into both documents again

What is measured and how stands in docs/performance.md. Set in the environment:

    ROUNDS        3                  rounds; in each, every load runs once, at every number of connections
    SECONDS_EACH  2                  seconds of each load in a round
    CONNECTIONS   1 16 64 256 1024   numbers of connections
    IDLE          10000              idle connections
    GROWTH        0 1000000 10000000  old holds; 10 million take half of the time, and 2 GiB of disk

Needs python3 and, for one comparison that is left out without it, wrk.
"""

import datetime
import json
import os
import pathlib
import platform
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time

import crowd
import document
from figures import read_divan
from process import Server, raise_descriptor_limit, timed

PROJECT = pathlib.Path(__file__).resolve().parent.parent
RELEASE = PROJECT / "target/release"
FLASHSALE = RELEASE / "flashsale"
FIGURES = PROJECT / "target/figures.json"
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

ROUNDS = int(os.environ.get("ROUNDS", "3"))
SECONDS_EACH = int(os.environ.get("SECONDS_EACH", "2"))
CONNECTIONS = [int(number) for number in os.environ.get("CONNECTIONS", "1 16 64 256 1024").split()]
IDLE = int(os.environ.get("IDLE", "10000"))
GROWTH = [int(number) for number in os.environ.get("GROWTH", "0 1000000 10000000").split()]

PRODUCTS = """sku,name,price,total_stock,max_per_customer
sold-out,Sold out,1.00,0,
plenty,Plenty,1.00,2000000000,
limited,Limited,1.00,2000000000,4
"""
# Fewer than any machine places in the store alone.
OLD_HOLDS_A_SECOND = 30_000
# Nothing falls due during the run, but where that is what is measured.
LONG_HOLDS = {"FLASHSALE_HOLD_TTL_S": "3600", "FLASHSALE_IDLE_TIMEOUT_S": "3600"}


def main():
    if sys.argv[1:] == ["--redraw"]:
        return document.write(PROJECT, json.loads(FIGURES.read_text()))
    assert not sys.argv[1:], __doc__
    subprocess.run(["cargo", "build", "--release", "--quiet", "--bin", "flashsale", "--examples"], cwd=PROJECT, check=True)
    subprocess.run(["cargo", "bench", "--quiet", "--no-run", "--bench", "micro"], cwd=PROJECT, check=True)
    raise_descriptor_limit()
    began = time.monotonic()
    with tempfile.TemporaryDirectory(dir=PROJECT) as folder:
        figures = Run(pathlib.Path(folder)).figures()
    figures["micro"] = micro()
    figures["about"]["took_s"] = time.monotonic() - began
    FIGURES.write_text(json.dumps(figures, indent=1))
    document.write(PROJECT, figures)


class Run:
    def __init__(self, folder):
        self.folder = folder
        self.servers = []
        self.catalogue = folder / "products.csv"
        self.catalogue.write_text(PRODUCTS)

    def figures(self):
        try:
            about = self.about()
            self.start_all()
            before = self.shop.resident_mib()
            cells = self.rounds()
            crowds = {"resident_before_mib": before, **self.crowds(cells)}
            books = self.books()
            growth = self.growth(cells)
            return {"about": about, "cells": cells, "crowds": crowds, "books": books, "growth": growth}
        finally:
            for server in self.servers:
                server.process.kill()

    def about(self):
        def output(*command):
            return subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=True).stdout.strip()

        model = re.search(r"model name\s*: (.*)", pathlib.Path("/proc/cpuinfo").read_text())
        return {
            "date": datetime.date.today().isoformat(),
            "commit": output("git", "describe", "--always", "--dirty=, changed"),
            "machine": f"{os.cpu_count()} cores of {model.group(1) if model else platform.machine()}",
            "memory_gib": os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30,
            "kernel": platform.release(),
            "filesystem": output("df", "--output=fstype", str(self.folder)).split()[-1],
            "rustc": output("rustc", "--version").split()[1],
            "rounds": ROUNDS,
            "seconds_each": SECONDS_EACH,
            "syncs_per_s": self.syncs_per_s(),
        }

    def syncs_per_s(self):
        """How often this disk can append 4 KiB and have it on the medium, one after the other."""
        began, count = time.monotonic(), 0
        with open(self.folder / "syncs", "wb", buffering=0) as file:
            while time.monotonic() - began < 1:
                file.write(bytes(4096))
                os.fdatasync(file.fileno())
                count += 1
        return count / (time.monotonic() - began)

    def serve(self, name, is_seeded=True, **environment):
        database = self.folder / f"{name}.db"
        if is_seeded:
            timed([FLASHSALE, "seed", "--db", database, self.catalogue])
        command = [FLASHSALE, "serve", "--db", database, "--listen", "127.0.0.1:0"]
        server = Server(self.folder / f"{name}.log", command, **{**LONG_HOLDS, **environment})
        self.servers.append(server)
        return server

    def start_all(self):
        self.bare = Server(self.folder / "bare.log", [RELEASE / "examples/bare_loop", "127.0.0.1:0"])
        self.servers.append(self.bare)
        self.shop = self.serve("shop")
        self.keyed = self.serve("keyed")
        self.random = self.serve("random")
        self.limited = self.serve("limited")
        self.funnel = self.serve("funnel", FLASHSALE_WEBHOOK_SECRETS=SECRET)
        self.overdue = self.serve("overdue", FLASHSALE_HOLD_TTL_S="1")
        self.lock = crowd.leave_overdue(self.overdue.address, self.folder / "overdue.db", 500)

    def rounds(self):
        loads = [
            ("bare", self.bare, "get", "/healthz"),
            ("healthz", self.shop, "get", "/healthz"),
            ("product", self.shop, "get", "/api/products/2"),
            ("refusal", self.shop, "refusal"),
            ("hold", self.shop, "hold"),
            ("keyed", self.keyed, "keyed"),
            ("random", self.random, "random"),
            ("limited", self.limited, "limited"),
            ("funnel", self.funnel, "funnel"),
        ]
        cells = []
        for round in range(ROUNDS):
            print(f"round {round + 1} of {ROUNDS}", file=sys.stderr)
            for connections in CONNECTIONS:
                for name, server, *arguments in loads:
                    cells.append(measure(name, server, connections, *arguments))
            cells.append(measure("overdue", self.overdue, 64, "get", "/api/products/2"))
            if shutil.which("wrk"):
                cells.append(measure_with_wrk("wrk", self.shop, 64, "/healthz"))
        return cells

    def crowds(self, cells):
        slowest = crowd.slowest_of(self.shop.address, 500)
        without = self.shop.resident_mib()
        clients = crowd.idle(self.shop.address, IDLE)
        resident = self.shop.resident_mib()
        for _ in range(ROUNDS):
            cells.append(measure("beside", self.shop, 64, "get", "/healthz"))
        for client in clients:
            client.close()
        return {
            "slowest_of_500_ms": slowest * 1000,
            "idle": IDLE,
            "resident_without_idle_mib": without,
            "resident_with_idle_mib": resident,
        }

    def books(self):
        """What was sold is in the books, and what a sold unit takes on the disk."""
        self.lock.close()
        for server in [self.shop, self.keyed, self.random, self.limited, self.funnel]:
            server.wait_until_idle()
            server.stop()
        file = self.folder / "funnel.db"
        timed([FLASHSALE, "verify", "--quick", "--db", file])
        books = sqlite3.connect(f"file:{file}?immutable=1", uri=True)
        sold = books.execute("select sum(sold) from products").fetchone()[0]
        return {"sold": sold, "bytes": file.stat().st_size}

    def growth(self, cells):
        databases = [self.old_holds(count, cells) for count in GROWTH]
        for _ in range(ROUNDS):
            for old in databases:
                cells.append(measure(f"hold beside {old['holds']} old ones", old["server"], 64, "hold"))
        for old in databases:
            server = old.pop("server")
            server.wait_until_idle()
            server.stop()
            file = self.folder / f"old-{old['holds']}.db"
            _, took, _, peak = timed([FLASHSALE, "verify", "--quick", "--db", file])
            old |= {"verify_s": took, "verify_peak_mib": peak, "bytes": file.stat().st_size}
        return databases

    def old_holds(self, count, cells):
        """A server whose holds were all placed two days ago, with keys that have lapsed, and fall due at one moment while
        others are placed; then it is left to end."""
        print(f"{count} old holds", file=sys.stderr)
        database = self.folder / f"old-{count}.db"
        due_in_s = 5 + count // OLD_HOLDS_A_SECOND
        due = time.time() + due_in_s
        _, seeded_s, _, _ = timed([RELEASE / "examples/old_holds", database, str(count), str(due_in_s)])
        os.sync()
        server = self.serve(f"old-{count}", is_seeded=False)
        assert time.time() < due, "the server is there before its old holds fall due"
        time.sleep(due - time.time())
        began = time.monotonic()
        cells.append(measure(f"hold while {count} are swept", server, 64, "hold"))
        server.wait_until_idle()
        swept_s = time.monotonic() - began
        return {"holds": count, "seeded_s": seeded_s, "ready_s": server.ready_s, "swept_s": swept_s, "server": server}


def measure(name, server, connections, kind, *path):
    before = server.cpu_s()
    command = [RELEASE / "examples/load", kind, server.address, str(connections), str(SECONDS_EACH), *path]
    output, _, client_s, _ = timed(command, WEBHOOK_SECRET=SECRET)
    answer = json.loads(output)
    done = max(answer["done"], 1)
    return {
        "load": name,
        "connections": connections,
        "rate": answer["done"] / answer["seconds"],
        "p50_ms": answer["p50_us"] / 1000,
        "p99_ms": answer["p99_us"] / 1000,
        "server_us": (server.cpu_s() - before) / done * 1e6,
        "client_us": client_s / done * 1e6,
        "resident_mib": server.resident_mib(),
        "unexpected": answer["unexpected"],
    }


def measure_with_wrk(name, server, connections, path):
    output, _, _, _ = timed(["wrk", "-t1", f"-c{connections}", f"-d{SECONDS_EACH}s", server.address + path])
    rate = float(re.search(r"Requests/sec:\s*([\d.]+)", output).group(1))
    return {"load": name, "connections": connections, "rate": rate}


def micro():
    """The medians of the micro-benchmarks, and how often each allocates."""
    print("micro-benchmarks", file=sys.stderr)
    output, _, _, _ = timed(["cargo", "bench", "--quiet", "--bench", "micro"])
    (PROJECT / "target/micro.txt").write_text(output)
    return read_divan(output)


if __name__ == "__main__":
    main()
