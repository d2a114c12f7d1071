"""What the conversation service is told."""

from pydantic import Field

from harena_core.settings import ServiceSettings


class ConversationSettings(ServiceSettings):
    """What every service is told, and how long and how often people may talk.

    Sockets and questions are counted per process: with N replicas the limits are N times as high.
    """

    port: int = Field(default=3008, ge=0, le=65535)
    auth_seconds: float = Field(
        default=10, gt=0, description="How long a WebSocket may take to say who it is."
    )
    session_check_seconds: float = Field(
        default=5, gt=0, description="How often an open WebSocket's session is looked at again."
    )
    heartbeat_seconds: float = Field(
        default=15, gt=0, description="How often a stream sends a comment, so that nobody hangs up."
    )
    answer_seconds: float = Field(
        default=300, gt=0, description="How long one answer may take, whoever writes it."
    )
    sockets_per_address: int = Field(
        default=20, ge=1, description="Open WebSockets of one client address."
    )
    sockets_at_most: int = Field(default=500, ge=1, description="Open WebSockets of all clients.")
    questions_per_minute: int = Field(default=10, ge=1, description="Questions of one user.")
