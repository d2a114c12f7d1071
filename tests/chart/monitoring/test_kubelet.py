"""What is kept of the figures of node and containers."""

import re
from typing import Any

import pytest
from tests.chart.conftest import ROOT, Render
from tests.chart.monitoring.reading import (
    JOBS,
    jobs,
    monitoring,
)

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
