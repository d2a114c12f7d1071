"""What people see is the same as on the embedded platform."""

from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
import yaml
from tests.cluster.cluster import HERE, ROOT, Harena, log_in
from tests.embedded import bru
from tests.embedded.conftest import Platform, free_offset

from harena_demo.generator import DEMO_LOGINS

TODAY = yaml.safe_load((HERE / "values.yaml").read_text())["serviceDefaults"]["env"]["TODAY"]
MOMENTS = {"timestamp", "mise_a_jour", "created_at", "updated_at", "request_id"}
# What the documented requests ask of the platform, and more of the same.
PATHS = sorted(
    {
        request.blocks["get"]["url"].removeprefix("{{base}}")
        for request in bru.collection(ROOT / "docs/requests")
        if request.blocks.get("get", {}).get("url", "").startswith("{{base}}/api/")
    }
    | {
        f"/api/v1/metrics/{kind}/{over}?month={month}&year=2026"
        for kind in ("expenses", "income")
        for over in ("mom", "yoy")
        for month in (1, 5, 9, 10)
    }
    | {"/api/v1/transactions?limit=500", "/api/v1/users/me"}
)


@pytest.fixture(scope="module")
def embedded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """The embedded platform, on the same day with the same households."""
    platform = Platform(tmp_path_factory.mktemp("harena") / "state", free_offset())
    try:
        platform.run("up", TODAY=TODAY)
        yield platform
    finally:
        platform.run("down")


def timeless(value: Any) -> Any:
    """Without the moments of answering and of loading; a fixed day does not fix them."""
    if isinstance(value, dict):
        return {key: timeless(part) for key, part in value.items() if key not in MOMENTS}
    return [timeless(part) for part in value] if isinstance(value, list) else value


def answers(client: httpx2.Client) -> dict[str, tuple[int, object]]:
    """What each path answers; fewer of a route than fill its bucket."""
    found: dict[str, tuple[int, object]] = {}
    for path in PATHS:
        answer = client.get(path)
        assert answer.headers["content-type"] == "application/json", answer.text
        found[path] = (answer.status_code, timeless(answer.json()))
    return found


@pytest.mark.parametrize("number", range(len(DEMO_LOGINS)))
def test_every_figure_is_that_of_the_embedded_platform(
    harena: Harena, embedded: Platform, number: int
) -> None:
    user = DEMO_LOGINS[number]
    with (
        harena.login(user.email, f"10.46.1.{number}") as there,
        httpx2.Client(base_url=embedded.edge, trust_env=False, timeout=20) as client,
    ):
        log_in(client, user.email, user.password)
        found, expected = answers(there), answers(client)

    assert found == expected
    assert sum(status == 200 for status, _ in found.values()) > len(PATHS) / 2
