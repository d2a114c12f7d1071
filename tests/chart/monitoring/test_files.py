"""Rules and dashboards: files that the chart takes as they are."""

import json
import shutil
from pathlib import Path

import pytest
from tests.chart.conftest import CHART, KUBERNETES, ROOT, Render, objects_of
from tests.chart.monitoring.reading import SERVICES, configuration, expected
from tests.chart.objects import Objects


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the chart with rules and dashboards of this test's own."""
    chart = tmp_path_factory.mktemp("chart") / "harena"
    shutil.copytree(CHART, chart)
    for folder in ("rules", "dashboards"):
        shutil.rmtree(chart / "files" / folder)
        (chart / "files" / folder).mkdir()
    for name in ("one", "two"):
        (chart / f"files/rules/{name}.yaml").write_text(RULES.replace("NAME", name))
        (chart / f"files/dashboards/{name}_page.json").write_text(DASHBOARD.replace("NAME", name))
    return chart


RULES = """# What a template must leave alone.
groups:
  - name: NAME

    rules:
      - alert: Broken
        expr: up{job=~"a|b"} == 0
        annotations: {summary: '{{ $labels.job }} is {{ $value | humanize }}'}
"""
DASHBOARD = '{"title": "{{ NAME }}"}\n'


class TestFiles:
    def rendered(self, chart: Path) -> Objects:
        return objects_of("{}", (), KUBERNETES[0], chart)

    def test_rules_are_the_files_as_they_are(self, filled: Path) -> None:
        objects = self.rendered(filled)
        found = objects["ConfigMap", "rel-prometheus-rules"]["data"]
        [pattern] = configuration(objects)["rule_files"]
        mounts = {mount["name"]: mount for mount in objects.pod("prometheus").main["volumeMounts"]}

        assert found == {f"{name}.yaml": RULES.replace("NAME", name) for name in ("one", "two")}
        assert pattern == f"{mounts['rules']['mountPath']}/*.yaml"

    def test_the_services_that_must_be_there_are_those_of_the_values(self, render: Render) -> None:
        """One left out: test_services.py."""
        assert expected(render()) == SERVICES

    def test_dashboards_are_the_files_one_object_each(self, filled: Path) -> None:
        objects = self.rendered(filled)
        pod = objects.pod("grafana")
        [volume] = [volume for volume in pod.spec["volumes"] if volume["name"] == "dashboards"]
        names = [source["configMap"]["name"] for source in volume["projected"]["sources"]]

        assert names == ["rel-dashboard-one-page", "rel-dashboard-two-page"]
        assert [objects["ConfigMap", name]["data"] for name in names] == [
            {f"{name}_page.json": DASHBOARD.replace("NAME", name)} for name in ("one", "two")
        ]

    def test_there_may_be_none(self, filled: Path, tmp_path: Path) -> None:
        chart = tmp_path / "harena"
        shutil.copytree(filled, chart)
        for file in chart.glob("files/*/*"):
            file.unlink()
        objects = self.rendered(chart)

        assert not objects["ConfigMap", "rel-prometheus-rules"].get("data")
        assert "dashboard" not in str(objects.of("ConfigMap").keys())

    def test_another_rule_restarts_prometheus(self, filled: Path, tmp_path: Path) -> None:
        chart = tmp_path / "harena"
        shutil.copytree(filled, chart)
        (chart / "files/rules/one.yaml").write_text(RULES)

        def template(chart: Path) -> object:
            found = self.rendered(chart).pod("prometheus").owner["spec"]["template"]
            return found["metadata"]

        assert template(filled) != template(chart)

    def test_fit_into_an_object(self, render: Render) -> None:
        for name, found in render().of("ConfigMap").items():
            assert len(json.dumps(found)) < 1_000_000, name

    @pytest.mark.parametrize(
        ("link", "folder"),
        [("rules", "monitoring/rules"), ("dashboards", "monitoring/grafana/dashboards")],
    )
    def test_are_those_of_the_repository(self, link: str, folder: str) -> None:
        assert (CHART / "files" / link).resolve() == ROOT / folder
