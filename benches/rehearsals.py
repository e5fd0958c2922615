#!/usr/bin/env python3
"""Rehearses three sales of 10 000 buyers on this machine, and writes their figures into docs/capacity.md; half a minute after the build.

The sample as it is; the same with `durability = "normal"`; and one hot product against a hundred that share its stock. Each is
rehearsed ROUNDS times (5), and of each figure the median stands there.
"""

import datetime
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
from statistics import median

PROJECT = pathlib.Path(__file__).resolve().parent.parent
FLASHSALE = PROJECT / "target/release/flashsale"
DOCUMENT = PROJECT / "docs/capacity.md"
PLACE = re.compile(r"(<!-- figures -->\n).*?(<!-- end of figures -->\n)", re.DOTALL)
ROUNDS = int(os.environ.get("ROUNDS", "5"))
STOCK = 2000

HEAD = "sku,name,price,total_stock\n"
ONE = HEAD + f"hot,The hot one,20.00,{STOCK}\n"
HUNDRED = HEAD + "".join(f"p{number},Product {number},20.00,{STOCK // 100}\n" for number in range(100))
# What is rehearsed: its products, if they are not the sample's, and its settings.
SALES = {
    "the sample": (None, {}),
    '… with `durability = "normal"`': (None, {"FLASHSALE_DURABILITY": "normal"}),
    f"one product, {STOCK} units": (ONE, {}),
    f"a hundred products, {STOCK // 100} units each": (HUNDRED, {}),
}
FIGURES = [
    ("seconds", "all served after, s", "{:.2f}"),
    ("sold_out_after_s", "sold out after, s", "{:.2f}"),
    ("requests_per_s", "requests a second", "{:,.0f}"),
    ("holds_per_s", "holds a second", "{:,.0f}"),
    ("hold_p50_ms", "a hold's wait: half, ms", "{:.0f}"),
    ("hold_p99_ms", "99 of 100, ms", "{:.0f}"),
    ("commands_per_commit", "commands a commit", "{:.0f}"),
    ("server_cpu_s", "server's processor, s", "{:.2f}"),
    ("buyers_cpu_s", "buyers', s", "{:.2f}"),
]


def main():
    subprocess.run(["cargo", "build", "--release", "-q"], cwd=PROJECT, check=True)
    rounds = [{name: rehearse(*sale) for name, sale in SALES.items()} for _ in range(ROUNDS)]
    text = PLACE.sub(lambda place: place[1] + table(rounds) + place[2], DOCUMENT.read_text())
    DOCUMENT.write_text(text)
    print(table(rounds))


def rehearse(products, settings):
    with tempfile.TemporaryDirectory(dir=PROJECT / "target") as folder:
        run = dict(cwd=folder, env=os.environ | settings, check=True, capture_output=True, text=True)
        if products:
            pathlib.Path(folder, "products.csv").write_text(products)
            subprocess.run([FLASHSALE, "seed", "products.csv"], **run)
        # Ends with 1 where anything was oversold or lost.
        rehearsed = subprocess.run([FLASHSALE, "rehearse", "--format", "json"], **run)
        return json.loads(rehearsed.stdout)


def table(rounds):
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=PROJECT, capture_output=True, text=True).stdout.strip()
    limits = {name: sorted({each[name]["limited_by"] for each in rounds}) for name in SALES}
    head = ["", *SALES]
    rows = [[label, *(figure(rounds, name, key, form) for name in SALES)] for key, label, form in FIGURES]
    rows.append(["limited by", *(", ".join(limits[name]) for name in SALES)])
    lines = [head, ["---"] * len(head), *rows]
    fsync = median(each[name]["fsync_ms"] for each in rounds for name in SALES)
    first = rounds[0]["the sample"]
    about = (
        f"{datetime.date.today()}, {commit}, {first['cores']} cores, {first['file_system']}, an fsync of {fsync:.2f} ms: medians of {ROUNDS} rehearsals each, of 10 000 "
        "buyers who all come when the sale opens.\n\n"
    )
    return about + "".join("| " + " | ".join(line) + " |\n" for line in lines)


def figure(rounds, name, key, form):
    values = [each[name][key] for each in rounds]
    known = [value for value in values if value is not None]
    return form.format(median(known)).replace(",", " ") if known else "–"


if __name__ == "__main__":
    sys.exit(main())
