"""The metric service as an app, and as a process."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI

from harena_core import serve as core
from harena_core.app import create_app
from harena_core.metrics import Instruments
from harena_core.resources import service_resources
from harena_metric import api
from harena_metric.answers import Answers
from harena_metric.settings import MetricSettings


@asynccontextmanager
async def _resources(
    settings: MetricSettings, instruments: Instruments
) -> AsyncIterator[Mapping[str, Any]]:
    async with service_resources(settings, instruments) as shared:
        yield {**shared, "answers": Answers(settings.answers_kept, instruments)}


def create(settings: MetricSettings) -> FastAPI:
    """The app, with nothing opened yet."""
    return create_app(settings, service="metric", routers=[api.router], resources=_resources)


def serve() -> None:
    """Runs the service until it is told to stop."""
    core.serve(create, MetricSettings())
