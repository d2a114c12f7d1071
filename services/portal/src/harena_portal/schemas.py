"""What the portal answers."""

from pydantic import BaseModel, Field

from harena_core.health import Status


class PlatformHealth(BaseModel):
    """How the platform is: the states of its services, and nothing of what is behind them."""

    status: Status = Field(description="The worst of the states.")
    services: dict[str, Status]


class ServiceRow(BaseModel):
    """One service as the page shows it: its state, and the words beside it."""

    status: Status
    state: str
    response: str
    version: str
    since: str


class StatusPage(BaseModel):
    """What changes on the page, in the words of the page, so that a script only puts it there."""

    status: Status
    headline: str
    age_seconds: float = Field(description="Since the services were asked.")
    services: dict[str, ServiceRow]
