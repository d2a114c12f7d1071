"""Carries an answer from whoever writes it to whoever asked, and always ends it properly."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass
from typing import Protocol

import structlog

from harena_conversation.schemas import (
    AnswerEvent,
    Failed,
    Question,
    ResponseChunk,
    ResponseEnd,
)
from harena_conversation.throttle import Questions
from harena_core.auth import Principal
from harena_core.errors import HarenaError
from harena_core.tasks import together

log = structlog.get_logger()

# The web client does not put together an event that came in two reads, so a piece of text stays
# within one segment of TCP as far as can be.
MAX_CONTENT = 1000

UNEXPECTED = Failed(message="Une erreur inattendue est survenue.", error_code="INTERNAL_ERROR")
TOO_LONG = Failed(
    message="La réponse a pris trop de temps. Reposez votre question.",
    error_code="ANSWER_TIMEOUT",
)
RESTARTING = Failed(
    message="Le service redémarre. Reposez votre question dans un instant.",
    error_code="SERVICE_RESTARTING",
)

Send = Callable[[AnswerEvent], Awaitable[None]]
"""Raises Gone where nobody reads any more."""


class Gone(Exception):
    """The client left, or does not read what it asked for."""


class Answerer(Protocol):
    """Whoever writes answers."""

    def answer(self, user: Principal, question: Question) -> AsyncGenerator[AnswerEvent, None]:
        """The events of one answer, in order; `response_end` may be left out.

        Closed amid an answer when nobody waits for it any more. May raise any HarenaError, which
        the client is told; of any other exception it learns nothing.
        """
        ...


class NoAssistant:
    """Stands in until there is an assistant, and says so."""

    async def answer(
        self, user: Principal, question: Question
    ) -> AsyncGenerator[AnswerEvent, None]:
        yield Failed(
            message="L'assistant n'est pas encore disponible.",
            error_code="ASSISTANT_UNAVAILABLE",
        )


@dataclass(frozen=True, slots=True)
class ConversationService:
    """What both transports do with a question."""

    answerer: Answerer
    questions: Questions
    answer_seconds: float

    def admit(self, user: Principal) -> None:
        """Raises TooManyRequests. Before the first event, so that it can still be a status."""
        self.questions.take(user.user_id)

    async def deliver(
        self,
        user: Principal,
        question: Question,
        send: Send,
        *,
        end: asyncio.Event,
        cancel: asyncio.Event,
    ) -> None:
        """Sends the answer, and at its end, whatever happens, `response_end`.

        `end` is set where this process ends, `cancel` where the client wants no more of it.
        """
        writing = self._write(user, question, send)
        async with together(writing, _heard(end), _heard(cancel)) as tasks:
            await asyncio.wait(
                tasks, timeout=self.answer_seconds, return_when=asyncio.FIRST_COMPLETED
            )
            written = tasks[0].result() if tasks[0].done() else None
        if written is not None:
            await send(written)
        elif cancel.is_set():
            await send(ResponseEnd(metadata={"cancelled": True}))
        else:
            await send(RESTARTING if end.is_set() else TOO_LONG)
            await send(ResponseEnd())

    async def _write(self, user: Principal, question: Question, send: Send) -> ResponseEnd:
        """Sends all but the end, which it returns."""
        try:
            async with aclosing(self.answerer.answer(user, question)) as events:
                async for event in events:
                    match event:
                        case ResponseEnd():
                            return event
                        case Failed():
                            await send(event)
                            return ResponseEnd()
                        case ResponseChunk(content=content):
                            for begin in range(0, len(content), MAX_CONTENT):
                                piece = content[begin : begin + MAX_CONTENT]
                                await send(ResponseChunk(content=piece))
                        case _:
                            await send(event)
        except Gone:
            raise
        except HarenaError as error:
            await send(Failed(message=error.detail, error_code=error.error_code))
        except Exception:
            log.exception("answer_failed")
            await send(UNEXPECTED)
        return ResponseEnd()


async def _heard(event: asyncio.Event) -> None:
    await event.wait()
