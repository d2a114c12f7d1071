"""Grafana runs in no test, as no package has it: here is what it is given."""

import re

import yaml
from tests.chart.conftest import Render
from tests.chart.monitoring.reading import monitoring
from tests.chart.objects import Objects


class TestGrafana:
    def files(self, objects: Objects) -> dict[str, str]:
        found: dict[str, str] = objects["ConfigMap", "rel-grafana"]["data"]
        return found

    def test_knows_one_source_by_the_name_that_dashboards_use(self, render: Render) -> None:
        objects = render(monitoring(prometheus={"scrapeSeconds": 30}))
        [source] = yaml.safe_load(self.files(objects)["datasources.yaml"])["datasources"]

        assert (source["uid"], source["isDefault"]) == ("prometheus", True)
        assert source["url"] == "http://rel-prometheus:9090"
        assert source["jsonData"]["timeInterval"] == "30s"

    def test_shows_the_files_and_lets_nobody_change_them(self, render: Render) -> None:
        objects = render()
        [provider] = yaml.safe_load(self.files(objects)["dashboards.yaml"])["providers"]
        mounts = {mount["name"]: mount for mount in objects.pod("grafana").main["volumeMounts"]}

        assert provider["options"]["path"] == mounts["dashboards"]["mountPath"]
        assert provider["allowUiUpdates"] is False
        assert provider["disableDeletion"] is True

    def test_asks_everybody_for_a_password_from_a_file(self, render: Render) -> None:
        objects = render()
        pod, ini = objects.pod("grafana"), self.files(objects)["grafana.ini"]

        assert "[auth.anonymous]\nenabled = false\n" in ini
        named = re.findall(r"\$__file\{/run/secrets/harena/([a-z-]+)\}", ini)
        assert named == ["admin-password", "secret-key"]
        assert pod.files == {name: ("rel-grafana", name) for name in named}
        assert "env" not in pod.main

    def test_takes_a_password_of_one_s_own(self, render: Render) -> None:
        objects = render(monitoring(grafana={"existingSecret": "mine"}))

        assert ("Secret", "rel-grafana") not in objects
        assert {secret for secret, _ in objects.pod("grafana").files.values()} == {"mine"}

    def test_reaches_prometheus_alone(self, render: Render) -> None:
        assert [edge for edge in render().edges() if edge[0] == "grafana"] == [
            ("grafana", "prometheus", 9090)
        ]

    def test_writes_only_where_it_may(self, render: Render) -> None:
        pod = render().pod("grafana")
        empty = {volume["name"] for volume in pod.spec["volumes"] if "emptyDir" in volume}
        writable = {m["mountPath"] for m in pod.main["volumeMounts"] if not m.get("readOnly")}

        assert writable == {"/var/lib/grafana", "/tmp"}  # noqa: S108 -- in the pod
        assert {m["name"] for m in pod.main["volumeMounts"] if not m.get("readOnly")} == empty
