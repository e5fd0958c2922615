"""Connections that wrk cannot make, for benches/http.sh.

crowd.py idle ADDRESS PID COUNT     500 connections at once, then COUNT idle ones, kept open until it is killed
crowd.py overdue ADDRESS DATABASE   500 holds that fall due while the write lock is taken, and stays so until it is killed
"""

import json
import select
import socket
import sqlite3
import sys
import time
import urllib.request

HEALTH = b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n"


def resident_mib(pid):
    with open(f"/proc/{pid}/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS")) / 1024


def connect(address):
    host, port = address.removeprefix("http://").rsplit(":", 1)
    return socket.create_connection((host, int(port)))


def at_once(address, count):
    """The longest time from opening a connection to its answer."""
    began = {}
    poll = select.epoll()
    for _ in range(count):
        start = time.monotonic()
        client = connect(address)
        client.sendall(HEALTH)
        poll.register(client, select.EPOLLIN)
        began[client.fileno()] = (client, start)
    slowest = 0
    while began:
        for descriptor, _ in poll.poll():
            poll.unregister(descriptor)
            client, start = began.pop(descriptor)
            assert client.recv(4096).startswith(b"HTTP/1.1 200"), "every connection is answered"
            slowest = max(slowest, time.monotonic() - start)
    return slowest


def idle(address, pid, count):
    print(f"500 connections at once: the slowest answer took {at_once(address, 500) * 1000:.0f} ms")
    before = resident_mib(pid)
    clients = []
    for _ in range(count):
        client = connect(address)
        client.sendall(HEALTH)
        clients.append(client)
        assert client.recv(4096).startswith(b"HTTP/1.1 200")
    print(f"{count} idle connections: {resident_mib(pid):.0f} MiB resident, {before:.0f} before")
    print("ready", flush=True)
    while True:
        time.sleep(60)


def overdue(address, database):
    def hold():
        body = json.dumps({"product_id": 2, "quantity": 1}).encode()
        with urllib.request.urlopen(f"{address}/api/holds", body) as answer:
            return json.load(answer)

    # Only locks, and writes nothing: a distribution's SQLite may be too old to write beside another process.
    lock = sqlite3.connect(database, isolation_level=None, timeout=60)
    while True:
        for _ in range(500):
            hold()
        lock.execute("begin immediate")
        due = "select count(*) from holds where status = 'active'"
        if lock.execute(due).fetchone()[0] == 500:
            break
        lock.execute("rollback")
    time.sleep(1.5)
    print("ready", flush=True)
    while True:
        time.sleep(60)


if __name__ == "__main__":
    command, *arguments = sys.argv[1:]
    if command == "idle":
        address, pid, count = arguments
        idle(address, pid, int(count))
    else:
        overdue(*arguments)
