"""Listed origins: the only ones whose pages may read an answer.

In: `choosy`, which is the edge under test where EDGE_ORIGINS names origins, and a local one else.
"""

import pytest
from tests.edge.client import Edge, listed, values
from tests.edge.conftest import EdgeStarter

ORIGINS = ["https://app.test", "http://localhost:5173"]
STRANGERS = ["https://app.test.evil.test", "https://other.test", "null"]
PATH = "/api/v1/users/me"
METHOD = {"Access-Control-Request-Method": "POST"}


@pytest.fixture
def choosy(edge: Edge, edge_with: EdgeStarter) -> Edge:
    if edge.model.cors.allows_any:
        return edge_with({"cors": {"origins": ORIGINS}})
    return edge


@pytest.mark.parametrize("origin", [*ORIGINS, *STRANGERS, None])
async def test_listed_origins_are_told_apart(choosy: Edge, origin: str | None) -> None:
    headers = {"Origin": origin} if origin else {}
    allowed = [origin] if origin in ORIGINS else []
    async with choosy.client() as client:
        for answer in (
            await client.http.get(PATH, headers=headers),
            await client.http.get(f"{PATH}?abort=1", headers=headers),
            await client.http.options(PATH, headers={**METHOD, **headers}),
        ):
            assert values(answer, "Access-Control-Allow-Origin") == allowed
            vary = listed(",".join(values(answer, "Vary")))
            assert ("Origin" in vary) == ("vary_origin" in choosy.can)


@pytest.mark.parametrize("origin", [*ORIGINS, *STRANGERS])
async def test_a_preflight_is_answered_by_the_edge(choosy: Edge, origin: str) -> None:
    async with choosy.client() as client:
        answer = await client.http.options(PATH, headers={**METHOD, "Origin": origin})

    status = 204 if "preflight_204" in choosy.can else 200
    if origin in STRANGERS and "strangers_preflight" not in choosy.can:
        assert answer.json()["path"] == PATH  # of the service
    else:
        assert (answer.status_code, answer.content) == (status, b"")
