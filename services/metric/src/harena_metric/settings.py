"""What the metric service is told."""

from pydantic import Field

from harena_core.settings import ServiceSettings


class MetricSettings(ServiceSettings):
    """What every service is told, and how much this one keeps."""

    port: int = Field(default=3002, ge=0, le=65535)
    answers_kept: int = Field(
        default=4096, ge=0, description="Answers kept in memory, of about 2 KiB each."
    )
