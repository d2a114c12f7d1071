"""Every object of a release, whatever it is for."""

import pytest
from tests.chart import rules
from tests.chart.conftest import KUBERNETES, Render
from tests.chart.objects import Objects

VARIANTS = [
    pytest.param((), id="defaults"),
    pytest.param(("everything",), id="everything"),
    pytest.param(("external",), id="external stores"),
]


@pytest.mark.parametrize("files", VARIANTS)
class TestEveryVariant:
    def test_keeps_the_rules(self, render: Render, files: tuple[str, ...]) -> None:
        rules.check(render({}, *files))

    def test_is_labelled(self, render: Render, files: tuple[str, ...]) -> None:
        for found in render({}, *files).values():
            labels = found["metadata"]["labels"]
            assert labels["app.kubernetes.io/part-of"] == "harena"
            assert labels["app.kubernetes.io/managed-by"] == "Helm"


@pytest.mark.parametrize("kubernetes", KUBERNETES)
@pytest.mark.parametrize("files", VARIANTS)
def test_is_valid_for(render: Render, files: tuple[str, ...], kubernetes: str) -> None:
    """Every rendering of every test is, for the oldest; these are, for all."""
    assert render({}, *files, kubernetes=kubernetes)


MONITORS = {"prometheus", "alertmanager", "grafana", "postgres-exporter", "redis-exporter"}


class TestSize:
    """A server of 4 GiB, beside 1.2 GiB of the system and k3s."""

    def memory(self, objects: Objects, kind: str, *, monitoring: bool) -> int:
        mebi = 0
        for pod in objects.pods():
            if pod.owner["kind"] != "Job" and (pod.component in MONITORS) is monitoring:
                value = pod.main["resources"][kind]["memory"]
                assert value.endswith("Mi")
                mebi += int(value.removesuffix("Mi"))
        return mebi

    def test_what_is_asked_for_leaves_room_for_updates(self, render: Render) -> None:
        objects = render()
        surge = max(
            int(pod.main["resources"]["requests"]["memory"].removesuffix("Mi"))
            for pod in objects.pods()
        )

        assert self.memory(objects, "requests", monitoring=False) + surge <= 1536

    def test_monitoring_asks_for_little(self, render: Render) -> None:
        assert self.memory(render(), "requests", monitoring=True) <= 320

    def test_all_at_their_limits_is_less_than_the_server(self, render: Render) -> None:
        assert self.memory(render(), "limits", monitoring=False) <= 2048
        assert self.memory(render(), "limits", monitoring=True) <= 848


class TestSelectors:
    def test_never_change(self, render: Render) -> None:
        """Immutable in Kubernetes: with a difference here no release can be upgraded."""
        for pod in render().pods():
            if pod.owner["kind"] != "Job":
                assert pod.owner["spec"]["selector"]["matchLabels"] == {
                    "app.kubernetes.io/name": "harena",
                    "app.kubernetes.io/instance": "rel",
                    "app.kubernetes.io/component": pod.component,
                }

    def test_a_new_chart_version_restarts_nothing_by_itself(self, render: Render) -> None:
        for pod in render().pods():
            assert "helm.sh/chart" not in pod.labels
            assert "app.kubernetes.io/version" not in pod.labels


# They have no namespace, so it is in their names.
OF_THE_CLUSTER = {"PriorityClass", "ClusterRole", "ClusterRoleBinding"}


class TestNames:
    def test_begin_with_the_release(self, render: Render) -> None:
        for (kind, name), _ in render().items():
            expected = "prod-rel-" if kind in OF_THE_CLUSTER else "rel-"
            assert name.startswith(expected)

    def test_begin_with_what_is_asked_for(self, render: Render) -> None:
        for (kind, name), _ in render({"fullnameOverride": "bank"}).items():
            expected = "prod-bank-" if kind in OF_THE_CLUSTER else "bank-"
            assert name.startswith(expected)


class TestPriorities:
    def test_the_database_goes_last_and_what_watches_goes_first(self, render: Render) -> None:
        objects = render()
        values = {name: found["value"] for name, found in objects.of("PriorityClass").items()}
        classes = {"postgres": "data", "redis": "data"} | dict.fromkeys(MONITORS, "observability")

        for pod in objects.pods():
            expected = classes.get(pod.component, "services")
            assert pod.spec["priorityClassName"] == f"prod-rel-{expected}"
        data, services, observability = (
            values[f"prod-rel-{name}"] for name in ("data", "services", "observability")
        )
        assert data > services > observability > 0

    def test_can_be_left_out(self, render: Render) -> None:
        objects = render({"priorityClasses": {"enabled": False}})

        assert objects.of("PriorityClass") == {}
        assert all("priorityClassName" not in pod.spec for pod in objects.pods())


class TestImages:
    def test_are_named_after_the_service(self, render: Render) -> None:
        objects = render({"image": {"registry": "registry.example.com/x", "tag": "1.2.3"}})

        assert objects.pod("user").main["image"] == "registry.example.com/x/user:1.2.3"
        assert objects.pod("migrate").main["image"] == "registry.example.com/x/db:1.2.3"

    def test_are_those_of_the_app_version_by_default(self, render: Render) -> None:
        assert render().pod("portal").main["image"] == "ghcr.io/harena/portal:0.1.0"

    def test_can_be_given_one_by_one(self, render: Render) -> None:
        pod = render({"services": {"user": {"image": "x/y:1"}}}).pod("user")

        assert {container["image"] for container in pod.containers} == {"x/y:1"}

    def test_from_a_closed_registry(self, render: Render) -> None:
        assert all("imagePullSecrets" not in pod.spec for pod in render().pods())
        for pod in render({}, "everything").pods():
            assert pod.spec["imagePullSecrets"] == [{"name": "registry"}]
            assert {container["imagePullPolicy"] for container in pod.containers} == {"Always"}
