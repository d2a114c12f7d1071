import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest
import structlog
from prometheus_client.parser import text_string_to_metric_families
from tests.unit.core.conftest import Dependency

from harena_core import health
from harena_core.testing import eventually

PROMETHEUS = "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5"


def samples(text: str) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


class TestErrors:
    @pytest.mark.parametrize(
        ("path", "status", "code", "detail"),
        [
            pytest.param("/things/conflict", 409, "TAKEN", "Déjà pris.", id="business"),
            pytest.param(
                "/nowhere", 404, "NOT_FOUND", "Cette adresse n'existe pas.", id="no route"
            ),
            pytest.param(
                "/things/invalid",
                422,
                "VALIDATION_ERROR",
                "categorie : catégorie inconnue",
                id="a value that is wrong",
            ),
            pytest.param(
                "/things/1?month=13",
                422,
                "VALIDATION_ERROR",
                "month : doit être inférieur ou égal à 12",
                id="a value out of bounds",
            ),
            pytest.param(
                "/things/bug",
                500,
                "INTERNAL_ERROR",
                "Une erreur inattendue est survenue.",
                id="a bug, of which nothing leaks",
            ),
        ],
    )
    async def test_have_one_shape(
        self, client: httpx2.AsyncClient, path: str, status: int, code: str, detail: str
    ) -> None:
        answer = await client.get(path)

        body = answer.json()
        assert (answer.status_code, body["error_code"], body["detail"]) == (status, code, detail)
        assert body["request_id"] == answer.headers["X-Request-ID"]

    async def test_name_every_culprit_but_never_its_value(self, client: httpx2.AsyncClient) -> None:
        answer = await client.post("/things/", json={"amount": "hush", "password": 12345})

        body = answer.json()
        assert answer.status_code == 422
        assert isinstance(body["detail"], str)
        assert [error["loc"] for error in body["errors"]] == [
            ["body", "amount"],
            ["body", "password"],
        ]
        assert "hush" not in answer.text
        assert "12345" not in answer.text

    async def test_say_when_to_come_back(self, client: httpx2.AsyncClient) -> None:
        answer = await client.get("/things/slow-down")

        assert (answer.status_code, answer.headers["Retry-After"]) == (429, "30")

    async def test_a_method_that_is_not_served_is_405(self, client: httpx2.AsyncClient) -> None:
        answer = await client.delete("/things/1")

        assert (answer.status_code, answer.json()["error_code"]) == (405, "METHOD_NOT_ALLOWED")

    @pytest.mark.parametrize("chunked", [False, True], ids=["declared size", "size unknown"])
    async def test_a_large_body_is_413(self, client: httpx2.AsyncClient, chunked: bool) -> None:
        async def stream() -> Any:
            for _ in range(20):
                yield b"x" * 100

        content = stream() if chunked else b"x" * 2000
        answer = await client.post("/things/", content=content)

        assert (answer.status_code, answer.json()["error_code"]) == (413, "PAYLOAD_TOO_LARGE")


class TestRequestId:
    async def test_a_safe_one_is_kept(self, client: httpx2.AsyncClient) -> None:
        answer = await client.get("/livez", headers={"X-Request-ID": "abc-1.2_3"})

        assert answer.headers.get_list("X-Request-ID") == ["abc-1.2_3"]

    @pytest.mark.parametrize("given", ["a b", "x" * 65, 'x"}', ""])
    async def test_any_other_is_replaced(self, client: httpx2.AsyncClient, given: str) -> None:
        answer = await client.get("/livez", headers={"X-Request-ID": given})

        assert len(answer.headers["X-Request-ID"]) == 32


