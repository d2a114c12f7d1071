"""What happens to the node, which is this machine."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.cluster.cluster import ROOT, SCRIPT, Object, eventually, image
from tests.cluster.drill.cause import alert, cause
from tests.cluster.drill.hands import Hands
from tests.cluster.drill.inside.hog import machine

RUN = Path("/run/harena-cluster")
FOLDER = ROOT / ".harena/drill"
MOUNTED = FOLDER / "mounted"
# Not its own name /dev/loopN: such devices are left out by the rule, as a snap's are always full.
DEVICE = Path("/dev/harena-drill")
SIZE = 64 << 20
VOLUME = "drill-volume"
FULL = 0.9
ENOUGH = 16 << 30


@cause(alert("NodeMemoryShort"), within=600, touches="the machine's memory")
async def machine_full(hands: Hands) -> AsyncIterator[None]:
    """A process on the node takes memory until 92 % of it are used."""
    assert machine("MemAvailable") > ENOUGH, "others need this machine's memory now"
    async with hands.on_the_machine("hog.py", "hold", "0.92"):
        yield


@cause(
    alert("NodeDiskNearlyFull", device=str(DEVICE)),
    alert("VolumeNearlyFull", namespace=VOLUME, persistentvolumeclaim=VOLUME),
    within=600,
    touches="the machine's small disk",
)
async def disk_full(hands: Hands) -> AsyncIterator[None]:
    """A file fills nine tenths of a small disk of the node, which is a pod's volume as well."""
    file = MOUNTED / "file"
    found = os.statvfs(MOUNTED)
    await asyncio.to_thread(file.write_bytes, bytes(int(found.f_blocks * found.f_frsize * FULL)))
    try:
        async with hands.namespace(VOLUME, *_volume_in_use()):
            yield
    finally:
        file.unlink()
        await hands.kubectl("delete", "persistentvolume", VOLUME, "--ignore-not-found")


def _volume_in_use() -> list[Object]:
    """The disk as a volume of the kind that the kubelet measures, and a pod that has it."""
    size = {"storage": str(SIZE)}
    storage = {"accessModes": ["ReadWriteOnce"], "storageClassName": ""}
    named = {"metadata": {"name": VOLUME}}
    labels = {"app": VOLUME}
    here = {"matchExpressions": [{"key": "kubernetes.io/hostname", "operator": "Exists"}]}
    volume = {
        **storage,
        "capacity": size,
        "local": {"path": str(MOUNTED)},
        "nodeAffinity": {"required": {"nodeSelectorTerms": [here]}},
    }
    pod = {
        "terminationGracePeriodSeconds": 0,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": 10001,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [
            {
                "name": "idle",
                "image": image("search"),
                "command": ["sleep", "infinity"],
                "securityContext": {
                    "allowPrivilegeEscalation": False,
                    "capabilities": {"drop": ["ALL"]},
                },
                "volumeMounts": [{"name": "disk", "mountPath": "/disk"}],
            }
        ],
        "volumes": [{"name": "disk", "persistentVolumeClaim": {"claimName": VOLUME}}],
    }
    claim = {**storage, "volumeName": VOLUME, "resources": {"requests": size}}
    template = {"metadata": {"labels": labels}, "spec": pod}
    deployment = {"selector": {"matchLabels": labels}, "template": template}
    return [
        {"apiVersion": "v1", "kind": "PersistentVolume", **named, "spec": volume},
        {"apiVersion": "v1", "kind": "PersistentVolumeClaim", **named, "spec": claim},
        {"apiVersion": "apps/v1", "kind": "Deployment", **named, "spec": deployment},
    ]


def _run(*command: str) -> str:
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=300)
    return done.stdout.strip()


@contextmanager
def small_disk() -> Iterator[None]:
    """A disk of 64 MiB, which the kubelet sees: it looks for disks only when it starts.

    The kubelet's end cuts off every `kubectl exec`, so nothing else must be going on.
    """
    file = FOLDER / "image"
    MOUNTED.mkdir(parents=True, exist_ok=True)
    file.write_bytes(bytes(SIZE))
    loop = _run("losetup", "--find", "--show", str(file))
    try:
        number = os.stat(loop).st_rdev
        _run("mknod", str(DEVICE), "b", str(os.major(number)), str(os.minor(number)))
        _run("mkfs.ext4", "-q", str(DEVICE))
        _run("mount", str(DEVICE), str(MOUNTED))
        _restart_kubelet()
        yield
    finally:
        with suppress(subprocess.CalledProcessError):
            _run("umount", str(MOUNTED))
        _run("losetup", "--detach", loop)
        DEVICE.unlink(missing_ok=True)
        file.unlink()
        _restart_kubelet()


def _restart_kubelet() -> None:
    """By the cluster's own script, which starts what is missing; not in the client's network."""
    file = RUN / "kubelet.pid"
    kubelet = int(file.read_text())
    os.kill(kubelet, signal.SIGTERM)
    assert eventually(lambda: not _runs(kubelet), 30), "the kubelet does not end"
    network = f"--net=/proc/{(RUN / 'containerd.pid').read_text().strip()}/ns/net"
    _run("nsenter", network, "env", f"PYTHON={sys.executable}", str(SCRIPT), "up")


def _runs(process: int) -> bool:
    try:
        state = Path(f"/proc/{process}/status").read_text().split("State:")[1].split()[0]
    except OSError:
        return False
    return state not in "ZX"
