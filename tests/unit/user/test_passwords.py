"""Hashing off the loop: bounded, and as slow for nobody as for somebody."""

import asyncio
import threading

import pytest

from harena_core.errors import Unavailable
from harena_core.passwords import hash_password
from harena_user import passwords
from harena_user.passwords import Passwords, is_common


class TestVerify:
    async def test_nobody_has_a_password_and_costs_as_much(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        verified: list[str] = []

        def counting(password: str, stored: str) -> tuple[bool, str | None]:
            verified.append(stored)
            return True, None

        checker = Passwords()
        monkeypatch.setattr(passwords, "verify_password", counting)

        assert await checker.verify("secret", None) == (False, None)
        assert [stored.split("$")[3] for stored in verified] == ["m=19456,t=2,p=1"]

    async def test_somebody_has_one(self) -> None:
        checker, stored = Passwords(), hash_password("secret")

        assert await checker.verify("secret", stored) == (True, None)
        assert await checker.verify("other", stored) == (False, None)
        assert await checker.verify("plain", "plain") == (False, None)


class TestCrowd:
    async def test_two_at_a_time_and_so_many_waiting(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(passwords, "MAX_WAITING", 3)
        gate, most, running = threading.Event(), 0, 0
        lock = threading.Lock()

        def waiting(_: str) -> str:
            nonlocal most, running
            with lock:
                running += 1
                most = max(most, running)
            assert gate.wait(10)
            with lock:
                running -= 1
            return "hash"

        checker = Passwords()
        monkeypatch.setattr(passwords, "hash_password", waiting)
        tasks = [asyncio.create_task(checker.hash("x")) for _ in range(8)]
        refused, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
        gate.set()
        answers = await asyncio.gather(*tasks, return_exceptions=True)

        assert refused
        assert most <= 2
        assert answers.count("hash") == 2 + 3
        assert sum(isinstance(answer, Unavailable) for answer in answers) == 3


@pytest.mark.parametrize("password", ["password123", "PASSWORD123", "azertyuiop", "motdepasse"])
def test_what_everybody_takes_is_common(password: str) -> None:
    assert is_common(password)


@pytest.mark.parametrize("password", ["Henri123456", "quatre mots sans rapport", ""])
def test_what_few_take_is_not(password: str) -> None:
    assert not is_common(password)
