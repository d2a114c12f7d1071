"""What the tests of monitoring ask of rendered objects."""

import re
from typing import Any

import yaml
from tests.chart.conftest import Values
from tests.chart.objects import Objects

SERVICES = {"user", "search", "metric", "budget", "conversation", "portal"}
MONITORS = {"prometheus", "alertmanager", "grafana", "postgres-exporter", "redis-exporter"}
JOBS = {
    *("harena", "harena-health", "postgres", "redis", "ingress", "kubelet", "cadvisor"),
    *("edge", "prometheus", "alertmanager", "grafana"),
}
# What Debian's 2.42 and the image's 3 both take.
FLAGS = {
    *("config.file", "storage.tsdb.path", "storage.tsdb.retention.time"),
    *("storage.tsdb.retention.size", "query.max-samples", "query.max-concurrency"),
    *("query.timeout", "web.external-url"),
}


def monitoring(**values: Any) -> Values:
    return {"monitoring": values}


def configuration(objects: Objects) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(
        objects["ConfigMap", "rel-prometheus"]["data"]["prometheus.yml"]
    )
    return found


def expected(objects: Objects) -> set[str]:
    """The services that an alert misses when they are gone."""
    [group] = yaml.safe_load(objects["ConfigMap", "rel-prometheus-rules"]["data"]["services.yaml"])[
        "groups"
    ]
    [rule] = group["rules"]
    assert rule["record"] == "service:expected:info"
    return set(re.findall(r'"service", "(\w+)"', rule["expr"]))


def jobs(objects: Objects) -> dict[str, dict[str, Any]]:
    return {job["job_name"]: job for job in configuration(objects)["scrape_configs"]}


def target(objects: Objects, name: str) -> str:
    [static] = jobs(objects)[name]["static_configs"]
    [found] = static["targets"]
    return str(found)


def alerting(objects: Objects) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(
        objects["Secret", "rel-alertmanager"]["stringData"]["alertmanager.yml"]
    )
    return found


def components(objects: Objects) -> set[str]:
    return {pod.component for pod in objects.pods()}
