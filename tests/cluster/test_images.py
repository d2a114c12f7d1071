"""Packages by the real apt and dpkg, from a small repository of this test's own."""

import hashlib
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest
from tools.images.debian import AptError, Repository


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
        listed = (
            self._package("program", "1.0-1", "libsecure, perl-base"),
            self._package("libsecure", version),
            self._package("perl-base", "5.0-1"),
        )
        (self.folder / "debian/Packages").write_text("".join(listed))
        subprocess.run(["apt-get", "-qq", "update"], check=True, timeout=60)
        return Repository(self.archives)

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
