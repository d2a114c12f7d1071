"""Answers as an event stream, for a client that asks by POST and reads."""

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Path, Request, Response
from fastapi.sse import KEEPALIVE_COMMENT, format_sse_event
from starlette.types import Receive, Scope
from starlette.types import Send as AsgiSend

from harena_conversation.api.dependencies import in_time
from harena_conversation.schemas import AnswerEvent, Failed, Question, encode
from harena_conversation.service import ConversationService, Gone
from harena_core.auth import CurrentUser
from harena_core.drain import Drain
from harena_core.errors import ErrorBody
from harena_core.tasks import together

router = APIRouter(prefix="/api/v3", tags=["conversation"])

# Whatever else comes in the same read as an error is skipped by the web client, and it must not
# miss the end.
APART_SECONDS = 0.1

Deliver = Callable[..., Coroutine[Any, Any, None]]
"""Takes `send`, and `end` by name."""


class EventStream(Response):
    """One event a write, a comment now and then, and nothing is left running when it is over."""

    media_type = "text/event-stream"

    def __init__(self, deliver: Deliver, drain: Drain, heartbeat_seconds: float) -> None:
        self._deliver = deliver
        self._drain = drain
        self._heartbeat_seconds = heartbeat_seconds
        self.status_code = 200
        self.background = None
        # Nobody between may keep, join or compress what must arrive part by part.
        self.init_headers({"Cache-Control": "no-cache, no-transform", "Connection": "close"})

    async def __call__(self, scope: Scope, receive: Receive, send: AsgiSend) -> None:
        async def write(body: bytes, *, more: bool = True) -> None:
            message = {"type": "http.response.body", "body": body, "more_body": more}
            await in_time(send(message))

        async def event(said: AnswerEvent) -> None:
            await write(format_sse_event(data_str=encode(said)))
            if isinstance(said, Failed):
                await asyncio.sleep(APART_SECONDS)

        async def beat() -> None:
            while True:
                await asyncio.sleep(self._heartbeat_seconds)
                await write(KEEPALIVE_COMMENT)

        async def leave() -> None:
            while (await receive())["type"] != "http.disconnect":
                pass

        await send(
            {
                "type": "http.response.start",
                "status": self.status_code,
                "headers": self.raw_headers,
            }
        )
        with self._drain.stream() as opened, suppress(Gone):
            delivering = self._deliver(event, end=opened.end)
            async with together(delivering, beat(), leave()) as tasks:
                done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    task.result()
            if tasks[0] in done:
                await write(b"", more=False)


@router.post(
    "/conversation/{user_id}/stream",
    summary="Ask a question, and read the answer as it is written",
    status_code=200,  # FastAPI looks for it in the signature of the class otherwise
    response_class=EventStream,
    responses={
        200: {
            "description": "Events, one JSON object each: `status`, `response_start`, "
            "`conversation_id`, `response_chunk`, `error`, and always last `response_end`."
        },
        403: {"model": ErrorBody, "description": "Another user's id."},
        429: {"model": ErrorBody, "description": "Too many questions in a minute."},
    },
)
async def ask(
    request: Request, user_id: Annotated[int, Path(ge=1)], question: Question, user: CurrentUser
) -> EventStream:
    user.require(user_id)
    state = request.state
    conversation: ConversationService = state.conversation
    conversation.admit(user)
    deliver = partial(conversation.deliver, user, question, cancel=asyncio.Event())
    return EventStream(deliver, state.drain, state.settings.heartbeat_seconds)
