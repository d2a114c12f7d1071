"""The index, its files, the 404, and what is on which port."""

import re
from html.parser import HTMLParser

import pytest
from tests.unit.portal.conftest import SERVICES, Ports, Services, portal_of, settings_for

pytestmark = pytest.mark.asyncio(loop_scope="module")


class Page(HTMLParser):
    """The links, the states and the scripts of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.files: list[str] = []
        self.states: dict[str, str] = {}
        self.inline: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.inline += [name for name in given if name == "style" or name.startswith("on")]
        if tag == "a":
            self.links.append(given["href"])
        if tag in {"script", "img"}:
            self.files.append(given.get("src", ""))
        if tag == "link":
            self.files.append(given["href"])
        if "data-service" in given:
            self.states[given["data-service"]] = given["data-state"]


async def test_the_index_shows_every_service_with_its_state_and_links(
    services: Services, portal: Ports
) -> None:
    services["search"].says("degraded")
    services["budget"].says("unhealthy", 503)

    answer = await portal.pages.get("/docs")

    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    page = Page(answer.text)
    assert page.states == {
        "user": "healthy",
        "search": "degraded",
        "metric": "healthy",
        "budget": "unhealthy",
        "conversation": "healthy",
    }
    for word in ("En service", "Dégradé", "Indisponible", 'lang="fr"'):
        assert word in answer.text
    assert "<title>Indisponible\u00a0: Profil budgétaire" in answer.text
    for name in SERVICES:
        for path in ("docs", "redoc", "openapi.json"):
            assert f"/{name}_service/{path}" in page.links


async def test_the_index_has_no_inline_script_or_style_and_no_file_of_others(
    services: Services, portal: Ports
) -> None:
    text = (await portal.pages.get("/docs")).text
    page = Page(text)

    assert page.inline == []
    assert not re.search(r"<script[^>]*>[^<]", text)
    assert "<style" not in text
    assert page.files
    for file in page.files:
        assert file.startswith("/docs/assets/")
        assert (await portal.pages.get(file)).status_code == 200


async def test_closed_service_docs_are_not_linked(services: Services) -> None:
    async with portal_of(settings_for(services, service_docs=False)) as portal:
        page = Page((await portal.pages.get("/docs")).text)

    assert set(page.states) == set(SERVICES)
    assert not [link for link in page.links if "_service/" in link]


@pytest.mark.parametrize(
    ("file", "media_type"),
    [
        ("portal.js", "text/javascript"),
        ("portal.css", "text/css"),
        ("harena.svg", "image/svg+xml"),
        ("swagger.js", "text/javascript"),
        ("swagger-ui-bundle.js", "text/javascript"),
        ("swagger-ui.css", "text/css"),
        ("redoc.standalone.js", "text/javascript"),
    ],
)
async def test_the_files_of_all_docs_pages_are_here(
    services: Services, portal: Ports, file: str, media_type: str
) -> None:
    answer = await portal.pages.get(f"/docs/assets/{file}")

    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith(media_type)
    cached = {"If-None-Match": answer.headers["etag"]}
    assert (await portal.pages.get(f"/docs/assets/{file}", headers=cached)).status_code == 304


async def test_browsers_that_ask_on_their_own_find_an_icon(portal: Ports) -> None:
    answer = await portal.pages.get("/favicon.ico")

    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/svg+xml")


@pytest.mark.parametrize("path", ["/docs", "/docs/", "/docs/status.json", "/health"])
async def test_head_is_answered_too(portal: Ports, path: str) -> None:
    answer = await portal.pages.head(path)

    assert (answer.status_code, answer.content) == (200, b"")


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/nowhere",
        "/api/v1/other",
        "/livez",
        "/readyz",
        "/metrics",
        "/redoc",
        "/openapi.json",
        "/health/",
        "/docs/nowhere",
        "/user_service/docs",
    ],
)
async def test_whatever_else_the_edge_sends_is_a_json_404(portal: Ports, path: str) -> None:
    for method in ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"):
        answer = await portal.pages.request(method, path, headers={"X-Request-ID": "mine"})

        assert answer.status_code == 404
        assert answer.json() == {
            "detail": "Cette adresse n'existe pas.",
            "error_code": "NOT_FOUND",
            "request_id": "mine",
        }
        assert answer.headers["x-request-id"] == "mine"


@pytest.mark.parametrize("file", ["nowhere.js", "", "..%2fmain.py", "%2e%2e/main.py"])
async def test_no_file_beside_the_assets_is_served(portal: Ports, file: str) -> None:
    answer = await portal.pages.get("/", extensions={"target": f"/docs/assets/{file}".encode()})

    assert answer.status_code == 404
    assert answer.json()["error_code"] == "NOT_FOUND"


async def test_probes_and_metrics_are_on_the_internal_port(services: Services) -> None:
    services["user"].says("unhealthy", 503)
    async with portal_of(settings_for(services)) as portal:
        await portal.pages.get("/docs")
        await portal.pages.get("/nowhere/1")

        assert (await portal.internal.get("/livez")).status_code == 200
        # A portal without services still has its pages to serve.
        assert (await portal.internal.get("/readyz")).status_code == 200
        metrics = (await portal.internal.get("/metrics")).text

    asked = 'harena_http_requests_total{method="GET",route="%s",service="portal",status="%s"} 1.0'
    assert asked % ("/docs", 200) in metrics
    assert asked % ("(unmatched)", 404) in metrics


async def test_pages_are_not_on_the_internal_port(services: Services, portal: Ports) -> None:
    assert (await portal.internal.get("/docs")).status_code == 404
    assert (await portal.internal.get("/health")).json()["service"] == "portal"
