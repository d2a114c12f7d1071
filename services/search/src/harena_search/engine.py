"""The search engine: Elasticsearch or OpenSearch, over HTTP."""

import httpx2
from pydantic import SecretStr


class SearchEngine:
    """One engine at one address."""

    def __init__(self, client: httpx2.AsyncClient, url: SecretStr) -> None:
        self._client = client
        self._url = url.get_secret_value()

    async def ping(self) -> None:
        """Raises where it does not answer, or not with success."""
        answer = await self._client.head(self._url)
        answer.raise_for_status()
