"""What the budget service alone reads from its environment."""

from pydantic import Field

from harena_core.settings import ServiceSettings


class BudgetSettings(ServiceSettings):
    port: int = Field(default=3006, ge=0, le=65535)
