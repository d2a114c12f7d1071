"""What all five services have alike, on a real Postgres and a real Valkey.

In: each service's `main`. Not tested here: the answers of the core's routes in every state of their
dependencies (tests/unit/core), and what each service does beside them.
"""

import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI, Response
from pydantic import SecretStr

import harena_budget.main
import harena_budget.settings
import harena_conversation.main
import harena_conversation.settings
import harena_metric.main
import harena_metric.settings
import harena_search.main
import harena_search.settings
import harena_user.main
import harena_user.settings
from harena_core.settings import CoreSettings, ServiceSettings
from harena_core.testing import TokenMint, eventually, running
from harena_db.testing import Database
from harena_local.valkey import Valkey


@dataclass(frozen=True, slots=True)
class Service:
    create: Callable[[Any], FastAPI]
    settings: type[ServiceSettings]
    port: int
    health: tuple[str, ...] = ("/health",)


SERVICES = {
    "user": Service(harena_user.main.create, harena_user.settings.UserSettings, 3000),
    "search": Service(
        harena_search.main.create,
        harena_search.settings.SearchSettings,
        3001,
        ("/health", "/api/v1/search/health"),
    ),
    "metric": Service(harena_metric.main.create, harena_metric.settings.MetricSettings, 3002),
    "budget": Service(harena_budget.main.create, harena_budget.settings.BudgetSettings, 3006),
    "conversation": Service(
        harena_conversation.main.create,
        harena_conversation.settings.ConversationSettings,
        3008,
    ),
}


@pytest.fixture
def environment(
    database: Database, valkey: Valkey, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., None]:
    """Sets what a service of this name finds in its environment."""
    mint = TokenMint(tmp_path)

    def given(name: str, **more: str) -> None:
        values = {
            "DATABASE_URL": database.url(f"harena_{name}"),
            "REDIS_URL": valkey.url,
            "KEY_SET_FILE": str(mint.key_set_file),
            "SIGNING_KEY_FILE": str(mint.signing_key_file),
            "PUBLIC_URL": "http://edge.test",
            **more,
        }
        for variable, value in values.items():
            monkeypatch.setenv(variable, value)

    return given


@asynccontextmanager
async def served(service: Service) -> AsyncIterator[httpx2.AsyncClient]:
    settings = service.settings()
    async with running(service.create(settings), settings) as client:
        yield client


@pytest.mark.parametrize("name", SERVICES)
async def test_every_service_has_the_same_face(name: str, environment: Callable[..., None]) -> None:
    service = SERVICES[name]
    environment(name)
    assert service.settings().port == service.port

    async with served(service) as client:

        async def healthy() -> bool:
            found: dict[str, str] = (await client.get("/health")).json()
            return found["status"] == "healthy"

        await eventually(healthy)
        for path in service.health:
            answer = await client.get(path)
            assert answer.status_code == 200
            health = answer.json()
            assert (health["status"], health["service"]) == ("healthy", name)
            required = {check: found["required"] for check, found in health["checks"].items()}
            assert required == {"database": True, "redis": False}
        assert (await client.get("/livez")).json() == {"status": "ok"}
        assert (await client.get("/readyz")).json() == {"ready": True, "failing": []}
        assert (await client.get("/")).json()["service"] == name
        metrics = await client.get("/metrics")
        assert f'harena_http_requests_total{{method="GET",route="/health",service="{name}"' in (
            metrics.text
        )
        for prefix in ("", f"/{name}_service"):
            assert "swagger" in (await client.get(f"{prefix}/docs")).text
            assert "redoc" in (await client.get(f"{prefix}/redoc")).text
            schema = (await client.get(f"{prefix}/openapi.json")).json()
            assert schema["info"]["title"] == f"Harena – {name}"
        unknown = await client.get("/api/v1/nothing")
        assert (unknown.status_code, unknown.json()["error_code"]) == (404, "NOT_FOUND")


@pytest.mark.parametrize("name", SERVICES)
async def test_no_service_starts_without_keys(
    name: str, environment: Callable[..., None], tmp_path: Path
) -> None:
    environment(name, KEY_SET_FILE=str(tmp_path / "nowhere.json"))
    app = SERVICES[name].create(SERVICES[name].settings())

    with pytest.raises(FileNotFoundError, match="nowhere"):
        async with app.router.lifespan_context(app):
            pass


class TestSearchEngine:
    @pytest.mark.parametrize(
        ("answer", "status", "outcome"),
        [
            (200, "healthy", "answered"),
            (401, "degraded", "refused"),
            (503, "degraded", "refused"),
        ],
    )
    async def test_only_degrades(
        self, environment: Callable[..., None], answer: int, status: str, outcome: str
    ) -> None:
        engine = FastAPI()
        engine.add_api_route("/", lambda: Response(status_code=answer), methods=["HEAD"])
        async with running(engine, CoreSettings()) as reached:
            url = reached.base_url.copy_with(username="user", password="secret")
            environment("search", ELASTICSEARCH_URL=str(url))
            async with served(SERVICES["search"]) as client:
                health = await client.get("/api/v1/search/health")
                metrics = (await client.get("/metrics")).text

        assert (health.status_code, health.json()["status"]) == (200, status)
        assert health.json()["checks"]["elasticsearch"]["required"] is False
        assert _timed(metrics) == {outcome}
        assert "secret" not in health.text + metrics

    async def test_is_degraded_where_nothing_listens(
        self, environment: Callable[..., None]
    ) -> None:
        environment("search", ELASTICSEARCH_URL="http://127.0.0.1:1")
        async with served(SERVICES["search"]) as client:
            health = await client.get("/health")
            metrics = (await client.get("/metrics")).text

        assert (health.status_code, health.json()["status"]) == (200, "degraded")
        assert _timed(metrics) == {"silent"}


def _timed(metrics: str) -> set[str]:
    """The outcomes of the calls to the engine whose time was taken."""
    count = "harena_search_engine_request_duration_seconds_count"
    return set(re.findall(rf'^{count}{{outcome="(\w+)",service="search"}} [1-9]', metrics, re.M))


def test_the_engines_password_is_not_shown(environment: Callable[..., None]) -> None:
    environment("search", ELASTICSEARCH_URL="https://user:hush@engine.test")

    settings = harena_search.settings.SearchSettings()

    assert isinstance(settings.elasticsearch_url, SecretStr)
    assert "hush" not in repr(settings)
