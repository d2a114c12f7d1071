"""The parts of monitoring: what is there, and what is left when it is off."""

import re

import pytest
from tests.chart.conftest import Render, Values
from tests.chart.monitoring.reading import JOBS, MONITORS, components, jobs, monitoring


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
