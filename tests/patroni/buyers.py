"""A crowd at a bounded rate, each of whom repeats a request with its key until it has an answer; and what was acknowledged."""

import http.client
import itertools
import json
import random
import socket
import threading
import time
import uuid
from collections import Counter

BUYERS = 8
REPEAT_MAX_S = 240
# Of this product everybody wants some, and there is not enough; of the other one there is.
PLENTY, SCARCE = 1, 2
SCARCE_UNITS = 60
CATALOGUE = f"sku,name,price,total_stock\nplenty,Plenty,9.99,1000000\nscarce,Scarce,9.99,{SCARCE_UNITS}\n"


class Connection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost", timeout=30)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self.path))


class Contradicted(Exception):
    """An answer that denies what was acknowledged."""


def expect(is_so, told):
    if not is_so:
        raise Contradicted(told)


class Acknowledged:
    """What clients were told is theirs, and when; all of it is in the database for ever."""

    def __init__(self):
        self.lock = threading.Lock()
        self.times = []
        self.holds, self.orders, self.payments = {}, {}, {}
        self.given_twice, self.contradicted = [], []
        self.refused = Counter()
        self.longest_s = 0.0

    def add(self, kind, number, what):
        with self.lock:
            kept = getattr(self, kind)
            if kept.setdefault(number, what) != what:
                self.given_twice.append((kind, number, kept[number], what))

    def answered(self, began, node):
        now = time.monotonic()
        with self.lock:
            self.times.append((now, node))
            self.longest_s = max(self.longest_s, now - began)

    def not_answered(self, why):
        with self.lock:
            self.refused[why] += 1


class Buyers:
    """From the beginning to the end of a `with`; `sockets`: of the servers, which are asked in turn."""

    def __init__(self, sockets, acknowledged, seed, journeys_per_s=4.0):
        self.sockets, self.acknowledged, self.seed = sockets, acknowledged, seed
        self.pause_s = 1 / journeys_per_s
        self.is_over = threading.Event()
        self.failures = []

    def __enter__(self):
        self.threads = [threading.Thread(target=self.buy, args=(number,)) for number in range(BUYERS)]
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.is_over.set()
        for thread in self.threads:
            thread.join()
        assert not self.failures, self.failures

    def buy(self, number):
        try:
            client = Client(self.sockets, number, self.acknowledged)
            dice = random.Random(f"{self.seed} {number}")
            for journey in itertools.count():
                if self.is_over.wait(self.pause_s * dice.uniform(0.5, 1.5)):
                    return
                try:
                    walk(client, dice, f"{self.seed}-{number}-{journey}")
                except Contradicted as answer:
                    self.acknowledged.contradicted.append(str(answer))
        except Exception as failure:
            self.failures.append(f"buyer {number} of seed {self.seed}: {failure!r}")

    def wait_for_more(self, count, by_s=REPEAT_MAX_S):
        before, deadline = len(self.acknowledged.times), time.monotonic() + by_s
        while len(self.acknowledged.times) < before + count:
            assert not self.failures and time.monotonic() < deadline, f"nothing is sold any more: {self.failures}"
            time.sleep(0.05)


def walk(client, dice, customer):
    """One customer's way: a hold, mostly an order from it, mostly its payment."""
    quantity = dice.randint(1, 3)
    product = SCARCE if dice.random() < 0.3 else PLENTY
    wish = {"product_id": product, "quantity": quantity, "customer": customer}
    status, hold = client.ask("POST", "/api/holds", wish)
    if status == 400 and hold["code"] == "insufficient_stock":
        return
    expect(status == 201, hold)
    number = hold["hold_id"]
    client.acknowledged.add("holds", number, (customer, product, quantity))
    if dice.random() < 0.2:
        return
    status, order = client.ask("POST", "/api/orders", {"hold_id": number})
    expect(status == 201, order)
    client.acknowledged.add("orders", order["order_id"], (number, customer))
    if dice.random() < 0.2:
        return
    key = str(uuid.uuid4())
    event = {"idempotency_key": key, "order_id": order["order_id"], "status": "success", "payload": {"transaction_id": key}}
    status, told = client.ask("POST", "/api/payments/webhook", event)
    expect(status == 200 and told["order_status"] == "paid", told)
    client.acknowledged.add("payments", told["webhook_id"], (key, order["order_id"]))


class Client:
    def __init__(self, sockets, number, acknowledged):
        self.connections = [Connection(path) for path in sockets]
        self.node = number % len(sockets)
        self.acknowledged = acknowledged

    def ask(self, method, path, body):
        """One key for all that is asked until there is an answer, of whichever server."""
        headers = {"Content-Type": "application/json", "Idempotency-Key": str(uuid.uuid4())}
        began = time.monotonic()
        while time.monotonic() - began < REPEAT_MAX_S:
            connection = self.connections[self.node]
            try:
                connection.request(method, path, json.dumps(body), headers)
                answer = connection.getresponse()
                status, told = answer.status, json.loads(answer.read())
            except (OSError, http.client.HTTPException):
                connection.close()
                self.acknowledged.not_answered("no answer")
            else:
                if status != 503:
                    if status < 300:
                        self.acknowledged.answered(began, self.node)
                    return status, told
                self.acknowledged.not_answered(told["outcome"])
            self.node = (self.node + 1) % len(self.connections)
            time.sleep(0.2)
        raise AssertionError(f"{path} has no answer within {REPEAT_MAX_S} s")
