#!/usr/bin/env python3
"""What a scrape of /metrics each second costs: holds a second and processor time a hold, with scrapes and without, in turns.

    cargo build --release --bin flashsale --example load && benches/scrape.py [ROUNDS] [SECONDS]

The sale has 200 products, the most that are told one by one. On a busy machine the processor time tells more than the rate.
"""

import json
import pathlib
import statistics
import subprocess
import sys
import tempfile
import threading
import urllib.request

from process import Server

RELEASE = pathlib.Path(__file__).resolve().parent.parent / "target/release"
CONNECTIONS = 64
PRODUCTS = 200


def scrape_each_second(address, stop):
    while not stop.wait(1):
        with urllib.request.urlopen(address + "/metrics", timeout=10) as answer:
            assert answer.read().endswith(b"# EOF\n")


def measure(server, seconds, scrapes):
    """Holds a second, and microseconds of processor time a hold."""
    server.wait_until_idle()
    stop, before = threading.Event(), server.cpu_s()
    scraper = threading.Thread(target=scrape_each_second, args=(server.address, stop))
    if scrapes:
        scraper.start()
    address = server.address.removeprefix("http://")
    load = [RELEASE / "examples/load", "hold", address, str(CONNECTIONS), str(seconds)]
    told = json.loads(subprocess.run(load, stdout=subprocess.PIPE, check=True).stdout)
    stop.set()
    if scrapes:
        scraper.join()
    count = told["done"]
    return count / told["seconds"], (server.cpu_s() - before) / count * 1e6


def main(rounds=5, seconds=5):
    with tempfile.TemporaryDirectory(dir=RELEASE) as folder:
        rows = [f"sku-{number},Product {number},9.99,2000000" for number in range(1, PRODUCTS + 1)]
        catalogue = pathlib.Path(folder, "catalogue.csv")
        catalogue.write_text("\n".join(["sku,name,price,total_stock", *rows, ""]))
        database = ["--db", f"{folder}/bench.db"]
        subprocess.run([RELEASE / "flashsale", "seed", catalogue, *database], check=True, stdout=subprocess.DEVNULL)
        serve = [RELEASE / "flashsale", "serve", "--listen", "127.0.0.1:0", *database]
        server = Server(f"{folder}/log", serve, FLASHSALE_HOLD_TTL_S="86400")
        measure(server, seconds, False)
        without, with_scrapes = [], []
        for _ in range(rounds):
            without.append(measure(server, seconds, False))
            with_scrapes.append(measure(server, seconds, True))
        server.stop()
    rate, cpu = (
        [statistics.median(figures[index] for figures in runs) for runs in (without, with_scrapes)] for index in (0, 1)
    )
    print(f"holds a second: {rate[0]:.0f} without, {rate[1]:.0f} with a scrape a second: {rate[1] / rate[0]:.3f}")
    print(f"µs of processor time a hold: {cpu[0]:.2f} without, {cpu[1]:.2f} with: {cpu[1] / cpu[0]:.3f}")


main(*map(int, sys.argv[1:]))
