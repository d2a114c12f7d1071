"""What happens to the monitoring itself."""

import base64
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import yaml
from tests.cluster.cluster import Object
from tests.cluster.drill.cause import alert, cause
from tests.cluster.drill.hands import Hands

# Nobody listens there, and no policy lets Alertmanager go there.
NOWHERE = "http://10.44.0.1:9/"
MARK = "drill"
BUSYBOX = "/bin/busybox"


@cause(alert("ContainerRestarting", container="alertmanager"), within=420, touches="alertmanager")
async def alertmanager_restarting(hands: Hands) -> AsyncIterator[None]:
    """Alertmanager is told to end three times."""
    starts = 'max(changes(container:start_time_seconds:max{container="alertmanager"}[30m]))'
    await hands.restart("alertmanager", (BUSYBOX, "kill", "1"), starts, 3)
    yield


@cause(
    alert("PrometheusTargetDown", job="alertmanager"),
    alert("AlertmanagerNotDelivering", job="prometheus"),
    within=540,
    touches="alertmanager",
)
async def alertmanager_gone(hands: Hands) -> AsyncIterator[None]:
    """Alertmanager is scaled to nothing."""
    async with hands.scaled_to_nothing("deployment/harena-alertmanager"):
        yield


@cause(
    alert("AlertmanagerNotDelivering", job="alertmanager", integration="webhook"),
    within=720,
    touches="alertmanager",
)
async def dead_receiver(hands: Hands) -> AsyncIterator[None]:
    """Alertmanager is told to send its heartbeat where nobody listens."""

    def edit(secret: Object) -> None:
        text = base64.b64decode(secret["data"]["alertmanager.yml"])
        told = yaml.safe_load(text)
        told["receivers"].append({"name": MARK, "webhook_configs": [{"url": NOWHERE}]})
        told["route"]["routes"][0]["receiver"] = MARK
        changed = yaml.safe_dump(told).encode()
        secret["data"]["alertmanager.yml"] = base64.b64encode(changed).decode()

    try:
        async with hands.changed("secret", "harena-alertmanager", edit):
            await _restart_alertmanager(hands)
            yield
    finally:
        await _restart_alertmanager(hands)


async def _restart_alertmanager(hands: Hands) -> None:
    for command in ("restart", "status"):
        await hands.kubectl("rollout", command, "deployment/harena-alertmanager", seconds=180)


@asynccontextmanager
async def _told(hands: Hands, name: str, key: str, text: str) -> AsyncIterator[None]:
    """Prometheus has read another text in one of its ConfigMaps; afterwards the old one."""

    def edit(item: Object) -> None:
        item["data"][key] = text

    file = f"/rules/{key}" if name.endswith("-rules") else f"/etc/prometheus/{key}"
    try:
        async with hands.changed("configmap", name, edit):
            await _reload(hands, file, marked=True)
            yield
    finally:
        await _reload(hands, file, marked=False)


async def _reload(hands: Hands, file: str, *, marked: bool) -> None:
    """Waits until the kubelet has written the file, which a changed pod makes it do; then tells."""
    await hands.kubectl(
        "annotate", "pod", "harena-prometheus-0", f"drill={json.dumps(marked)}", "--overwrite"
    )

    def written() -> bool:
        found = hands.harena.execute("prometheus", (BUSYBOX, "grep", "-q", MARK, file))
        return (found.returncode == 0) == marked

    await hands.until(written, f"{file} in the container of Prometheus")
    await hands.execute("prometheus", BUSYBOX, "kill", "-HUP", "1")


@cause(alert("PrometheusRuleFailing"), within=240, touches="prometheus")
async def impossible_rule(hands: Hands) -> AsyncIterator[None]:
    """A rule is loaded that matches many series with many."""
    rule = {"record": "drill:health", "expr": "harena_health * on (job) harena_health"}
    text = yaml.safe_dump({"groups": [{"name": MARK, "rules": [rule]}]})
    async with _told(hands, "harena-prometheus-rules", f"{MARK}.yaml", text):
        yield


@cause(alert("MonitoringConfigReloadFailed", job="prometheus"), within=360, touches="prometheus")
async def broken_configuration(hands: Hands) -> AsyncIterator[None]:
    """Prometheus is given a configuration that it cannot read."""
    async with _told(hands, "harena-prometheus", "prometheus.yml", f"{MARK}: nonsense\n"):
        yield
