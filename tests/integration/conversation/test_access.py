"""Who may ask, and how often: on both transports."""

import asyncio
import time
from typing import Any

import httpx2
import pytest
from pydantic import SecretStr
from tests.integration.conversation.conftest import (
    SOCKET,
    Answers,
    Person,
    Start,
    asking,
    socket_of,
)
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus
from websockets.typing import Origin

from harena_core import db
from harena_core.testing import TokenMint, socket_url
from harena_db.testing import Database

NO_DATA = {"/health"}


async def test_no_route_is_forgotten_here(client: httpx2.AsyncClient) -> None:
    paths = (await client.get("/openapi.json")).json()["paths"]

    assert set(paths) == NO_DATA | {"/api/v3/conversation/{user_id}/stream"}


@pytest.mark.parametrize(
    "path", ["/api/v3/query", "/api/v3/conversations/1", "/api/v3/conversation/1"]
)
async def test_what_does_not_exist_yet_says_so(
    client: httpx2.AsyncClient, ada: Person, path: str
) -> None:
    answer = await client.post(path, json={"message": "x"}, headers=ada.headers)

    assert (answer.status_code, answer.json()["error_code"]) == (404, "NOT_FOUND")


class TestStream:
    async def test_another_users_id_is_403(
        self, client: httpx2.AsyncClient, ada: Person, bob: Person, answers: Answers
    ) -> None:
        answer = await client.post(bob.stream, json={"message": "x"}, headers=ada.headers)

        assert (answer.status_code, answer.json()["error_code"]) == (403, "FORBIDDEN")
        assert answers.asked == []

    @pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer x"}])
    async def test_a_bad_token_is_401(
        self, client: httpx2.AsyncClient, ada: Person, headers: dict[str, str]
    ) -> None:
        answer = await client.post(ada.stream, json={"message": "x"}, headers=headers)

        assert answer.status_code == 401

    async def test_a_session_that_is_over_is_401(
        self, client: httpx2.AsyncClient, ada: Person
    ) -> None:
        await ada.log_out()
        answer = await client.post(ada.stream, json={"message": "x"}, headers=ada.headers)

        assert (answer.status_code, answer.json()["error_code"]) == (401, "TOKEN_REVOKED")

    @pytest.mark.parametrize(
        "body",
        [
            {},
            {"message": ""},
            {"message": " \n"},
            {"message": "x" * 4001},
            {"message": 1},
            {"message": "x", "conversation_id": "abc"},
            {"message": "x", "conversation_id": 0},
            {"message": "x", "conversation_id": 2**63},
        ],
    )
    async def test_a_question_that_is_none_is_422(
        self, client: httpx2.AsyncClient, ada: Person, body: dict[str, Any]
    ) -> None:
        answer = await client.post(ada.stream, json=body, headers=ada.headers)

        assert answer.status_code == 422
        assert isinstance(answer.json()["detail"], str)


class TestSocketToken:
    async def test_in_the_handshake_or_as_first_message(
        self, client: httpx2.AsyncClient, ada: Person, bob: Person, answers: Answers
    ) -> None:
        async with socket_of(client, ada) as by_header, socket_of(client) as by_message:
            await by_header.say("message", message="x")
            await by_header.hear_until("response_end")
            await by_message.say("auth", token=bob.token)
            await by_message.say("message", message="x")
            await by_message.hear_until("response_end")

        assert [user_id for user_id, _ in answers.asked] == [ada.user_id, bob.user_id]

    async def test_a_bad_one_is_4401(
        self, client: httpx2.AsyncClient, ada: Person, mint: TokenMint
    ) -> None:
        expired = mint.token(ada.user_id, ada.session_id, exp=int(time.time()) - 1)
        for token in ("", "x", "é" * 5000, expired, mint.token(ada.user_id)):
            async with socket_of(client) as socket:
                await socket.say("auth", token=token)
                assert await socket.closed() == 4401

    async def test_a_bad_one_in_the_handshake_is_4401(
        self, client: httpx2.AsyncClient, ada: Person
    ) -> None:
        await ada.log_out()
        async with socket_of(client, ada) as socket:
            assert await socket.closed() == 4401

    async def test_none_in_time_is_4408(self, start: Start) -> None:
        async with start(auth_seconds=2) as client, socket_of(client) as socket:
            await socket.say("ping")
            assert (await socket.hear())["error_code"] == "AUTHENTICATION_REQUIRED"
            assert await socket.closed() == 4408

    async def test_nothing_is_answered_before_it(
        self, client: httpx2.AsyncClient, ada: Person, answers: Answers
    ) -> None:
        async with socket_of(client) as socket:
            for type, more in (("message", {"message": "x"}), ("cancel", {}), ("ping", {})):
                await socket.say(type, **more)
                assert (await socket.hear())["error_code"] == "AUTHENTICATION_REQUIRED"
            await socket.say("auth", token=ada.token)
            await socket.say("ping")
            assert await socket.hear() == {"type": "pong"}

        assert answers.asked == []

    async def test_a_session_that_ends_takes_the_socket_along(
        self, start: Start, ada: Person, bob: Person, answers: Answers
    ) -> None:
        # Without Redis, which may remember the session for five seconds more.
        async with (
            start(session_check_seconds=0.1, redis_url=None) as client,
            socket_of(client, ada) as one,
            socket_of(client, bob) as other,
        ):
            await one.say("message", message="wait")
            await one.hear_until("response_chunk")
            await ada.log_out()

            assert await one.closed() == 4401
            await other.say("ping")
            assert await other.hear() == {"type": "pong"}
        assert answers.closed == 1

    async def test_a_token_that_expires_takes_the_socket_along(
        self, start: Start, ada: Person, mint: TokenMint
    ) -> None:
        async with start(session_check_seconds=0.1) as client, socket_of(client) as socket:
            token = mint.token(ada.user_id, ada.session_id, exp=int(time.time()) + 5)
            await socket.say("auth", token=token)
            await socket.say("ping")
            assert await socket.hear() == {"type": "pong"}
            assert await socket.closed() == 4401

    async def test_looking_again_is_not_counted_as_a_check(self, start: Start, ada: Person) -> None:
        async with start(session_check_seconds=0.01) as client, socket_of(client, ada) as socket:
            for _ in range(20):
                await socket.say("ping")
                await socket.hear()
            metrics = (await client.get("/metrics")).text

        checks = 'harena_token_checks_total{outcome="accepted",service="conversation"}'
        assert f"{checks} 1.0" in metrics


