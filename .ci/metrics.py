"""Reads what a server tells of itself while it sells, with Prometheus' own parser, and compares it with what it sold.

    .ci/metrics.py FLASHSALE
"""

import json
import subprocess
import sys
import tempfile
import threading
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from prometheus_client.openmetrics.parser import text_string_to_metric_families

CONTENT_TYPE = "application/openmetrics-text; version=1.0.0; charset=utf-8"
STOCK, BUYERS, HOLDS_A_BUYER, SCRAPES = 300, 4, 100, 20


def scrape(base):
    """Every sample by its name and labels."""
    with urlopen(base + "/metrics", timeout=60) as answer:
        assert answer.headers["Content-Type"] == CONTENT_TYPE, answer.headers
        families = list(text_string_to_metric_families(answer.read().decode()))
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in families
        for sample in family.samples
    }


def buy(base, statuses):
    body = json.dumps({"product_id": 1, "quantity": 1}).encode()
    for _ in range(HOLDS_A_BUYER):
        try:
            with urlopen(Request(base + "/api/holds", body, method="POST"), timeout=60) as answer:
                statuses.append(answer.status)
        except HTTPError as error:
            statuses.append(error.code)


def sell(base):
    statuses = []
    buyers = [threading.Thread(target=buy, args=(base, statuses)) for _ in range(BUYERS)]
    for buyer in buyers:
        buyer.start()
    for _ in range(SCRAPES):
        scrape(base)
    for buyer in buyers:
        buyer.join()
    told = scrape(base)
    placed, refused = statuses.count(201), statuses.count(400)
    assert (placed, refused) == (STOCK, BUYERS * HOLDS_A_BUYER - STOCK), statuses
    stock = {state: told["flashsale_stock_units", (("product", "1"), ("state", state))] for state in
             ("available", "reserved", "sold")}
    assert stock == {"available": 0, "reserved": STOCK, "sold": 0}, stock
    assert told["flashsale_holds_total", (("result", "placed"),)] == placed, told
    assert told["flashsale_holds_total", (("result", "insufficient_stock"),)] == refused, told
    route = ("route", "/api/holds")
    assert told["flashsale_http_request_duration_seconds_count", (route,)] == len(statuses), told
    assert told["flashsale_http_requests_total", (("method", "POST"), route, ("status", "201"))] == placed, told
    scrapes = ("method", "GET"), ("route", "/metrics"), ("status", "200")
    assert told["flashsale_http_requests_total", scrapes] == SCRAPES, told


def main(flashsale):
    with tempfile.TemporaryDirectory() as folder:
        catalogue = f"sku,name,price,total_stock\ntee,Tee,19.99,{STOCK}\n"
        subprocess.run([flashsale, "seed", "-"], cwd=folder, input=catalogue.encode(), check=True)
        serve = [flashsale, "serve", "--listen", "127.0.0.1:0"]
        with subprocess.Popen(serve, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as server:
            try:
                sell(server.stdout.readline().decode().removeprefix("listening on ").strip())
            finally:
                server.terminate()
        assert server.returncode == 0, server.returncode
    print(f"{SCRAPES + 1} scrapes were read, and agree with {BUYERS * HOLDS_A_BUYER} answers")


main(sys.argv[1])
