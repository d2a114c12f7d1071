"""A database of any size: many users who live like the demo's, a few of them with most rows."""

import asyncio
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, replace
from datetime import date
from itertools import accumulate
from multiprocessing import get_context

from sqlalchemy import func, select, text

from harena_core.passwords import hash_password
from harena_db.owner import open_owner
from harena_db.tables import users
from harena_demo.book import ID_BITS
from harena_demo.calendar import BankMonth
from harena_demo.generator import DEFAULT_SEED, PEOPLE, household
from harena_demo.model import DemoHousehold, DemoUser
from harena_demo.store import refuse_unless_embedded, write_household

PASSWORD = "Load123456"  # noqa: S105 -- documented, and the same for all
EMAILS = "load-%@example.com"
"""LIKE pattern of the users that are made here."""
LONGEST = 36
"""Months of history; who has more rows than these give buys more often."""

# Rows of a month of each of the four, from measured households, on the low side.
_ROWS_A_MONTH = 45
_CHUNK = 20_000

Progress = Callable[[int, int], None]
"""Told how many rows are written, and how many there will be."""


@dataclass(frozen=True, slots=True)
class _Order:
    """One user to make."""

    index: int
    rows: int


@dataclass(frozen=True, slots=True)
class _Batch:
    database_url: str
    orders: tuple[_Order, ...]
    seed: int
    today: date
    password_hash: str


async def load_many(
    database_url: str,
    *,
    users: int,
    transactions: int,
    today: date,
    largest: int | None = None,
    seed: int = DEFAULT_SEED,
    progress: Progress | None = None,
) -> int:
    """Adds users `load-000000@example.com` and on, with so many rows in all; what is there stays.

    How many rows a user has falls with the square root of their rank. Everything goes through the
    ledger, in one process a processor; each user is a transaction, and statistics are gathered at
    the end.

    Args:
        largest: How many of the rows the first user has, apart from that rule.
        seed: As for the demo households.

    Returns:
        The number of rows added.

    Raises:
        DemoRefused: The embedded platform did not make this database.
        ValueError: Fewer rows than users, or fewer than `largest`.
    """
    sizes = shares(users, transactions, largest)
    first = await _first_free_index(database_url)
    orders = [_Order(first + rank, rows) for rank, rows in enumerate(sizes)]
    password_hash = await asyncio.to_thread(hash_password, PASSWORD)
    batches = [
        _Batch(database_url, batch, seed, today, password_hash) for batch in _batches(orders)
    ]
    written = await asyncio.to_thread(_run, batches, transactions, progress)
    await _vacuum(database_url)
    return written


def shares(users: int, transactions: int, largest: int | None = None) -> list[int]:
    """How many rows each user gets, to the row, the most first.

    Raises ValueError where somebody would get none.
    """
    first = [] if largest is None else [largest]
    weights = [(rank + 1) ** -0.5 for rank in range(users - len(first))]
    rest, scale = transactions - sum(first), sum(weights)
    # Rounded as running sums, so that nothing is lost between them.
    bounds = [0, *(round(rest * sum_ / scale) for sum_ in accumulate(weights))]
    sizes = first + [end - start for start, end in zip(bounds, bounds[1:], strict=False)]
    if sum(sizes) != transactions or min(sizes, default=0) < 1:
        raise ValueError(f"{transactions} rows cannot be shared among {users} users like that.")
    return sizes


def _batches(orders: Sequence[_Order]) -> Iterator[tuple[_Order, ...]]:
    batch: list[_Order] = []
    for order in orders:
        batch.append(order)
        if sum(each.rows for each in batch) >= _CHUNK:
            yield tuple(batch)
            batch = []
    if batch:
        yield tuple(batch)


def _run(batches: Sequence[_Batch], total: int, progress: Progress | None) -> int:
    written = 0
    # Not forked: the parent has threads and an event loop.
    with ProcessPoolExecutor(os.cpu_count(), mp_context=get_context("spawn")) as pool:
        for done in as_completed([pool.submit(_write, batch) for batch in batches]):
            written += done.result()
            if progress:
                progress(written, total)
    return written


def _write(batch: _Batch) -> int:
    return asyncio.run(_write_batch(batch))


async def _write_batch(batch: _Batch) -> int:
    written = 0
    async with open_owner(batch.database_url) as engine, engine.connect() as connection:
        for order in batch.orders:
            made = _household(order, batch.seed, batch.today)
            async with connection.begin():
                await write_household(connection, made, batch.password_hash)
            written += len(made.rows)
    return written


def _household(order: _Order, seed: int, today: date) -> DemoHousehold:
    """A household with just so many rows, the latest that it has."""
    person = PEOPLE[order.index % len(PEOPLE)]
    user: DemoUser = replace(person.USER, email=f"load-{order.index:06}@example.com")
    months, intensity = 1 + order.rows // _ROWS_A_MONTH, 1.0
    if months > LONGEST:
        months, intensity = LONGEST, months / LONGEST
    while True:
        first = BankMonth.of(today).shifted(-months)
        made = household(person, seed, first, today, user=user, intensity=intensity)
        if len(made.rows) >= order.rows:
            return _numbered(made, order)
        months, intensity = months + (months < LONGEST), intensity * 1.2


def _numbered(made: DemoHousehold, order: _Order) -> DemoHousehold:
    """With ids beyond those of the demo households, which cannot collide however many there are."""
    base = 2**ID_BITS
    connections = {
        account.bridge_account_id: base + order.index * 16 + rank
        for rank, account in enumerate(made.accounts)
    }
    banks = {
        item.bridge_item_id: base + order.index * 16 + rank for rank, item in enumerate(made.items)
    }
    return replace(
        made,
        items=tuple(
            replace(item, bridge_item_id=banks[item.bridge_item_id]) for item in made.items
        ),
        accounts=tuple(
            replace(
                account,
                bridge_account_id=connections[account.bridge_account_id],
                bridge_item_id=banks[account.bridge_item_id],
            )
            for account in made.accounts
        ),
        rows=tuple(
            replace(
                row,
                bridge_transaction_id=base + (order.index << 24) + rank,
                bridge_account_id=connections[row.bridge_account_id],
            )
            for rank, row in enumerate(made.rows[-order.rows :])
        ),
        truths={},
    )


async def _first_free_index(database_url: str) -> int:
    loaded = select(func.count()).where(users.c.email.like(EMAILS))
    async with open_owner(database_url) as engine, engine.connect() as connection:
        await refuse_unless_embedded(connection)
        return (await connection.execute(loaded)).scalar_one()


async def _vacuum(database_url: str) -> None:
    """Statistics, and pages that index scans may skip: what autovacuum would do later."""
    async with (
        open_owner(database_url) as engine,
        engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection,
    ):
        await connection.execute(text("VACUUM (ANALYZE)"))
