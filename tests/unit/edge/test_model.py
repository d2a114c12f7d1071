"""The routing model: the table as it is meant, written down a second time, and its strictness."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from harena_edge import capabilities, model

# path -> service, requests a second, burst, connect and read time-out, body limit, exact
USER = ("user", 30, 30, 60, 60, 1 << 20, False)
TABLE = {
    "/api/v1/users": USER,
    "/api/v1/auth": USER,
    "/api/v1/items": USER,
    "/api/v1/accounts": USER,
    "/api/v1/transactions": USER,
    "/api/v1/categories": USER,
    "/api/v1/sync": USER,
    "/webhooks": USER,
    "/api/v1/imports": ("user", 30, 30, 60, 60, 10 << 20, False),
    "/api/v1/search": ("search", 30, 30, 60, 60, 1 << 20, False),
    "/api/v1/enrichment": ("search", 30, 30, 60, 60, 1 << 20, False),
    "/api/v1/metrics": ("metric", 30, 30, 60, 60, 1 << 20, False),
    "/api/v1/budget": ("budget", 30, 30, 90, 90, 1 << 20, False),
    "/api/v3": ("conversation", 10, 10, 10, 86_400, 1 << 20, False),
    "/docs": ("portal", 30, 30, 60, 60, 1 << 20, False),
    "/health": ("portal", 30, 30, 60, 60, 1 << 20, True),
    "/": ("portal", 30, 30, 60, 60, 1 << 20, False),
} | {
    f"/{service}_service/{page}": (service, 30, 30, 60, 60, 1 << 20, True)
    for service in ("user", "search", "metric", "budget", "conversation")
    for page in ("docs", "redoc", "openapi.json")
}
# Paths of one bucket; every other path has its own.
SHARED = [
    {path for path, row in TABLE.items() if row == USER},
    {"/api/v1/search", "/api/v1/enrichment"},
    {path for path in TABLE if "_service/" in path},
]


def test_the_table_is_the_one_that_is_meant() -> None:
    found = {
        match.path: (
            match.service,
            route.rate,
            route.burst,
            route.timeouts.connect,
            route.timeouts.read,
            route.body_limit,
            match.exact,
        )
        for route in model.load().enabled_routes.values()
        for match in route.matches()
    }

    assert found == TABLE


def test_paths_share_the_buckets_that_are_meant() -> None:
    buckets = [{match.path for match in route.matches()} for route in model.load().routes.values()]

    assert [bucket for bucket in buckets if len(bucket) > 1] == SHARED


def test_only_the_conversation_streams() -> None:
    routes = model.load().routes

    assert [name for name, route in routes.items() if route.websocket] == ["conversation"]
    assert [name for name, route in routes.items() if not route.buffering] == ["conversation"]
    assert all(route.try_once for route in routes.values())


def test_cors_is_open_without_credentials() -> None:
    cors = model.load().cors

    assert cors.allows_any
    assert set(cors.methods) == {"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}
    assert set(cors.headers) == {
        "DNT",
        "User-Agent",
        "X-Requested-With",
        "If-Modified-Since",
        "Cache-Control",
        "Content-Type",
        "Range",
        "Authorization",
        "X-Request-ID",
    }


@pytest.mark.parametrize(
    ("path", "route", "service"),
    [
        ("/api/v1/users", "user", "user"),
        ("/api/v1/users/", "user", "user"),
        ("/api/v1/users/me", "user", "user"),
        ("/api/v1/usersX", "catch-all", "portal"),
        ("/api/v1/imports/1", "imports", "user"),
        ("/api/v3", "conversation", "conversation"),
        ("/api/v30", "catch-all", "portal"),
        ("/docs/assets/swagger.js", "docs", "portal"),
        ("/health", "health", "portal"),
        ("/health/", "catch-all", "portal"),
        ("/metric_service/docs", "service-docs", "metric"),
        ("/metric_service/docs/", "catch-all", "portal"),
        ("/metrics", "catch-all", "portal"),
        ("/", "catch-all", "portal"),
    ],
)
def test_a_path_takes_its_route(path: str, route: str, service: str) -> None:
    name, match = model.load().route_of(path)

    assert (name, match.service) == (route, service)


@pytest.mark.parametrize(
    ("overrides", "complaint"),
    [
        ({"colour": "red"}, "colour"),
        ({"routes": {"user": {"limit-rpz": 3}}}, "limit-rpz"),
        ({"defaults": {"retries": 3}}, "retries"),
        ({"routes": {"user": {"rate": 0}}}, "rate"),
        ({"routes": {"user": {"timeouts": {"read": "60s"}}}}, "read"),
        ({"routes": {"user": {"burst": 45}}}, "multiple"),
        ({"routes": {"user": {"prefixes": []}}}, "prefixes"),
        ({"routes": {"user": {"exact": ["/x"]}}}, "either"),
        ({"routes": {"user": {"each_of": ["user"]}}}, "either"),
        ({"routes": {"user": {"prefixes": ["/{service}/x"]}}}, "each_of"),
        ({"routes": {"service-docs": {"exact": ["/docs-of-service"]}}}, "each_of"),
        ({"routes": {"docs": {"prefixes": ["/api/v1/users/docs"]}}}, "taken by user"),
        ({"routes": {"docs": {"prefixes": ["/api"]}}}, "taken by docs"),
        ({"routes": {"docs": {"prefixes": ["/health"]}}}, "taken by"),
        ({"routes": {"catch-all": {"enabled": False}}}, "answered by someone"),
        ({"routes": {"user": {"prefixes": ["/users/"]}}}, "slash"),
        ({"routes": {"user": {"prefixes": ["/users;}"]}}}, "slash"),
        ({"routes": {"user": {"prefixes": ["/users/.*"]}}}, "slash"),
        ({"cors": {"origins": []}}, "origins"),
        ({"cors": {"origins": ["*", "https://app.test"]}}, "either"),
        ({"cors": {"origins": ["app.test"]}}, "origins"),
        ({"cors": {"origins": ["https://app.test/"]}}, "origins"),
        ({"cors": {"origins": ['https://app.test"; deny all']}}, "origins"),
        ({"cors": {"methods": ["TRACE"]}}, "methods"),
        ({"security_headers": {"X-Frame-Options": 'a"; b'}}, "X-Frame-Options"),
        ({"security_headers": {"X-Frame-Options": "$host"}}, "X-Frame-Options"),
        ({"security_headers": {"Bad Name": "a"}}, "Bad Name"),
        ({"trusted_proxies": ["10.0.0.1/8"]}, "trusted_proxies"),
        ({"trusted_proxies": ["everyone"]}, "trusted_proxies"),
    ],
)
def test_what_is_no_model_is_refused(overrides: Mapping[str, Any], complaint: str) -> None:
    with pytest.raises(ValidationError, match=complaint):
        model.load(overrides)


def test_overrides_change_what_they_name_and_nothing_else() -> None:
    changed = model.load({"routes": {"budget": {"timeouts": {"read": 5}}}})
    plain = model.load()

    assert changed.routes["budget"].timeouts.read == 5
    assert changed.routes["budget"].timeouts.send == plain.routes["budget"].timeouts.send
    assert {**changed.routes, "budget": None} == {**plain.routes, "budget": None}
    assert (changed.cors, changed.trusted_proxies) == (plain.cors, plain.trusted_proxies)


def test_a_model_may_come_from_another_file(tmp_path: Path) -> None:
    path = tmp_path / "routing.yaml"
    text = Path(model.__file__).with_name("routing.yaml").read_text()
    path.write_text(text.replace("rate: 10", "rate: 5"))

    assert model.load(path=path).routes["conversation"].rate == 5


def test_a_model_cannot_be_changed() -> None:
    routing = model.load()

    with pytest.raises(ValidationError):
        routing.cors.max_age = 1  # type: ignore[misc]


def test_every_lacking_capability_has_its_reason() -> None:
    table = capabilities.load()

    assert table.of("nginx") == frozenset(table.root)
    assert table.of("traefik") < table.of("nginx")
    for row in table.root.values():
        assert row.says
        assert all(row.lacking.values())


def test_the_suite_asks_for_every_capability_and_for_no_other() -> None:
    """A name that no check reads would excuse a difference that is tested nowhere."""
    suite = Path(__file__).parents[2] / "edge"
    text = "".join(path.read_text() for path in sorted(suite.glob("*.py")))

    for name in capabilities.load().root:
        assert re.search(rf'"{name}" (not )?in ', text), name
