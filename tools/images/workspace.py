"""The layers of the workspace's own images: a virtual environment for each member.

Each is what `tools/install_image.sh` makes, as in the Dockerfile. What all of them hold alike is a
layer that they share.
"""

import hashlib
import shutil
import subprocess
from collections.abc import Iterable, Sequence
from pathlib import Path

from tools.images import oci
from tools.images.debian import SECONDS

ROOT = Path(__file__).resolve().parents[2]
UV = ROOT / ".harena/bin/uv"
VENV = "app"
# What the Dockerfile sets, and a test compares.
ENVIRONMENT = {
    "PATH": f"/{VENV}/bin:{oci.PATH}",
    "PYTHONUNBUFFERED": "1",
    "PYTHONDONTWRITEBYTECODE": "1",
}

# They know paths or times of the machine that packs; at run time nobody reads them.
_OF_THE_MACHINE = ("bin/activate*", "bin/pydoc*", "bin/deactivate*", "**/RECORD", "**/uv_*.json")


def members() -> list[str]:
    """Every member that has an image: those with a lock of their own."""
    locks = (ROOT / "requirements").glob("image-*.txt")
    names = sorted(file.stem.removeprefix("image-") for file in locks)
    return [
        str(next(ROOT.glob(f"*/{name}/pyproject.toml")).parent.relative_to(ROOT)) for name in names
    ]


def install(member: str, root: Path, python: Path) -> None:
    """Makes `root`/app for one member, without bytecode.

    By the interpreter that will run it: what a lock asks for may depend on its patch release.
    """
    venv = root / VENV
    subprocess.run(
        [ROOT / "tools/install_image.sh", UV, venv, member, python],
        check=True,
        cwd=ROOT,
        timeout=SECONDS,
    )
    for pattern in _OF_THE_MACHINE:
        for file in venv.glob(pattern):
            file.unlink()
    for cache in list(venv.rglob("__pycache__")):
        shutil.rmtree(cache)
    (venv / "pyvenv.cfg").write_text("home = /usr/bin\ninclude-system-site-packages = false\n")
    for file in (venv / "bin").iterdir():
        if file.name.startswith("python"):
            file.unlink()
        elif not file.is_symlink():
            script = file.read_text().replace(str(venv), f"/{VENV}")
            file.unlink()  # it may be a link into uv's cache
            file.write_text(script)
            file.chmod(0o755)
    for name in ("python", "python3", "python3.11"):
        (venv / "bin" / name).symlink_to("/usr/bin/python3.11")


def share(roots: Sequence[Path], shared: Path) -> None:
    """Moves what is the same under each of `roots` to `shared`."""
    first, *others = roots
    for file in sorted(first.rglob("*")):
        path = file.relative_to(first)
        if file.is_dir() and not file.is_symlink():
            continue
        content = _content(file)
        if all(_content(other / path) == content for other in others):
            (shared / path).parent.mkdir(parents=True, exist_ok=True)
            file.rename(shared / path)
            for other in others:
                (other / path).unlink()


def _content(file: Path) -> bytes | None:
    if file.is_symlink():
        return str(file.readlink()).encode()
    return hashlib.sha256(file.read_bytes()).digest() if file.is_file() else None


def wheels(of: str, names: Iterable[str], target: Path) -> None:
    """Unpacks wheels in the versions, and with the hashes, of a lock in requirements."""
    wanted = tuple(f"{name}==" for name in names)
    blocks = (ROOT / f"requirements/{of}.txt").read_text().replace("\\\n", " ").splitlines()
    lock = target.with_suffix(".txt")
    lock.write_text("\n".join(line for line in blocks if line.startswith(wanted)) + "\n")
    subprocess.run(
        [
            *(UV, "pip", "install", "--quiet", "--no-deps", "--only-binary", ":all:"),
            *("--require-hashes", "--python-version", "3.11", "--target", target, "-r", lock),
        ],
        check=True,
        cwd=ROOT,
        timeout=SECONDS,
    )


def key(paths: Iterable[Path], *more: str) -> str:
    """A hash of files, and of all files below folders; names and content."""
    digest = hashlib.sha256("\0".join(more).encode())
    for path in sorted(paths):
        files = sorted(path.rglob("*")) if path.is_dir() else [path]
        for file in files:
            if file.is_file() and "__pycache__" not in file.parts:
                digest.update(f"{file.relative_to(ROOT)}\0".encode())
                digest.update(file.read_bytes())
    return digest.hexdigest()[:16]
