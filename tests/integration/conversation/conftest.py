"""The conversation service over real HTTP and WebSockets, on a real Postgres and a real Valkey.

In: the servers of `tests/conftest.py`. Out: `start`, which serves with given settings; `answers`,
an answerer that does as the question says; `ada` and `bob`, who have tokens. The limit of questions
is high unless a test sets it.
"""

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx2
import pytest
from pydantic import SecretStr
from sqlalchemy import update
from websockets.asyncio.client import ClientConnection, connect

from harena_conversation.main import create
from harena_conversation.schemas import (
    AnswerEvent,
    ConversationId,
    Failed,
    Question,
    ResponseChunk,
    ResponseEnd,
    ResponseStart,
    Status,
)
from harena_conversation.settings import ConversationSettings
from harena_core.auth import Principal
from harena_core.errors import DatabaseUnavailable
from harena_core.testing import WAIT_SECONDS, Caller, TokenMint, running, socket_url
from harena_db import tables
from harena_db.testing import Database, make_caller
from harena_local.valkey import Valkey

SOCKET = "/api/v3/ws"
FORWARDED = "X-Forwarded-For"

Event = dict[str, Any]
Start = Callable[..., AbstractAsyncContextManager[httpx2.AsyncClient]]


@dataclass
class Answers:
    """Answers by the question, and remembers what it was asked."""

    asked: list[tuple[int, Question]] = field(default_factory=list)
    closed: int = 0
    release: asyncio.Event = field(default_factory=asyncio.Event)

    async def answer(
        self, user: Principal, question: Question
    ) -> AsyncGenerator[AnswerEvent, None]:
        self.asked.append((user.user_id, question))
        try:
            yield Status(message="Je cherche.")
            yield ResponseStart()
            yield ConversationId(conversation_id=question.conversation_id or 7)
            yield ResponseChunk(content="Un ")
            match question.message:
                case "wait":
                    await self.release.wait()
                case "bug":
                    raise RuntimeError(f"cannot answer {question.message} of hush@example.com")
                case "outage":
                    raise DatabaseUnavailable
                case "refuse":
                    yield Failed(message="Non.", error_code="NO")
                    yield ResponseChunk(content="never seen")
                case "long":
                    yield ResponseChunk(content="é" * 100_000)
                case "silence":
                    return
                case "endless":
                    while True:
                        yield ResponseChunk(content="mot ")
                        await asyncio.sleep(0)
            yield ResponseChunk(content="mot\nde plus")
            yield ResponseEnd(metadata={"total_results": 3})
            yield ResponseChunk(content="never seen")
        finally:
            self.closed += 1


@dataclass(frozen=True, slots=True)
class Person(Caller):
    database: Database

    @property
    def stream(self) -> str:
        return f"/api/v3/conversation/{self.user_id}/stream"

    async def log_out(self) -> None:
        """Ends the session in Postgres, which is the truth."""
        async with self.database.transaction() as connection:
            await connection.execute(
                update(tables.sessions)
                .where(tables.sessions.c.id == self.session_id)
                .values(revoked_at=datetime.now(UTC))
            )


@pytest.fixture
def mint(tmp_path: Path) -> TokenMint:
    return TokenMint(tmp_path)


@pytest.fixture
def settings(database: Database, valkey: Valkey, mint: TokenMint) -> ConversationSettings:
    return ConversationSettings(
        database_url=SecretStr(database.url("harena_conversation")),
        redis_url=SecretStr(valkey.url),
        key_set_file=mint.key_set_file,
        database_pool_size=1,
        questions_per_minute=1000,
    )


@pytest.fixture
def answers() -> Answers:
    return Answers()


@pytest.fixture
def start(settings: ConversationSettings, answers: Answers) -> Start:
    @asynccontextmanager
    async def started(**changes: Any) -> AsyncIterator[httpx2.AsyncClient]:
        changed = settings.model_copy(update=changes)
        async with running(create(changed, answers), changed) as client:
            yield client

    return started


@pytest.fixture
async def client(start: Start) -> AsyncIterator[httpx2.AsyncClient]:
    async with start() as client:
        yield client


async def make_person(database: Database, mint: TokenMint, name: str) -> Person:
    async with database.transaction() as connection:
        caller = await make_caller(connection, name, mint)
    return Person(caller.user_id, caller.session_id, mint, database)


@pytest.fixture
async def ada(database: Database, mint: TokenMint) -> Person:
    return await make_person(database, mint, "ada")


@pytest.fixture
async def bob(database: Database, mint: TokenMint) -> Person:
    return await make_person(database, mint, "bob")


class Reading:
    """A stream as the web client reads it: what comes in one read, line by line, nothing kept."""

    def __init__(self, answer: httpx2.Response) -> None:
        self.answer = answer
        self.reads: list[str] = []
        self._events: list[Event] = []
        self._parts = answer.aiter_text()

    async def next(self) -> Event:
        """The next event. Raises StopAsyncIteration after the last."""
        while not self._events:
            async with asyncio.timeout(WAIT_SECONDS):
                read = await anext(self._parts)
            self.reads.append(read)
            lines = read.split("\n")
            self._events += [json.loads(line[6:]) for line in lines if line.startswith("data: ")]
        return self._events.pop(0)

    async def rest(self) -> list[Event]:
        events = []
        while True:
            try:
                events.append(await self.next())
            except StopAsyncIteration:
                return events


@asynccontextmanager
async def asking(
    client: httpx2.AsyncClient, person: Person, message: str, **more: Any
) -> AsyncIterator[Reading]:
    """A question by POST."""
    body = {"message": message, **more}
    async with client.stream("POST", person.stream, json=body, headers=person.headers) as answer:
        yield Reading(answer)


class Socket:
    """A WebSocket that speaks JSON."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection

    async def say(self, type: str, **more: Any) -> None:
        await self.connection.send(json.dumps({"type": type, **more}))

    async def hear(self) -> Event:
        async with asyncio.timeout(WAIT_SECONDS):
            event: Event = json.loads(await self.connection.recv())
        return event

    async def hear_until(self, type: str) -> list[Event]:
        events = [await self.hear()]
        while events[-1]["type"] != type:
            events.append(await self.hear())
        return events

    async def closed(self) -> int | None:
        """The code with which the server ends it."""
        async with asyncio.timeout(WAIT_SECONDS):
            await self.connection.wait_closed()
        return self.connection.close_code


@asynccontextmanager
async def socket_of(
    client: httpx2.AsyncClient, person: Person | None = None, *, address: str = "", **options: Any
) -> AsyncIterator[Socket]:
    """A WebSocket, authenticated by its header where a person is given."""
    headers = {**(person.headers if person else {}), **({FORWARDED: address} if address else {})}
    url = socket_url(client, SOCKET)
    async with connect(url, additional_headers=headers, proxy=None, **options) as connection:
        yield Socket(connection)
