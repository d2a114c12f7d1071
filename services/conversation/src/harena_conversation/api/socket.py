"""Answers over a WebSocket, which stays open between questions."""

import asyncio
from contextlib import suppress
from typing import NoReturn

from fastapi import APIRouter, WebSocket
from pydantic import TypeAdapter, ValidationError

from harena_conversation.api.dependencies import in_time
from harena_conversation.schemas import (
    Auth,
    Cancel,
    ClientMessage,
    Failed,
    Message,
    Ping,
    Pong,
    Reconnect,
    ResponseEnd,
    SocketEvent,
    encode,
)
from harena_conversation.service import RESTARTING, ConversationService, Gone
from harena_conversation.settings import ConversationSettings
from harena_conversation.throttle import Places
from harena_core.auth import Principal, authenticate, bearer_of, check
from harena_core.dependencies import ClientAddress
from harena_core.drain import Opened
from harena_core.errors import GatewayTimeout, NotAuthenticated, TooManyRequests, Unavailable

router = APIRouter(prefix="/api/v3")

RESTARTS = 1012
TRY_AGAIN = 1013
BAD_TOKEN = 4401
NO_TOKEN_IN_TIME = 4408
TOO_MANY = 4429

NOT_UNDERSTOOD = Failed(
    message="Message non compris : auth, message, cancel ou ping, en JSON, est attendu.",
    error_code="INVALID_MESSAGE",
)
AUTH_FIRST = Failed(message="Authentification requise.", error_code="AUTHENTICATION_REQUIRED")
AUTH_ONCE = Failed(message="Déjà authentifié.", error_code="ALREADY_AUTHENTICATED")
ONE_AT_A_TIME = Failed(message="Une réponse est déjà en cours.", error_code="QUESTION_IN_PROGRESS")

_messages: TypeAdapter[ClientMessage] = TypeAdapter(ClientMessage)


class Closed(Exception):
    """The socket ends, with this code."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


@router.websocket("/ws")
async def talk(websocket: WebSocket, address: ClientAddress) -> None:
    # Accepted whatever follows: a page can read a close code, and no status of a handshake.
    await websocket.accept()
    places: Places = websocket.state.places
    with websocket.state.drain.socket() as opened, suppress(Gone):
        try:
            with places.taken(address):
                await Talk(websocket, opened).run()
        except Closed as closed:
            code = closed.code
        except TooManyRequests:
            code = TOO_MANY
        except (Unavailable, GatewayTimeout):
            code = TRY_AGAIN
        await in_time(websocket.close(code))


class Talk:
    """One socket: who is there, and the one answer that may be running."""

    def __init__(self, websocket: WebSocket, opened: Opened) -> None:
        state = websocket.state
        self._websocket = websocket
        self._opened = opened
        self._settings: ConversationSettings = state.settings
        self._service: ConversationService = state.conversation
        self._token: str | None = None
        self._cancel = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._leaves = False

    async def run(self) -> NoReturn:
        """Serves the socket to its end. Raises Closed or Gone, or what a dependency failed with."""
        ends: list[Exception] = []
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._read(tasks))
                tasks.create_task(self._leave())
        except* (Closed, Gone, Unavailable, GatewayTimeout) as group:
            ends.extend(group.exceptions)
        raise ends[0]

    async def _read(self, tasks: asyncio.TaskGroup) -> None:
        user = await self._authenticated()
        tasks.create_task(self._look_again())
        while True:
            match await self._receive():
                case Message() as question:
                    await self._ask(tasks, user, question)
                case Cancel():
                    self._cancel.set()
                case Ping():
                    await self._send(Pong())
                case Auth():
                    await self._send(AUTH_ONCE)

    async def _authenticated(self) -> Principal:
        state = self._websocket.state
        instruments = self._websocket.app.state.instruments
        self._token = bearer_of(self._websocket)
        try:
            if self._token is None:
                async with asyncio.timeout(self._settings.auth_seconds):
                    self._token = await self._auth_message()
            return await authenticate(self._token, state.verifier, state.sessions, instruments)
        except TimeoutError as error:
            raise Closed(NO_TOKEN_IN_TIME) from error
        except NotAuthenticated as error:
            raise Closed(BAD_TOKEN) from error

    async def _auth_message(self) -> str:
        while True:
            match await self._receive():
                case Auth(token=token):
                    return token.get_secret_value()
                case _:
                    await self._send(AUTH_FIRST)

    async def _look_again(self) -> None:
        """Ends the socket with its session. No connection is held between two looks."""
        state = self._websocket.state
        while True:
            await asyncio.sleep(self._settings.session_check_seconds)
            try:
                await check(self._token, state.verifier, state.sessions)
            except NotAuthenticated as error:
                raise Closed(BAD_TOKEN) from error

    async def _leave(self) -> None:
        """Sends the client elsewhere when this process ends, but not amid an answer."""
        await self._opened.leave.wait()
        while not self._idle.is_set():  # the next question may have come with the last's end
            await self._idle.wait()
        self._leaves = True
        await self._send(Reconnect())
        raise Closed(RESTARTS)

    async def _ask(self, tasks: asyncio.TaskGroup, user: Principal, question: Message) -> None:
        if not self._idle.is_set():
            await self._send(ONE_AT_A_TIME)
            return
        if self._leaves:
            await self._refuse(RESTARTING)
            return
        try:
            self._service.admit(user)
        except TooManyRequests as error:
            await self._refuse(Failed(message=error.detail, error_code=error.error_code))
            return
        self._idle.clear()
        self._cancel.clear()
        tasks.create_task(self._answer(user, question))

    async def _answer(self, user: Principal, question: Message) -> None:
        try:
            await self._service.deliver(
                user, question, self._send, end=self._opened.end, cancel=self._cancel
            )
        finally:
            self._idle.set()

    async def _refuse(self, why: Failed) -> None:
        await self._send(why)
        await self._send(ResponseEnd())

    async def _receive(self) -> ClientMessage:
        """The next message that can be understood. Raises Gone when the client leaves."""
        while True:
            received = await self._websocket.receive()
            if received["type"] == "websocket.disconnect":
                raise Gone
            try:
                return _messages.validate_json(received.get("text") or "")
            except ValidationError:
                await self._send(NOT_UNDERSTOOD)

    async def _send(self, event: SocketEvent) -> None:
        await in_time(self._websocket.send_text(encode(event)))
