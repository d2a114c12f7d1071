"""How the platform is, for every way in which a service can be."""

import asyncio

import pytest
from tests.unit.portal.conftest import SERVICES, Ports, Services, portal_of, settings_for

from harena_core.testing import free_port

# What Prometheus 3 asks with.
PROMETHEUS = "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.3,*/*;q=0.1"

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_all_healthy_is_200_and_says_nothing_but_states(
    services: Services, portal: Ports
) -> None:
    answer = await portal.pages.get("/health")

    assert answer.status_code == 200
    assert answer.json() == {"status": "healthy", "services": dict.fromkeys(SERVICES, "healthy")}
    assert answer.headers["cache-control"] == "no-store"


async def test_a_degraded_service_still_serves(services: Services, portal: Ports) -> None:
    services["metric"].says("degraded")

    answer = await portal.pages.get("/health")

    assert answer.status_code == 200
    assert answer.json()["status"] == "degraded"
    assert answer.json()["services"]["metric"] == "degraded"


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (503, '{"status": "unhealthy"}'),
        (503, '{"status": "healthy"}'),
        (500, '{"detail": "Une erreur inattendue est survenue."}'),
        (302, '{"status": "healthy"}'),
        (200, '{"status": "unhealthy"}'),
        (200, '{"status": "splendid"}'),
        (200, "<html>"),
        (200, ""),
        (200, "[]"),
    ],
)
async def test_whatever_does_not_say_that_it_is_well_is_unhealthy(
    services: Services, portal: Ports, status: int, body: str
) -> None:
    services["budget"].status, services["budget"].body = status, body

    answer = await portal.pages.get("/health")

    assert answer.status_code == 503
    assert answer.json() == {
        "status": "unhealthy",
        "services": {**dict.fromkeys(SERVICES, "healthy"), "budget": "unhealthy"},
    }


async def test_a_service_that_is_not_there_is_unhealthy(services: Services) -> None:
    away = f"http://127.0.0.1:{free_port()}"
    async with portal_of(settings_for(services, search_service_url=away)) as portal:
        answer = await portal.pages.get("/health")

    assert answer.status_code == 503
    assert answer.json()["services"]["search"] == "unhealthy"
    assert answer.json()["services"]["user"] == "healthy"


async def test_silent_services_are_waited_for_together_and_not_for_long(
    services: Services, portal: Ports
) -> None:
    for name in ("user", "search", "metric"):
        services[name].delay = 20

    answer = await portal.pages.get("/health")

    assert answer.status_code == 503
    assert answer.elapsed.total_seconds() < 7  # 2.5 each: one after the other would be 7.5
    states = answer.json()["services"]
    assert [name for name in SERVICES if states[name] == "unhealthy"] == [
        "user",
        "search",
        "metric",
    ]


async def test_recovery_shows(services: Services, portal: Ports) -> None:
    services["user"].says("unhealthy", 503)
    assert (await portal.pages.get("/health")).status_code == 503

    services["user"].says("healthy")
    assert (await portal.pages.get("/health")).status_code == 200


async def test_many_callers_share_one_round_of_questions(services: Services) -> None:
    paths = ("/health", "/docs", "/docs/status.json")
    async with portal_of(settings_for(services, health_cache_seconds=60)) as portal:
        answers = await asyncio.gather(*(portal.pages.get(path) for path in 10 * paths))

    assert {answer.status_code for answer in answers} == {200}
    assert {name: fake.asked for name, fake in services.items()} == dict.fromkeys(SERVICES, 1)


@pytest.mark.parametrize("accept", ["text/plain;version=0.0.4;q=0.5,*/*;q=0.1", PROMETHEUS])
async def test_prometheus_stores_an_outage_too(
    services: Services, portal: Ports, accept: str
) -> None:
    services["metric"].says("degraded")
    services["budget"].says("unhealthy", 503)

    answer = await portal.pages.get("/health", headers={"Accept": accept})

    assert answer.status_code == 200
    media_type = accept.partition(";")[0]
    assert answer.headers["content-type"].startswith(media_type)
    assert set(answer.text.splitlines()) >= {
        "harena_platform_health 0.0",
        'harena_platform_service_health{service="user"} 1.0',
        'harena_platform_service_health{service="search"} 1.0',
        'harena_platform_service_health{service="metric"} 0.5',
        'harena_platform_service_health{service="budget"} 0.0',
        'harena_platform_service_health{service="conversation"} 1.0',
    }


@pytest.mark.parametrize("accept", ["*/*", "application/json", "text/plain", "text/html,*/*;q=0.8"])
async def test_anybody_else_gets_json(services: Services, portal: Ports, accept: str) -> None:
    answer = await portal.pages.get("/health", headers={"Accept": accept})

    assert answer.json()["status"] == "healthy"
