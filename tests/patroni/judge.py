"""What is in the database, beside what clients were told."""

import csv
import io
from typing import NamedTuple

from buyers import PLENTY, SCARCE, SCARCE_UNITS


class Verdict(NamedTuple):
    lost: int  # acknowledged, and not there
    given_twice: int  # of one id, two were acknowledged, or another one's is there
    not_told: int  # there, and acknowledged to nobody
    oversold: int  # units that were acknowledged beyond the stock
    contradicted: int  # answers that denied what was acknowledged
    books: int  # the status of `flashsale verify`

    def is_right(self):
        return self == Verdict(0, 0, 0, 0, 0, 0)


def judge(command, acknowledged):
    """`command`: runs a command of flashsale's, and has its status and what it printed."""
    tables = {
        "holds": ("hold_id", lambda row: (row["customer"], int(row["product_id"]), int(row["quantity"]))),
        "orders": ("order_id", lambda row: (int(row["hold_id"]), row["customer"])),
        "payments": ("webhook_id", lambda row: (row["idempotency_key"], int(row["order_id"]))),
    }
    lost, not_told, given_twice = 0, 0, len(acknowledged.given_twice)
    for name, (number, what) in tables.items():
        status, printed = command("export", name)
        assert status == 0, printed
        kept = {int(row[number]): what(row) for row in csv.DictReader(io.StringIO(printed))}
        told = getattr(acknowledged, name)
        lost += sum(each not in kept for each in told)
        not_told += sum(each not in told for each in kept)
        given_twice += sum(kept.get(each, told[each]) != told[each] for each in told)
    # No hold of the scarce product ever ends without being sold: what was acknowledged is what was sold.
    scarce = sum(quantity for _, product, quantity in acknowledged.holds.values() if product == SCARCE)
    scarce += sum(twice[-1][2] for twice in acknowledged.given_twice if twice[0] == "holds" and twice[-1][1] == SCARCE)
    status, _ = command("verify")
    return Verdict(lost, given_twice, not_told, max(0, scarce - SCARCE_UNITS), len(acknowledged.contradicted), status)


def longest_gap_s(times, since, until):
    """The longest time in which nobody was told of anything."""
    moments = [since, *sorted(at for at, _ in times if since <= at <= until), until]
    return max(after - before for before, after in zip(moments, moments[1:]))
