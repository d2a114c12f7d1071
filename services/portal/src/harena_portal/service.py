"""How the five services are: all asked at once, seldom, and never for long."""

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import httpx2
import structlog
from pydantic import BaseModel, ValidationError

from harena_core.health import LEVELS, Status

log = structlog.get_logger()

# Above the two seconds to which a service bounds its own checks, below the three of whoever probes
# the platform.
ASK_SECONDS = 2.5


class _Answer(BaseModel):
    """What is read of a service's own words. These are shown to everybody, the rest to nobody."""

    status: Status
    version: str | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """How a service was found. `seconds` and `version` are None where it did not answer."""

    status: Status
    since: float
    seconds: float | None = None
    version: str | None = None


@dataclass(frozen=True, slots=True)
class Round:
    """One round of questions. `at`, and `since` of a service, are seconds of a monotonic clock."""

    at: float
    services: Mapping[str, Found]

    @property
    def status(self) -> Status:
        """The worst of the states."""
        return min((found.status for found in self.services.values()), key=LEVELS.__getitem__)


class Platform:
    """The services, by name and base URL. One round of questions serves every caller of a while."""

    def __init__(
        self,
        client: httpx2.AsyncClient,
        urls: Mapping[str, str],
        *,
        cache_seconds: float,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client = client
        self._urls = urls
        self._cache_seconds = cache_seconds
        self._lock = asyncio.Lock()
        self._last: Round | None = None
        self.now = now

    async def look(self) -> Round:
        """The state of each service; one that does not say how it is counts as unhealthy."""
        async with self._lock:
            last = self._last
            if last is None or self.now() - last.at >= self._cache_seconds:
                before = last.services if last else {}
                found = await asyncio.gather(
                    *(self._ask(name, before.get(name)) for name in self._urls)
                )
                last = Round(self.now(), dict(zip(self._urls, found, strict=True)))
                self._last = last
            return last

    async def _ask(self, name: str, before: Found | None) -> Found:
        begin = self.now()
        answer, seconds = _Answer(status="unhealthy"), None
        try:
            async with asyncio.timeout(ASK_SECONDS):
                response = await self._client.get(f"{self._urls[name]}/health")
                response.raise_for_status()
                answer = _Answer.model_validate_json(response.content)
                seconds = self.now() - begin
        except (httpx2.HTTPError, TimeoutError, ValidationError) as error:
            log.warning("service_unhealthy", asked=name, error=type(error).__name__)
        since = before.since if before and before.status == answer.status else self.now()
        return Found(answer.status, since, seconds, answer.version)
