"""Prometheus finds the whole platform and its node, and nobody finds Prometheus."""

import pytest
from tests.cluster.cluster import Harena, eventually
from tests.cluster.test_access import SERVICES, connect
from tests.monitoring.definitions import EXPORTERS

JOBS = {
    *("harena", "harena-health", "edge", "postgres", "redis", "ingress"),
    *("kubelet", "cadvisor", "prometheus", "alertmanager"),
}
MOST_SERIES = 15_000


def test_every_target_is_up(harena: Harena) -> None:
    def down() -> list[str]:
        targets = harena.prometheus("targets")["activeTargets"]
        if {target["labels"]["job"] for target in targets} != JOBS:
            return ["not all of them are known"]
        return [
            f"{target['scrapeUrl']}: {target['lastError']}"
            for target in targets
            if target["health"] != "up"
        ]

    assert eventually(lambda: not down()), down()


@pytest.mark.parametrize("job", ["harena", "harena-health"])
def test_every_service_is_found_by_its_labels(harena: Harena, job: str) -> None:
    def found() -> set[str]:
        return {one["metric"]["service"] for one in harena.series(f'up{{job="{job}"}} == 1')}

    assert eventually(lambda: found() == set(SERVICES)), found()


def test_containers_have_their_names(harena: Harena) -> None:
    selector = 'container_memory_working_set_bytes{namespace="harena",container!=""}'

    def names() -> set[str]:
        return {one["metric"]["container"] for one in harena.series(selector)}

    assert eventually(lambda: names() >= {*SERVICES, "postgres", "redis", "prometheus"}), names()


@pytest.mark.parametrize(
    "exporter",
    [
        name
        for name, exporter in EXPORTERS.items()
        if exporter["job"] in JOBS and "unseen" not in exporter and name != "traefik"
    ],
)
def test_every_metric_that_rules_and_dashboards_name_is_there(
    harena: Harena, exporter: str
) -> None:
    """Traefik's are looked for in test_traefik.py, where it is the edge."""
    assert eventually(lambda: not missing(harena, exporter)), missing(harena, exporter)


def missing(harena: Harena, exporter: str) -> set[str]:
    """What is named of an exporter, and Prometheus has not got from its job."""
    asked = EXPORTERS[exporter]
    names = "|".join(asked["metrics"])
    found = harena.series(f'group by (__name__) ({{job="{asked["job"]}",__name__=~"{names}"}})')
    return set(asked["metrics"]) - {series["metric"]["__name__"] for series in found}


def test_the_stores_let_their_exporters_in(harena: Harena) -> None:
    assert eventually(lambda: len(harena.series("pg_up == 1 or redis_up == 1")) == 2)


def test_the_series_fit_the_memory(harena: Harena) -> None:
    """Those of now: the head keeps for hours those of the pods that other tests have ended."""

    def now() -> int:
        return sum(int(one["value"][1]) for one in harena.series('count({__name__!=""})'))

    assert eventually(lambda: now() > 1_000)
    assert now() < MOST_SERIES


@pytest.mark.parametrize(
    ("component", "port"),
    [("prometheus", "9090"), ("alertmanager", "9093"), ("postgres-exporter", "9187")],
)
def test_no_service_reaches_monitoring(harena: Harena, component: str, port: str) -> None:
    assert connect(harena, "user", f"{harena.name}-{component}", port) == "TimeoutError"
