"""The configuration of nginx: what is in it, read by crossplane, and nginx's own word for it."""

import json
import re
from pathlib import Path
from typing import Any

import crossplane  # type: ignore[import-untyped]
import pytest

from harena_core.logging import accept_request_id
from harena_edge import model
from harena_edge.nginx import REQUEST_ID_PATTERN, render
from harena_local.nginx import Nginx

UPSTREAMS = {
    "user": "127.0.0.1:3000",
    "search": "127.0.0.1:3001",
    "metric": "127.0.0.1:3002",
    "budget": "127.0.0.1:3006",
    "conversation": "127.0.0.1:3008",
    "portal": "127.0.0.1:3010",
}
Directive = dict[str, Any]


def rendered(**overrides: Any) -> str:
    return render(model.load(overrides), listen="127.0.0.1:8080", upstreams=UPSTREAMS)


def http_block(text: str, folder: Path) -> list[Directive]:
    path = folder / "nginx.conf"
    path.write_text(text)
    parsed = crossplane.parse(str(path))
    assert parsed["status"] == "ok", parsed["errors"]
    (http,) = (d for d in parsed["config"][0]["parsed"] if d["directive"] == "http")
    block: list[Directive] = http["block"]
    return block


def find(block: list[Directive], name: str) -> list[Directive]:
    return [directive for directive in block if directive["directive"] == name]


def locations(http: list[Directive]) -> list[dict[str, list[str]]]:
    """What each proxying location says, by directive."""
    (server,) = find(http, "server")
    return [
        {directive["directive"]: directive["args"] for directive in location["block"]}
        for location in find(server["block"], "location")
        if find(location["block"], "proxy_pass")
    ]


def test_every_row_is_one_bucket_with_its_limits(tmp_path: Path) -> None:
    routing = model.load()
    http = http_block(rendered(), tmp_path)

    zones = [zone["args"] for zone in find(http, "limit_req_zone")]
    assert zones == [
        ["$binary_remote_addr", f"zone={name.replace('-', '_')}:4m", f"rate={route.rate}r/s"]
        for name, route in routing.routes.items()
    ]
    counted = [zone["args"] for zone in find(http, "limit_conn_zone")]
    assert counted == [
        ["$binary_remote_addr", f"zone={name.replace('-', '_')}_connections:1m"]
        for name in routing.routes
    ]
    expected = [
        {
            "limit_conn": [f"{name.replace('-', '_')}_connections", str(route.connections)],
            "limit_req": [f"zone={name.replace('-', '_')}", f"burst={route.burst}", "nodelay"],
            "client_max_body_size": [str(route.body_limit)],
            "proxy_connect_timeout": [f"{route.timeouts.connect}s"],
            "proxy_send_timeout": [f"{route.timeouts.send}s"],
            "proxy_read_timeout": [f"{route.timeouts.read}s"],
            "proxy_next_upstream": ["off"],
            **({} if route.buffering else {"proxy_buffering": ["off"]}),
            **({"set": ["$upgrade", "$websocket_upgrade"]} if route.websocket else {}),
            "proxy_pass": [f"http://{service}"],
        }
        for name, route in routing.routes.items()
        for service in route.services
    ]
    assert locations(http) == expected


def test_every_service_has_its_address(tmp_path: Path) -> None:
    http = http_block(rendered(), tmp_path)

    found = {
        upstream["args"][0]: find(upstream["block"], "server")[0]["args"][0]
        for upstream in find(http, "upstream")
    }
    assert found == UPSTREAMS


def test_a_closed_route_leaves_nothing_behind() -> None:
    text = rendered(routes={"service-docs": {"enabled": False}})

    assert "_service/" not in text
    assert "service_docs" not in text


def test_nothing_is_trusted_by_default(tmp_path: Path) -> None:
    assert not find(http_block(rendered(), tmp_path), "set_real_ip_from")
    trusting = http_block(rendered(trusted_proxies=["10.0.0.0/8", "fd00::/8"]), tmp_path)
    found = [directive["args"] for directive in find(trusting, "set_real_ip_from")]
    assert found == [["10.0.0.0/8"], ["fd00::/8"]]


@pytest.mark.parametrize(
    "overrides",
    [
        {},
        {"cors": {"origins": ["https://app.test", "http://localhost:5173"]}},
        {"trusted_proxies": ["10.0.0.0/8", "fd00::/8"]},
        {"routes": {"service-docs": {"enabled": False}}},
        {"routes": {"user": {"try_once": False}}},
    ],
    ids=["default", "origins", "proxies", "closed-docs", "tries"],
)
def test_nginx_accepts_it(overrides: dict[str, Any], tmp_path: Path) -> None:
    Nginx(tmp_path, 8080).configure(rendered(**overrides))


def test_everything_written_stays_in_the_folder(tmp_path: Path) -> None:
    http = http_block(rendered(), tmp_path)

    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    paths = [path for kind in kinds for path in find(http, f"{kind}_temp_path")]
    files = [*paths, *find(http, "access_log")]
    assert len(files) == 6
    assert not [file for file in files if file["args"][0].startswith("/")]


def test_errors_are_worded_in_french_and_safe_in_json() -> None:
    lines = [line for line in rendered().splitlines() if "return 200" in line]
    body = lines[0].split("'")[1]

    assert json.loads(body).keys() == {"detail", "error_code", "request_id"}
    assert "Trop de requêtes. Réessayez dans une seconde." in rendered()


def test_request_ids_are_those_that_services_accept() -> None:
    for candidate in ("a", "a.b-c_D9", "x" * 64, "x" * 65, "", "a b", "é", "a\n"):
        safe = accept_request_id(candidate) == candidate
        assert bool(re.fullmatch(REQUEST_ID_PATTERN, candidate)) == safe


@pytest.mark.parametrize(
    ("listen", "upstreams"),
    [
        ("8080", UPSTREAMS),
        ("127.0.0.1:8080; deny all", UPSTREAMS),
        ("127.0.0.1:8080", UPSTREAMS | {"user": "http://127.0.0.1:3000"}),
        ("127.0.0.1:8080", UPSTREAMS | {"user": "127.0.0.1"}),
        ("127.0.0.1:8080", {name: UPSTREAMS[name] for name in UPSTREAMS if name != "portal"}),
    ],
)
def test_what_is_no_address_is_refused(listen: str, upstreams: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="address"):
        render(model.load(), listen=listen, upstreams=upstreams)
