"""The conversation service with answers that take their time, for tests of restarts.

    python slow_answers.py

In: the environment of the conversation service. Its answers are so many pieces, one every 0.3 s: as
many as the question says, where the question is a number. Imports nothing of the tests, so that the
same file can be the main program of an image.
"""

import asyncio
from collections.abc import AsyncGenerator

from harena_conversation.main import create
from harena_conversation.schemas import (
    AnswerEvent,
    ConversationId,
    Question,
    ResponseChunk,
    ResponseEnd,
    ResponseStart,
    Status,
)
from harena_conversation.settings import ConversationSettings
from harena_core import serve
from harena_core.auth import Principal

PIECES = 10
PAUSE_SECONDS = 0.3


class SlowAnswers:
    async def answer(
        self, user: Principal, question: Question
    ) -> AsyncGenerator[AnswerEvent, None]:
        pieces = int(question.message) if question.message.isdecimal() else PIECES
        yield Status(message="Je réfléchis.")
        yield ResponseStart()
        yield ConversationId(conversation_id=question.conversation_id or 1)
        for piece in range(pieces):
            await asyncio.sleep(PAUSE_SECONDS)
            yield ResponseChunk(content=f"{piece} ")
        yield ResponseEnd(metadata={"pieces": pieces})


def main() -> None:
    serve.serve(lambda settings: create(settings, SlowAnswers()), ConversationSettings())


if __name__ == "__main__":
    main()
