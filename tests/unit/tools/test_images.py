"""Archives of images: the same content is the same bytes, and what changed is packed anew."""

import fcntl
import hashlib
import json
import os
import re
import shlex
import tarfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tools.images import oci
from tools.images.debian import AptError, Repository
from tools.images.names import Names
from tools.images.packer import Packer
from tools.images.sets import KEPT, BusyError, Set, pack

ROOT = Path(__file__).parents[3]
NAMES = Names(
    "registry.test/ours", "1.2.0", "7", "registry.test/postgres:18", "registry.test/valkey:9"
)


def tree(root: Path, umask: int, seconds: int, text: str = "two\n") -> Path:
    """A folder with each kind of entry, made at another time under another umask."""
    before = os.umask(umask)
    try:
        (root / "data/inner").mkdir(parents=True)
        (root / "database").mkdir()
        (root / "tmp").mkdir()
        (root / "data/inner/plain").write_text("one\n")
        (root / "database/plain").write_text(text)
        (root / "run").write_text("#!/bin/sh\n")
        (root / "run").chmod(0o700)
        (root / "link").symlink_to("data/inner")
        (root / "again").hardlink_to(root / "data/inner/plain")
    finally:
        os.umask(before)
    for path in sorted(root.rglob("*")):
        os.utime(path, (seconds, seconds), follow_symlinks=False)
    return root


def layer(root: Path) -> oci.Layer:
    return oci.Layer.pack(
        root.with_suffix(".tar"), root, owners={"data": 999}, modes={"tmp": 0o1777}
    )


def images(*layers: oci.Layer) -> list[oci.Image]:
    """Two that share all layers but the last."""
    return [
        oci.Image(NAMES.ours("whole"), layers, entrypoint=("run",), environment={"A": "b"}),
        oci.Image(NAMES.ours("part"), layers[:-1], command=("run",), user="1:1", folder="/data"),
    ]


class Archive:
    """What any reader of OCI layouts sees, found by names and digests alone."""

    def __init__(self, file: Path) -> None:
        with tarfile.open(file) as tar:
            self.names = tar.getnames()
            self.files = {
                entry.name: content.read()
                for entry in tar.getmembers()
                if (content := tar.extractfile(entry)) is not None
            }
        self.index = json.loads(self.files["index.json"])

    def blob(self, descriptor: dict[str, Any]) -> bytes:
        """What a descriptor points to, held to its size and digest."""
        algorithm, digest = descriptor["digest"].split(":")
        content = self.files[f"blobs/{algorithm}/{digest}"]
        assert len(content) == descriptor["size"]
        assert hashlib.new(algorithm, content).hexdigest() == digest
        return content

    def manifest(self, name: str) -> dict[str, Any]:
        [found] = [
            entry
            for entry in self.index["manifests"]
            # containerd's, and the one that every reader of OCI knows.
            if set(entry["annotations"].values()) == {name}
        ]
        manifest: dict[str, Any] = json.loads(self.blob(found))
        return manifest

    def config(self, name: str) -> dict[str, Any]:
        config: dict[str, Any] = json.loads(self.blob(self.manifest(name)["config"]))
        return config


def test_the_same_content_has_the_same_digest(tmp_path: Path) -> None:
    here = layer(tree(tmp_path / "here", umask=0o022, seconds=1_000_000_000))
    there = layer(tree(tmp_path / "there", umask=0o077, seconds=1_700_000_000))
    other = layer(tree(tmp_path / "other", umask=0o022, seconds=1_000_000_000, text="2\n"))

    assert here.digest == there.digest
    assert here.digest != other.digest

    for name, packed in (("here.oci", here), ("there.oci", there)):
        oci.write(tmp_path / name, images(packed))
    assert (tmp_path / "here.oci").read_bytes() == (tmp_path / "there.oci").read_bytes()


