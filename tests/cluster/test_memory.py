"""How much memory the platform takes, at rest and asked, of the 4 GiB that a small server has."""

import json
from collections.abc import Mapping
from contextlib import AsyncExitStack

from tests.cluster.cluster import NAMESPACE, ROOT, Harena, eventually
from tests.cluster.traffic import traffic

from harena_demo.generator import DEMO_LOGINS

TABLE = ROOT / ".harena/cluster-memory.txt"
MIB = 1 << 20
SECONDS_OF_LOAD = 30
# Requests a second, all at the same time.
LOAD = {
    "/api/v1/users/me": 10.0,
    "/api/v1/transactions?limit=500": 3.0,
    "/api/v1/metrics/expenses/mom": 10.0,
    "/api/v1/metrics/income/yoy": 10.0,
    "/api/v1/search/health": 5.0,
    "/budget_service/openapi.json": 5.0,
    "/conversation_service/openapi.json": 5.0,
    "/docs": 5.0,
}
# What is not on this cluster, or is another program there, on a small server with k3s: by k3s'
# documentation, and estimates. The system; k3s' server, one process; its add-ons; Grafana.
ELSEWHERE_MIB = {"system": 350, "k3s": 700, "k3s add-ons": 130, "grafana": 90}
NODE_MIB = 3.2 * 1024

Used = Mapping[tuple[str, str], float]


def used(harena: Harena) -> Used:
    """MiB by namespace and container, as the kubelet counts for its evictions (working set)."""
    summary = json.loads(
        harena.cluster.kubectl("get", "--raw", "/api/v1/nodes/node/proxy/stats/summary")
    )
    return {
        (pod["podRef"]["namespace"], container["name"]): container["memory"]["workingSetBytes"]
        / MIB
        for pod in summary["pods"]
        for container in pod.get("containers", [])
        if "workingSetBytes" in container.get("memory", {})
    }


def lines(rest: Used, busy: Used) -> list[str]:
    rows = [f"{'MiB':44} {'at rest':>8} {'asked':>8}"]
    names = [name for name in sorted(busy) if name[0] in (NAMESPACE, "ingress-nginx")]
    for name in names:
        rows.append(f"{'/'.join(name):44} {rest.get(name, 0):8.1f} {busy[name]:8.1f}")
    for part, size in ELSEWHERE_MIB.items():
        rows.append(f"{part + ' (not measured here)':44} {size:8.1f} {size:8.1f}")
    totals = (sum(rest.get(n, 0) for n in names), sum(busy[n] for n in names))
    rest_sum, busy_sum = (total + sum(ELSEWHERE_MIB.values()) for total in totals)
    return [*rows, f"{'together':44} {rest_sum:8.1f} {busy_sum:8.1f}"]


async def test_the_whole_node_is_within_its_budget(harena: Harena) -> None:
    """The table stays in the state folder."""

    def complete() -> bool:
        parts = {"postgres", "redis", "user", "metric", "portal", "prometheus", "alertmanager"}
        return parts <= {name for namespace, name in used(harena) if namespace == NAMESPACE}

    assert eventually(complete)
    rest = used(harena)
    with harena.login(DEMO_LOGINS[0].email, "10.46.7.100") as client:
        headers = {"Authorization": client.headers["Authorization"]}
    sources = [f"10.46.7.{number}" for number in range(1, 5)]
    async with AsyncExitStack() as stack:
        asked = {
            path: await stack.enter_async_context(
                traffic(path, sources, rate=rate, headers=headers)
            )
            for path, rate in LOAD.items()
        }
        for path, answers in asked.items():
            await answers.reach(int(LOAD[path] * SECONDS_OF_LOAD))
        busy = used(harena)
    table = lines(rest, busy)
    TABLE.write_text("\n".join(table) + "\n")

    assert {path: answers.failed(200) for path, answers in asked.items()} == dict.fromkeys(LOAD, {})
    assert float(table[-1].split()[-1]) < NODE_MIB, TABLE.read_text()
