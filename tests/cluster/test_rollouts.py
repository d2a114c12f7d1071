"""A release of any service, and the way back, while people use it: nothing is lost.

Fifty requests a second go to the service, twenty sockets are open, five answers are being written.
"""

import asyncio
from collections.abc import Iterator

import pytest
from tests.cluster.cluster import ROOT, Harena, Object, eventually, image
from tests.cluster.images import CHANGED, SERVICES, SLOW
from tests.cluster.talk import SOCKETS, STREAMS, Talk, talking
from tests.cluster.traffic import Answers, traffic

from harena_demo.generator import DEMO_LOGINS

TABLE = ROOT / ".harena/cluster-rollouts.txt"
RATE = 50.0
RECONNECT_SECONDS = 5.0
RESTARTS = 1012
# What each service answers itself with 200: from the database where it has routes that read it.
PATHS = {
    "user": "/api/v1/users/me",
    "search": "/api/v1/search/health",
    "metric": "/api/v1/metrics/coverage",
    "budget": "/budget_service/openapi.json",
    "conversation": "/conversation_service/openapi.json",
    "portal": "/docs",
}
# Answers that take their time, as those of a model do.
SLOWLY = f"services.conversation.image={image(SLOW)}"
HEAD = (
    f"{'path':36} {'requests':>8} {'lost':>5} {'p50':>8} {'p99':>8} "
    f"{'answers':>8} {'broken':>6} {'sockets moved':>13} {'longest gap':>11}"
)


@pytest.fixture(scope="module")
def slow(installed: Harena) -> Iterator[list[str]]:
    """The platform with slow answers; the table of what was measured stays in the state folder."""
    rows = [HEAD]
    installed.install(SLOWLY)
    # The pod before may serve on for a while, with other answers.
    assert eventually(lambda: installed.ready("conversation")), installed.trouble()
    yield rows
    installed.install()
    TABLE.write_text("\n".join(rows) + "\n")


def running(harena: Harena, service: str) -> str:
    """The image that the service runs now."""
    [pod] = harena.pods(service)
    found: str = pod["spec"]["containers"][0]["image"]
    return found


def serves(pod: Object) -> bool:
    """Not one that does its work and ends."""
    return pod["metadata"]["labels"]["app.kubernetes.io/component"] not in ("migrate", "demo")


def uid(pod: Object) -> str:
    found: str = pod["metadata"]["uid"]
    return found


@pytest.mark.parametrize("service", SERVICES)
async def test_a_roll_out_and_back_loses_nothing(
    harena: Harena, service: str, slow: list[str]
) -> None:
    """The service alone changes, so the others' pods stay."""

    def roll_out_and_back() -> None:
        before = running(harena, service)
        harena.install(SLOWLY, f"services.{service}.image={image(CHANGED[service])}")
        assert eventually(lambda: harena.ready(service)), harena.trouble()
        assert running(harena, service) == image(CHANGED[service])
        harena.roll_back()
        assert eventually(lambda: harena.ready(service)), harena.trouble()
        assert running(harena, service) == before

    # Below the rate of each bucket, of which an address has one.
    network = f"10.46.{20 + SERVICES.index(service)}"
    addresses = [f"{network}.{number}" for number in range(1, 9)]
    own = {uid(pod) for pod in harena.pods(service)}
    others = {uid(pod) for pod in harena.pods() if serves(pod)} - own
    with harena.login(DEMO_LOGINS[0].email, f"{network}.100") as client:
        token = client.headers["Authorization"]
        user_id = client.get("/api/v1/users/me").json()["id"]
    async with (
        talking(token, user_id, [f"{network}.{number}" for number in range(101, 107)]) as talk,
        traffic(PATHS[service], addresses, rate=RATE, headers={"Authorization": token}) as answers,
    ):
        await asyncio.to_thread(roll_out_and_back)
    slow.append(row(service, answers, talk))

    assert others <= {uid(pod) for pod in harena.pods()}
    assert answers.total > RATE * 10
    assert answers.failed(200) == {}
    assert talk.broken == {}
    assert talk.ended >= STREAMS
    assert talk.unannounced == 0
    assert talk.refused == {}
    if service == "conversation":
        assert set(talk.closes) == {RESTARTS}
        assert talk.closes[RESTARTS] >= 2 * SOCKETS
        assert max(talk.gaps) < RECONNECT_SECONDS
    else:
        assert talk.closes == {}


def row(service: str, answers: Answers, talk: Talk) -> str:
    lost = sum(answers.failed(200).values())
    half, most = (1000 * answers.percentile(share) for share in (0.5, 0.99))
    gap = f"{max(talk.gaps):9.1f} s" if talk.gaps else f"{'–':>11}"
    return (
        f"{PATHS[service]:36} {answers.total:8} {lost:5} {half:5.0f} ms {most:5.0f} ms "
        f"{talk.ended:8} {talk.broken.total():6} {talk.closes.total():13} {gap}"
    )
