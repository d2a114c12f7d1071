"""What the portal is told."""

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field, StringConstraints

from harena_core.settings import CoreSettings

BaseUrl = Annotated[
    str,
    StringConstraints(pattern=r"^https?://[^/?#]+$"),
    Field(description="Where that service is, as seen from the portal."),
]


class PortalSettings(CoreSettings):
    """Where it listens, and where the five services are."""

    port: int = Field(default=3010, ge=0, le=65535, description="What the edge sends here.")
    internal_port: int = Field(
        default=3011,
        ge=0,
        le=65535,
        description="Probes and metrics. The edge sends every unknown path to `port`, so these "
        "cannot be there.",
    )
    user_service_url: BaseUrl = "http://127.0.0.1:3000"
    search_service_url: BaseUrl = "http://127.0.0.1:3001"
    metric_service_url: BaseUrl = "http://127.0.0.1:3002"
    budget_service_url: BaseUrl = "http://127.0.0.1:3006"
    conversation_service_url: BaseUrl = "http://127.0.0.1:3008"
    service_docs: bool = Field(
        default=True, description="Whether the edge serves the services' own docs pages."
    )
    health_cache_seconds: float = Field(
        default=1.5, ge=0, description="How long the services' states hold, whoever asks."
    )

    @property
    def service_urls(self) -> Mapping[str, str]:
        """Where each service is, by name, in the order in which they are shown."""
        return {
            "user": self.user_service_url,
            "search": self.search_service_url,
            "metric": self.metric_service_url,
            "budget": self.budget_service_url,
            "conversation": self.conversation_service_url,
        }
