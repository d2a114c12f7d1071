"""Packages by the real apt and dpkg, from a small repository of this test's own."""

import hashlib
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest
from tools.images.debian import RENEWED_AFTER, AptError, Repository, renew_lists
from tools.images.workspace import ROOT


@dataclass
class Debian:
    """A repository of three packages, and what a machine knows of it."""

    folder: Path

    def __post_init__(self) -> None:
        for name in ("debian", "lists/partial"):
            (self.folder / name).mkdir(parents=True)
        (self.folder / "sources.list").write_text(
            f"deb [trusted=yes] copy:{self.folder}/debian ./\n"
        )
        self.settings = self.folder / "apt.conf"
        self.settings.write_text(
            f'Dir::Etc::sourcelist "{self.folder}/sources.list";\n'
            'Dir::Etc::sourceparts "/dev/null";\n'
            f'Dir::State::lists "{self.folder}/lists";\n'
            'Dir::Cache::pkgcache "";\n'
            'Dir::Cache::srcpkgcache "";\n'
            'APT::Architecture "amd64";\n'
            'APT::Sandbox::User "root";\n'
        )

    @property
    def archives(self) -> Path:
        return self.folder / "archives"

    def publish(self, version: str) -> Repository:
        """A version of libsecure, and `apt-get update`; what a new run of the packer sees."""
        self.announce(version)
        subprocess.run(["apt-get", "-qq", "update"], check=True, timeout=60)
        return Repository(self.archives)

    def announce(self, version: str) -> None:
        """A version of libsecure, of which the machine does not know yet."""
        listed = (
            self._package("program", "1.0-1", "libsecure, perl-base"),
            self._package("libsecure", version),
            self._package("perl-base", "5.0-1"),
        )
        (self.folder / "debian/Packages").write_text("".join(listed))

    @property
    def known(self) -> str:
        """The version of libsecure in the machine's lists."""
        return Repository(self.archives).closure(("libsecure",))[0].split("_")[1]

    def age(self, seconds: float) -> None:
        """Makes the last `apt-get update` that long ago."""
        then = time.time() - seconds
        os.utime(self.folder / "lists/partial", (then, then))

    def _package(self, name: str, version: str, depends: str = "") -> str:
        root, file = self.folder / "built" / name, self.folder / f"debian/{name}.deb"
        (root / "DEBIAN").mkdir(parents=True, exist_ok=True)
        (root / "lib").mkdir(exist_ok=True)
        (root / "lib" / name).write_text(f"{version}\n")
        control = f"Package: {name}\nVersion: {version}\nArchitecture: amd64\n"
        control += f"Depends: {depends}\n" if depends else ""
        control += "Maintainer: a test <test@example.com>\nDescription: of a test\n"
        (root / "DEBIAN/control").write_text(control)
        build = ["dpkg-deb", "--root-owner-group", "--build", str(root), str(file)]
        subprocess.run(build, check=True, capture_output=True, timeout=60)
        content = file.read_bytes()
        return (
            f"{control}Filename: ./{file.name}\nSize: {len(content)}\n"
            f"SHA256: {hashlib.sha256(content).hexdigest()}\n\n"
        )


@pytest.fixture
def debian(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Debian:
    debian = Debian(tmp_path)
    monkeypatch.setenv("APT_CONFIG", str(debian.settings))
    return debian


def test_a_closure_is_the_versions_of_now_without_what_only_scripts_use(debian: Debian) -> None:
    assert debian.publish("1:1.0-1").closure(("program",)) == [
        "libsecure_1%3a1.0-1_amd64.deb",
        "program_1.0-1_amd64.deb",
    ]
    assert debian.publish("1:1.0-1+deb12u1").closure(("program",)) == [
        "libsecure_1%3a1.0-1+deb12u1_amd64.deb",
        "program_1.0-1_amd64.deb",
    ]


def test_what_is_unpacked_is_new_and_the_old_download_is_gone(
    debian: Debian, tmp_path: Path
) -> None:
    debian.publish("1:1.0-1").unpack(("program",), tmp_path / "old")
    debian.publish("1:1.0-1+deb12u1").unpack(("program",), tmp_path / "new")

    assert (tmp_path / "new/usr/lib/libsecure").read_text() == "1:1.0-1+deb12u1\n"
    assert (tmp_path / "new/lib").is_symlink()
    downloaded = {file.name for file in debian.archives.glob("libsecure_*")}
    assert downloaded == {"libsecure_1%3a1.0-1+deb12u1_amd64.deb"}


def test_a_layer_leaves_out_what_the_one_below_brings(debian: Debian, tmp_path: Path) -> None:
    debian.publish("1:1.0-1").unpack(("program",), tmp_path / "root", below=("libsecure",))

    assert [file.name for file in (tmp_path / "root/usr/lib").iterdir()] == ["program"]


def test_without_lists_the_error_says_what_brings_them(debian: Debian) -> None:
    with pytest.raises(AptError, match="program(.|\n)*apt-get update"):
        Repository(debian.archives).closure(("program",))


class TestRenewal:
    def test_missing_lists_are_made(self, debian: Debian) -> None:
        debian.announce("1.0-1")

        renew_lists()

        assert debian.known == "1.0-1"

    @pytest.mark.parametrize(("age", "known"), [(-60, "1.0-1"), (60, "1.0-2")])
    def test_only_old_ones_are_renewed(self, debian: Debian, age: float, known: str) -> None:
        debian.publish("1.0-1")
        debian.announce("1.0-2")
        debian.age(RENEWED_AFTER + age)

        renew_lists()

        assert debian.known == known

    def test_once_renewed_they_are_new(self, debian: Debian) -> None:
        debian.publish("1.0-1")
        debian.age(RENEWED_AFTER + 60)
        renew_lists()
        debian.announce("1.0-2")

        renew_lists()

        assert debian.known == "1.0-1"

    def test_a_source_that_does_not_answer_leaves_the_old_ones(self, debian: Debian) -> None:
        debian.publish("1.0-1")
        debian.age(RENEWED_AFTER + 60)
        (debian.folder / "debian/Packages").unlink()

        done = subprocess.run(
            [sys.executable, "-m", "tools.images.debian"],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=60,
        )

        assert (done.returncode, done.stdout) == (0, "")
        assert done.stderr.rstrip().endswith("its sources in /etc/apt")
        assert debian.known == "1.0-1"


def test_without_a_package_packing_ends_in_words(
    debian: Debian, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HARENA_CACHE", str(debian.folder / "cache"))
    done = subprocess.run(
        [sys.executable, "-m", "tests.cluster.images", str(debian.folder / "out")],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert (done.returncode, done.stdout) == (1, "")
    assert "Traceback" not in done.stderr
    assert "`sudo apt-get update` renews them" in done.stderr
