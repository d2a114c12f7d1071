"""Counting in the process: the bounds of what is remembered, and the minute."""

import time
from contextlib import ExitStack

import pytest

from harena_conversation import throttle
from harena_conversation.throttle import Places, Questions
from harena_core.errors import TooManyRequests, Unavailable
from harena_core.testing import HandClock


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> HandClock:
    clock = HandClock()
    monkeypatch.setattr(time, "monotonic", clock)
    return clock


class TestQuestions:
    def test_any_minute_has_so_many(self, clock: HandClock) -> None:
        questions = Questions(per_minute=2)
        questions.take(1)
        clock.now += 30
        questions.take(1)
        with pytest.raises(TooManyRequests) as refused:
            questions.take(1)
        assert refused.value.headers["Retry-After"] == "30"

        clock.now += 30
        questions.take(1)
        with pytest.raises(TooManyRequests):
            questions.take(1)

    def test_a_refusal_is_not_counted(self, clock: HandClock) -> None:
        questions = Questions(per_minute=1)
        questions.take(1)
        for _ in range(5):
            clock.now += 10
            with pytest.raises(TooManyRequests):
                questions.take(1)
        clock.now += 10

        questions.take(1)

    def test_users_do_not_meet(self, clock: HandClock) -> None:
        questions = Questions(per_minute=1)
        questions.take(1)

        questions.take(2)

    def test_what_is_remembered_is_bounded(
        self, clock: HandClock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(throttle, "MAX_USERS", 3)
        questions = Questions(per_minute=2)
        for user_id in (1, 2, 1, 3, 4, 5):
            questions.take(user_id)

        assert list(questions._asked) == [3, 4, 5]


class TestPlaces:
    def test_are_so_many_an_address(self) -> None:
        places = Places(per_address=2, at_most=10)
        with ExitStack() as stack:
            for address in ("a", "a", "b"):
                stack.enter_context(places.taken(address))
            with pytest.raises(TooManyRequests), places.taken("a"):
                pass

        assert places._taken == {}

    def test_are_so_many_in_all(self) -> None:
        places = Places(per_address=2, at_most=2)
        with places.taken("a"), places.taken("b"):
            with pytest.raises(Unavailable), places.taken("c"):
                pass

    def test_are_given_back_whatever_happens(self) -> None:
        places = Places(per_address=1, at_most=1)
        with pytest.raises(RuntimeError), places.taken("a"):
            raise RuntimeError

        with places.taken("a"):
            pass
