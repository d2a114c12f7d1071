"""Answers by POST, event by event."""

import httpx2
import pytest
from tests.integration.conversation.conftest import Answers, Person, Start, asking

from harena_conversation import main
from harena_conversation.settings import ConversationSettings
from harena_core.testing import eventually, running


class TestAnswer:
    async def test_comes_in_the_order_that_the_client_needs(
        self, client: httpx2.AsyncClient, ada: Person, answers: Answers
    ) -> None:
        async with asking(client, ada, " Combien ? ", conversation_id="12", priority="x") as read:
            events = await read.rest()

        assert events == [
            {"type": "status", "message": "Je cherche."},
            {"type": "response_start"},
            {"type": "conversation_id", "conversation_id": 12},
            {"type": "response_chunk", "content": "Un "},
            {"type": "response_chunk", "content": "mot\nde plus"},
            {"type": "response_end", "metadata": {"total_results": 3}},
        ]
        headers = read.answer.headers
        assert headers["content-type"] == "text/event-stream; charset=utf-8"
        assert headers["cache-control"] == "no-cache, no-transform"
        assert headers["connection"] == "close"
        assert "content-encoding" not in headers
        [(user_id, question)] = answers.asked
        assert (user_id, question.message, question.conversation_id) == (
            ada.user_id,
            "Combien ?",
            12,
        )

    async def test_arrives_while_it_is_being_written(
        self, client: httpx2.AsyncClient, ada: Person, answers: Answers
    ) -> None:
        async with asking(client, ada, "wait") as read:
            seen = [(await read.next())["type"] for _ in range(4)]
            answers.release.set()
            rest = [event["type"] for event in await read.rest()]

        assert seen == ["status", "response_start", "conversation_id", "response_chunk"]
        assert rest == ["response_chunk", "response_end"]

    async def test_comes_in_pieces_far_below_a_read_of_the_client(
        self, client: httpx2.AsyncClient, ada: Person
    ) -> None:
        async with client.stream(
            "POST", ada.stream, json={"message": "long"}, headers=ada.headers
        ) as answer:
            lines = [line async for line in answer.aiter_lines() if line]

        assert all(len(line.encode()) < 4096 for line in lines)
        assert sum(line.count("é") for line in lines) == 100_000

    async def test_ends_although_the_answerer_forgot(
        self, client: httpx2.AsyncClient, ada: Person
    ) -> None:
        async with asking(client, ada, "silence") as read:
            assert (await read.rest())[-1] == {"type": "response_end", "metadata": {}}


class TestFailure:
    @pytest.mark.parametrize(
        ("question", "code", "message"),
        [
            ("bug", "INTERNAL_ERROR", "Une erreur inattendue est survenue."),
            ("refuse", "NO", "Non."),
            (
                "outage",
                "DATABASE_UNAVAILABLE",
                "Le service est momentanément indisponible. Réessayez dans un instant.",
            ),
        ],
    )
    async def test_is_told_and_ended_in_two_reads(
        self, client: httpx2.AsyncClient, ada: Person, question: str, code: str, message: str
    ) -> None:
        async with asking(client, ada, question) as read:
            events = await read.rest()

        assert events[-2:] == [
            {"type": "error", "message": message, "error_code": code},
            {"type": "response_end", "metadata": {}},
        ]
        # What comes in the same read as an error is lost to the web client.
        [with_error] = [text for text in read.reads if '"error"' in text]
        assert "response_end" not in with_error
        assert "hush" not in "".join(read.reads)

    async def test_a_bug_leaves_no_question_in_the_log(
        self, client: httpx2.AsyncClient, ada: Person, capsys: pytest.CaptureFixture[str]
    ) -> None:
        async with asking(client, ada, "bug") as read:
            await read.rest()

        logged = capsys.readouterr().out
        assert "answer_failed" in logged
        assert "RuntimeError" in logged
        assert "hush" not in logged

    async def test_an_answer_that_takes_too_long(
        self, start: Start, ada: Person, answers: Answers
    ) -> None:
        async with start(answer_seconds=0.2) as client, asking(client, ada, "wait") as read:
            events = await read.rest()

        assert [event["type"] for event in events[-2:]] == ["error", "response_end"]
        assert events[-2]["error_code"] == "ANSWER_TIMEOUT"
        assert answers.closed == 1

    async def test_without_an_assistant_it_says_so(
        self, settings: ConversationSettings, ada: Person
    ) -> None:
        async with (
            running(main.create(settings), settings) as client,
            asking(client, ada, "Combien ?") as read,
        ):
            events = await read.rest()

        assert events == [
            {
                "type": "error",
                "message": "L'assistant n'est pas encore disponible.",
                "error_code": "ASSISTANT_UNAVAILABLE",
            },
            {"type": "response_end", "metadata": {}},
        ]


class TestConnection:
    async def test_comments_keep_it_open(self, start: Start, ada: Person, answers: Answers) -> None:
        async with start(heartbeat_seconds=0.05) as client, asking(client, ada, "wait") as read:
            parts = read.answer.aiter_text()
            text = ""
            while text.count(": ping\n\n") < 3:
                text += await anext(parts)
            answers.release.set()
            text += "".join([part async for part in parts])

        assert text.rstrip().splitlines()[-1].startswith('data: {"type":"response_end"')

    async def test_a_client_that_leaves_ends_the_answer(
        self, client: httpx2.AsyncClient, ada: Person, answers: Answers
    ) -> None:
        async with asking(client, ada, "wait") as read:
            await read.next()

        async def closed() -> bool:
            return answers.closed == 1

        await eventually(closed)

        async def gone() -> bool:
            return (
                'harena_streams_open{service="conversation"} 0.0'
                in (await client.get("/metrics")).text
            )

        await eventually(gone)

    async def test_no_connection_to_the_database_is_held(
        self, client: httpx2.AsyncClient, ada: Person, answers: Answers
    ) -> None:
        """With a pool of one, two at a time would wait for each other."""
        async with asking(client, ada, "wait") as one, asking(client, ada, "wait") as two:
            await one.next()
            await two.next()
            metrics = (await client.get("/metrics")).text
            answers.release.set()
            await one.rest()
            await two.rest()

        assert 'harena_streams_open{service="conversation"} 2.0' in metrics
        assert 'harena_database_pool_used{service="conversation"} 0.0' in metrics
        assert 'harena_database_pool_size{service="conversation"} 1.0' in metrics
