"""A root file system from Debian packages: unpacked, not installed.

apt resolves the packages against an empty system, so the result holds them and what they depend on,
and nothing that every Debian has besides. No script of any package runs, and no root is needed.
"""

import os
import re
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

SECONDS = 600.0

# What only packages' own scripts use, and nothing runs them here.
_SCRIPTS = {
    "adduser", "debconf", "debianutils", "dpkg", "init-system-helpers", "lsb-base", "passwd",
    "perl-base", "sensible-utils", "sysvinit-utils", "tar",
}  # fmt: skip
_PLANNED = re.compile(r"^Inst (\S+) \((\S+) [^)]*\[(\w+)\]\)", re.MULTILINE)
_DOCUMENTS = ("doc", "man", "locale", "info", "lintian")

_USERS = {"root": 0, "postgres": 999, "redis": 998, "www-data": 101, "harena": 10001}


class Repository:
    """This machine's Debian repository, with what was downloaded kept in `folder`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "partial").mkdir(parents=True, exist_ok=True)

    def _apt(self, *arguments: str) -> str:
        with tempfile.TemporaryDirectory() as scratch:
            status = Path(scratch, "status")
            status.touch()
            options = {
                "Dir::State::status": status,
                "Dir::State::extended_states": f"{scratch}/extended",
                "Dir::Cache::archives": self.folder,
                "Dir::Cache::pkgcache": "",
                "Dir::Cache::srcpkgcache": "",
                "Debug::NoLocking": 1,
                "APT::Install-Recommends": "false",
                "APT::Sandbox::User": "root",
            }
            command = ["apt-get", *(f"-o{key}={value}" for key, value in options.items())]
            return subprocess.run(
                [*command, *arguments], check=True, capture_output=True, text=True, timeout=SECONDS
            ).stdout

    def closure(self, packages: Sequence[str]) -> list[str]:
        """The file names of the packages and all they depend on."""
        planned = self._apt("-qq", "-s", "install", *packages)
        files = [
            f"{name}_{version.replace(':', '%3a')}_{architecture}.deb"
            for name, version, architecture in _PLANNED.findall(planned)
            if name not in _SCRIPTS
        ]
        return sorted(files)

    def unpack(self, packages: Sequence[str], root: Path) -> None:
        """Puts the packages, and all they depend on, under `root`."""
        files = self.closure(packages)
        if not all((self.folder / file).exists() for file in files):
            self._apt("-qq", "-y", "-d", "install", *packages)
        _skeleton(root)
        left_out = [f"--exclude=./usr/share/{folder}/*" for folder in _DOCUMENTS]
        for file in files:
            with subprocess.Popen(
                ["dpkg-deb", "--fsys-tarfile", self.folder / file], stdout=subprocess.PIPE
            ) as source:
                # Without the option, tar puts folders in place of the links lib -> usr/lib.
                options = ("--no-same-owner", "--keep-directory-symlink", *left_out)
                subprocess.run(
                    ["tar", "-x", "-C", str(root), *options],
                    stdin=source.stdout,
                    check=True,
                    timeout=SECONDS,
                )
            if source.returncode:
                raise subprocess.CalledProcessError(source.returncode, f"dpkg-deb {file}")


def _skeleton(root: Path) -> None:
    for folder in ("bin", "sbin", "lib", "lib64"):
        (root / "usr" / folder).mkdir(parents=True, exist_ok=True)
        if not (root / folder).is_symlink():
            (root / folder).symlink_to(f"usr/{folder}")
    for folder in ("etc", "tmp", "proc", "sys", "dev", "run", "var"):
        (root / folder).mkdir(exist_ok=True)


def finish(root: Path) -> None:
    """Adds what packages' scripts would have made: users, certificates, busybox's commands."""
    listed = subprocess.run(
        [root / "usr/bin/busybox", "--list"],
        check=True,
        capture_output=True,
        text=True,
        timeout=SECONDS,
    )
    for name in listed.stdout.split():
        if not any(os.path.lexists(root / "usr" / folder / name) for folder in ("bin", "sbin")):
            (root / "usr/bin" / name).symlink_to("busybox")
    people = {**_USERS, "nobody": 65534}
    (root / "etc/passwd").write_text(
        "".join(f"{name}:x:{number}:{number}::/:/bin/sh\n" for name, number in people.items())
    )
    (root / "etc/group").write_text(
        "".join(f"{name}:x:{number}:\n" for name, number in people.items())
    )
    (root / "etc/nsswitch.conf").write_text("passwd: files\ngroup: files\nhosts: files dns\n")
    certificates = sorted(root.glob("usr/share/ca-certificates/mozilla/*.crt"))
    bundle = root / "etc/ssl/certs/ca-certificates.crt"
    bundle.parent.mkdir(parents=True, exist_ok=True)
    bundle.write_text("".join(file.read_text() for file in certificates))


def python(base: Path) -> Path:
    """The interpreter of `base`, which also runs where it was unpacked."""
    return base / "usr/bin/python3.11"


def compile_python(root: Path, base: Path, folder: str) -> None:
    """Writes the bytecode of `root`/`folder` with the interpreter of `base`.

    It is never checked against the sources, whose times are not kept, and a container could not
    write it anew.
    """
    options = ("-q", "-f", "--invalidation-mode", "unchecked-hash", "-s", root, "-p", "/")
    subprocess.run(
        [python(base), "-I", "-m", "compileall", *options, root / folder],
        check=True,
        timeout=SECONDS,
        env={"PYTHONHASHSEED": "0"},
    )