class TestHealth:
    async def test_all_well(self, client: httpx2.AsyncClient) -> None:
        answer = await client.get("/health")

        body = answer.json()
        assert (answer.status_code, body["status"], body["service"]) == (200, "healthy", "core")
        assert {name: check["status"] for name, check in body["checks"].items()} == {
            "database": "healthy",
            "redis": "healthy",
        }

    async def test_an_optional_dependency_only_degrades(
        self, client: httpx2.AsyncClient, optional: Dependency
    ) -> None:
        optional.fails = True

        answer, ready = await client.get("/health"), await client.get("/readyz")

        assert (answer.status_code, answer.json()["status"]) == (200, "degraded")
        assert ready.json() == {"ready": True, "failing": []}

    async def test_a_required_one_closes_the_service_and_kills_nothing(
        self, client: httpx2.AsyncClient, required: Dependency
    ) -> None:
        required.fails = True

        answer = await client.get("/health")
        ready, alive = await client.get("/readyz"), await client.get("/livez")

        assert (answer.status_code, answer.json()["status"]) == (503, "unhealthy")
        assert (ready.status_code, ready.json()["failing"]) == (503, ["database"])
        assert alive.status_code == 200
        assert "hush" not in answer.text

    async def test_prometheus_stores_an_outage_too(
        self, client: httpx2.AsyncClient, required: Dependency
    ) -> None:
        required.fails = True

        answer = await client.get("/health", headers={"Accept": "text/plain;version=0.0.4"})

        assert answer.status_code == 200
        found = samples(answer.text)
        labels = {("service", "core")}
        assert found["harena_health", frozenset(labels)] == 0
        down = {*labels, ("dependency", "database"), ("required", "true")}
        assert found["harena_dependency_up", frozenset(down)] == 0

    async def test_openmetrics_is_spoken(self, client: httpx2.AsyncClient) -> None:
        answer = await client.get("/health", headers={"Accept": PROMETHEUS})

        assert answer.headers["Content-Type"].startswith("application/openmetrics-text")

    async def test_many_watchers_share_one_check(
        self, client: httpx2.AsyncClient, required: Dependency, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        probes = 0

        async def count() -> None:
            nonlocal probes
            probes += 1

        monkeypatch.setattr(health, "CACHE_SECONDS", 60)
        monitor = health.HealthMonitor("core", "1", [health.Check("database", count)])
        await asyncio.gather(*(monitor.health() for _ in range(50)))

        assert probes == 1


class TestMetrics:
    async def test_count_by_route_template_and_never_by_path(
        self, client: httpx2.AsyncClient
    ) -> None:
        for path in ("/things/1", "/things/2", "/things/x", "/scan/a", "/scan/b"):
            await client.get(path)

        answer = await client.get("/metrics")
        found = {
            (dict(labels)["route"], dict(labels)["status"]): value
            for (name, labels), value in samples(answer.text).items()
            if name == "harena_http_requests_total"
        }
        assert found == {
            ("/things/{number}", "200"): 2,
            ("/things/{number}", "422"): 1,
            ("(unmatched)", "404"): 2,
        }

    async def test_times_are_kept_by_class_of_status(self, client: httpx2.AsyncClient) -> None:
        for path in ("/things/1", "/things/2", "/things/x", "/things/bug"):
            await client.get(path)

        answer = await client.get("/metrics")
        found = {
            (dict(labels)["route"], dict(labels)["status"]): value
            for (name, labels), value in samples(answer.text).items()
            if name == "harena_http_request_duration_seconds_count"
        }
        assert found == {
            ("/things/{number}", "2xx"): 2,
            ("/things/{number}", "4xx"): 1,
            ("/things/bug", "5xx"): 1,
        }

    async def test_a_request_is_in_flight_until_it_is_answered(
        self, client: httpx2.AsyncClient
    ) -> None:
        answered = asyncio.Event()

        async def slow_body() -> AsyncIterator[bytes]:
            await answered.wait()
            yield b'{"amount": 1}'

        async def in_flight() -> dict[tuple[str, str], float]:
            return {
                (dict(labels)["method"], dict(labels)["route"]): value
                for (name, labels), value in samples((await client.get("/metrics")).text).items()
                if name == "harena_http_requests_in_flight"
            }

        scrape = {("GET", "/metrics"): 1.0}
        waiting = [
            asyncio.create_task(client.post("/things/", content=slow_body())) for _ in range(2)
        ]

        async def both_wait() -> bool:
            return await in_flight() == {**scrape, ("POST", "/things/"): 2.0}

        await eventually(both_wait)
        answered.set()
        await asyncio.gather(*waiting)
        assert await in_flight() == scrape


class TestDocs:
    @pytest.mark.parametrize("prefix", ["", "/core_service"])
    async def test_are_served_at_both_places_without_inline_script(
        self, client: httpx2.AsyncClient, prefix: str
    ) -> None:
        for page in ("docs", "redoc"):
            answer = await client.get(f"{prefix}/{page}")
            assert answer.status_code == 200
            assert answer.text.count("<script") == answer.text.count("<script src=")
            assert "//" not in answer.text.replace("<!doctype", "")
        schema = await client.get(f"{prefix}/openapi.json")
        assert schema.json()["info"]["title"] == "Harena – core"

    @pytest.mark.parametrize(
        "asset", ["swagger-ui-bundle.js", "swagger-ui.css", "redoc.standalone.js", "swagger.js"]
    )
    async def test_bring_their_own_files(self, client: httpx2.AsyncClient, asset: str) -> None:
        answer = await client.get(f"/docs/assets/{asset}")

        assert answer.status_code == 200
        assert "cdn.redoc.ly" not in answer.text


class TestEdgeConcerns:
    async def test_no_service_sends_cors_headers(self, client: httpx2.AsyncClient) -> None:
        answer = await client.get("/livez", headers={"Origin": "http://a.test"})

        assert [name for name in answer.headers if name.startswith("access-control")] == []
        assert "server" not in answer.headers


class TestLogs:
    async def test_hold_the_request_but_not_its_query(self, client: httpx2.AsyncClient) -> None:
        with structlog.testing.capture_logs(
            processors=[structlog.contextvars.merge_contextvars]
        ) as lines:
            await client.get("/things/3?month=2&marchand=hush", headers={"X-Request-ID": "r-1"})

        [event] = [line for line in lines if line["event"] == "request"]
        assert (event["request_id"], event["route"]) == ("r-1", "/things/{number}")
        assert "hush" not in str(lines)
