"""What the metric service is measured against, each as a process of its own.

`bare`: a FastAPI route that takes the user and the four days from its query, runs the service's own
statements through an asyncpg pool in a transaction, and returns their rows. No token, no scope, no
comparison, no log.

`predecessor`: rows of both periods fetched by a synchronous SQLAlchemy session inside an async
route, and summed in Python.

    python -m tests.bench.baselines bare 8000 postgresql://…
"""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date
from typing import Any

import asyncpg
import uvicorn
from fastapi import FastAPI, Request
from sqlalchemy import create_engine, text
from sqlalchemy.orm import Session

from harena_core.db import CONNECT_SECONDS
from harena_metric.repository import HOLDINGS, sums_of

POOL = 8  # as many connections as the service's own pool has
BIND = "SELECT set_config('harena.user_id', $1, true)"
SUMS = sums_of(2, by_category=False, by_merchant=False)


async def same_sql(
    pool: "asyncpg.Pool[asyncpg.Record]", user_id: int, days: dict[str, date]
) -> tuple[list[asyncpg.Record], list[asyncpg.Record]]:
    """What the service asks Postgres for a comparison that it has to compute."""
    values = {"user_id": user_id, **days}
    async with pool.acquire() as connection, connection.transaction(readonly=True):
        await connection.execute(BIND, str(user_id))
        holdings = await connection.fetch(HOLDINGS.sql, *HOLDINGS.arguments(values))
        sums = await connection.fetch(SUMS.sql, *SUMS.arguments(values))
    return holdings, sums


def open_pool(url: str) -> Any:
    """asyncpg's own, with the service's settings."""
    return asyncpg.create_pool(
        url, min_size=POOL, max_size=POOL, server_settings={"jit": "off"}, timeout=CONNECT_SECONDS
    )


def bare(url: str) -> FastAPI:
    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[dict[str, Any]]:
        async with open_pool(url) as pool:
            yield {"pool": pool}

    app = FastAPI(lifespan=lifespan)

    @app.get("/")
    async def sums(
        request: Request, user_id: int, start_0: date, end_0: date, start_1: date, end_1: date
    ) -> dict[str, Any]:
        days = {"start_0": start_0, "end_0": end_0, "start_1": start_1, "end_1": end_1}
        holdings, found = await same_sql(request.state.pool, user_id, days)
        return {
            "accounts": len(holdings),
            "sums": [
                (period, account_id, currency, float(income), float(expenses))
                for period, account_id, currency, income, expenses, *_ in found
            ],
        }

    return app


_ROWS = text("""
    SELECT t.transaction_date, t.amount, t.clean_description, c.name
    FROM transactions t LEFT JOIN categories c ON c.id = t.category_id
    WHERE t.user_id = :user_id AND t.occurred_on >= :start AND t.occurred_on < :end
""")
_BIND = text("SELECT set_config('harena.user_id', :user_id, true)")


def predecessor(url: str) -> FastAPI:
    engine = create_engine(url.replace("postgresql://", "postgresql+psycopg://"), pool_size=POOL)
    app = FastAPI()

    def total(session: Session, user_id: int, start: date, end: date) -> float:
        rows = session.execute(_ROWS, {"user_id": user_id, "start": start, "end": end}).all()
        return float(sum(-row.amount for row in rows if row.amount < 0))

    @app.get("/")
    async def sums(
        user_id: int, start_0: date, end_0: date, start_1: date, end_1: date
    ) -> dict[str, float]:
        with Session(engine) as session:
            session.execute(_BIND, {"user_id": str(user_id)})
            return {
                "reference": total(session, user_id, start_0, end_0),
                "target": total(session, user_id, start_1, end_1),
            }

    return app


if __name__ == "__main__":
    name, port, database_url = sys.argv[1:]
    uvicorn.run(
        {"bare": bare, "predecessor": predecessor}[name](database_url),
        host="127.0.0.1",
        port=int(port),
        log_level="warning",
        access_log=False,
    )
