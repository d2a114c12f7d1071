"""How the five services are: all asked at once, seldom, and never for long."""

import asyncio
import time
from collections.abc import Mapping

import httpx2
import structlog
from pydantic import BaseModel, ValidationError

from harena_core.health import Status
from harena_portal.schemas import PlatformHealth

log = structlog.get_logger()

# Above the two seconds to which a service bounds its own checks, below the three of whoever probes
# the platform.
ASK_SECONDS = 2.5

_FROM_BEST_TO_WORST: tuple[Status, ...] = ("healthy", "degraded", "unhealthy")


class _Answer(BaseModel):
    status: Status


class Platform:
    """The services, by name and base URL. One round of questions serves every caller of a while."""

    def __init__(
        self, client: httpx2.AsyncClient, urls: Mapping[str, str], *, cache_seconds: float
    ) -> None:
        self._client = client
        self._urls = urls
        self._cache_seconds = cache_seconds
        self._lock = asyncio.Lock()
        self._health: PlatformHealth | None = None
        self._asked_at = float("-inf")

    async def health(self) -> PlatformHealth:
        """The state of each service; one that does not say how it is counts as unhealthy."""
        async with self._lock:
            fresh = time.monotonic() - self._asked_at < self._cache_seconds
            if self._health is None or not fresh:
                states = await asyncio.gather(*(self._ask(name) for name in self._urls))
                self._health = PlatformHealth(
                    status=max(states, key=_FROM_BEST_TO_WORST.index),
                    services=dict(zip(self._urls, states, strict=True)),
                )
                self._asked_at = time.monotonic()
            return self._health

    async def _ask(self, name: str) -> Status:
        try:
            async with asyncio.timeout(ASK_SECONDS):
                response = await self._client.get(f"{self._urls[name]}/health")
                response.raise_for_status()
                return _Answer.model_validate_json(response.content).status
        except (httpx2.HTTPError, TimeoutError, ValidationError) as error:
            log.warning("service_unhealthy", asked=name, error=type(error).__name__)
            return "unhealthy"
