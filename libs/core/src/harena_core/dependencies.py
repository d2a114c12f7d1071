"""What a route asks for, by name."""

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import Depends, Request
from sqlalchemy.ext.asyncio import AsyncConnection

from harena_core.auth import CurrentUser
from harena_core.clock import Clock
from harena_core.db import transaction
from harena_core.redis import Cache


async def _clock(request: Request) -> Clock:
    clock: Clock = request.state.clock
    return clock


async def _cache(request: Request) -> Cache:
    cache: Cache = request.state.cache
    return cache


async def _user_transaction(request: Request, user: CurrentUser) -> AsyncIterator[AsyncConnection]:
    async with transaction(request.state.engine, user.user_id) as connection:
        yield connection


async def _open_transaction(request: Request) -> AsyncIterator[AsyncConnection]:
    async with transaction(request.state.engine, None) as connection:
        yield connection


ClockDep = Annotated[Clock, Depends(_clock)]
CacheDep = Annotated[Cache, Depends(_cache)]

# scope="function": the commit has happened, or failed, before the answer is sent.
UserTransaction = Annotated[AsyncConnection, Depends(_user_transaction, scope="function")]
"""A transaction bound to the caller: the only kind in which a user's rows can be seen."""

OpenTransaction = Annotated[AsyncConnection, Depends(_open_transaction, scope="function")]
"""A transaction of nobody, for what happens before there is a user."""
