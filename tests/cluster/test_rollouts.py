"""A release of any service, and the way back, while people use it: no request is lost."""

import asyncio
from collections.abc import Iterator

import pytest
from tests.cluster.cluster import Harena, Object, eventually, image
from tests.cluster.images import SERVICES
from tests.cluster.traffic import Answers, traffic

from harena_demo.generator import DEMO_LOGINS

RATE = 50.0
# What each service answers itself with 200: from the database where it has routes that read it.
PATHS = {
    "user": "/api/v1/users/me",
    "search": "/api/v1/search/health",
    "metric": "/api/v1/metrics/coverage",
    "budget": "/budget_service/openapi.json",
    "conversation": "/conversation_service/openapi.json",
    "portal": "/docs",
}
TABLE_HEAD = f"{'service':14} {'requests':>9} {'lost':>5} {'p50':>8} {'p99':>8}"


@pytest.fixture(scope="module")
def table() -> Iterator[list[str]]:
    rows = [TABLE_HEAD]
    yield rows
    print("\n" + "\n".join(rows))  # noqa: T201 -- what the run has measured


def running(harena: Harena, service: str) -> str:
    """The image that the service runs now."""
    [pod] = harena.pods(service)
    found: str = pod["spec"]["containers"][0]["image"]
    return found


def uid(pod: Object) -> str:
    found: str = pod["metadata"]["uid"]
    return found


@pytest.mark.parametrize("service", SERVICES)
async def test_a_roll_out_and_back_loses_nothing(
    harena: Harena, service: str, table: list[str]
) -> None:
    """The service alone changes, so the others' pods stay."""

    def roll_out_and_back() -> None:
        harena.install(f"services.{service}.image={image(f'{service}-changed')}")
        assert eventually(lambda: harena.ready(service)), harena.trouble()
        assert running(harena, service) == image(f"{service}-changed")
        harena.roll_back()
        assert eventually(lambda: harena.ready(service)), harena.trouble()
        assert running(harena, service) == image(service)

    number = SERVICES.index(service)
    # Below each bucket's rate, whichever of the edges counts.
    sources = [f"10.46.{20 + number}.{n}" for n in range(1, 9)]
    own = {uid(pod) for pod in harena.pods(service)}
    others = {uid(pod) for pod in harena.pods()} - own
    with harena.login(DEMO_LOGINS[0].email, f"10.46.{20 + number}.100") as client:
        headers = {"Authorization": client.headers["Authorization"]}
    async with traffic(PATHS[service], sources, rate=RATE, headers=headers) as answers:
        await asyncio.to_thread(roll_out_and_back)

    table.append(row(service, answers))
    assert others <= {uid(pod) for pod in harena.pods()}
    assert answers.total > RATE * 10
    assert answers.failed(200) == {}


def row(service: str, answers: Answers) -> str:
    lost = sum(answers.failed(200).values())
    half, most = (1000 * answers.percentile(share) for share in (0.5, 0.99))
    return f"{service:14} {answers.total:9} {lost:5} {half:5.0f} ms {most:5.0f} ms"
