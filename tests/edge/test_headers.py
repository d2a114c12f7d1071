"""CORS and security headers, request ids, and the edge's own errors."""

import pytest
from tests.edge.client import (
    ORIGIN,
    PREFLIGHT,
    Client,
    check_headers,
    check_own_error,
    received,
    values,
)

PATHS = ("/api/v1/users/me", "/api/v3/query", "/docs", "/health", "/user_service/docs", "/nowhere")


@pytest.mark.parametrize("headers", [{}, ORIGIN], ids=["without-origin", "with-origin"])
@pytest.mark.parametrize("status", [200, 201, 400, 401, 403, 404, 413, 422, 429, 500, 502, 503])
async def test_an_answer_of_a_service_passes_with_the_edges_headers(
    client: Client, status: int, headers: dict[str, str]
) -> None:
    for path in ("/api/v1/metrics/coverage", "/api/v3/query"):
        answer = await client.http.get(f"{path}?status={status}&retry_after=7", headers=headers)

        assert answer.status_code == status
        assert answer.json()["path"] == path
        assert values(answer, "Retry-After") == ["7"]
        check_headers(client.edge, answer)


@pytest.mark.parametrize("path", ["/api/v1/users", "/api/v3/x", "/docs", "/user_service/docs"])
async def test_no_header_comes_twice_where_a_service_sends_its_own(
    client: Client, path: str
) -> None:
    answer = await client.http.get(f"{path}?own=1", headers=ORIGIN)

    check_headers(client.edge, answer)
    passed = [] if "credentials_cleared" in client.edge.can else ["true"]
    assert values(answer, "Access-Control-Allow-Credentials") == passed


@pytest.mark.parametrize("path", PATHS)
async def test_a_preflight_is_answered_by_the_edge(client: Client, path: str) -> None:
    answer = await client.http.options(path, headers=PREFLIGHT)

    assert answer.status_code == (204 if "preflight_204" in client.edge.can else 200)
    assert answer.content == b""
    check_headers(client.edge, answer)


@pytest.mark.parametrize("path", PATHS)
async def test_options_without_an_origin_too(client: Client, path: str) -> None:
    answer = await client.http.options(path)

    if "options_204" in client.edge.can:
        assert (answer.status_code, answer.content) == (204, b"")
        check_headers(client.edge, answer)
    else:
        assert values(answer, "X-Echo-Service") == [client.edge.model.route_of(path)[1].service]


@pytest.mark.parametrize("path", ["/api/v1/users/me", "/api/v3/query", "/docs", "/nowhere"])
async def test_a_refusal_is_429_and_says_when_to_come_back(client: Client, path: str) -> None:
    answer = await client.refused(path)

    check_own_error(client.edge, answer, 429, "TOO_MANY_REQUESTS")
    assert values(answer, "Retry-After") == (["1"] if "retry_after" in client.edge.can else [])


@pytest.mark.parametrize("path", ["/api/v1/users/me", "/api/v3/query"])
async def test_a_service_that_hangs_up_is_502(client: Client, path: str) -> None:
    answer = await client.http.get(f"{path}?abort=1")

    check_own_error(client.edge, answer, 502, "BAD_GATEWAY")


@pytest.mark.parametrize("given", ["a", "01K.trace_7-b", "x" * 64])
async def test_a_safe_request_id_is_kept(client: Client, given: str) -> None:
    answer = await client.http.get("/api/v1/users/me", headers={"X-Request-ID": given})

    assert received(answer, "x-request-id") == [given]
    assert values(answer, "X-Request-ID") == [given]


@pytest.mark.parametrize("given", ["", "x" * 65, "a b", "a,b", '"}', "é", "$host", "a\tb"])
async def test_an_unsafe_request_id_is_replaced(client: Client, given: str) -> None:
    answer = await client.http.get("/api/v1/users/me", headers={b"X-Request-ID": given.encode()})

    (returned,) = values(answer, "X-Request-ID")
    assert returned != given
    assert returned.isalnum()
    if "request_id_checked" in client.edge.can:
        assert received(answer, "x-request-id") == [returned]
    elif given:
        assert received(answer, "x-request-id") != [returned]


async def test_two_request_ids_are_none(client: Client) -> None:
    headers = [("X-Request-ID", "one"), ("X-Request-ID", "two")]
    answer = await client.http.get("/api/v1/users/me", headers=headers)

    if "request_id_checked" in client.edge.can:
        assert received(answer, "x-request-id") == values(answer, "X-Request-ID")
        assert values(answer, "X-Request-ID") not in (["one"], ["two"])


async def test_a_request_without_an_id_gets_one(client: Client) -> None:
    answers = [await client.http.get("/api/v1/users/me") for _ in range(2)]

    (first,), (second,) = (values(answer, "X-Request-ID") for answer in answers)
    assert first != second
    made = [first] if "request_id_made" in client.edge.can else []
    assert received(answers[0], "x-request-id") == made


async def test_an_error_of_the_edge_keeps_the_callers_request_id(client: Client) -> None:
    answer = await client.http.get("/api/v1/users?abort=1", headers={"X-Request-ID": "mine"})

    kept = ["mine"] if "request_id_on_errors" in client.edge.can else []
    assert values(answer, "X-Request-ID") == kept
