from collections.abc import AsyncIterator
from typing import Annotated, Any

import httpx2
import pytest
from fastapi import Depends, FastAPI
from pydantic import BaseModel, Field

from harena_core.errors import add_error_handlers
from harena_core.query import documented, query_of
from harena_core.settings import CoreSettings
from harena_core.testing import running


class Page(BaseModel):
    limit: Annotated[int, Field(ge=1, le=10, description="How many.")]
    word: str | None = None


@pytest.fixture
async def client() -> AsyncIterator[httpx2.AsyncClient]:
    app = FastAPI()
    add_error_handlers(app)

    @app.get("/", openapi_extra=documented(Page))
    async def page(query: Annotated[Page, Depends(query_of(Page))]) -> Page:
        return query

    async with running(app, CoreSettings()) as client:
        yield client


async def test_a_query_is_read(client: httpx2.AsyncClient) -> None:
    answer = await client.get("/", params={"limit": "3", "word": "été", "unknown": "1"})
    assert answer.json() == {"limit": 3, "word": "été"}


@pytest.mark.parametrize("query", [{}, {"limit": "x"}, {"limit": "11"}])
async def test_a_wrong_one_names_its_culprit(
    client: httpx2.AsyncClient, query: dict[str, Any]
) -> None:
    answer = await client.get("/", params=query)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["loc"] == ["query", "limit"]


async def test_it_is_documented(client: httpx2.AsyncClient) -> None:
    schema = (await client.get("/openapi.json")).json()
    limit, word = schema["paths"]["/"]["get"]["parameters"]
    assert (limit["name"], limit["required"], limit["description"]) == ("limit", True, "How many.")
    assert (word["name"], word["required"]) == ("word", False)
