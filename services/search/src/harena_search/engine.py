"""The search engine: Elasticsearch or OpenSearch, over HTTP."""

import time

import httpx2
from prometheus_client import Histogram
from pydantic import SecretStr

from harena_core.metrics import Instruments

# From an engine next door to the 5 s after which the client gives up.
_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 5)


class SearchEngine:
    """One engine at one address. Every call to it is timed."""

    def __init__(
        self, client: httpx2.AsyncClient, url: SecretStr, instruments: Instruments
    ) -> None:
        self._client = client
        self._url = url.get_secret_value()
        self._service = instruments.service
        self._seconds = Histogram(
            "harena_search_engine_request_duration_seconds",
            "Time of a call to the search engine, by outcome: answered, refused or silent.",
            ("service", "outcome"),
            buckets=_BUCKETS,
            registry=instruments.registry,
        )

    async def ping(self) -> None:
        """Raises where it does not answer, or not with success."""
        answer = await self._ask("HEAD")
        answer.raise_for_status()

    async def _ask(self, method: str) -> httpx2.Response:
        begin = time.perf_counter()
        outcome = "silent"  # also where the caller did not wait any longer
        try:
            answer = await self._client.request(method, self._url)
            outcome = "answered" if answer.is_success else "refused"
        finally:
            seconds = time.perf_counter() - begin
            self._seconds.labels(self._service, outcome).observe(seconds)
        return answer
