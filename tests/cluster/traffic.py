"""Requests at a fixed rate, from outside, whatever the answers do meanwhile.

An open loop: a request is sent when its time has come, so a stall is met by as many requests as
people would have sent, and not by one.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

import httpx2
from tests.cluster.cluster import EDGE, HOST

TIMEOUT_SECONDS = 15.0


@dataclass
class Answers:
    """What came back."""

    outcomes: Counter[str] = field(default_factory=Counter)
    """By status, or by the name of the exception."""
    seconds: list[float] = field(default_factory=list)

    @property
    def total(self) -> int:
        return self.outcomes.total()

    async def reach(self, total: int) -> None:
        """Returns when so many have come back."""
        while self.total < total:  # noqa: ASYNC110 -- no event says it
            await asyncio.sleep(0.05)

    def failed(self, wanted: int) -> dict[str, int]:
        """All that is not the wanted status."""
        return {name: n for name, n in self.outcomes.items() if name != str(wanted)}

    def percentile(self, share: float) -> float:
        """Seconds within which this share of the requests was answered."""
        return sorted(self.seconds)[int(share * (len(self.seconds) - 1))]


async def _ask(
    client: httpx2.AsyncClient, path: str, form: Mapping[str, str] | None, answers: Answers
) -> None:
    loop = asyncio.get_running_loop()
    began = loop.time()
    try:
        method = "GET" if form is None else "POST"
        outcome = str((await client.request(method, path, data=form)).status_code)
    except httpx2.HTTPError as error:
        outcome = type(error).__name__
    answers.outcomes[outcome] += 1
    answers.seconds.append(loop.time() - began)


@asynccontextmanager
async def traffic(
    path: str,
    sources: Sequence[str],
    *,
    rate: float,
    headers: Mapping[str, str] | None = None,
    form: Mapping[str, str] | None = None,
    patience: float = TIMEOUT_SECONDS,
) -> AsyncIterator[Answers]:
    """Asks for `path` `rate` times a second, by turns from each of the client's addresses.

    With a form it posts that. After `patience` seconds it gives a request up.

    A bucket of the edge belongs to an address, so there must be enough of them.
    """
    answers = Answers()
    over = asyncio.Event()
    async with AsyncExitStack() as stack:
        clients = [
            await stack.enter_async_context(
                httpx2.AsyncClient(
                    base_url=EDGE,
                    headers={"Host": HOST, **(headers or {})},
                    timeout=patience,
                    trust_env=False,
                    transport=httpx2.AsyncHTTPTransport(local_address=source),
                )
            )
            for source in sources
        ]

        async def send() -> None:
            loop = asyncio.get_running_loop()
            began = loop.time()
            async with asyncio.TaskGroup() as group:
                number = 0
                while not over.is_set():
                    group.create_task(_ask(clients[number % len(clients)], path, form, answers))
                    number += 1
                    await asyncio.sleep(max(0.0, began + number / rate - loop.time()))

        async with asyncio.TaskGroup() as group:
            group.create_task(send())
            try:
                yield answers
            finally:
                over.set()
