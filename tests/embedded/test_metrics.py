"""What the six running services tell Prometheus: enough, bounded, and nothing of anybody.

In: `platform`, and two rounds of traffic as people and scanners make it, through the edge and past
it. Out: every page of figures, read whole.
"""

import re
from collections.abc import Iterator, Mapping
from uuid import uuid4

import httpx2
import pytest
from prometheus_client.parser import text_string_to_metric_families
from tests.embedded.conftest import Platform

from harena_demo.generator import DEMO_LOGINS
from harena_local.layout import SERVICES

pytestmark = pytest.mark.timeout(300)

TEXT_FORMAT = {"Accept": "text/plain;version=0.0.4"}

COMMON = {
    "harena_http_requests",
    "harena_http_request_duration_seconds",
    "harena_http_requests_in_flight",
    "harena_token_checks",
    "process_cpu_seconds",
    "process_open_fds",
    "process_resident_memory_bytes",
    "process_start_time_seconds",
    "python_gc_collections",
}
WITH_STORES = {"harena_cache_requests", "harena_database_pool_idle", "harena_database_pool_used"}

# Every label that a series may have, and what it may say. Not the digits of an id, an address, a
# person's path; a template has braces where those would be.
LABELS = {
    "service": "user|search|metric|budget|conversation|portal",
    "method": "GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS|other",
    "route": r"\(unmatched\)|/(?:[a-z_-]+|\{[a-z_]+\}|api|v1|v3|openapi\.json|/)*",
    "status": "[1-5]([0-9]{2}|xx)",
    "outcome": "[a-z_]+",
    "le": r"[0-9.]+|\+Inf",
    "code": "[0-9]{4}|other|refused",
    "dependency": "database|redis|elasticsearch",
    "required": "true|false",
    "generation": "[0-2]",
    "implementation": "CPython",
    "major": "3",
    "minor": "[0-9]+",
    "patchlevel": "[0-9]+",
    "version": r"3\.[0-9.]+",
}

# Short numbers, as ids are; LABELS alone bounds them.
NUMBERS = {"status", "le", "code", "generation", "major", "minor", "patchlevel"}

Series = tuple[str, frozenset[tuple[str, str]]]


def read(platform: Platform, path: str) -> Mapping[str, tuple[set[str], set[Series], str]]:
    """Families, series and the whole text of each service's page."""
    found = {}
    for service in SERVICES:
        port = platform.layout.state.port(service.internal_port or service.port)
        answer = httpx2.get(f"http://127.0.0.1:{port}{path}", headers=TEXT_FORMAT, trust_env=False)
        assert answer.status_code == 200
        families = list(text_string_to_metric_families(answer.text))
        series = {
            (sample.name, frozenset(sample.labels.items()))
            for family in families
            for sample in family.samples
        }
        found[service.name] = ({family.name for family in families}, series, answer.text)
    return found


def people(platform: Platform) -> Iterator[str]:
    """Every documented user logs in, looks around and leaves; what no figure may repeat."""
    for login in DEMO_LOGINS:
        with httpx2.Client(base_url=platform.edge, timeout=20, trust_env=False) as client:
            answer = client.post(
                "/api/v1/users/auth/login",
                data={"username": login.email, "password": login.password},
            )
            answer.raise_for_status()
            token = answer.json()["access_token"]
            client.headers["Authorization"] = f"Bearer {token}"
            yield from (login.email, login.password, token)
            yield client.get("/api/v1/users/me").raise_for_status().json()["email"]
            accounts = client.get("/api/v1/accounts").raise_for_status().json()
            rows = client.get("/api/v1/transactions", params={"limit": 3}).raise_for_status().json()
            for row in (*_items(accounts), *_items(rows)):
                yield str(row["id"])
            for row in _items(rows):
                client.get(f"/api/v1/transactions/{row['id']}").raise_for_status()
            for figure in ("expenses/mom", "income/yoy", "coverage"):
                client.get(f"/api/v1/metrics/{figure}").raise_for_status()
            client.post("/api/v1/users/auth/logout").raise_for_status()


