"""What the conversation service alone reads from its environment."""

from pydantic import Field

from harena_core.settings import ServiceSettings


class ConversationSettings(ServiceSettings):
    port: int = Field(default=3008, ge=0, le=65535)
