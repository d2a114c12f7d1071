"""In: a small app made of the core alone. Out: answers over real HTTP. No database here."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Annotated, Any

import httpx2
import pytest
from fastapi import APIRouter, Query, WebSocket
from pydantic import BaseModel

from harena_core.app import create_app
from harena_core.errors import Conflict, Invalid, TooManyRequests
from harena_core.health import Check
from harena_core.metrics import Instruments
from harena_core.settings import CoreSettings
from harena_core.testing import running


class Body(BaseModel):
    amount: int
    password: str = "x"


class Dependency:
    """Answers, or does not, as the test says."""

    def __init__(self) -> None:
        self.fails = False

    async def probe(self) -> None:
        if self.fails:
            raise ConnectionError("postgresql://user:hush@host is away")


router = APIRouter(prefix="/things")


@router.get("/conflict")
async def conflict() -> None:
    raise Conflict("Déjà pris.", code="TAKEN")


@router.get("/invalid")
async def invalid() -> None:
    raise Invalid("catégorie inconnue", loc=("query", "categorie"))


@router.get("/slow-down")
async def slow_down() -> None:
    raise TooManyRequests("Trop de tentatives.", retry_after=30)


@router.get("/bug")
async def bug() -> None:
    raise RuntimeError("SELECT secret FROM hidden")


@router.get("/{number}")
async def thing(number: int, month: Annotated[int, Query(ge=1, le=12)] = 1) -> int:
    return number * month


@router.post("/")
async def post(body: Body) -> int:
    return body.amount


@router.websocket("/{name}/socket")
async def echo(websocket: WebSocket, name: str) -> None:
    await websocket.accept()
    async for text in websocket.iter_text():
        if text == "bug":
            raise RuntimeError("SELECT secret FROM hidden")
        await websocket.send_text(text)


@pytest.fixture
def required() -> Dependency:
    return Dependency()


@pytest.fixture
def optional() -> Dependency:
    return Dependency()


@pytest.fixture
async def client(required: Dependency, optional: Dependency) -> AsyncIterator[httpx2.AsyncClient]:
    @asynccontextmanager
    async def resources(_: CoreSettings, __: Instruments) -> AsyncIterator[Mapping[str, Any]]:
        yield {
            "checks": [
                Check("database", required.probe),
                Check("redis", optional.probe, required=False),
            ]
        }

    settings = CoreSettings(
        public_url="http://edge.test:8080/",
        max_body_bytes=1000,
        allowed_origins="https://a.test, https://b.test",
    )
    app = create_app(settings, service="core", routers=[router], resources=resources)
    async with running(app, settings) as client:
        yield client
