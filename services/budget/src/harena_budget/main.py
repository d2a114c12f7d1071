"""The budget service as an app, and as a process."""

from fastapi import FastAPI

from harena_budget.settings import BudgetSettings
from harena_core import serve as core
from harena_core.app import create_app
from harena_core.resources import service_resources


def create(settings: BudgetSettings) -> FastAPI:
    """The app, with nothing opened yet."""
    return create_app(settings, service="budget", routers=[], resources=service_resources)


def serve() -> None:
    """Runs the service until it is told to stop."""
    core.serve(create, BudgetSettings())
