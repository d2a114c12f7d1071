"""What is said in a conversation: questions in, events out. Both renderers send the same events.

An answer is `status`*, `response_start`, `conversation_id`, `response_chunk`* and `response_end`. A
failure is `error`, and then `response_end` all the same: it is the one event that always comes, and
always last. On a socket, an `error` about a message that is no question has no `response_end`.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, SecretStr, StringConstraints

MAX_QUESTION_LENGTH = 4000


class Said(BaseModel):
    model_config = ConfigDict(frozen=True)


# --- events -----------------------------------------------------------------------------------


class Status(Said):
    """What is being done, in words for the person who waits."""

    type: Literal["status"] = "status"
    message: str


class ResponseStart(Said):
    type: Literal["response_start"] = "response_start"


class ConversationId(Said):
    """To be sent along with the next question."""

    type: Literal["conversation_id"] = "conversation_id"
    conversation_id: int


class ResponseChunk(Said):
    """The next piece of the text."""

    type: Literal["response_chunk"] = "response_chunk"
    content: str


class ResponseEnd(Said):
    type: Literal["response_end"] = "response_end"
    metadata: dict[str, JsonValue] = {}


class Failed(Said):
    type: Literal["error"] = "error"
    message: str = Field(description="A sentence in French, which the client shows as it is.")
    error_code: str


class Pong(Said):
    type: Literal["pong"] = "pong"


class Reconnect(Said):
    """This server ends; another one is there. The socket is closed with 1012 right after."""

    type: Literal["reconnect"] = "reconnect"


AnswerEvent = Annotated[
    Status | ResponseStart | ConversationId | ResponseChunk | ResponseEnd | Failed,
    Field(discriminator="type"),
]
SocketEvent = Annotated[AnswerEvent | Pong | Reconnect, Field(discriminator="type")]


def encode(event: SocketEvent) -> str:
    """An event as it goes over the wire: JSON on one line."""
    return event.model_dump_json()


# --- what clients say -------------------------------------------------------------------------


class Question(Said):
    message: Annotated[
        str,
        StringConstraints(strip_whitespace=True, min_length=1, max_length=MAX_QUESTION_LENGTH),
    ]
    conversation_id: int | None = Field(
        default=None,
        ge=1,
        lt=2**63,
        description="The conversation that this goes on with; digits in a string will do.",
    )


class Auth(Said):
    """Who is there; first of all, unless the handshake carried the header."""

    type: Literal["auth"]
    token: SecretStr


class Message(Question):
    type: Literal["message"]


class Cancel(Said):
    """Ends the running answer; says nothing where there is none."""

    type: Literal["cancel"]


class Ping(Said):
    type: Literal["ping"]


ClientMessage = Annotated[Auth | Message | Cancel | Ping, Field(discriminator="type")]
