"""What happens to the services."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from tests.cluster.cluster import Object
from tests.cluster.drill.cause import alert, cause
from tests.cluster.drill.hands import Hands
from tests.cluster.traffic import traffic

PAUSE_SECONDS, EVERY_SECONDS = 0.4, 5.0
END_FIRST_PROCESS = ("python", "-c", "import os, signal; os.kill(1, signal.SIGTERM)")


@cause(alert("HarenaServiceDown", service="search"), within=180, touches="search")
async def search_gone(hands: Hands) -> AsyncIterator[None]:
    """The search service is scaled to nothing."""
    async with hands.scaled_to_nothing("deployment/harena-search"):
        yield


@cause(
    alert("ContainerOutOfMemory", container="search"),
    within=300,
    touches="search",
)
async def search_out_of_memory(hands: Hands) -> AsyncIterator[None]:
    """Processes in the container of search take 97 % of its memory, a minute later all of it."""
    async with hands.script("search", "hog.py", "kill", "0.97"):
        yield


@cause(alert("ContainerNearMemoryLimit", container="conversation"), within=540, touches="memory")
async def conversation_swollen(hands: Hands) -> AsyncIterator[None]:
    """A process in the container of conversation takes memory up to 93 % of the limit."""
    async with hands.script("conversation", "hog.py", "hold", "0.93"):
        yield


@cause(alert("HarenaServiceRestarting", service="budget"), within=420, touches="budget")
async def budget_restarting(hands: Hands) -> AsyncIterator[None]:
    """The budget service is told to end three times."""
    starts = 'sum(changes(process_start_time_seconds{job="harena", service="budget"}[30m]))'
    await hands.restart("budget", END_FIRST_PROCESS, starts, 3)
    yield


def _first_process(container: str) -> int:
    """The number here of the process that is 1 in a container, by the container's id."""

    def found() -> Iterator[int]:
        for folder in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                if container in (folder / "cgroup").read_text():
                    numbers = (folder / "status").read_text().split("NSpid:")[1].split("\n")[0]
                    if numbers.split()[-1] == "1":
                        yield int(folder.name)

    return next(found())


@asynccontextmanager
async def _interrupted(process: int) -> AsyncIterator[None]:
    """Stopped for a moment, again and again."""

    async def pulse() -> None:
        while True:
            os.kill(process, signal.SIGSTOP)
            try:
                await asyncio.sleep(PAUSE_SECONDS)
            finally:
                os.kill(process, signal.SIGCONT)
            await asyncio.sleep(EVERY_SECONDS)

    pulses = asyncio.create_task(pulse())
    try:
        yield
    finally:
        pulses.cancel()
        with suppress(asyncio.CancelledError, ProcessLookupError):
            await pulses


@cause(alert("HarenaEventLoopLagging", service="conversation"), within=600, touches="the loop")
async def conversation_stalling(hands: Hands) -> AsyncIterator[None]:
    """The process of conversation is stopped for 0.4 s every five seconds, as a long computation
    would do."""
    [pod] = hands.harena.pods("conversation")
    container = pod["status"]["containerStatuses"][0]["containerID"].removeprefix("containerd://")
    async with _interrupted(_first_process(container)):
        yield


@cause(alert("HarenaLoginFailuresSurge"), within=600, touches="logins")
async def wrong_passwords(hands: Hands) -> AsyncIterator[None]:
    """Two wrong passwords a second, each from the next of 40 addresses."""
    sources = [f"10.46.31.{number}" for number in range(1, 41)]
    form = {"username": "nobody@example.com", "password": "wrong-password"}
    async with traffic("/api/v1/users/auth/login", sources, rate=2, form=form):
        yield


@cause(alert("HarenaTokensRefused", service="conversation"), within=600, touches="tokens")
async def bad_tokens(hands: Hands) -> AsyncIterator[None]:
    """A token that nobody signed is shown to the conversation service every second."""
    token = "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiIxIn0.bm9ib2R5"
    headers = {"Authorization": f"Bearer {token}"}
    path, form = "/api/v3/conversation/1/stream", {"message": "1"}
    async with traffic(path, ["10.46.32.1"], rate=1, headers=headers, form=form):
        yield


@cause(alert("HarenaServiceUnreachable", service="conversation"), within=300, touches="policies")
async def closed_policy(hands: Hands) -> AsyncIterator[None]:
    """The portal's NetworkPolicy loses its way to the conversation service."""

    def leads_there(rule: Object) -> bool:
        labels = (
            end.get("podSelector", {}).get("matchLabels", {}).get("app.kubernetes.io/component")
            for end in rule.get("to", [])
        )
        return "conversation" in labels

    def edit(policy: Object) -> None:
        rules = policy["spec"]["egress"]
        policy["spec"]["egress"] = [rule for rule in rules if not leads_there(rule)]
        assert len(policy["spec"]["egress"]) == len(rules) - 1

    async with hands.changed("networkpolicy", "harena-portal", edit):
        yield
