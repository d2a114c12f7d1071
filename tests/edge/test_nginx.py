"""What a deployment can change, and what only the local nginx is asked."""

import asyncio
import json
import socket
from pathlib import Path

import pytest
from tests.edge.client import (
    ORIGIN,
    check_headers,
    check_not_found,
    check_own_error,
    received,
    values,
)
from tests.edge.conftest import EdgeStarter
from tests.edge.local import echo_services

from harena_core.testing import free_port


async def test_service_docs_can_be_closed(edge_with: EdgeStarter) -> None:
    edge = edge_with({"routes": {"service-docs": {"enabled": False}}})
    async with edge.client() as client:
        for page in ("docs", "redoc", "openapi.json"):
            check_not_found(await client.http.get(f"/user_service/{page}"))
        assert (await client.http.get("/docs")).status_code == 200


async def test_a_trusted_proxy_names_client_and_scheme(edge_with: EdgeStarter) -> None:
    edge = edge_with({"trusted_proxies": ["127.1.0.0/16", "10.0.0.0/8"]})
    forwarded = {"X-Forwarded-For": "6.6.6.6, 203.0.113.7, 10.1.2.3", "X-Forwarded-Proto": "https"}
    async with edge.client() as client:
        answer = await client.http.get("/api/v1/users/me", headers=forwarded)

        assert received(answer, "x-forwarded-for") == ["203.0.113.7"]
        assert received(answer, "x-real-ip") == ["203.0.113.7"]
        assert received(answer, "x-forwarded-proto") == ["https"]
        transport_security = edge.model.strict_transport_security
        assert values(answer, "Strict-Transport-Security") == [transport_security]

        await client.http.get("/health", headers=forwarded)
        # A bucket is the client's, not the proxy's.
        answers = await asyncio.gather(
            *(
                client.http.get("/health", headers={"X-Forwarded-For": f"203.0.113.{number}"})
                for number in range(100)
            )
        )
        assert {answer.status_code for answer in answers} == {200}


async def test_a_header_of_nobody_trusted_changes_nothing(edge_with: EdgeStarter) -> None:
    edge = edge_with({"trusted_proxies": ["10.0.0.0/8"]})
    forwarded = {"X-Forwarded-For": "6.6.6.6", "X-Forwarded-Proto": "https"}
    async with edge.client() as client:
        answer = await client.http.get("/api/v1/users/me", headers=forwarded)

        assert received(answer, "x-forwarded-for") == [client.source]
        assert received(answer, "x-forwarded-proto") == ["http"]
        check_headers(edge, answer)


async def test_a_service_is_back_as_soon_as_it_listens(edge_with: EdgeStarter) -> None:
    port = free_port()
    edge = edge_with({}, budget=f"127.0.0.1:{port}")
    async with edge.client() as client:
        for _ in range(5):
            answer = await client.http.get("/api/v1/budget/profile", headers=ORIGIN)
            check_own_error(edge, answer, 502, "BAD_GATEWAY")
            assert values(answer, "Retry-After") == ["2"]

        with echo_services({"budget": port}):
            assert (await client.http.get("/api/v1/budget/profile")).status_code == 200


@pytest.mark.parametrize(
    ("request_text", "status", "code"),
    [
        ("GET / HTTP/1.1\r\n\r\n", 400, "BAD_REQUEST"),  # no Host
        ("NONSENSE\r\n\r\n", 400, "BAD_REQUEST"),
        (f"GET / HTTP/1.1\r\nHost: a\r\nX: {'x' * 40_000}\r\n\r\n", 400, "BAD_REQUEST"),
        (f"GET /{'x' * 40_000} HTTP/1.1\r\nHost: a\r\n\r\n", 414, "URI_TOO_LONG"),
        ("TRACE / HTTP/1.1\r\nHost: a\r\n\r\n", 405, "METHOD_NOT_ALLOWED"),
    ],
    ids=["no-host", "nonsense", "large-header", "long-uri", "trace"],
)
async def test_what_nginx_refuses_is_json_too(
    edge_with: EdgeStarter, request_text: str, status: int, code: str
) -> None:
    edge = edge_with({})
    host, port = edge.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(request_text.encode())
    writer.write_eof()
    head, _, body = (await reader.read()).decode().partition("\r\n\r\n")
    writer.close()
    await writer.wait_closed()

    status_line, *headers = head.split("\r\n")
    assert status_line.split()[1] == str(status)
    assert json.loads(body)["error_code"] == code
    names = [header.split(":")[0].lower() for header in headers]
    for name in (*edge.model.security_headers, "Access-Control-Allow-Origin", "X-Request-ID"):
        assert names.count(name.lower()) == 1


async def test_the_log_says_who_asked_what_but_no_query(
    edge_with: EdgeStarter, tmp_path: Path
) -> None:
    edge = edge_with({}, budget=f"127.0.0.1:{free_port()}")
    async with edge.client() as client:
        headers = {"X-Request-ID": "seen"}
        await client.http.get("/api/v1/search/suggest?q=salaire", headers=headers)
        await client.http.post("/api/v1/budget/goals?q=salaire", headers=headers)

    text = (tmp_path / "access.log").read_text()
    first, second = map(json.loads, text.splitlines())
    assert (first["request_id"], first["client"]) == ("seen", client.source)
    assert (first["method"], first["path"], first["status"]) == (
        "GET",
        "/api/v1/search/suggest",
        200,
    )
    assert (second["method"], second["path"], second["status"]) == (
        "POST",
        "/api/v1/budget/goals",
        502,
    )
    assert "salaire" not in text + (tmp_path / "nginx.log").read_text()


def test_nothing_but_the_address_is_listened_on(edge_with: EdgeStarter) -> None:
    host, port = edge_with({}).url.removeprefix("http://").split(":")
    assert host == "127.0.0.1"
    with socket.socket() as other, pytest.raises(ConnectionRefusedError):
        other.connect(("127.0.0.2", int(port)))
