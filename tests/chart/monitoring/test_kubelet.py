"""What is kept of the figures of node and containers."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from tests.chart.conftest import Render
from tests.chart.monitoring.reading import (
    JOBS,
    jobs,
    monitoring,
)
from tests.monitoring.definitions import of_job

SERIES = {
    "cadvisor": {
        'machine_memory_bytes{boot_id="x"}': True,
        'container_memory_working_set_bytes{id="/"}': True,
        'container_fs_usage_bytes{id="/",device="/dev/sda"}': True,
        'container_memory_working_set_bytes{id="/kubepods/a/b",container="user",pod="p"}': True,
        'container_network_receive_bytes_total{id="/kubepods/a",pod="p"}': False,
        # Sums that a container's own series already make up, and slices of the system.
        'container_memory_working_set_bytes{id="/kubepods/a",pod="p"}': False,
        'container_cpu_usage_seconds_total{id="/system.slice"}': False,
        'container_fs_usage_bytes{id="/kubepods/a/b",container="user",pod="p"}': False,
        'container_tasks_state{id="/",state="running"}': False,
    },
    "kubelet": {
        "kubelet_volume_stats_available_bytes{}": True,
        "kubelet_running_pods{}": False,
        "apiserver_request_duration_seconds_bucket{}": False,
        "kubelet_runtime_operations_duration_seconds_bucket{}": False,
    },
}


def kept_names(job: dict[str, Any]) -> Iterator[str]:
    """The names that the keep rule of a job lists."""
    [keep] = [rule for rule in job["metric_relabel_configs"] if rule.get("action") == "keep"]
    if "(" not in keep["regex"]:
        yield from keep["regex"].split("|")
    for prefix, names in re.findall(r"(\w+_)\(([^)]*)\)", keep["regex"]):
        yield from (prefix + name for name in names.split("|"))


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

    @pytest.mark.parametrize("job", SERIES)
    def test_what_rules_and_dashboards_name_is_kept_and_nothing_else(
        self, render: Render, job: str
    ) -> None:
        named = {name for exporter in of_job(job) for name in exporter["metrics"]}
        kept = set(kept_names(jobs(render())[job]))

        assert kept == named

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
