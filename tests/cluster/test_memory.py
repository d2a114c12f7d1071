"""How much memory the platform takes, of the 4 GiB that a small server has."""

import json

from tests.cluster.cluster import ROOT, Harena

TABLE = ROOT / ".harena/cluster-memory.txt"
MIB = 1 << 20
# What is left of 4 GiB beside the system, k3s and its monitoring.
PLATFORM_MIB = 1800


def test_every_container_is_within_its_budget(harena: Harena) -> None:
    """Asks the kubelet; the table stays in the state folder."""
    summary = json.loads(
        harena.cluster.kubectl("get", "--raw", "/api/v1/nodes/node/proxy/stats/summary")
    )
    used = {
        (pod["podRef"]["namespace"], container["name"]): container["memory"]["workingSetBytes"]
        for pod in summary["pods"]
        for container in pod.get("containers", [])
        if "workingSetBytes" in container.get("memory", {})
    }
    lines = [
        f"{namespace + '/' + name:36} {size / MIB:7.1f} MiB"
        for (namespace, name), size in sorted(used.items())
    ]
    TABLE.write_text("\n".join(lines) + "\n")

    platform = {name: size for (namespace, name), size in used.items() if namespace == "harena"}
    assert {"postgres", "redis", "user", "metric", "portal"} <= platform.keys()
    assert sum(platform.values()) / MIB < PLATFORM_MIB, TABLE.read_text()
