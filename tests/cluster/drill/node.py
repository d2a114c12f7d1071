"""What happens to the node, which is this machine."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.cluster.cluster import ROOT, SCRIPT, eventually
from tests.cluster.drill.cause import alert, cause
from tests.cluster.drill.hands import Hands
from tests.cluster.drill.inside.hog import machine

RUN = Path("/run/harena-cluster")
FOLDER = ROOT / ".harena/drill"
# Not its own name /dev/loopN: such devices are left out by the rule, as a snap's are always full.
DEVICE = Path("/dev/harena-drill")
SIZE = 64 << 20
FULL = 0.9
ENOUGH = 16 << 30


@cause(alert("NodeMemoryShort"), within=600, touches="the machine's memory")
async def machine_full(hands: Hands) -> AsyncIterator[None]:
    """A process on the node takes memory until 92 % of it are used."""
    assert machine("MemAvailable") > ENOUGH, "others need this machine's memory now"
    async with hands.on_the_machine("hog.py", "hold", "0.92"):
        yield


@cause(
    alert("NodeDiskNearlyFull", device=str(DEVICE)), within=540, touches="the machine's small disk"
)
async def disk_full(hands: Hands) -> AsyncIterator[None]:
    """A file fills nine tenths of a small disk of the node."""
    file = FOLDER / "mounted/file"
    found = os.statvfs(FOLDER / "mounted")
    await asyncio.to_thread(file.write_bytes, bytes(int(found.f_blocks * found.f_frsize * FULL)))
    try:
        yield
    finally:
        file.unlink()


def _run(*command: str) -> str:
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=300)
    return done.stdout.strip()


@contextmanager
def small_disk() -> Iterator[None]:
    """A disk of 64 MiB, which the kubelet sees: it looks for disks only when it starts.

    The kubelet's end cuts off every `kubectl exec`, so nothing else must be going on.
    """
    mounted, image = FOLDER / "mounted", FOLDER / "image"
    mounted.mkdir(parents=True, exist_ok=True)
    image.write_bytes(bytes(SIZE))
    loop = _run("losetup", "--find", "--show", str(image))
    try:
        number = os.stat(loop).st_rdev
        _run("mknod", str(DEVICE), "b", str(os.major(number)), str(os.minor(number)))
        _run("mkfs.ext4", "-q", str(DEVICE))
        _run("mount", str(DEVICE), str(mounted))
        _restart_kubelet()
        yield
    finally:
        with suppress(subprocess.CalledProcessError):
            _run("umount", str(mounted))
        _run("losetup", "--detach", loop)
        DEVICE.unlink(missing_ok=True)
        image.unlink()
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
