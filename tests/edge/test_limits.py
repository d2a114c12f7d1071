"""Rates and body sizes."""

import asyncio
import math

import httpx2
import pytest
from tests.edge.client import PREFLIGHT, Client, check_headers, check_own_error

from harena_edge import model

ROUTES = model.load().enabled_routes
ROUTE_NAMES = list(ROUTES)


def paths(route: model.Route) -> list[str]:
    return [match.path for match in route.matches()]


@pytest.mark.parametrize("name", ROUTE_NAMES)
async def test_a_route_is_one_bucket(client: Client, name: str) -> None:
    route = ROUTES[name]
    every = paths(route) if "bucket_of_route" in client.edge.can else paths(route)[:1]
    requests = 3 * route.burst + 10

    burst = await client.burst([every[number % len(every)] for number in range(requests)])

    at_once = client.edge.at_once(route)
    # What refills while the burst is under way; two more, because an edge counts in ticks.
    refilled = math.ceil(route.rate * burst.seconds) + 2
    assert at_once <= burst.admitted() <= min(requests - 1, at_once + refilled)


@pytest.mark.parametrize("name", ROUTE_NAMES)
async def test_a_full_bucket_is_full_for_its_route_only(client: Client, name: str) -> None:
    """Other routes are asked while this one refuses: a shared bucket would refuse them, too."""
    route = ROUTES[name]
    others = [paths(other)[0] for key, other in ROUTES.items() if key != name]
    full = [paths(route)[0]] * (route.burst + 1)

    burst = await client.burst([*full, *(full[:12] + others) * 5])

    refused = {answer.url.path for answer in burst.answers if answer.status_code == 429}
    assert refused == {full[0]}


async def test_a_full_bucket_is_full_for_its_client_only(client: Client) -> None:
    path = "/api/v1/users/me"
    async with client.edge.client() as other:
        assert client.source != other.source, "a second address is needed: EDGE_SOURCE"
        theirs, ours = await asyncio.gather(client.burst([path] * 100), other.burst([path] * 25))

    assert theirs.admitted() < 100
    assert ours.admitted() == 25


@pytest.mark.parametrize("path", ["/api/v1/users/me", "/api/v3/query", "/docs"])
async def test_preflights_are_not_counted(client: Client, path: str) -> None:
    async def preflights() -> list[httpx2.Response]:
        return [await client.http.options(path, headers=PREFLIGHT) for _ in range(40)]

    before = await preflights()
    assert (await client.http.get(path)).status_code == 200
    await client.refused(path)
    after = await preflights()

    for answer in (*before, *after):
        assert answer.status_code == (204 if "preflight_204" in client.edge.can else 200)
    check_headers(client.edge, after[-1])


@pytest.mark.parametrize("name", ROUTE_NAMES)
async def test_a_body_is_bounded(client: Client, name: str) -> None:
    route = ROUTES[name]
    path = paths(route)[0]

    fits = await client.http.post(path, content=bytes(route.body_limit))
    assert fits.status_code == (404 if path == "/" else 200)
    assert path == "/" or fits.json()["bytes"] == route.body_limit

    try:
        exceeds = await client.http.post(path, content=bytes(route.body_limit + 1))
    except httpx2.NetworkError:
        if "refused_while_sending" in client.edge.can:
            raise
        return
    check_own_error(client.edge, exceeds, 413, "PAYLOAD_TOO_LARGE")
