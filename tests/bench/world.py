"""The servers and the data that everything is measured on: Postgres, Valkey, two databases.

`large` holds a million rows of a thousand users, one of whom has 50,000; `small` holds that one
alone. Made once and kept under `.harena/bench`, until the schema or the sizes change.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from shutil import rmtree
from uuid import UUID

import asyncpg

from harena_core.testing import TokenMint, free_port
from harena_db import migrate, testing
from harena_db.testing import Database
from harena_demo.bulk import load_many
from harena_demo.store import claim
from harena_local.postgres import Postgres
from harena_local.valkey import Valkey

# A fixed day, so that data made yesterday are as good today.
TODAY = date(2026, 11, 24)
PASSWORD = "bench"  # of a server that lives for minutes on 127.0.0.1
TYPICAL_ROWS = 1000

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class Size:
    """How much there is of it."""

    users: int
    transactions: int
    largest: int


FULL = Size(users=1000, transactions=1_000_000, largest=50_000)
QUICK = Size(users=3, transactions=1_500, largest=700)


@dataclass(frozen=True, slots=True)
class Person:
    """A user whose figures are asked for."""

    name: str
    user_id: int
    rows: int
    token: str


@dataclass(frozen=True, slots=True)
class World:
    """What runs, and whom to ask about."""

    postgres: Postgres
    valkey: Valkey
    mint: TokenMint
    large: Database
    small: Database
    largest: Person
    typical: Person
    largest_alone: Person
    """The largest user of the small database."""


@asynccontextmanager
async def open_world(folder: Path, size: Size, progress: Progress) -> AsyncIterator[World]:
    """Starts the servers, and fills them where they are empty."""
    marker = folder / "made.json"
    wanted = json.dumps({**asdict(size), "schema": migrate.head(), "today": TODAY.isoformat()})
    is_made = await asyncio.to_thread(_is_made, folder, marker, wanted)
    postgres = Postgres(folder / "data", free_port(), PASSWORD, durable=False)
    valkey = Valkey(folder / "valkey", free_port(), PASSWORD)
    await asyncio.to_thread(postgres.initialise)
    valkey.configure()
    async with AsyncExitStack() as stack:
        for server in (postgres.running(folder / "postgres.log"), valkey.running(folder / "v.log")):
            await asyncio.to_thread(server.start)
            stack.push_async_callback(asyncio.to_thread, server.stop)
        server_url = postgres.url("postgres")
        large, small = (Database(server_url, name) for name in ("large", "small"))
        if not is_made:
            await testing.make_template(server_url)
            await _fill(postgres, large, size, lambda done, of: progress("large", done, of))
            alone = Size(1, size.largest, size.largest)
            await _fill(postgres, small, alone, lambda done, of: progress("small", done, of))
            await asyncio.to_thread(marker.write_text, wanted)
        mint = TokenMint(folder)
        people = await _people(large, mint)
        yield World(
            postgres=postgres,
            valkey=valkey,
            mint=mint,
            large=large,
            small=small,
            largest=people[0],
            typical=min(people[1:], key=lambda person: abs(person.rows - TYPICAL_ROWS)),
            largest_alone=(await _people(small, mint))[0],
        )


def _is_made(folder: Path, marker: Path, wanted: str) -> bool:
    """Whether the data are there; if they are others, or half made, they go."""
    if marker.exists() and marker.read_text() == wanted:
        return True
    rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return False


async def _fill(
    postgres: Postgres, database: Database, size: Size, progress: Callable[[int, int], None]
) -> None:
    await asyncio.to_thread(
        postgres.execute,
        f"CREATE DATABASE {database.name} TEMPLATE {testing.TEMPLATE} OWNER {testing.OWNER}",
    )
    async with database.transaction() as connection:
        await claim(connection)
    await load_many(
        database.url(),
        users=size.users,
        transactions=size.transactions,
        largest=size.largest,
        today=TODAY,
        progress=progress,
    )


async def _people(database: Database, mint: TokenMint) -> list[Person]:
    """Everybody, logged in, the largest first."""
    connection = await asyncpg.connect(database.url())
    try:
        rows = await connection.fetch(
            "SELECT user_id, count(*) FROM transactions GROUP BY user_id ORDER BY 2 DESC, 1"
        )
        people = []
        for user_id, count in rows:
            session_id: UUID = await connection.fetchval(
                "INSERT INTO sessions (user_id, expires_at) VALUES ($1, $2) RETURNING id",
                user_id,
                datetime.now(UTC) + timedelta(days=1),
            )
            hour = int(datetime.now(UTC).timestamp()) + 3600
            token = mint.token(user_id, session_id, exp=hour)
            people.append(Person(f"{count} rows", user_id, count, token))
        return people
    finally:
        await connection.close()