class TestLimits:
    async def test_questions_of_a_user_on_both_transports(
        self, start: Start, ada: Person, bob: Person
    ) -> None:
        async with start(questions_per_minute=2) as client, socket_of(client, ada) as socket:
            await socket.say("message", message="x")
            await socket.hear_until("response_end")
            async with asking(client, ada, "x") as read:
                await read.rest()

            await socket.say("message", message="x")
            refused = await socket.hear_until("response_end")
            answer = await client.post(ada.stream, json={"message": "x"}, headers=ada.headers)
            assert [event["type"] for event in refused] == ["error", "response_end"]
            assert refused[0]["error_code"] == "TOO_MANY_QUESTIONS"
            assert (answer.status_code, answer.json()["error_code"]) == (429, "TOO_MANY_QUESTIONS")
            assert 1 <= int(answer.headers["Retry-After"]) <= 60

            # The socket stays, and others are not concerned.
            await socket.say("ping")
            assert await socket.hear() == {"type": "pong"}
            async with asking(client, bob, "x") as read:
                assert (await read.rest())[-1]["type"] == "response_end"

    async def test_sockets_of_an_address(self, start: Start, ada: Person) -> None:
        async with start(sockets_per_address=2) as client:
            async with socket_of(client, ada), socket_of(client):
                async with socket_of(client, ada) as third:
                    assert await third.closed() == 4429

            async def free() -> bool:
                async with socket_of(client, ada) as socket:
                    await socket.say("ping")
                    return (await socket.hear()) == {"type": "pong"}

            assert await free()

    async def test_an_address_is_the_edges_word(self, start: Start, ada: Person) -> None:
        async with start(sockets_per_address=1, trusted_proxies="127.0.0.1") as client:
            async with (
                socket_of(client, ada, address="198.51.100.1") as first,
                socket_of(client, ada, address="198.51.100.2") as second,
            ):
                for socket in (first, second):
                    await socket.say("ping")
                    assert await socket.hear() == {"type": "pong"}
                async with socket_of(client, ada, address="198.51.100.1") as third:
                    assert await third.closed() == 4429

    async def test_sockets_of_all(self, start: Start, ada: Person) -> None:
        async with start(sockets_at_most=1) as client, socket_of(client, ada):
            async with socket_of(client, ada) as second:
                assert await second.closed() == 1013

    async def test_frames(self, client: httpx2.AsyncClient, ada: Person) -> None:
        async with socket_of(client, ada) as socket:
            await socket.connection.send("x" * (64 * 1024 + 1))
            assert await socket.closed() == 1009

    async def test_origins(self, start: Start, ada: Person) -> None:
        async with start(allowed_origins="https://app.test") as client:
            async with socket_of(client, ada, origin=Origin("https://app.test")) as socket:
                await socket.say("ping")
                assert await socket.hear() == {"type": "pong"}
            with pytest.raises(InvalidStatus) as refused:
                async with socket_of(client, ada, origin=Origin("https://evil.test")):
                    pass
            assert refused.value.response.status_code == 403


class TestOutage:
    async def test_of_the_database_closes_no_socket_for_ever_and_opens_none(
        self, start: Start, ada: Person
    ) -> None:
        unreachable = SecretStr("postgresql://harena_conversation:x@127.0.0.1:1/none")
        async with (
            start(database_url=unreachable, redis_url=None) as client,
            socket_of(client, ada) as socket,
        ):
            assert await socket.closed() == 1013
            answer = await client.post(ada.stream, json={"message": "x"}, headers=ada.headers)
            assert answer.status_code == 503

    async def test_of_a_database_that_does_not_answer_in_time(
        self, start: Start, ada: Person, database: Database, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(db, "STATEMENT_SECONDS", 1)
        async with start(redis_url=None) as client, database.transaction() as connection:
            await connection.exec_driver_sql("LOCK TABLE sessions IN ACCESS EXCLUSIVE MODE")
            async with socket_of(client, ada) as socket:
                assert await socket.closed() == 1013
            answer = await client.post(ada.stream, json={"message": "x"}, headers=ada.headers)

        assert (answer.status_code, answer.json()["error_code"]) == (504, "DATABASE_TIMEOUT")


async def test_a_token_is_in_no_log(
    client: httpx2.AsyncClient, ada: Person, capsys: pytest.CaptureFixture[str]
) -> None:
    async with connect(socket_url(client, f"{SOCKET}?token=hush"), proxy=None) as connection:
        await connection.send('{"type":"auth","token":"hush"}')
        async with asyncio.timeout(10):
            await connection.wait_closed()

    captured = capsys.readouterr()
    assert '"route": "/api/v3/ws"' in captured.out
    assert "hush" not in captured.out + captured.err
