"""Clients that open many connections, or that are in the way of a server."""

import json
import select
import socket
import sqlite3
import time
import urllib.request

ATTEMPTS_MAX = 20
HEALTH = b"GET /healthz HTTP/1.1\r\nHost: shop\r\n\r\n"


def connect(address):
    host, port = address.removeprefix("http://").rsplit(":", 1)
    return socket.create_connection((host, int(port)))


def slowest_of(address, count):
    """Opens so many connections at once: the longest time from opening one to its answer, in seconds."""
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


def idle(address, count):
    """Connections that have had an answer and stay."""
    clients = []
    for _ in range(count):
        client = connect(address)
        client.sendall(HEALTH)
        assert client.recv(4096).startswith(b"HTTP/1.1 200"), "every connection is answered"
        clients.append(client)
    return clients


def leave_overdue(address, database, count):
    """Places holds of one second, and takes the write lock before they fall due, so that no sweep can end them: for as long
    as the connection to the database, which this returns, is kept."""

    def hold():
        body = json.dumps({"product_id": 2, "quantity": 1}).encode()
        with urllib.request.urlopen(f"{address}/api/holds", body) as answer:
            return json.load(answer)

    # Only locks, and writes nothing: a distribution's SQLite may be too old to write beside another process.
    lock = sqlite3.connect(database, isolation_level=None, timeout=60)
    active = "select count(*) from holds where status = 'active'"
    for _ in range(ATTEMPTS_MAX):
        # The holds of an attempt that was too slow are swept first, or the next attempt would count them.
        while lock.execute(active).fetchone()[0] > 0:
            time.sleep(0.1)
        for _ in range(count):
            hold()
        lock.execute("begin immediate")
        if lock.execute(active).fetchone()[0] == count:
            time.sleep(1.5)
            return lock
        lock.execute("rollback")
    raise TimeoutError(f"the machine is too busy to place {count} holds within a second")
