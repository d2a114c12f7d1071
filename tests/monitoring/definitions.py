"""What monitoring/ defines, read as data: rules, their tests, dashboards, and their metrics."""

import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import promql_parser
import yaml

ROOT = Path(__file__).parents[2]
MONITORING = ROOT / "monitoring"
RULES = sorted(MONITORING.glob("rules/*.yaml"))
TESTS = sorted(MONITORING.glob("tests/*_test.yaml"))
DASHBOARDS = sorted(MONITORING.glob("grafana/dashboards/*.json"))
RUNBOOKS = ROOT / "docs" / "runbooks"

# What others export, by exporter.
EXPORTERS: dict[str, dict[str, Any]] = yaml.safe_load(
    Path(__file__).with_name("exporters.yaml").read_text()
)

# Made by Prometheus itself, about each scrape and each alert.
SYNTHETIC = {"up", "scrape_duration_seconds", "ALERTS"}


def _rules() -> Iterator[dict[str, Any]]:
    for path in RULES:
        for group in yaml.safe_load(path.read_text())["groups"]:
            yield from group["rules"]


ALERTS = {rule["alert"]: rule for rule in _rules() if "alert" in rule}
RECORDED = {rule["record"]: rule["expr"] for rule in _rules() if "record" in rule}


def of_job(job: str) -> list[dict[str, Any]]:
    """The exporters that a job of Prometheus asks."""
    return [exporter for exporter in EXPORTERS.values() if exporter["job"] == job]


def selections(expr: str) -> set[tuple[str, str]]:
    """The series that an expression selects: their name, and the service where it names one.

    Raises ValueError where it is no PromQL, or adds what cannot be added.
    """
    found: set[tuple[str, str]] = set()

    def visit(node: Any) -> None:
        if isinstance(node, promql_parser.MatrixSelector):
            node = node.vector_selector
        if isinstance(node, promql_parser.VectorSelector) and node.name:
            equal = {
                matcher.name: matcher.value
                for matcher in node.matchers.matchers
                if matcher.op == promql_parser.MatchOp.Equal
            }
            found.add((node.name, equal.get("service", "")))

    promql_parser.walk(promql_parser.parse(expr), visit)
    return found


def metrics_of(expr: str) -> set[str]:
    """The names of the series that an expression selects."""
    return {name for name, _ in selections(expr)}


@cache
def raw_metrics_of(expr: str) -> frozenset[str]:
    """The same, with what is recorded taken back to what it is made of."""
    found: set[str] = set()
    for name in metrics_of(expr):
        found |= raw_metrics_of(RECORDED[name]) if name in RECORDED else {name}
    return frozenset(found)


def promtool_cases() -> Iterator[tuple[str, list[Any], set[str]]]:
    """Every alert that a test asks for: its name, what is expected, which metrics are given."""
    for path in TESTS:
        for test in yaml.safe_load(path.read_text())["tests"]:
            given = {re.split(r"[{\s]", row["series"])[0] for row in test.get("input_series", ())}
            for case in test.get("alert_rule_test", ()):
                yield case["alertname"], case["exp_alerts"], given


def dashboard(path: Path) -> dict[str, Any]:
    """One dashboard as Grafana reads it."""
    found: dict[str, Any] = json.loads(path.read_text())
    return found


def expressions(board: dict[str, Any]) -> Iterator[str]:
    """Every query of a dashboard, with Grafana's variables replaced as Grafana does."""
    panels = [target["expr"] for panel in board["panels"] for target in panel.get("targets", ())]
    for expr in [*panels, *(note["expr"] for note in board["annotations"]["list"])]:
        yield expr.replace("$__rate_interval", "1m")
