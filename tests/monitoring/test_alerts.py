"""Each alert is tested both ways, says what is wrong, and has a page that says what to do."""

import re
from typing import Any

import pytest
import yaml
from tests.cluster.drill.plan import EVERY, NOT_HERE
from tests.monitoring.definitions import (
    ALERTS,
    RECORDED,
    ROOT,
    RULES,
    RUNBOOKS,
    TESTS,
    promtool_cases,
    raw_metrics_of,
)

from harena_portal.settings import PortalSettings

CASES = list(promtool_cases())
HEADINGS = ["Meaning", "Impact", "Diagnosis", "Mitigation"]

each_alert = pytest.mark.parametrize("alert", ALERTS.values(), ids=ALERTS)


@each_alert
class TestAlerts:
    def test_has_a_case_in_which_it_fires(self, alert: dict[str, Any]) -> None:
        fired = [expected for name, expected, _ in CASES if name == alert["alert"] and expected]

        assert fired
        for case in fired[0]:
            assert {"summary", "description", "runbook_url"} == set(case["exp_annotations"])
            assert case["exp_labels"]["severity"] == alert["labels"]["severity"]

    def test_has_a_case_in_which_it_is_silent_though_there_is_data(
        self, alert: dict[str, Any]
    ) -> None:
        if alert["expr"] == "vector(1)":
            return  # it must never be silent
        needed = raw_metrics_of(alert["expr"])
        silent = [
            given & needed
            for name, expected, given in CASES
            if name == alert["alert"] and not expected
        ]

        assert any(silent)

    def test_is_told_by_what_and_how_bad(self, alert: dict[str, Any]) -> None:
        annotations = alert["annotations"]

        assert (
            alert["labels"]["severity"] in {"critical", "warning"} or alert["alert"] == "Watchdog"
        )
        assert annotations["runbook_url"].endswith(f"/docs/runbooks/{alert['alert']}.md")
        for text in (annotations["summary"], annotations["description"]):
            assert text.endswith((".", "{{ end }}"))

    def test_has_its_runbook(self, alert: dict[str, Any]) -> None:
        page = (RUNBOOKS / f"{alert['alert']}.md").read_text()
        title, *rest = re.split(r"^## (.+)\n", page, flags=re.MULTILINE)
        sections = dict(zip(rest[::2], rest[1::2], strict=True))

        assert title.strip() == f"# {alert['alert']}"
        assert list(sections) == HEADINGS
        assert all(text.strip() for text in sections.values())
        assert "```sh\n" in sections["Diagnosis"] or alert["alert"] == "Watchdog"


def test_what_is_asked_of_one_controller_can_be_asked_of_the_other() -> None:
    """The commands are ingress-nginx's; one table has Traefik's names."""
    for name, alert in ALERTS.items():
        page = (RUNBOOKS / f"{name}.md").read_text()
        of_one_alone = all(metric.startswith("nginx_") for metric in raw_metrics_of(alert["expr"]))
        if "-n ingress-nginx" in page and not of_one_alone:
            assert "[With Traefik](README.md#with-traefik)".lower() in page.lower(), name


def test_no_case_is_of_an_alert_that_does_not_exist() -> None:
    assert {name for name, _, _ in CASES} - set(ALERTS) == set()


def test_no_runbook_is_of_an_alert_that_does_not_exist() -> None:
    pages = {page.stem for page in RUNBOOKS.glob("*.md")} - {"README"}

    assert pages == set(ALERTS)


def test_the_index_names_every_runbook_with_its_severity() -> None:
    rows = re.findall(
        r"^\| \[(\w+)\]\((\w+)\.md\) \| (\w+) \|",
        (RUNBOOKS / "README.md").read_text(),
        flags=re.MULTILINE,
    )

    assert {name: severity for name, _, severity in rows} == {
        name: alert["labels"]["severity"] for name, alert in ALERTS.items()
    }
    assert all(name == page for name, page, _ in rows)


def test_every_file_with_alerts_has_its_tests() -> None:
    with_alerts = [path.stem for path in RULES if "alert:" in path.read_text()]
    assert [path.stem for path in TESTS] == [f"{name}_test" for name in with_alerts]


def test_the_expected_services_are_the_chart_s_and_the_portal_s() -> None:
    expected = re.findall(r'"service", "(\w+)"', RECORDED["service:expected:info"])
    values = yaml.safe_load((ROOT / "charts" / "harena" / "values.yaml").read_text())

    assert sorted(expected) == sorted(values["services"])
    assert sorted(expected) == sorted([*PortalSettings().service_urls, "portal"])


def test_every_threshold_has_its_reason() -> None:
    """Nobody may have to guess why a number is that number: a comment stands in the alert."""
    for path in RULES:
        for block in re.split(r"^      - ", path.read_text(), flags=re.MULTILINE):
            expr, _, _ = block.partition("annotations:")
            if block.startswith("alert:") and re.search(r"[<>]=? *[0-9.]*[1-9]", expr):
                assert "        # " in expr, block.splitlines()[0]


def test_every_alert_is_fired_by_the_drill_or_cannot_be() -> None:
    fired = {expected.name for cause in EVERY for expected in cause.alerts}

    assert fired | set(NOT_HERE) == set(ALERTS)
    assert fired & set(NOT_HERE) == set()


def test_the_page_of_the_drill_tells_of_every_alert() -> None:
    told = set(re.findall(r"`([A-Z]\w+)[{`]", (ROOT / "docs/alerts.md").read_text()))

    assert told == set(ALERTS)
