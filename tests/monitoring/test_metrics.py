"""An alert on a metric that nobody exports never fires, and nothing else would notice.

In: every service of ours, really running, and the list of what others export.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib import import_module
from pathlib import Path

import httpx2
from prometheus_client.parser import text_string_to_metric_families
from tests.monitoring.definitions import (
    ALERTS,
    DASHBOARDS,
    EXPORTERS,
    RECORDED,
    SYNTHETIC,
    dashboard,
    expressions,
    selections,
)

from harena_core.testing import TokenMint, running
from harena_db.testing import Database
from harena_local.valkey import Valkey
from harena_portal.main import Portal
from harena_portal.settings import PortalSettings

ELSEWHERE = {name for exporter in EXPORTERS.values() for name in exporter["metrics"]}
EXPRESSIONS = [
    *(rule["expr"] for rule in ALERTS.values()),
    *RECORDED.values(),
    *(expr for path in DASHBOARDS for expr in expressions(dashboard(path))),
]
SELECTED = {selection for expr in EXPRESSIONS for selection in selections(expr)}
NAMED = {name for name, _ in SELECTED} - set(RECORDED) - SYNTHETIC

_SUFFIXES = {"counter": ("_total",), "histogram": ("_bucket", "_sum", "_count")}


async def _names(client: httpx2.AsyncClient, path: str) -> set[str]:
    """The names of the series of a page, also of those that have no sample yet."""
    answer = await client.get(path, headers={"Accept": "text/plain;version=0.0.4"})
    assert answer.status_code == 200, path
    return {
        family.name + suffix
        for family in text_string_to_metric_families(answer.text)
        for suffix in _SUFFIXES.get(family.type, ("",))
    }


@asynccontextmanager
async def _served(
    name: str, database: Database, valkey: Valkey, folder: Path
) -> AsyncIterator[httpx2.AsyncClient]:
    """One of the five, as its process runs it."""
    mint = TokenMint(folder)
    kind = getattr(import_module(f"harena_{name}.settings"), f"{name.capitalize()}Settings")
    settings = kind(
        database_url=database.url(f"harena_{name}"),
        redis_url=valkey.url,
        key_set_file=mint.key_set_file,
        **({"signing_key": mint.private_pem} if name == "user" else {}),
        # Nobody listens there, and what is exported of it does not depend on that.
        **({"elasticsearch_url": "http://127.0.0.1:1"} if name == "search" else {}),
    )
    async with running(import_module(f"harena_{name}.main").create(settings), settings) as client:
        yield client


async def _exported(database: Database, valkey: Valkey, folder: Path) -> dict[str, set[str]]:
    """What each service exports: at /metrics, at /health, and the portal's for the public."""
    found = {}
    for name in ("user", "search", "metric", "budget", "conversation"):
        async with _served(name, database, valkey, folder) as client:
            found[name] = await _names(client, "/metrics") | await _names(client, "/health")
    # Every request on a port that is not the internal one is for the pages.
    settings = PortalSettings(internal_port=1)
    async with running(Portal(settings), settings) as client:
        found["portal"] = await _names(client, "/health")
    async with running(Portal(settings).operations, settings) as client:
        found["portal"] |= await _names(client, "/metrics") | await _names(client, "/health")
    return found


async def test_every_metric_of_ours_is_exported(
    database: Database, valkey: Valkey, tmp_path: Path
) -> None:
    exported = await _exported(database, valkey, tmp_path)

    assert NAMED - set().union(*exported.values()) - ELSEWHERE == set()
    for service, names in exported.items():
        asked = {name for name, of in SELECTED if of == service} & NAMED
        assert asked - names == set(), service


def test_the_list_of_others_names_nothing_that_is_not_used() -> None:
    assert ELSEWHERE - NAMED == set()


def test_every_recorded_series_is_used() -> None:
    assert set(RECORDED) - {name for name, _ in SELECTED} == set()


def test_every_recorded_name_says_what_it_is_grouped_by_and_what_was_done() -> None:
    assert {name for name in RECORDED if name.count(":") != 2} == set()
