"""What each of the five services holds while it runs."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

from harena_core.auth import KeySet, Sessions, TokenVerifier
from harena_core.db import open_engine, ping
from harena_core.health import Check
from harena_core.metrics import Instruments
from harena_core.redis import open_cache
from harena_core.settings import ServiceSettings


@asynccontextmanager
async def service_resources(
    settings: ServiceSettings, instruments: Instruments
) -> AsyncIterator[Mapping[str, Any]]:
    """Postgres (required), Redis (optional), and what checks a token with them.

    Raises as `KeySet.read` does: without any key, no token could be told from another.
    """
    key_set = KeySet(settings.key_set_file)
    await key_set.read()
    async with (
        open_engine(settings, instruments) as engine,
        open_cache(settings, instruments) as cache,
    ):
        checks = [Check("database", partial(ping, engine))]
        if cache.client is not None:
            checks.append(Check("redis", cache.ping, required=False))
        yield {
            "engine": engine,
            "cache": cache,
            "key_set": key_set,
            "sessions": Sessions(engine, cache),
            "verifier": TokenVerifier(
                key_set,
                settings.clock,
                issuer=settings.token_issuer,
                audience=settings.token_audience,
            ),
            "checks": checks,
        }
