"""A root file system from Debian packages: unpacked, not installed.

apt resolves the packages against an empty system, so the result holds them and what they depend on,
and nothing that every Debian has besides. No script of any package runs, and no root is needed.

    python -m tools.images.debian

renews apt's lists where they are missing or a day old. Only root may: for others it does nothing.
"""

import os
import re
import shlex
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SECONDS = 600.0
RENEWED_AFTER = 24 * 3600.0

# What only packages' own scripts use, and nothing runs them here; unless it is asked for by name.
_SCRIPTS = {
    "adduser", "debconf", "debianutils", "dpkg", "init-system-helpers", "lsb-base", "passwd",
    "perl-base", "sensible-utils", "sysvinit-utils", "tar",
}  # fmt: skip
_PLANNED = re.compile(r"^'\S+' (\S+\.deb) ", re.MULTILINE)
_DOCUMENTS = ("doc", "man", "locale", "info", "lintian")

USERS = {"root": 0, "www-data": 101, "postgres": 999, "harena": 10001, "nobody": 65534}
"""Each has a group of the same number."""


class AptError(Exception):
    """What apt-get says when it cannot resolve or download packages, and what to do."""


def _run(*command: str, otherwise: str) -> str:
    """What a program of apt's prints; AptError with its words, and a sentence, where it fails."""
    try:
        done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=SECONDS)
    except FileNotFoundError:
        raise AptError(f"{command[0]} is not here: images are packed on Debian 12") from None
    if done.returncode:
        raise AptError(f"{done.stderr.strip()}\n{otherwise}")
    return done.stdout


def renew_lists() -> None:
    """Runs `apt-get update` where the lists are missing or a day old.

    Raises AptError where a source does not answer; what was there stays.
    """
    failed = "apt's lists were not renewed: see the machine's network, and its sources in /etc/apt"
    told = _run("apt-config", "shell", "folder", "Dir::State::lists/d", otherwise=failed)
    lists = Path(shlex.split(told)[0].removeprefix("folder="))
    # Lists have the time of their publication; this folder, that of the last download.
    downloads = lists / "partial"
    if not any(lists.glob("*_Packages*")) or not downloads.exists():
        age = RENEWED_AFTER
    else:
        age = time.time() - downloads.stat().st_mtime
    if age >= RENEWED_AFTER:
        _run("apt-get", "-qq", "update", "--error-on=any", otherwise=failed)


class Repository:
    """This machine's Debian repository, with what was downloaded kept in `folder`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._closures: dict[tuple[str, ...], list[str]] = {}

    def _apt(self, *arguments: str, archives: Path | None = None) -> str:
        """Runs apt-get on an empty system; it keeps nothing without a folder for `archives`."""
        with tempfile.TemporaryDirectory() as scratch:
            status = Path(scratch, "status")
            status.touch()
            archives = archives or Path(scratch)
            (archives / "partial").mkdir(parents=True, exist_ok=True)
            options = {
                "Dir::State::status": status,
                "Dir::State::extended_states": f"{scratch}/extended",
                "Dir::Cache::archives": archives,
                "Dir::Cache::pkgcache": "",
                "Dir::Cache::srcpkgcache": "",
                "Debug::NoLocking": 1,
                "APT::Install-Recommends": "false",
                "APT::Sandbox::User": "root",
            }
            command = ["apt-get", *(f"-o{key}={value}" for key, value in options.items())]
            return _run(
                *(*command, "-qq", *arguments),
                otherwise=f"apt-get cannot {' '.join(arguments)}:"
                " its lists may be missing or old, and `sudo apt-get update` renews them",
            )

    def closure(self, packages: tuple[str, ...]) -> list[str]:
        """The file names, which hold the versions, of the packages and all they depend on.

        They are as new as the lists of the last `apt-get update`. Raises AptError without any.
        """
        if packages and packages not in self._closures:
            planned = self._apt("--print-uris", "install", *packages)
            left_out = _SCRIPTS.difference(packages)
            self._closures[packages] = sorted(
                file for file in _PLANNED.findall(planned) if file.split("_")[0] not in left_out
            )
        return self._closures.get(packages, [])

    def unpack(self, packages: tuple[str, ...], root: Path, below: tuple[str, ...] = ()) -> None:
        """Puts the packages, and all they depend on, under `root`.

        What the packages of a layer `below` bring is left out. Raises AptError.
        """
        brought = self.closure(below)
        files = [file for file in self.closure((*below, *packages)) if file not in brought]
        if not all((self.folder / file).exists() for file in files):
            self._apt("-y", "-d", "install", *below, *packages, archives=self.folder)
            self._apt("autoclean", archives=self.folder)  # what a newer version has replaced
        _merge_usr(root)
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


def _merge_usr(root: Path) -> None:
    for folder in ("bin", "sbin", "lib", "lib64"):
        (root / "usr" / folder).mkdir(parents=True, exist_ok=True)
        if not (root / folder).is_symlink():
            (root / folder).symlink_to(f"usr/{folder}")


def finish(root: Path) -> None:
    """Adds what packages' scripts would have made: users, certificates, busybox's commands."""
    for folder in ("etc", "tmp", "proc", "sys", "dev", "run", "var"):
        (root / folder).mkdir(exist_ok=True)
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
    (root / "etc/passwd").write_text(
        "".join(f"{name}:x:{number}:{number}::/:/bin/sh\n" for name, number in USERS.items())
    )
    (root / "etc/group").write_text(
        "".join(f"{name}:x:{number}:\n" for name, number in USERS.items())
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


if __name__ == "__main__" and os.geteuid() == 0:
    try:
        renew_lists()
    except AptError as error:
        # With older lists there may be all that is needed.
        print(error, file=sys.stderr)
