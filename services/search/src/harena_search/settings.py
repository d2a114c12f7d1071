"""What the search service is told."""

from pydantic import Field, SecretStr

from harena_core.settings import ServiceSettings


class SearchSettings(ServiceSettings):
    """What every service is told, and where the search engine is."""

    port: int = Field(default=3001, ge=0, le=65535)
    # Hosted engines carry user and password in it.
    elasticsearch_url: SecretStr | None = Field(
        default=None, description="The search engine; while it does not answer, search is degraded."
    )
