"""The metric service as an app, and as a process."""

from fastapi import FastAPI

from harena_core import serve as core
from harena_core.app import create_app
from harena_core.resources import service_resources
from harena_metric import api
from harena_metric.settings import MetricSettings


def create(settings: MetricSettings) -> FastAPI:
    """The app, with nothing opened yet."""
    return create_app(settings, service="metric", routers=[api.router], resources=service_resources)


def serve() -> None:
    """Runs the service until it is told to stop."""
    core.serve(create, MetricSettings())
