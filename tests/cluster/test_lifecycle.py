"""What happens to pods, releases and the whole installation, while people use it."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from tests.cluster.cluster import Harena, eventually, image

from harena_demo.generator import DEMO_LOGINS

EMAIL = DEMO_LOGINS[0].email
COMPONENTS = (
    *("user", "search", "metric", "budget", "conversation", "portal"),
    *("postgres", "redis"),
)
FIGURES = "/api/v1/metrics/expenses/mom"


def figures(harena: Harena, source: str) -> object:
    """What a user sees, logged in anew."""
    with harena.login(EMAIL, source) as client:
        answer = client.get(FIGURES)
        assert answer.status_code == 200, answer.text
        return answer.json()["data"]


@contextmanager
def requests(harena: Harena, path: str, source: str) -> Iterator[list[int]]:
    """Asks for a path ten times a second meanwhile; the statuses of all answers."""
    statuses: list[int] = []
    over = threading.Event()

    def ask() -> None:
        with harena.client(source) as client:
            while not over.wait(0.1):
                statuses.append(client.get(path).status_code)

    thread = threading.Thread(target=ask)
    thread.start()
    try:
        yield statuses
    finally:
        over.set()
        thread.join(30)
    assert not thread.is_alive()


@pytest.mark.parametrize("component", COMPONENTS)
def test_a_killed_pod_comes_back_with_everything(harena: Harena, component: str) -> None:
    source = f"10.46.4.{COMPONENTS.index(component)}"
    before = figures(harena, source)
    [pod] = harena.pods(component)
    harena.kubectl("delete", "pod", pod["metadata"]["name"], "--grace-period=0", "--force")

    assert eventually(lambda: harena.ready(component)), harena.trouble()
    assert eventually(harena.serves)
    assert figures(harena, source) == before


def test_another_image_is_rolled_out_and_back_without_a_lost_request(harena: Harena) -> None:
    """A service alone changes, so the others' pods stay."""

    def metric() -> str:
        [pod] = harena.pods("metric")
        running: str = pod["spec"]["containers"][0]["image"]
        return running

    others = {pod["metadata"]["uid"] for pod in harena.pods() if "-metric-" not in name(pod)}
    with requests(harena, "/api/v1/metrics/coverage", "10.46.5.1") as statuses:
        harena.install(f"services.metric.image={image('metric-changed')}")
        assert eventually(lambda: harena.ready("metric"))
        assert metric() == image("metric-changed")

        harena.cluster.run(
            *("helm", "rollback", harena.name, f"--namespace={harena.namespace}"),
            *("--wait", "--timeout=180s"),
            seconds=240,
        )
        assert eventually(lambda: harena.ready("metric"))
        assert metric() == image("metric")

    assert others <= {pod["metadata"]["uid"] for pod in harena.pods()}
    assert len(statuses) > 20
    assert set(statuses) == {401}  # the service's own answer without a token; none from the edge


def name(pod: dict[str, dict[str, str]]) -> str:
    return pod["metadata"]["name"]


def test_a_failing_migration_leaves_the_old_version_serving(harena: Harena) -> None:
    before = figures(harena, "10.46.5.2")
    tables = "SELECT count(*) FROM pg_tables WHERE tablename = 'half_done'"
    password = harena.secret("database", "owner-password")
    try:
        with requests(harena, "/api/v1/metrics/coverage", "10.46.5.3") as statuses:
            failed = harena.upgrade(
                f"services.metric.image={image('metric-broken')}",
                f"migrate.image={image('db-broken')}",
                "migrate.deadlineSeconds=60",
                seconds=40,
            )
            assert failed.returncode != 0
        assert set(statuses) == {401}
        assert figures(harena, "10.46.5.4") == before
        done = harena.execute(
            "postgres",
            [
                *("env", f"PGPASSWORD={password}", "psql", "-h", "127.0.0.1", "-U", "harena"),
                *("-d", "harena", "-tAc", tables),
            ],
        )
        assert done.stdout.strip() == "0", done.stderr
    finally:
        harena.install()
    assert figures(harena, "10.46.5.5") == before


def test_an_uninstall_keeps_data_and_passwords(harena: Harena) -> None:
    before = figures(harena, "10.46.5.6")
    harena.uninstall()
    try:
        assert eventually(lambda: not harena.pods())
        with harena.client("10.46.5.7") as client:
            assert eventually(lambda: client.get("/health").status_code == 404, 20)
    finally:
        harena.install("demo.enabled=false")
    assert eventually(harena.serves)
    assert figures(harena, "10.46.5.8") == before
