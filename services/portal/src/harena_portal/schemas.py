"""What the portal answers."""

from pydantic import BaseModel, Field

from harena_core.health import Status


class PlatformHealth(BaseModel):
    """How the platform is: the states of its services, and nothing of what is behind them."""

    status: Status = Field(description="The worst of the states.")
    services: dict[str, Status]
