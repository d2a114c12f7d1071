"""Counting without Redis. How it counts with one: tests/integration/user/test_login.py."""

import time

import pytest

from harena_core.dependencies import network_of
from harena_core.errors import TooManyRequests
from harena_core.metrics import Instruments
from harena_core.redis import Cache
from harena_core.testing import HandClock
from harena_user import throttle
from harena_user.throttle import Counters, Tally, counting_secret


@pytest.fixture
def counters() -> Counters:
    return Counters(Cache(None, Instruments("user")), b"secret")


class TestCounters:
    async def test_count_each_key_apart(self, counters: Counters) -> None:
        assert (await counters.add("ada", seconds=60)).count == 1
        assert (await counters.add("ada", seconds=60)).count == 2
        assert (await counters.add("bob", seconds=60)).count == 1

        found = await counters.read("ada", "bob", "zoe")

        assert [tally.count for tally in found] == [2, 1, 0]

    async def test_forget_so_long_after_the_first(
        self, counters: Counters, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        clock = HandClock()
        monkeypatch.setattr(time, "monotonic", clock)
        await counters.add("ada", seconds=60)
        clock.now += 59
        assert await counters.add("ada", seconds=60) == Tally(count=2, seconds=2)
        clock.now += 1

        assert await counters.read("ada") == [Tally()]
        assert await counters.add("ada", seconds=60) == Tally(count=1, seconds=61)

    async def test_are_cleared(self, counters: Counters) -> None:
        await counters.add("ada", seconds=60)
        await counters.clear("ada")

        assert await counters.read("ada") == [Tally()]

    async def test_are_bounded(self, counters: Counters, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(throttle, "MAX_KEYS", 3)
        for number in range(5):
            await counters.add(f"key {number}", seconds=60)

        found = await counters.read(*(f"key {number}" for number in range(5)))

        assert [tally.count for tally in found] == [0, 0, 1, 1, 1]


def test_two_keys_hide_differently() -> None:
    assert counting_secret("one") == counting_secret("one") != counting_secret("two")


@pytest.mark.parametrize(
    ("seconds", "words"), [(0, "1 minute."), (60, "1 minute."), (61, "2 minutes.")]
)
def test_a_refusal_says_when_to_come_back(seconds: int, words: str) -> None:
    with pytest.raises(TooManyRequests) as refused:
        throttle.refuse(seconds)

    assert refused.value.detail.endswith(words)
    assert refused.value.headers["Retry-After"] == str(max(1, seconds))


@pytest.mark.parametrize(
    ("host", "network"),
    [
        pytest.param("203.0.113.9", "203.0.113.9", id="IPv4"),
        pytest.param("::ffff:203.0.113.9", "203.0.113.9", id="IPv4 within IPv6"),
        pytest.param("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64", id="a customer's IPv6 network"),
        pytest.param("", "unknown", id="a Unix socket"),
        pytest.param("testclient", "unknown", id="no address"),
    ],
)
def test_an_address_that_a_client_cannot_change_at_will(host: str, network: str) -> None:
    assert network_of(host) == network
