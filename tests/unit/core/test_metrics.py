"""Label values come from lists of ours, whatever strangers send."""

import random
import string
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress

import httpx2
import pytest
from prometheus_client.parser import text_string_to_metric_families
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus
from websockets.typing import Origin

from harena_core import metrics
from harena_core.metrics import Instruments, watched_lag
from harena_core.testing import eventually, socket_url

Series = tuple[str, Mapping[str, str]]

# What uvicorn's parser knows besides those of HTTP itself, and what nobody knows.
METHODS = ["GET", "PUT", "DELETE", "PROPFIND", "MKCOL", "REPORT", "PURGE", "M-SEARCH", "HACK"]
ROUTES = {
    "/",
    "/docs",
    "/core_service/openapi.json",
    "/livez",
    "/metrics",
    "/things/{number}",
    "/things/conflict",
    "/things/",
    "/docs/assets",
    "(unmatched)",
}
CLOSES = {"1000", "1001", "1005", "1006", "1009", "1011", "refused", "other"}


def word(chance: random.Random) -> str:
    return "".join(chance.choices(string.ascii_letters + string.digits + "-_.~%20é", k=8))


def path(chance: random.Random) -> str:
    made = (
        "/" + "/".join(word(chance) for _ in range(chance.randint(1, 4))),
        f"/things/{word(chance)}",
        f"/things/{chance.randint(0, 10**6)}",
        f"/docs/assets/{word(chance)}",
        chance.choice(("/", "/docs", "/core_service/openapi.json", "/livez", "/things/conflict")),
    )
    return chance.choice(made) + chance.choice(("", f"?{word(chance)}={word(chance)}"))


async def series(client: httpx2.AsyncClient) -> Sequence[Series]:
    page = (await client.get("/metrics")).text
    return [
        (sample.name, sample.labels)
        for family in text_string_to_metric_families(page)
        for sample in family.samples
        if sample.name.startswith("harena_")
    ]


def values(found: Sequence[Series], label: str) -> set[str]:
    return {labels[label] for _, labels in found if label in labels}


async def socket(client: httpx2.AsyncClient, path: str, code: int, origin: Origin | None) -> None:
    with suppress(InvalidStatus):
        async with connect(socket_url(client, path), origin=origin, proxy=None) as opened:
            await opened.close(code)


async def test_strangers_make_no_series(client: httpx2.AsyncClient) -> None:
    chance = random.Random(7)
    for _ in range(300):
        headers = {f"X-{chance.randint(0, 10**6)}": word(chance).encode().hex()}
        await client.request(chance.choice(METHODS), path(chance), headers=headers)
    for _ in range(60):
        code = chance.choice((1000, 1001, chance.randint(3000, 4999)))
        where = chance.choice((f"/things/{chance.randint(0, 999)}/socket", path(chance)))
        origin = chance.choice((None, "https://a.test", f"https://{chance.randint(0, 99)}.test"))
        await socket(client, where, code, Origin(origin) if origin else None)

    found = await series(client)
    assert values(found, "method") <= metrics.METHODS | {"other"}
    assert {"GET", "other"} <= values(found, "method")
    assert values(found, "route") <= ROUTES
    assert values(found, "code") <= CLOSES
    assert {"1000", "refused", "other"} <= values(found, "code")
    assert values(found, "service") == {"core"}
    names = {name for _, labels in found for name in labels}
    assert names == {"service", "method", "route", "status", "le", "code"}


class TestSockets:
    async def test_are_open_to_listed_origins_and_to_what_is_no_page(
        self, client: httpx2.AsyncClient
    ) -> None:
        url = socket_url(client, "/things/1/socket")
        for origin in (None, Origin("https://a.test"), Origin("https://b.test")):
            async with connect(url, origin=origin, proxy=None) as opened:
                await opened.send("hello")
                assert await opened.recv() == "hello"
        for stranger in ("https://c.test", "null", "https://a.test.evil.test"):
            with pytest.raises(InvalidStatus) as refused:
                await connect(url, origin=Origin(stranger), proxy=None)
            assert refused.value.response.status_code == 403

    async def test_a_bug_closes_with_1011_and_says_nothing(
        self, client: httpx2.AsyncClient
    ) -> None:
        url = socket_url(client, "/things/1/socket")
        async with connect(url, proxy=None) as opened:
            await opened.send("bug")
            await opened.wait_closed()

        assert (opened.close_code, opened.close_reason) == (1011, "")

        async def counted() -> bool:
            return "1011" in values(await series(client), "code")

        await eventually(counted)


class TestLag:
    async def test_tells_the_worst_of_the_last_seconds(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(metrics, "LAG_EVERY_SECONDS", 0.01)
        monkeypatch.setattr(metrics, "LAGS_KEPT", 5)
        instruments = Instruments("core")

        def lag() -> float:
            found = instruments.registry.get_sample_value(
                "harena_event_loop_lag_seconds", {"service": "core"}
            )
            assert found is not None
            return found

        async def measured() -> bool:
            return lag() > 0

        async with watched_lag(instruments):
            assert lag() < 0.3
            await eventually(measured)
            end = time.monotonic() + 0.4
            while time.monotonic() < end:
                pass  # nobody else gets a turn

            async def seen() -> bool:
                return lag() > 0.3

            async def forgotten() -> bool:
                return lag() < 0.3

            await eventually(seen)
            await eventually(forgotten)
