"""The budget service: the budget profile of a user."""

from fastapi import FastAPI

from harena_budget.settings import BudgetSettings
from harena_core import serve as core_serve
from harena_core.app import create_app
from harena_core.resources import service_resources


def create(settings: BudgetSettings) -> FastAPI:
    return create_app(settings, service="budget", routers=(), resources=service_resources)


def serve() -> None:
    core_serve.serve(create, BudgetSettings())
