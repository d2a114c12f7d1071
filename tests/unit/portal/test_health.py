"""How the platform is, for every way in which a service can be."""

import asyncio

import pytest
from tests.unit.portal.conftest import SERVICES, Ports, Services, portal_of, settings_for

from harena_core.testing import free_port

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
        services[name].delay = 5

    answer = await portal.pages.get("/health")

    assert answer.status_code == 503
    assert answer.elapsed.total_seconds() < 4.5  # one after the other would be nine
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
    async with portal_of(settings_for(services, health_cache_seconds=60)) as portal:
        answers = await asyncio.gather(*(portal.pages.get("/health") for _ in range(20)))
        await portal.pages.get("/docs")

    assert {answer.status_code for answer in answers} == {200}
    assert {name: fake.asked for name, fake in services.items()} == dict.fromkeys(SERVICES, 1)
