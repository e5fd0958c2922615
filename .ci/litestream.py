"""Litestream's configuration of deploy/, beside a server that sells: what is replicated is restored, and served.

    .ci/litestream.py FLASHSALE LITESTREAM FOLDER
"""

import json
import subprocess
import sys
import time
from pathlib import Path
from urllib.request import Request, urlopen

HOLDS, WITHIN_S = 300, 60
FLASHSALE, LITESTREAM, FOLDER = sys.argv[1], sys.argv[2], Path(sys.argv[3])


def configured():
    """As it stands in deploy/, but for where the database and the replica are."""
    text = Path("deploy/litestream.yml").read_text()
    text = text.replace("/var/lib/private/flashsale/flash_sale.db", str(FOLDER / "flash_sale.db"))
    at = text.index("      type: s3")
    end = text.index("      sync-interval")
    path = FOLDER / "litestream.yml"
    path.write_text(text[:at] + f"      type: file\n      path: {FOLDER}/replica\n" + text[end:])
    return path


def run(*words, status=0, **more):
    done = subprocess.run(words, cwd=FOLDER, text=True, capture_output=True, **more)
    assert done.returncode == status, (words, done)
    return done.stdout


def hold(base, count):
    for _ in range(count):
        body = json.dumps({"product_id": 1, "quantity": 1}).encode()
        with urlopen(Request(base + "/api/holds", body, method="POST"), timeout=60) as answer:
            assert answer.status == 201, answer.status


def restored(config, name):
    """How many holds a restored copy has; none while there is no replica yet."""
    raw = FOLDER / name
    words = [LITESTREAM, "restore", "-config", config, "-o", raw, FOLDER / "flash_sale.db"]
    done = subprocess.run(words, cwd=FOLDER, capture_output=True)
    if done.returncode:
        return None
    return run(FLASHSALE, "export", "holds", "--db", raw, "--format", "json").count("\n")


def until_replicated(config):
    deadline = time.monotonic() + WITHIN_S
    for turn in range(10_000):
        found = restored(config, f"raw{turn}.db")
        if found == HOLDS:
            return FOLDER / f"raw{turn}.db"
        assert time.monotonic() < deadline, f"{found} of {HOLDS} holds are replicated after {WITHIN_S} s"


def serve(*words):
    words = [FLASHSALE, "serve", "--listen", "127.0.0.1:0", *words]
    server = subprocess.Popen(words, cwd=FOLDER, text=True, stdout=subprocess.PIPE, stderr=open(FOLDER / "log", "a"))
    return server, server.stdout.readline().removeprefix("listening on ").strip()


def main():
    config = configured()
    run(FLASHSALE, "seed", "-", input="sku,name,price,total_stock\ntee,Tee,19.99,1000\n")
    server, base = serve()
    replicating = subprocess.Popen([LITESTREAM, "replicate", "-config", config], stdout=subprocess.DEVNULL)
    try:
        hold(base, HOLDS)
        raw = until_replicated(config)
    finally:
        for process in (replicating, server):
            process.terminate()
            process.wait(timeout=60)
    assert server.returncode == 0, (FOLDER / "log").read_text()
    run(FLASHSALE, "verify")
    told = run(FLASHSALE, "restore", raw, "shop.db")
    assert f"holds: {HOLDS}" in told, told
    run(FLASHSALE, "verify", "--db", "shop.db")
    server, base = serve("--db", "shop.db")
    hold(base, 1)
    server.terminate()
    assert server.wait(timeout=60) == 0
    print(f"Litestream has replicated {HOLDS} holds; flashsale has restored, verified and served them")


main()
