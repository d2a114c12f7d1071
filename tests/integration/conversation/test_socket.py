"""A conversation over one WebSocket."""

from functools import partial
from typing import Any

import httpx2
import pytest
import uvicorn
from redis.asyncio import Redis
from tests.integration.conversation.conftest import Answers, Person, Start, asking, socket_of
from websockets.exceptions import ConnectionClosed

from harena_core.testing import eventually
from harena_local.valkey import Valkey


async def test_says_the_same_as_the_stream(client: httpx2.AsyncClient, ada: Person) -> None:
    async with asking(client, ada, "x", conversation_id=5) as read:
        streamed = await read.rest()
    async with socket_of(client, ada) as socket:
        await socket.say("message", message="x", conversation_id=5)
        events = await socket.hear_until("response_end")

    assert events == streamed
    assert len(events) == 6


async def test_one_question_after_the_other(
    client: httpx2.AsyncClient, ada: Person, answers: Answers
) -> None:
    async with socket_of(client, ada) as socket:
        await socket.say("message", message="wait")
        await socket.hear_until("response_chunk")
        await socket.say("message", message="x")
        assert await socket.hear() == {
            "type": "error",
            "message": "Une réponse est déjà en cours.",
            "error_code": "QUESTION_IN_PROGRESS",
        }
        answers.release.set()
        await socket.hear_until("response_end")
        await socket.say("message", message="x")
        await socket.hear_until("response_end")

    assert [question.message for _, question in answers.asked] == ["wait", "x"]


@pytest.mark.parametrize("question", ["bug", "refuse", "outage"])
async def test_a_question_that_fails_does_not_close_it(
    client: httpx2.AsyncClient, ada: Person, question: str
) -> None:
    async with socket_of(client, ada) as socket:
        await socket.say("message", message=question)
        events = await socket.hear_until("response_end")
        assert events[-2]["type"] == "error"
        await socket.say("message", message="x")
        assert (await socket.hear_until("response_end"))[-1]["metadata"] == {"total_results": 3}


async def test_cancelling_ends_the_answer_and_not_the_socket(
    client: httpx2.AsyncClient, ada: Person, answers: Answers
) -> None:
    async with socket_of(client, ada) as socket:
        await socket.say("cancel")  # nothing runs: nothing is said
        await socket.say("message", message="wait")
        await socket.hear_until("response_chunk")
        await socket.say("cancel")
        assert await socket.hear() == {"type": "response_end", "metadata": {"cancelled": True}}
        assert answers.closed == 1
        await socket.say("message", message="x")
        assert (await socket.hear_until("response_end"))[-1]["metadata"] == {"total_results": 3}


@pytest.mark.parametrize(
    "frame",
    [
        "",
        "{",
        "[]",
        "1",
        "[" * 10_000,
        '{"type":"hello"}',
        '{"message":"x"}',
        '{"type":"message"}',
        '{"type":"message","message":""}',
        '{"type":"message","message":"x","conversation_id":-1}',
        '{"type":"message","message":"\\ud800"}',
        b'{"type":"ping"}',
    ],
)
async def test_what_is_not_understood_is_said(
    client: httpx2.AsyncClient, ada: Person, frame: str | bytes
) -> None:
    async with socket_of(client, ada) as socket:
        await socket.connection.send(frame)
        event = await socket.hear()
        assert (event["type"], event["error_code"]) == ("error", "INVALID_MESSAGE")
        await socket.say("ping")
        assert await socket.hear() == {"type": "pong"}


async def test_a_second_token_is_not_taken(
    client: httpx2.AsyncClient, ada: Person, bob: Person, answers: Answers
) -> None:
    async with socket_of(client, ada) as socket:
        await socket.say("auth", token=bob.token)
        assert (await socket.hear())["error_code"] == "ALREADY_AUTHENTICATED"
        await socket.say("message", message="x")
        await socket.hear_until("response_end")

    assert answers.asked[0][0] == ada.user_id


async def test_a_client_that_leaves_ends_the_answer(
    client: httpx2.AsyncClient, ada: Person, answers: Answers
) -> None:
    async with socket_of(client, ada) as socket:
        await socket.say("message", message="wait")
        await socket.hear_until("response_chunk")

    async def closed() -> bool:
        return answers.closed == 1

    async def counted() -> bool:
        metrics = (await client.get("/metrics")).text
        return (
            'harena_sockets_open{service="conversation"} 0.0' in metrics
            and 'harena_socket_closes_total{code="1000",service="conversation"} 1.0' in metrics
        )

    await eventually(closed)
    await eventually(counted)


async def test_closing_amid_a_look_loses_no_connection_to_redis(
    start: Start, ada: Person, bob: Person, valkey: Valkey
) -> None:
    async with start(session_check_seconds=0.001) as client, Redis.from_url(valkey.url) as redis:
        for _ in range(30):
            async with socket_of(client, ada) as one, socket_of(client, bob) as two:
                for socket in (one, two):
                    await socket.say("ping")
                    await socket.hear()
        clients = await redis.client_list()

    assert 1 <= len([each for each in clients if each["name"] == "harena-conversation"]) <= 4


async def test_no_connection_to_the_database_is_held(
    start: Start, ada: Person, answers: Answers
) -> None:
    """Three sockets look at their sessions all the time, with a pool of one and no Redis."""
    async with (
        start(session_check_seconds=0.02, redis_url=None) as client,
        socket_of(client, ada) as one,
        socket_of(client, ada) as two,
        socket_of(client, ada) as three,
    ):
        for socket in (one, two, three):
            await socket.say("message", message="wait")
            await socket.hear_until("response_chunk")

        async def idle() -> bool:
            metrics = (await client.get("/metrics")).text
            assert 'harena_sockets_open{service="conversation"} 3.0' in metrics
            return 'harena_database_pool_used{service="conversation"} 0.0' in metrics

        await eventually(idle)
        answers.release.set()
        for socket in (one, two, three):
            await socket.hear_until("response_end")


async def test_a_client_that_vanishes_amid_an_answer_is_no_bug(
    start: Start,
    ada: Person,
    answers: Answers,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """After a ping without a pong uvicorn gives it up, and refuses what is still to be sent."""
    hasty: Any = partial(uvicorn.Config, ws_ping_interval=0.1, ws_ping_timeout=0.1)
    monkeypatch.setattr(uvicorn, "Config", hasty)
    async with start() as client, socket_of(client, ada) as socket:
        await socket.say("message", message="endless")
        monkeypatch.setattr(socket.connection.protocol, "send_frame", lambda frame: None)
        with pytest.raises(ConnectionClosed):
            await socket.hear_until("response_end")

        async def ended() -> bool:
            return answers.closed == 1

        await eventually(ended)

    logged = capsys.readouterr().out
    assert '"event": "socket"' in logged
    assert "failed" not in logged