def test_entries_have_the_owners_and_modes_that_were_asked_for(tmp_path: Path) -> None:
    packed = layer(tree(tmp_path / "tree", umask=0o077, seconds=1_000_000_000))

    with tarfile.open(packed.file) as tar:
        found = {entry.name: (entry.uid, entry.gid, oct(entry.mode)) for entry in tar}
        again = tar.extractfile("again")
        assert again is not None
        assert again.read() == b"one\n"
        assert tar.getmember("link").linkname == "data/inner"

    assert found["data/inner/plain"] == (999, 999, "0o644")
    assert found["data"] == (999, 999, "0o755")
    assert found["database"] == (0, 0, "0o755")  # only begins like the other
    assert found["run"] == (0, 0, "0o755")
    assert found["tmp"] == (0, 0, "0o1777")


def test_an_archive_is_an_oci_layout(tmp_path: Path) -> None:
    first = layer(tree(tmp_path / "first", umask=0o022, seconds=1))
    second = layer(tree(tmp_path / "second", umask=0o022, seconds=1, text="second\n"))
    oci.write(tmp_path / "archive.tar", images(first, second))

    archive = Archive(tmp_path / "archive.tar")
    assert json.loads(archive.files["oci-layout"]) == {"imageLayoutVersion": "1.0.0"}
    assert len(archive.names) == len(set(archive.names))
    assert len(archive.index["manifests"]) == 2
    for name, layers in (("whole", 2), ("part", 1)):
        manifest, config = (
            archive.manifest(NAMES.ours(name)),
            archive.config(NAMES.ours(name)),
        )
        packed = [archive.blob(descriptor) for descriptor in manifest["layers"]]
        assert len(packed) == layers
        # Not compressed, so what was unpacked is what was sent.
        assert config["rootfs"]["diff_ids"] == [
            "sha256:" + hashlib.sha256(content).hexdigest() for content in packed
        ]
    assert archive.config(NAMES.ours("whole"))["config"]["Entrypoint"] == ["run"]
    assert archive.config(NAMES.ours("part"))["config"]["User"] == "1:1"
    assert not list(tmp_path.glob("*.part"))


def packed_names(folder: Path, text: str, names: Names) -> list[str]:
    """Of two members' images, with `text` in a layer of one."""
    packer = Packer(folder, Repository(folder / "debs"), names)
    packer.members = {
        "budget": (layer(tree(folder / "budget", umask=0o022, seconds=1)),),
        "db": (layer(tree(folder / "db", umask=0o022, seconds=1, text=text)),),
    }
    return [image.name for image in packer.harena()]


def test_the_tag_of_ours_follows_what_is_in_any_of_them(tmp_path: Path) -> None:
    names = replace(NAMES, tag="")
    here, again, other = (
        packed_names(tmp_path / name, text, names)
        for name, text in (("here", "a\n"), ("again", "a\n"), ("other", "b\n"))
    )

    assert here == again
    assert re.fullmatch(r"registry\.test/ours/budget:1\.2\.0-[0-9a-f]{12}", here[0])
    assert {name.rpartition(":")[2] for name in here} == {here[0].rpartition(":")[2]}
    assert set(other).isdisjoint(here)


def test_a_tag_that_is_given_is_the_tag(tmp_path: Path) -> None:
    assert packed_names(tmp_path, "a\n", NAMES) == [
        "registry.test/ours/budget:7",
        "registry.test/ours/db:7",
    ]


def test_an_image_of_ours_runs_as_the_dockerfile_says(tmp_path: Path) -> None:
    packer = Packer(tmp_path, Repository(tmp_path / "debs"), NAMES)
    packer.members = {"budget": (layer(tree(tmp_path / "tree", umask=0o022, seconds=1)),)}
    oci.write(tmp_path / "archive.tar", packer.harena())
    config = Archive(tmp_path / "archive.tar").config(NAMES.ours("budget"))["config"]

    last_stage = (ROOT / "Dockerfile").read_text().rpartition("\nFROM ")[2]
    said = dict(re.findall(r"^(ENV|USER|ENTRYPOINT) (.+)$", last_stage, re.MULTILINE))
    variables = [word.replace("$PATH", oci.PATH) for word in shlex.split(said["ENV"])]
    assert sorted(config["Env"]) == sorted(variables)
    assert config["User"] == said["USER"]
    assert config["Entrypoint"] == json.loads(said["ENTRYPOINT"])


