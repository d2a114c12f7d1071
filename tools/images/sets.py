"""The sets of images, each packed into one archive, and the cache of what was packed.

Kept are the newest few archives of a set, by a hash of all that goes into them.
"""

import fcntl
import shutil
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import astuple, dataclass
from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict
from tools.images import ingress_nginx, monitoring, oci, workspace
from tools.images.debian import AptError, Repository
from tools.images.names import Names
from tools.images.packer import BASE, REDIS_CLIENT, Packer
from tools.images.workspace import ROOT

KEPT = 3


class Settings(BaseSettings):
    """The cache, as tools/cluster/build.sh finds it."""

    model_config = SettingsConfigDict(env_ignore_empty=True)

    xdg_cache_home: Path = Field(default_factory=lambda: Path.home() / ".cache")
    harena_cache: Path | None = None

    @property
    def images(self) -> Path:
        return (self.harena_cache or self.xdg_cache_home / "harena") / "images"


class BusyError(Exception):
    """Another process packs into the same cache."""


@dataclass(frozen=True)
class Set:
    """The images of one archive, and all that decides what is in them."""

    make: Callable[[Packer], Sequence[oci.Image]]
    paths: tuple[str, ...]
    """Files and folders of the repository."""
    packages: tuple[str, ...] = ()
    """Debian's; what they depend on is found."""
    program: str = ""
    """What tools/cluster/build.sh builds for it."""

    def key(self, packer: Packer) -> str:
        """A hash of all that. Raises AptError."""
        return workspace.key(
            (ROOT / path for path in self.paths),
            *astuple(packer.names),
            *packer.debian.closure(self.packages),
            packer.built(self.program).name if self.program else "",
        )


OURS = ("tools/images", "tools/install_image.sh", "requirements", "libs", "services")
"""What of the repository is in the images of the workspace."""
SETS: Mapping[str, Set] = {
    "harena": Set(Packer.harena, OURS, BASE),
    "data": Set(Packer.data, ("tools/images", "requirements/run.txt"), (*BASE, *REDIS_CLIENT)),
    "ingress-nginx": Set(
        Packer.ingress_nginx,
        ("tools/images", "tools/cluster/ingress-nginx"),
        ingress_nginx.NGINX,
        "ingress-nginx",
    ),
    "traefik": Set(Packer.traefik, ("tools/images", "requirements/traefik.txt")),
    "monitoring": Set(Packer.monitoring, ("tools/images",), monitoring.PACKAGES, "prometheus"),
}


def print_packed(folder: Path, sets: Mapping[str, Set], names: Names) -> None:
    """As `pack`, for a command: prints the archives, or ends with what is in the way."""
    try:
        for archive in pack(folder, sets, names):
            print(archive)
    except (AptError, BusyError) as error:
        sys.exit(str(error))


def pack(folder: Path, sets: Mapping[str, Set], names: Names) -> list[Path]:
    """Writes an archive a set into `folder`; from the cache where nothing has changed.

    Raises BusyError, and AptError where Debian's lists are missing.
    """
    cache = Settings().images
    cache.mkdir(parents=True, exist_ok=True)
    folder.mkdir(parents=True, exist_ok=True)
    archives = []
    with (cache / ".lock").open("w") as lock, tempfile.TemporaryDirectory() as scratch:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BusyError(f"another process packs into {cache}") from None
        packer = Packer(Path(scratch), Repository(cache / "debs"), names)
        for name, wanted in sets.items():
            kept = cache / f"{name}-{wanted.key(packer)}.tar"
            if not kept.exists():
                oci.write(kept, wanted.make(packer))
            kept.touch()
            part, archive = folder / f"{name}.tar.part", folder / f"{name}.tar"
            shutil.copyfile(kept, part)
            archives.append(part.replace(archive))
            newest = sorted(cache.glob(f"{name}-*"), key=lambda file: -file.stat().st_mtime)
            for old in newest[KEPT:]:
                old.unlink()
    return archives
