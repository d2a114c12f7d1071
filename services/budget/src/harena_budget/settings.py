"""What the budget service is told."""

from pydantic import Field

from harena_core.settings import ServiceSettings


class BudgetSettings(ServiceSettings):
    """What every service is told, and nothing else."""

    port: int = Field(default=3006, ge=0, le=65535)
