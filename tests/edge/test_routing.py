"""Which service gets what."""

import pytest
from tests.edge.client import Client, check_headers, check_not_found, received

from harena_edge import model

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
MATCHES = [
    match
    for route in model.load().enabled_routes.values()
    for match in route.matches()
    if match.path != "/"
]
INTERNAL = ("/metrics", "/livez", "/readyz")


@pytest.mark.parametrize("match", MATCHES, ids=lambda match: match.path)
async def test_a_path_reaches_its_service_as_it_was_asked_for(
    client: Client, match: model.Match
) -> None:
    below = [] if match.exact else [f"{match.path}/", f"{match.path}/a/b.c"]
    asked = [(method, match.path) for method in METHODS] + [("GET", path) for path in below]
    for method, path in asked:
        answer = await client.http.request(method, path)

        assert answer.status_code == 200
        echo = answer.json()
        assert (echo["service"], echo["method"], echo["path"]) == (match.service, method, path)
        check_headers(client.edge, answer)


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/nowhere",
        "/api",
        "/api/v1",
        "/api/v1/other",
        "/api/v2/query",
        "/api/v1/usersX",
        "/api/v1/usersX/me",
        "/API/V1/USERS",
        "/api/v3x",
        "/webhooksX",
        "/healthX",
        "/health/",
        "/docsX",
        "/user_service",
        "/user_service/docs/",
        "/user_service/docsX",
        "/user_service/openapi_json",
        "/user_service/api/v1/users",
        "/other_service/docs",
        "/portal_service/docs",
    ],
)
async def test_everything_else_is_a_json_404(client: Client, path: str) -> None:
    for method in METHODS:
        answer = await client.http.request(method, path)

        check_not_found(answer)
        check_headers(client.edge, answer)


@pytest.mark.parametrize("prefix", ["", "/user_service", "/metric_service", "/portal_service", "/"])
@pytest.mark.parametrize("path", INTERNAL)
async def test_internal_paths_are_closed(client: Client, prefix: str, path: str) -> None:
    for target in (prefix + path, f"{prefix}{path}/"):
        check_not_found(await client.raw(target))
        check_not_found(await client.raw(target, "POST"))


@pytest.mark.parametrize(
    "target",
    [
        "/%6detrics",
        "/api/v1/users/../../../metrics",
        "/api/v1/users/..%2f..%2f..%2fmetrics",
        "/api/v1/users/%2e%2e/%2e%2e/%2e%2e/metrics",
        "/docs/../metrics",
        "/user_service/docs/../../metrics",
        "/metrics/../api/v1/users",
    ],
)
async def test_no_detour_leads_to_an_internal_path(client: Client, target: str) -> None:
    answer = await client.raw(target)

    assert answer.status_code in {400, 404} or answer.json()["path"] not in INTERNAL


async def test_a_query_arrives_as_it_was_written(client: Client) -> None:
    answer = await client.raw("/api/v1/transactions?q=caf%C3%A9%20cr%26me&limit=2&limit=3")

    assert answer.json()["query"] == "q=caf%C3%A9%20cr%26me&limit=2&limit=3"


async def test_a_body_arrives_with_its_type_and_token(client: Client) -> None:
    headers = {"Content-Type": "application/json", "Authorization": "Bearer abc.def"}
    answer = await client.http.post("/api/v1/budget/goals", content=b"[1, 2]", headers=headers)

    assert answer.json()["bytes"] == 6
    assert received(answer, "content-type") == ["application/json"]
    assert received(answer, "authorization") == ["Bearer abc.def"]


async def test_a_large_answer_arrives_whole(client: Client) -> None:
    for path in ("/api/v1/transactions", "/api/v3/conversations"):
        answer = await client.http.get(f"{path}?size=3000000")

        assert answer.status_code == 200
        assert len(answer.json()["filler"]) == 3_000_000
        check_headers(client.edge, answer)


async def test_the_client_is_named_by_its_own_address_only(client: Client) -> None:
    spoofed = {
        "X-Forwarded-For": "6.6.6.6, 7.7.7.7",
        "X-Real-IP": "6.6.6.6",
        "X-Forwarded-Proto": "gopher",
    }
    answer = await client.http.get("/api/v1/users/me", headers=spoofed)

    for name in ("x-forwarded-for", "x-real-ip"):
        assert len(received(answer, name)) == 1
        assert not {"6.6.6.6", "7.7.7.7"} & set(
            received(answer, name)[0].replace(" ", "").split(",")
        )
    if client.source:
        assert received(answer, "x-forwarded-for") == [client.source]
    assert received(answer, "x-forwarded-proto") == [client.edge.url.split(":")[0]]
