"""Coroutines that run beside each other and end together."""

import asyncio
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import asynccontextmanager
from typing import Any, TypeVar

T = TypeVar("T")


@asynccontextmanager
async def together(*coroutines: Coroutine[Any, Any, T]) -> AsyncIterator[Sequence[asyncio.Task[T]]]:
    """They run as tasks inside, and none is left outside. What one raised, its `result()` tells."""
    tasks = [asyncio.create_task(coroutine) for coroutine in coroutines]
    try:
        yield tasks
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
