"""The rows that a second connection to the same account shows again."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import date

from harena_ledger.model import Account, Row
from harena_ledger.scope import same_account


def duplicates(accounts: Iterable[Account], rows: Iterable[Row]) -> set[int]:
    """Ids of the rows that count nothing, because another connection owns their day.

    A day of an account belongs to one connection: the one with the smallest id that covers it. A
    connection covers the days from its first to its last live row, but none after it was last
    read: what it shows there is announced, and only the bank knows whether it came true. A day that
    none covers belongs to the smallest id that has a row on it.
    """
    twice = _seen_twice(accounts)
    if not twice:
        return set()
    live: dict[object, dict[int, list[Row]]] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        account = twice.get(row.account_id)
        if account is not None and not row.deleted:
            live[same_account(account)][row.account_id].append(row)
    found: set[int] = set()
    for connections in live.values():
        spans = [
            (id_, min(row.occurred_on for row in shown), _last_day(twice[id_], shown))
            for id_, shown in sorted(connections.items())
        ]
        shown_by: dict[date, int] = {}
        for id_, shown in sorted(connections.items(), reverse=True):
            shown_by |= {row.occurred_on: id_ for row in shown}
        for id_, shown in connections.items():
            for row in shown:
                day = row.occurred_on
                owners = (owner for owner, first, last in spans if first <= day <= last)
                if next(owners, shown_by[day]) != id_:
                    found.add(row.id)
    return found


def _seen_twice(accounts: Iterable[Account]) -> dict[int, Account]:
    """Every connection to an account that has several, by id."""
    by_place: dict[object, list[Account]] = defaultdict(list)
    for account in accounts:
        by_place[same_account(account)].append(account)
    return {
        a.id: a for connections in by_place.values() if len(connections) > 1 for a in connections
    }


def _last_day(account: Account, rows: Iterable[Row]) -> date:
    last = max(row.occurred_on for row in rows)
    return last if account.last_sync_on is None else min(last, account.last_sync_on)
