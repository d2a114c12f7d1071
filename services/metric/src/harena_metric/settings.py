"""What the metric service is told."""

from pydantic import Field

from harena_core.settings import ServiceSettings


class MetricSettings(ServiceSettings):
    """Nothing beside what every service is told; only its port is its own."""

    port: int = Field(default=3002, ge=0, le=65535)
