"""Connections of whoever owns or administers the schema; a service's are `harena_core.db`'s."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

from harena_core.db import CONNECT_SECONDS, asyncpg_url


@asynccontextmanager
async def open_owner(url: str, **connect_args: Any) -> AsyncIterator[AsyncEngine]:
    """An engine whose connections are not kept; statements may take their time.

    `connect_args` are asyncpg's. Raises ValueError for what is no Postgres URL.
    """
    engine = create_async_engine(
        asyncpg_url(url),
        poolclass=NullPool,
        hide_parameters=True,
        connect_args={"timeout": CONNECT_SECONDS, **connect_args},
    )
    try:
        yield engine
    finally:
        await engine.dispose()
