"""What happens to pods, releases and the whole installation, while people use it."""

import asyncio
from dataclasses import replace
from functools import partial

import pytest
from tests.cluster.cluster import INGRESS_NAMESPACE, Harena, eventually, image
from tests.cluster.traffic import traffic

from harena_db import migrate
from harena_demo.generator import DEMO_LOGINS

EMAIL = DEMO_LOGINS[0].email
COMPONENTS = (
    *("user", "search", "metric", "budget", "conversation", "portal"),
    *("postgres", "redis"),
)
MONITORS = ("prometheus", "alertmanager", "postgres-exporter", "redis-exporter")
FIGURES = "/api/v1/metrics/expenses/mom"
# Answered by the service itself: 401 without a token, and none from the edge.
COVERAGE = "/api/v1/metrics/coverage"
RESTARTED = ("user", "metric")
# Of the traffic: one address alone has one bucket, which what was held up a while would fill.
ADDRESSES = [f"10.46.5.{number}" for number in range(101, 109)]
UNDO_NEXT = (
    "DROP TABLE IF EXISTS next_things",
    "ALTER TABLE accounts DROP COLUMN IF EXISTS next_rank",
    "ALTER TABLE transactions DROP COLUMN IF EXISTS next_note",
    f"UPDATE alembic_version SET version_num = '{migrate.head()}'",  # noqa: S608 -- ours
)


def figures(harena: Harena, source: str) -> object:
    """What a user sees, logged in anew."""
    with harena.login(EMAIL, source) as client:
        answer = client.get(FIGURES)
        assert answer.status_code == 200, answer.text
        return answer.json()["data"]


def kill(harena: Harena, component: str) -> None:
    [pod] = harena.pods(component)
    # Not --force: its name would be free while it still runs, and two servers share a volume.
    harena.kubectl("delete", "pod", pod["metadata"]["name"], "--grace-period=1")


@pytest.mark.parametrize("component", COMPONENTS)
def test_a_killed_pod_comes_back_with_everything(harena: Harena, component: str) -> None:
    source = f"10.46.4.{COMPONENTS.index(component)}"
    before = figures(harena, source)
    kill(harena, component)

    assert eventually(lambda: harena.ready(component)), harena.trouble()
    assert eventually(harena.serves)
    assert figures(harena, source) == before


def test_the_monitors_come_back(harena: Harena) -> None:
    for component in MONITORS:
        kill(harena, component)
    for component in MONITORS:
        assert eventually(partial(harena.ready, component)), harena.trouble()


def test_the_edge_comes_back(harena: Harena) -> None:
    edge = replace(harena, namespace=INGRESS_NAMESPACE, name="ingress-nginx")
    before = figures(harena, "10.46.4.30")
    kill(edge, "controller")

    assert eventually(lambda: edge.ready("controller")), edge.trouble()
    assert eventually(harena.serves)
    assert figures(harena, "10.46.4.30") == before


async def test_the_old_version_serves_on_the_schema_of_the_next(harena: Harena) -> None:
    """It goes on meanwhile, and starts anew on it; what it answers is the same."""
    before = figures(harena, "10.46.5.1")

    def migrate_and_restart() -> None:
        harena.install(f"migrate.image={image('db-next')}")
        assert eventually(
            lambda: harena.sql("SELECT version_num FROM alembic_version") == "9998"
        ), harena.trouble()
        harena.kubectl("rollout", "restart", *(f"deployment/harena-{name}" for name in RESTARTED))
        for name in RESTARTED:
            harena.kubectl(
                "rollout", "status", f"deployment/harena-{name}", "--timeout=120s", seconds=150
            )
            assert eventually(partial(harena.ready, name)), harena.trouble()

    try:
        async with traffic(COVERAGE, ADDRESSES, rate=20) as answers:
            await asyncio.to_thread(migrate_and_restart)
        assert answers.failed(401) == {}
        assert figures(harena, "10.46.5.3") == before
    finally:
        for statement in UNDO_NEXT:
            harena.sql(statement)
        harena.install()


async def test_a_failing_migration_leaves_the_old_version_serving(harena: Harena) -> None:
    before = figures(harena, "10.46.5.4")

    def upgrade() -> int:
        return harena.upgrade(
            f"services.metric.image={image('metric-broken')}",
            f"migrate.image={image('db-broken')}",
            "migrate.deadlineSeconds=60",
            seconds=40,
        ).returncode

    def said_why() -> bool:
        ended = harena.cluster.items(
            *("pods", f"--namespace={harena.namespace}", "--field-selector=status.phase=Failed"),
            "--selector=app.kubernetes.io/component=migrate",
        )
        names = [pod["metadata"]["name"] for pod in ended]
        return any("division by zero" in harena.kubectl("logs", name) for name in names)

    try:
        async with traffic(COVERAGE, ADDRESSES, rate=20) as answers:
            assert await asyncio.to_thread(upgrade) != 0
        assert answers.failed(401) == {}
        assert figures(harena, "10.46.5.6") == before
        made = "SELECT count(*) FROM pg_tables WHERE tablename = 'half_done'"
        assert harena.sql(made) == "0"
        assert eventually(said_why)
    finally:
        harena.install()
    assert figures(harena, "10.46.5.7") == before


def test_an_uninstall_keeps_data_and_passwords(harena: Harena) -> None:
    before = figures(harena, "10.46.5.8")
    harena.uninstall()
    try:
        assert eventually(lambda: not harena.pods())
        with harena.client("10.46.5.9") as client:
            assert eventually(lambda: client.get("/health").status_code == 404, 20)
    finally:
        harena.install("demo.enabled=false")
    assert eventually(harena.serves)
    assert figures(harena, "10.46.5.10") == before