def scanners(platform: Platform) -> Iterator[str]:
    """What nobody of ours sends, each time in other words; those words."""
    internal = [
        f"http://127.0.0.1:{platform.layout.state.port(service.internal_port or service.port)}"
        for service in SERVICES
    ]
    addresses = [platform.edge, *(platform.address(each.name) for each in SERVICES), *internal]
    with httpx2.Client(timeout=10, trust_env=False) as client:
        for base in addresses:
            word = uuid4().hex
            yield word
            address = f"{word}@example.com"
            for path in (
                f"/{word}",
                f"/api/v1/users/{address}",
                f"/api/v1/transactions/{word}",
                f"/api/v1/metrics/{word}?token={word}",
                f"/api/v3/{word}",
                f"/docs/{word}.js",
                f"/{word}_service/docs",
                "/.env",
            ):
                client.get(base + path, headers={"Authorization": f"Bearer {word}"})
                client.post(base + path, content=word, headers={"X-Request-ID": word})
            for method in ("PROPFIND", "PURGE", "M-SEARCH", "TRACE", "OPTIONS", word.upper()):
                client.request(method, f"{base}/api/v1/users/me")
                client.request(method, f"{base}/{word}")
        login = f"{platform.address('user')}/api/v1/users/auth/login"
        client.post(login, data={"username": address, "password": word})


def _items(answer: object) -> list[dict[str, object]]:
    """The rows of a list or of a page of one."""
    rows = next(iter(answer.values())) if isinstance(answer, dict) else answer
    assert isinstance(rows, list)
    return rows


@pytest.fixture(scope="module")
def secrets(platform: Platform) -> set[str]:
    """What was sent or shown in the first round."""
    if not platform.healthy():
        platform.run("up")
    return {*people(platform), *scanners(platform)}


class TestFigures:
    def test_every_service_exports_the_common_families(
        self, platform: Platform, secrets: set[str]
    ) -> None:
        for service in SERVICES:
            families, _, _ = read(platform, "/metrics")[service.name]
            wanted = COMMON | (WITH_STORES if service.has_database else set())
            assert wanted - families == set(), service.name
            assert {name for name in families if name.endswith("_created")} == set(), service.name

    def test_every_service_tells_its_health(self, platform: Platform) -> None:
        for name, (_, series, text) in read(platform, "/health").items():
            assert ("harena_health", frozenset({("service", name)})) in series
            assert f'harena_health{{service="{name}"}} 1.0' in text
            dependencies = {
                dict(labels)["dependency"]
                for metric, labels in series
                if metric == "harena_dependency_up"
            }
            assert dependencies == (set() if name == "portal" else {"database", "redis"})

    @pytest.mark.parametrize("path", ["/metrics", "/health"])
    def test_no_label_says_more_than_it_may(
        self, platform: Platform, secrets: set[str], path: str
    ) -> None:
        for name, (_, series, _) in read(platform, path).items():
            labels = {label for _, labels in series for label in labels}
            wrong = [
                (label, value)
                for label, value in labels
                if label not in LABELS or not re.fullmatch(LABELS[label], value)
            ]
            assert wrong == [], name

    def test_nothing_that_was_sent_or_shown_is_in_them(
        self, platform: Platform, secrets: set[str]
    ) -> None:
        values = {
            value
            for _, series, _ in read(platform, "/metrics").values()
            for _, labels in series
            for label, value in labels
            if label not in NUMBERS
        }
        assert len(secrets) > 50
        assert [(value, sent) for value in values for sent in secrets if _tells(value, sent)] == []

    def test_more_of_the_same_makes_no_series(self, platform: Platform, secrets: set[str]) -> None:
        read(platform, "/metrics")
        before = {name: series for name, (_, series, _) in read(platform, "/metrics").items()}
        list(people(platform))
        list(scanners(platform))
        after = {name: series for name, (_, series, _) in read(platform, "/metrics").items()}
        assert {name: after[name] - before[name] for name in after} == dict.fromkeys(after, set())
        assert sum(len(series) for series in after.values()) < 6 * 1500


def _tells(value: str, sent: str) -> bool:
    """A number is told by being the value; words by being anywhere in it."""
    return value == sent if sent.isdigit() else sent.lower() in value.lower()
