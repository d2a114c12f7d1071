"""The search service as an app, and as a process."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI

from harena_core import serve as core
from harena_core.app import create_app
from harena_core.health import Check
from harena_core.http import open_client
from harena_core.metrics import Instruments
from harena_core.resources import service_resources
from harena_search import api
from harena_search.engine import SearchEngine
from harena_search.settings import SearchSettings


@asynccontextmanager
async def _resources(
    settings: SearchSettings, instruments: Instruments
) -> AsyncIterator[Mapping[str, Any]]:
    async with service_resources(settings, instruments) as shared:
        if settings.elasticsearch_url is None:
            yield shared
            return
        async with open_client(seconds=5, max_connections=20) as client:
            engine = SearchEngine(client, settings.elasticsearch_url, instruments)
            # Optional: without it the service is degraded, and serves.
            check = Check("elasticsearch", engine.ping, required=False)
            yield {**shared, "checks": [*shared["checks"], check]}


def create(settings: SearchSettings) -> FastAPI:
    """The app, with nothing opened yet."""
    return create_app(settings, service="search", routers=[api.router], resources=_resources)


def serve() -> None:
    """Runs the service until it is told to stop."""
    core.serve(create, SearchSettings())
