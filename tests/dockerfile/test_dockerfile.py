"""The Dockerfile, built by Debian's buildah, makes the image that `tools/images` packs.

In: buildah, root, a Debian repository and a package index. Not Docker's official Python image,
which is in neither: the build stands on Debian's own Python, as the packed images do.
"""

import json
import ssl
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from tests.cluster.images import REGISTRY, TAG
from tools.images import oci
from tools.images.debian import Repository, finish
from tools.images.names import Names
from tools.images.packer import BASE
from tools.images.sets import SETS, Settings, pack
from tools.images.workspace import ROOT

pytestmark = [pytest.mark.dockerfile, pytest.mark.timeout(600)]

MEMBER = "budget"
FROM = "docker.io/library/python:3.11-slim-bookworm"
BUNDLE = "/etc/ssl/certs/ca-certificates.crt"
# What the Dockerfile calls of it besides Python: pip, groupadd, and the shell of a script.
PACKAGES = (*BASE, "python3-pip", "passwd", "bash")

PROBE = """
import importlib, importlib.metadata, json, os, pathlib, shutil, sys
importlib.import_module("harena_budget.main")
print(json.dumps({
    "user": [os.getuid(), os.getgid(), os.getgroups()],
    "python": [sys.version, sys.executable, sys.prefix],
    "packages": sorted((x.name, x.version) for x in importlib.metadata.distributions()),
    "commands": sorted(x.name for x in pathlib.Path("/app/bin").glob("harena*")),
    "writable": [folder for folder, *_ in os.walk("/app") if os.access(folder, os.W_OK)],
    "bytecode": sys.flags.dont_write_bytecode,
    "builders": [x for x in ("uv", "cc", "gcc") if shutil.which(x)],
}))
"""


@dataclass(frozen=True)
class Buildah:
    """With a store of its own, which goes with its folder."""

    folder: Path

    def __call__(self, *arguments: str, seconds: float = 60) -> str:
        done = self.attempt(*arguments, seconds=seconds)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout.strip()

    def attempt(self, *arguments: str, seconds: float = 60) -> subprocess.CompletedProcess[str]:
        places = ("--root", f"{self.folder}/store", "--runroot", f"{self.folder}/run")
        return subprocess.run(
            # The caches of a build's mounts are temporary files to it.
            [
                "env",
                f"TMPDIR={self.folder}",
                "buildah",
                *places,
                "--storage-driver=overlay",
                *arguments,
            ],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=seconds,
        )

    def run(self, image: str, *command: str) -> subprocess.CompletedProcess[str]:
        """Runs a command as the image says: its user, its variables, its folder."""
        container = self("from", "--pull-never", image)
        return self.attempt("run", "--isolation=chroot", container, "--", *command)

    def config(self, image: str) -> dict[str, Any]:
        told = json.loads(self("inspect", "--type=image", image))
        config: dict[str, Any] = told["OCIv1"]["config"]
        return config


@pytest.fixture(scope="module")
def buildah() -> Iterator[Buildah]:
    with tempfile.TemporaryDirectory(prefix="harena-") as folder:
        yield Buildah(Path(folder))


@pytest.fixture(scope="module")
def built(buildah: Buildah) -> str:
    """The image of the member, by the Dockerfile."""
    root, archive = buildah.folder / "base", buildah.folder / "base.tar"
    Repository(Settings().images / "debs").unpack(PACKAGES, root)
    finish(root)
    for name in ("passwd", "group"):  # the Dockerfile makes that user
        file = root / "etc" / name
        lines = file.read_text().splitlines(keepends=True)
        file.write_text("".join(line for line in lines if not line.startswith("harena:")))
    (root / "usr/local/bin").mkdir(parents=True)
    (root / "usr/local/bin/python3").symlink_to("/usr/bin/python3.11")
    layer = oci.Layer.pack(buildah.folder / "layer.tar", root, modes={"tmp": 0o1777})
    # Debian's pip leaves Debian's packages alone unless told; uv knows only authorities of its own.
    variables = {"PIP_BREAK_SYSTEM_PACKAGES": "1", "SSL_CERT_FILE": BUNDLE}
    oci.write(archive, [oci.Image(FROM, (layer,), environment=variables)])
    buildah("pull", "--quiet", f"oci-archive:{archive}")
    trusted = ssl.get_default_verify_paths().cafile or BUNDLE
    buildah(
        *("build", "--pull-never", "--isolation=chroot", f"--volume={trusted}:{BUNDLE}:ro"),
        *("--build-arg", f"MEMBER=services/{MEMBER}", "--build-arg", f"PACKAGE=harena-{MEMBER}"),
        *("--tag", "built", "."),
        seconds=500,
    )
    return "localhost/built"


@pytest.fixture(scope="module")
def packed(buildah: Buildah) -> str:
    """The same one, packed."""
    # As the test cluster names it, which may have packed it already.
    names = replace(Names.of_chart(), registry=REGISTRY, tag=TAG)
    [archive] = pack(buildah.folder / "packed", {"harena": SETS["harena"]}, names)
    alone = buildah.folder / "alone.tar"
    with tarfile.open(archive) as source, tarfile.open(alone, "w") as target:
        for entry in source:
            stream = source.extractfile(entry)
            assert stream is not None
            if entry.name != "index.json":
                target.addfile(entry, stream)
                continue
            index = json.load(stream)
            index["manifests"] = [
                x for x in index["manifests"] if names.ours(MEMBER) in x["annotations"].values()
            ]
            (buildah.folder / entry.name).write_text(json.dumps(index))
        target.add(buildah.folder / "index.json", "index.json")
    buildah("pull", "--quiet", f"oci-archive:{alone}")
    return names.ours(MEMBER)


def test_both_hold_and_may_the_same(buildah: Buildah, built: str, packed: str) -> None:
    told = {}
    for image in (built, packed):
        done = buildah.run(image, "python", "-c", PROBE)
        assert done.returncode == 0, done.stderr
        told[image] = json.loads(done.stdout)

    assert told[built] == told[packed]
    assert told[built]["user"] == [10001, 10001, [10001]]
    assert {"harena-budget", "fastapi"} <= {name for name, _ in told[built]["packages"]}
    assert told[built]["writable"] == told[built]["builders"] == []


def test_both_start_alike(buildah: Buildah, built: str, packed: str) -> None:
    for image in (built, packed):
        config = buildah.config(image)

        done = buildah.run(image, *config["Entrypoint"])

        assert config["User"] == "10001:10001"
        assert "database_url\n  Field required" in done.stderr