APT = """#!/bin/sh
# As `apt-get --print-uris install PACKAGE…` answers.
while [ "$1" != install ]; do shift; done
shift
for package in "$@"; do
  grep "/$package" "{listed}" && continue
  echo "E: Unable to locate package $package" >&2
  exit 100
done
"""


class Sources:
    """A set that counts how often it is made, of a file and of Debian packages that can change."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.made = 0
        self.listed = folder / "listed"
        self.publish(libssl3="3.0.1", openssl="3.0.1")

    def publish(self, **versions: str) -> None:
        """What apt's lists say now, as they print it."""
        self.listed.write_text(
            "".join(
                f"'http://deb.test/{name}_{version}_amd64.deb'"
                f" {name}_1%3a{version}_amd64.deb 1 MD5Sum:0\n"
                for name, version in versions.items()
            )
        )

    def make(self, packer: Packer) -> Sequence[oci.Image]:
        self.made += 1
        root = packer.scratch / f"tree-{self.made}"
        return images(layer(tree(root, umask=0o022, seconds=1, text=f"{self.made}\n")))

    def pack(self, *names: str, names_of: Names = NAMES) -> list[Path]:
        wanted = Set(self.make, ("Dockerfile",), ("libssl3", "openssl"))
        return pack(self.folder / "out", dict.fromkeys(names or ("one",), wanted), names_of)


@pytest.fixture
def sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Sources:
    sources = Sources(tmp_path)
    apt = tmp_path / "bin/apt-get"
    apt.parent.mkdir()
    apt.write_text(APT.format(listed=sources.listed))
    apt.chmod(0o755)
    monkeypatch.setenv("PATH", str(apt.parent), prepend=os.pathsep)
    monkeypatch.setenv("HARENA_CACHE", str(tmp_path / "cache"))
    return sources


def kept(sources: Sources) -> list[Path]:
    return list((sources.folder / "cache/images").glob("*.tar*"))


def test_what_has_not_changed_is_not_packed_again(sources: Sources) -> None:
    [first] = sources.pack()
    content = first.read_bytes()
    [again] = sources.pack()

    assert sources.made == 1
    assert again == first
    assert again.read_bytes() == content
    assert [file.name for file in again.parent.iterdir()] == ["one.tar"]


def test_a_security_update_of_debian_is_packed(sources: Sources) -> None:
    [first] = sources.pack()
    content = first.read_bytes()
    sources.publish(libssl3="3.0.2", openssl="3.0.1")
    [second] = sources.pack()

    assert sources.made == 2
    assert second.read_bytes() != content


def test_other_names_are_packed(sources: Sources) -> None:
    sources.pack()
    sources.pack(names_of=replace(NAMES, tag="8"))

    assert sources.made == 2


def test_without_the_lists_of_debian_the_error_says_what_brings_them(sources: Sources) -> None:
    sources.publish()

    with pytest.raises(AptError, match=r"Unable to locate package libssl3\n.*apt-get update"):
        sources.pack()


def test_the_cache_keeps_the_newest_few(sources: Sources) -> None:
    left = sources.folder / "cache/images/one-killed.tar.part"
    left.parent.mkdir(parents=True)
    left.touch()
    os.utime(left, (1, 1))
    for patch in range(KEPT + 2):
        sources.publish(libssl3=f"3.0.{patch}", openssl="3.0.1")
        sources.pack()

    assert len(kept(sources)) == KEPT
    assert left not in kept(sources)
    made = sources.made
    sources.pack()
    assert sources.made == made


def test_two_do_not_pack_into_one_cache(sources: Sources) -> None:
    sources.pack()
    with (sources.folder / "cache/images/.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(BusyError, match="cache/images"):
            sources.pack()
    sources.pack()
