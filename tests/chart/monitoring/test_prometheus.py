"""What Prometheus measures, and how it runs.

Whether the program takes its configuration is tested in tests/monitoring, which has the program.
"""

import re

import pytest
from tests.chart.conftest import Render, Values
from tests.chart.monitoring.reading import FLAGS, SERVICES, configuration, jobs, monitoring, target


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
        ("ingress", "place"),
        [
            ({}, "ingress-nginx-controller.ingress-nginx"),
            ({"controllerNamespace": "edge"}, "ingress-nginx-controller.edge"),
            ({"controller": "traefik"}, "traefik.kube-system"),
        ],
    )
    def test_without_a_name_is_the_controller_s_own(
        self, render: Render, ingress: Values, place: str
    ) -> None:
        """An Ingress without a host answers to every name."""
        objects = render({"ingress": ingress})
        job = jobs(objects)["edge"]
        entrances = {8000, 8443} if "traefik" in place else {80, 443}

        assert (job["scheme"], job["metrics_path"]) == ("http", "/health")
        assert target(objects, "edge") == place
        assert {
            (end, port)
            for name, end, port in objects.edges()
            if name == "prometheus" and port in {80, 443, *entrances}
        } == {(place.split(".")[1], port) for port in entrances}

    @pytest.mark.parametrize(
        "values",
        [
            pytest.param({"ingress": {"enabled": False}}, id="there is no edge"),
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
