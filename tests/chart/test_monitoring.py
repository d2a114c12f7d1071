"""Prometheus and what belongs to it: what is measured, who is told, who may log in where.

Whether Prometheus and Alertmanager themselves take these configurations is tested in
tests/monitoring, which needs their programs. Grafana runs in no test: no package has it.
"""

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.chart.conftest import CHART, KUBERNETES, ROOT, Render, Values, objects_of
from tests.chart.objects import Objects, environment

SERVICES = {"user", "search", "metric", "budget", "conversation", "portal"}
MONITORS = {"prometheus", "alertmanager", "grafana", "postgres-exporter", "redis-exporter"}
JOBS = {
    *("harena", "harena-health", "postgres", "redis", "ingress", "kubelet", "cadvisor"),
    *("prometheus", "alertmanager", "grafana"),
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


class TestParts:
    def test_are_all_there(self, render: Render) -> None:
        objects = render()

        assert components(objects) >= MONITORS
        assert set(jobs(objects)) == JOBS

    def test_leave_nothing_when_off(self, render: Render) -> None:
        objects = render(monitoring(enabled=False))
        kinds = {kind for kind, _ in objects}

        assert components(objects).isdisjoint(MONITORS)
        assert not any(MONITORS & set(edge) for edge in map(_ends, objects.edges()))
        assert kinds.isdisjoint({"Role", "RoleBinding", "ClusterRole", "ServiceAccount"})
        assert [key for key in objects if re.search("|".join(MONITORS), key[1])] == []

    @pytest.mark.parametrize(
        ("values", "component", "job"),
        [
            ({"alertmanager": {"enabled": False}}, "alertmanager", "alertmanager"),
            ({"grafana": {"enabled": False}}, "grafana", "grafana"),
            ({"exporters": {"postgres": {"enabled": False}}}, "postgres-exporter", "postgres"),
            ({"exporters": {"redis": {"enabled": False}}}, "redis-exporter", "redis"),
        ],
    )
    def test_can_be_left_out_one_by_one(
        self, render: Render, values: Values, component: str, job: str
    ) -> None:
        objects = render(monitoring(**values))

        assert components(objects) >= MONITORS - {component}
        assert component not in components(objects)
        assert set(jobs(objects)) == JOBS - {job}
        assert not any(component in _ends(edge) for edge in objects.edges())
        assert [key for key in objects if key[1] == f"rel-{component}"] == []

    @pytest.mark.parametrize("component", sorted(MONITORS))
    def test_are_not_for_the_world(self, render: Render, component: str) -> None:
        """No Ingress leads there: people come through the API server."""
        objects = render()
        service = objects["Service", f"rel-{component}"]

        assert f"rel-{component}" not in str(objects.of("Ingress"))
        assert len(service["spec"]["ports"]) == 1

    def test_run_on_the_nodes_that_are_said(self, render: Render) -> None:
        assert render({}, "everything").pod("grafana").spec["nodeSelector"] == {"size": "large"}

    @pytest.mark.parametrize("component", ["prometheus", "alertmanager"])
    def test_keep_what_they_know(self, render: Render, component: str) -> None:
        pod = render().pod(component)
        claim = render()["PersistentVolumeClaim", f"rel-{component}"]
        own = render(monitoring(**{component: {"storage": {"existingClaim": "mine"}}}))

        assert claim["metadata"]["annotations"] == {"helm.sh/resource-policy": "keep"}
        assert pod.owner["spec"]["replicas"] == 1
        assert f"'claimName': 'rel-{component}'" in str(pod.spec["volumes"])
        assert ("PersistentVolumeClaim", f"rel-{component}") not in own
        assert "'claimName': 'mine'" in str(own.pod(component).spec["volumes"])


def _ends(edge: tuple[str, str, int | str]) -> set[str]:
    return {edge[0], edge[1]}


class TestDiscovery:
    @pytest.mark.parametrize("job", ["harena", "harena-health"])
    def test_finds_every_service_at_its_port_for_probes(self, render: Render, job: str) -> None:
        objects = render({"services": {"report": {"port": 3020, "credentials": []}}})
        keep, *_ = jobs(objects)[job]["relabel_configs"]
        found = {
            pod.component: port["containerPort"]
            for pod in objects.pods()
            for port in pod.main.get("ports", [])
            if re.fullmatch(keep["regex"], f"{pod.component};{port['name']}")
        }

        assert keep["action"] == "keep"
        assert set(found) == SERVICES | {"report"}
        assert (found["portal"], found["user"], found["report"]) == (3011, 3000, 3020)

    @pytest.mark.parametrize("job", ["harena", "harena-health"])
    def test_believes_what_services_say_of_themselves(self, render: Render, job: str) -> None:
        found = jobs(render())[job]

        assert found["honor_labels"] is True
        assert {rule.get("target_label") for rule in found["relabel_configs"]} == {
            None,
            "service",
            "pod",
        }
        assert found.get("metrics_path", "/metrics") == (
            "/health" if job == "harena-health" else "/metrics"
        )

    def test_sees_the_release_s_pods_and_no_others(self, render: Render) -> None:
        [found] = jobs(render())["harena"]["kubernetes_sd_configs"]

        assert found == {
            "role": "pod",
            "namespaces": {"names": ["prod"]},
            "selectors": [{"role": "pod", "label": "app.kubernetes.io/instance=rel"}],
        }

    def test_asks_the_api_for_no_more(self, render: Render) -> None:
        objects = render()
        role = objects["Role", "rel-prometheus"]
        cluster = objects["ClusterRole", "prod-rel-prometheus"]

        assert role["rules"] == [
            {"apiGroups": [""], "resources": ["pods"], "verbs": ["list", "watch"]}
        ]
        assert cluster["rules"] == [
            {"apiGroups": [""], "resources": ["nodes"], "verbs": ["list", "watch"]},
            {"apiGroups": [""], "resources": ["nodes/metrics"], "verbs": ["get"]},
        ]
        for kind, name in (
            ("RoleBinding", "rel-prometheus"),
            ("ClusterRoleBinding", "prod-rel-prometheus"),
        ):
            binding = objects[kind, name]
            assert binding["subjects"] == [
                {"kind": "ServiceAccount", "name": "rel-prometheus", "namespace": "prod"}
            ]
            assert (kind.removesuffix("Binding"), binding["roleRef"]["name"]) in objects
        assert objects.pod("prometheus").spec["serviceAccountName"] == "rel-prometheus"
        account = objects["ServiceAccount", "rel-prometheus"]
        assert account["automountServiceAccountToken"] is False

    def test_every_fixed_target_is_a_service_of_the_release(self, render: Render) -> None:
        objects = render()
        for job in ("alertmanager", "grafana", "postgres", "redis"):
            host, port = target(objects, job).split(":")
            [served] = objects["Service", host]["spec"]["ports"]
            assert served["port"] == int(port)
        [manager] = configuration(objects)["alerting"]["alertmanagers"]
        [static] = manager["static_configs"]
        assert static["targets"] == [target(objects, "alertmanager")]

    def test_without_alertmanager_it_tells_nobody(self, render: Render) -> None:
        assert "alerting" not in configuration(render(monitoring(alertmanager={"enabled": False})))

    def test_without_an_ingress_no_controller_is_asked(self, render: Render) -> None:
        assert "ingress" not in jobs(render({"ingress": {"enabled": False}}))

    @pytest.mark.parametrize("seconds", [5, 15, 60])
    def test_gives_up_before_it_asks_again(self, render: Render, seconds: int) -> None:
        found = configuration(render(monitoring(prometheus={"scrapeSeconds": seconds})))["global"]

        assert found["scrape_interval"] == f"{seconds}s"
        assert int(found["scrape_timeout"].removesuffix("s")) <= min(seconds, 10)


class TestEdge:
    @pytest.mark.parametrize(
        ("values", "url"),
        [
            pytest.param(
                {"ingress": {"hosts": ["a.example"]}}, "http://a.example/health", id="a host"
            ),
            pytest.param(
                {"publicUrl": "https://b.example:8443"}, "https://b.example:8443/health", id="said"
            ),
            pytest.param(
                {
                    "publicUrl": "https://b.example",
                    **monitoring(prometheus={"edge": {"target": "http://c.example/up"}}),
                },
                "http://c.example/up",
                id="another",
            ),
        ],
    )
    def test_is_asked_as_a_client_asks(self, render: Render, values: Values, url: str) -> None:
        objects = render(values)
        job = jobs(objects)["edge"]
        host = target(objects, "edge")
        port = int(host.partition(":")[2] or {"http": 80, "https": 443}[job["scheme"]])

        assert f"{job['scheme']}://{host}{job['metrics_path']}" == url
        # By the controller's own address, or from outside.
        assert {
            ("prometheus", "ingress-nginx", 80),
            ("prometheus", "ingress-nginx", 443),
            ("prometheus", "0.0.0.0/0", port),
        } <= objects.edges()

    @pytest.mark.parametrize(
        "values",
        [
            pytest.param({}, id="no URL is known"),
            pytest.param(
                {
                    "publicUrl": "https://b.example",
                    **monitoring(prometheus={"edge": {"enabled": False}}),
                },
                id="not wanted",
            ),
        ],
    )
    def test_is_left_out(self, render: Render, values: Values) -> None:
        objects = render(values)

        assert "edge" not in jobs(objects)
        assert ("prometheus", "ingress-nginx", 80) not in objects.edges()

    def test_is_where_it_is_said_to_be(self, render: Render) -> None:
        assert ("prometheus", "203.0.113.0/24", 443) in render({}, "everything").edges()


SERIES = {
    "cadvisor": {
        'machine_memory_bytes{boot_id="x"}': True,
        'container_memory_working_set_bytes{id="/"}': True,
        'container_fs_usage_bytes{id="/",device="/dev/sda"}': True,
        'container_memory_working_set_bytes{id="/kubepods/a/b",container="user",pod="p"}': True,
        'container_network_receive_bytes_total{id="/kubepods/a",pod="p"}': True,
        # Sums that a container's own series already make up, and slices of the system.
        'container_memory_working_set_bytes{id="/kubepods/a",pod="p"}': False,
        'container_cpu_usage_seconds_total{id="/system.slice"}': False,
        'container_fs_usage_bytes{id="/kubepods/a/b",container="user",pod="p"}': False,
        'container_tasks_state{id="/",state="running"}': False,
    },
    "kubelet": {
        "kubelet_volume_stats_available_bytes{}": True,
        "kubelet_running_pods{}": True,
        "apiserver_request_duration_seconds_bucket{}": False,
        "kubelet_runtime_operations_duration_seconds_bucket{}": False,
    },
}


def is_kept(job: dict[str, Any], series: str) -> bool:
    """What the keep rule of a job does with a series."""
    name, labels = re.fullmatch(r"(\w+)\{(.*)\}", series).groups()  # type: ignore[union-attr]
    values = dict(re.findall(r'(\w+)="([^"]*)"', labels)) | {"__name__": name}
    [keep] = [rule for rule in job["metric_relabel_configs"] if rule.get("action") == "keep"]
    joined = ";".join(values.get(label, "") for label in keep["source_labels"])
    return re.fullmatch(keep["regex"], joined) is not None


class TestKubelet:
    @pytest.mark.parametrize(
        ("job", "series", "kept"),
        [(job, *each) for job, found in SERIES.items() for each in found.items()],
    )
    def test_only_what_is_used_is_kept(
        self, render: Render, job: str, series: str, kept: bool
    ) -> None:
        assert is_kept(jobs(render())[job], series) is kept

    def test_all_that_rules_and_dashboards_name_is_kept(self, render: Render) -> None:
        files = [*ROOT.glob("monitoring/rules/*.yaml"), *ROOT.glob("monitoring/grafana/**/*.json")]
        text = "\n".join(file.read_text() for file in files)
        named = set(re.findall(r"\b(?:container|machine|kubelet)_[a-z_]+(?=[{\[)\s])", text))
        found = jobs(render())
        places = ("{}", '{id="/"}', '{id="/a",container="c"}', '{id="/a"}')

        lost = {
            name
            for name in named
            if not any(is_kept(found[job], name + place) for job in SERIES for place in places)
        }
        assert lost == set()

    @pytest.mark.parametrize("job", ["kubelet", "cadvisor"])
    def test_is_asked_as_the_pod_s_account(self, render: Render, job: str) -> None:
        account = "/var/run/secrets/kubernetes.io/serviceaccount"
        found = jobs(render())[job]
        trusting = jobs(render(monitoring(prometheus={"kubelet": {"verify": False}})))[job]

        assert found["scheme"] == "https"
        assert found["authorization"] == {"credentials_file": f"{account}/token"}
        assert found["tls_config"] == {"ca_file": f"{account}/ca.crt"}
        assert trusting["tls_config"]["insecure_skip_verify"] is True
        assert {rule["target_label"] for rule in found["relabel_configs"]} == {"node"}

    def test_can_be_left_alone(self, render: Render) -> None:
        """For whom nobody gives a ClusterRole."""
        objects = render(monitoring(prometheus={"kubelet": {"enabled": False}}))

        assert set(jobs(objects)) == JOBS - {"kubelet", "cadvisor"}
        assert objects.of("ClusterRole") == objects.of("ClusterRoleBinding") == {}
        assert ("prometheus", "0.0.0.0/0", 10250) not in objects.edges()
        assert ("prometheus", "0.0.0.0/0", 6443) in objects.edges()


class TestPrometheus:
    def test_is_told_only_what_two_generations_understand(self, render: Render) -> None:
        arguments = render().pod("prometheus").main["args"]

        assert {argument.removeprefix("--").split("=")[0] for argument in arguments} == FLAGS
        assert "--storage.tsdb.retention.time=15d" in arguments
        assert "--storage.tsdb.retention.size=2GB" in arguments

    def test_restarts_when_its_configuration_changes(self, render: Render) -> None:
        def checksum(values: Values) -> object:
            template = render(values).pod("prometheus").owner["spec"]["template"]
            return template["metadata"]["annotations"]

        assert checksum({}) != checksum(monitoring(prometheus={"scrapeSeconds": 30}))


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


EMAIL = {
    "to": "oncall@example.com",
    "from": "harena@example.com",
    "smarthost": "smtp.example.com:587",
}


def receivers(**values: Any) -> Values:
    return monitoring(alertmanager={"receivers": values})


class TestAlertmanager:
    def routes(self, objects: Objects) -> dict[str, dict[str, Any]]:
        found = alerting(objects)["route"]
        return {"": found} | {route["matchers"][0]: route for route in found["routes"]}

    def test_tells_soon_and_often_what_is_critical(self, render: Render) -> None:
        routes = self.routes(render(receivers(webhook="https://a.example/hook")))
        critical, warning = routes['severity="critical"'], routes['severity="warning"']

        assert (routes[""]["group_wait"], critical["repeat_interval"]) == ("30s", "1h")
        assert (warning["group_wait"], routes[""]["repeat_interval"]) == ("5m", "12h")
        assert "group_wait" not in critical
        assert "repeat_interval" not in warning
        assert critical["receiver"] == warning["receiver"] == routes[""]["receiver"] == "people"

    def test_without_receivers_tells_nobody(self, render: Render) -> None:
        objects = render()

        assert {route["receiver"] for route in self.routes(objects).values()} == {"nobody"}
        assert alerting(objects)["receivers"] == [{"name": "nobody"}]
        assert [edge for edge in objects.edges() if edge[0] == "alertmanager"] == []

    def test_a_heartbeat_goes_its_own_way(self, render: Render) -> None:
        objects = render(receivers(heartbeat="https://h.example/ping"))
        watchdog = self.routes(objects)['alertname="Watchdog"']
        people = render(receivers(webhook="https://a.example/hook"))

        assert watchdog["receiver"] == "heartbeat"
        assert watchdog["repeat_interval"] == "2m"
        assert self.routes(objects)[""]["receiver"] == "nobody"
        # It always fires: people must not hear of it.
        assert self.routes(people)['alertname="Watchdog"']["receiver"] == "nobody"

    def test_a_critical_alert_silences_the_warnings_of_its_service(self, render: Render) -> None:
        [rule] = alerting(render())["inhibit_rules"]

        assert rule == {
            "source_matchers": ['severity="critical"', 'service!=""'],
            "target_matchers": ['severity="warning"', 'service!=""'],
            "equal": ["service"],
        }

    @pytest.mark.parametrize(
        ("values", "name", "expected"),
        [
            pytest.param(
                {"webhook": "https://a.example/hook"},
                "webhook_configs",
                {"url": "https://a.example/hook"},
                id="a webhook",
            ),
            pytest.param({"email": EMAIL}, "email_configs", EMAIL, id="an open relay"),
            pytest.param(
                {"email": {**EMAIL, "username": "me", "existingSecret": "smtp"}},
                "email_configs",
                {
                    "auth_username": "me",
                    "auth_password_file": "/run/secrets/harena/password",
                },
                id="with a login",
            ),
        ],
    )
    def test_receivers(
        self, render: Render, values: Values, name: str, expected: dict[str, str]
    ) -> None:
        objects = render(receivers(**values))
        [people] = [one for one in alerting(objects)["receivers"] if one["name"] == "people"]

        assert set(people) == {"name", name}
        [configured] = people[name]
        assert expected.items() <= configured.items()
        login = "auth_password_file" in configured
        assert objects.pod("alertmanager").files == (
            {"password": ("smtp", "password")} if login else {}
        )

    def test_reaches_its_receivers_and_nothing_else(self, render: Render) -> None:
        objects = render({}, "everything")
        out = {edge for edge in objects.edges() if edge[0] == "alertmanager"}
        [rule] = objects.policy("alertmanager")["spec"]["egress"]

        assert out == {("alertmanager", "0.0.0.0/0", port) for port in (443, 8080, 587)}
        assert "10.0.0.0/8" in rule["to"][0]["ipBlock"]["except"]

    def test_may_have_its_receivers_at_home(self, render: Render) -> None:
        values = {
            "receivers": {"webhook": "http://10.1.2.3/hook"},
            "egress": {"cidr": "10.1.0.0/16", "ports": [8443]},
        }
        edges = render(monitoring(alertmanager=values)).edges()

        assert ("alertmanager", "10.1.0.0/16", 80) in edges
        assert ("alertmanager", "10.1.0.0/16", 8443) in edges

    def test_takes_a_whole_configuration(self, render: Render) -> None:
        objects = render({}, "external")
        pod = objects.pod("alertmanager")
        [volume] = [volume for volume in pod.spec["volumes"] if volume["name"] == "configuration"]

        assert volume["secret"]["secretName"] == "harena-alerts"
        assert ("Secret", "rel-alertmanager") not in objects
        assert ("alertmanager", "0.0.0.0/0", 443) in objects.edges()
        assert "annotations" not in pod.owner["spec"]["template"]["metadata"]

    def test_restarts_when_its_configuration_changes(self, render: Render) -> None:
        def template(values: Values) -> object:
            return render(values).pod("alertmanager").owner["spec"]["template"]["metadata"]

        assert template({}) != template(receivers(webhook="https://a.example/hook"))


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


ELSEWHERE = {"enabled": False, "existingSecret": "mine"}


class TestExporters:
    def test_postgres_s_is_the_monitor_and_no_service(self, render: Render) -> None:
        objects = render()
        pod = objects.pod("postgres-exporter")

        assert environment(pod.main) == {
            "DATA_SOURCE_USER": "harena_monitor",
            "DATA_SOURCE_PASS_FILE": "/run/secrets/harena/password",
            "DATA_SOURCE_URI": "rel-postgres:5432/postgres?sslmode=disable&connect_timeout=3",
        }
        assert pod.files == {"password": ("rel-postgres-exporter", "password")}

    def test_its_login_is_made_with_the_services_own(self, render: Render) -> None:
        pod = render().pod("migrate")
        [bootstrap] = pod.spec["initContainers"]
        path = environment(bootstrap)["HARENA_MONITOR_PASSWORD_FILE"]

        assert pod.files[Path(path).name] == ("rel-postgres-exporter", "password")

    @pytest.mark.parametrize(
        "values",
        [
            pytest.param(monitoring(enabled=False), id="no monitoring"),
            pytest.param(monitoring(exporters={"postgres": {"enabled": False}}), id="no exporter"),
        ],
    )
    def test_without_it_there_is_no_such_login(self, render: Render, values: Values) -> None:
        objects = render(values)
        [bootstrap] = objects.pod("migrate").spec["initContainers"]

        assert "HARENA_MONITOR_PASSWORD_FILE" not in environment(bootstrap)
        assert ("Secret", "rel-postgres-exporter") not in objects

    def test_redis_s_finds_its_password_by_the_address(self, render: Render) -> None:
        objects = render()
        pod = objects.pod("redis-exporter")
        told = environment(pod.main)
        secret, key = pod.files["exporter.json"]
        given = objects["Secret", secret]["stringData"]

        assert told["REDIS_PASSWORD_FILE"] == "/run/secrets/harena/exporter.json"
        assert json.loads(given[key]) == {told["REDIS_ADDR"]: given["password"]}
        assert told["REDIS_ADDR"] == "redis://rel-redis:6379"

    @pytest.mark.parametrize(
        ("store", "values", "runs"),
        [
            pytest.param("postgres", {"database": ELSEWHERE}, False, id="postgres elsewhere"),
            pytest.param(
                "postgres",
                {
                    "database": ELSEWHERE,
                    **monitoring(
                        exporters={"postgres": {"address": "db/postgres", "existingSecret": "x"}}
                    ),
                },
                True,
                id="postgres elsewhere, with a login",
            ),
            pytest.param(
                "postgres", {"database": {"existingSecret": "mine"}}, True, id="its Secret given"
            ),
            pytest.param(
                "postgres", {"migrate": {"bootstrapRoles": False}}, False, id="nobody makes a login"
            ),
            pytest.param("redis", {"redis": ELSEWHERE}, False, id="redis elsewhere"),
            pytest.param(
                "redis",
                {
                    "redis": ELSEWHERE,
                    **monitoring(
                        exporters={"redis": {"address": "rediss://r", "existingSecret": "x"}}
                    ),
                },
                True,
                id="redis elsewhere, with a login",
            ),
            pytest.param(
                "redis", {"redis": {"existingSecret": "mine"}}, False, id="password not known"
            ),
            pytest.param(
                "redis",
                {
                    "redis": {"existingSecret": "mine"},
                    **monitoring(exporters={"redis": {"existingSecret": "mine"}}),
                },
                True,
                id="password given",
            ),
        ],
    )
    def test_run_where_they_can_log_in(
        self, render: Render, store: str, values: Values, runs: bool
    ) -> None:
        objects = render(values)

        assert (f"{store}-exporter" in components(objects)) is runs
        assert (store in jobs(objects)) is runs

    def test_go_to_a_store_elsewhere(self, render: Render) -> None:
        objects = render({}, "external")
        told = {
            **environment(objects.pod("postgres-exporter").main),
            **environment(objects.pod("redis-exporter").main),
        }

        assert told["DATA_SOURCE_URI"] == "db.example.com:5432/postgres?sslmode=require"
        assert told["REDIS_ADDR"] == "rediss://cache.example.com:6379"
        assert {
            ("postgres-exporter", "10.9.0.0/24", 5432),
            ("redis-exporter", "0.0.0.0/0", 6379),
        } <= objects.edges()
