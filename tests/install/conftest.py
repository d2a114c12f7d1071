"""A bare server for install.sh: a folder that stands for /, and a PATH of stand-ins.

In: the scripts, copied beside what they install. Out: `machine`, whose commands are those of
`stand_in.sh`, and `site`, a real HTTP server that holds the releases and plays the platform's edge.
curl, tar, sha256sum, openssl, flock, find and the like are real, and so is the rendering of charts.
k3s and the rest of helm are not: what they would do with what they are told is not tested here.
"""

import gzip
import hashlib
import io
import os
import re
import shutil
import ssl
import stat
import subprocess
import tarfile
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote

import pytest
import yaml
from tests.chart.conftest import ChartTestSettings, helm
from tools.images import oci
from tools.images.names import Names

ROOT = Path(__file__).parents[2]
STAND_IN = Path(__file__).parent / "stand_in.sh"
STAND_INS = (
    *("id", "uname", "nproc", "df", "ss", "timedatectl", "getenforce", "firewall-cmd", "rpm"),
    *(
        "modprobe",
        "sysctl",
        "ip",
        "umount",
        "nft",
        "mountpoint",
        "systemctl",
        "pgrep",
        "mv",
        "install",
        "curl",
    ),
    *("iptables-save", "iptables-restore", "ip6tables-save", "ip6tables-restore"),
)
VERSION = "v1.36.3+k3s1"
HELM = "helm-v4.2.4-linux-amd64.tar.gz"
CONTROLLER = "ingress-nginx-4.15.1.tgz"
OURS = "ghcr.io/harena/"
RELEASE = Names.of_chart().version
TAG = f"{RELEASE}-0123456789ab"
BINARY = "usr/local/bin/k3s"
RESTART = r"^systemctl restart k3s"
DEPLOY = r"^helm upgrade --install "
# As a VXLAN interface shows: a socket of the kernel, without a process.
VXLAN = "UNCONN 0 0 0.0.0.0:8472 0.0.0.0:*\n"
NGINX_ON = "etc/rancher/k3s/config.yaml.d/20-ingress-nginx.yaml"

Done = subprocess.CompletedProcess[str]


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def program(version: str) -> bytes:
    """The stand-in as a release has it: it knows which version it is."""
    return STAND_IN.read_bytes().replace(b"set -euo", f"VERSION={version}\nset -euo".encode(), 1)


def archive(files: dict[str, bytes]) -> bytes:
    """A .tar.gz of programs, the same bytes each time."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(content), 0o755
            tar.addfile(entry, io.BytesIO(content))
    return gzip.compress(packed.getvalue(), mtime=0)


# What upstream's makes of the values that name its image, and nothing else.
CONTROLLER_CHART = {
    "Chart.yaml": "apiVersion: v2\nname: ingress-nginx\nversion: 4.15.1\n",
    "values.yaml": """
controller: {image: {registry: registry.k8s.io, image: ingress-nginx/controller}}
""",
    "templates/deployment.yaml": """
{{- with .Values.controller.image }}
kind: Deployment
spec:
  template:
    spec:
      containers:
        - name: controller
          image: {{ .registry }}/{{ .image }}:{{ .tag }}{{ with .digest }}@{{ . }}{{ end }}
{{- end }}
""",
}


def run_documented(commands: str, scratch: Path, **variables: str) -> None:
    """Runs the commands of docs/node.md that begin so, in a checkout."""
    page = (ROOT / "docs" / "node.md").read_text()
    block = re.search(rf"^({commands}.+?)```", page, re.DOTALL | re.MULTILINE)
    assert block
    checkout, programs = scratch / "checkout", scratch / "bin"
    checkout.mkdir()
    programs.mkdir()
    for name in ("charts", "k8s"):
        (checkout / name).symlink_to(ROOT / name)
    (checkout / "values.yaml").touch()
    (programs / "skopeo").symlink_to(STAND_IN)
    (programs / "helm").symlink_to(ChartTestSettings().helm)
    subprocess.run(
        ["bash", "-euo", "pipefail", "-c", block[1]],
        cwd=checkout,
        env={
            "PATH": f"{programs}:{os.defpath}",
            "WORLD": str(scratch),
            "HARENA_ROOT": str(scratch),
            "HOME": str(scratch),
            **variables,
        },
        check=True,
        capture_output=True,
    )


@cache
def documented_images() -> dict[str, bytes]:
    """The archives that the commands of docs/node.md make, by their names; ours and others'."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch, "folder")
        folder.mkdir()
        (folder / CONTROLLER).write_bytes(controller_chart())
        run_documented(r"\{\n  helm template", Path(scratch), FOLDER=str(folder))
        write_ours(folder / "harena.tar", TAG)
        return {path.name: path.read_bytes() for path in folder.glob("*.tar")}


def write_ours(archive: Path, *tags: str, registry: str = OURS) -> None:
    """As the packer does: every image of ours that the chart asks for, with one tag."""
    names = [name[len(OURS) :].split(":")[0] for name in chart_images() if name.startswith(OURS)]
    oci.write(archive, [oci.Image(f"{registry}{name}:{tag}", ()) for tag in tags for name in names])


@cache
def chart_images() -> frozenset[str]:
    """Every image of the chart as it ships."""
    rendered = helm("template", "harena", str(ROOT / "charts" / "harena"))
    found: set[str] = set()

    def walk(node: object) -> None:
        if isinstance(node, dict):
            found.update(value for key, value in node.items() if key == "image" and value)
            node = list(node.values())
        for inner in node if isinstance(node, list) else ():
            walk(inner)

    for document in yaml.load_all(rendered, yaml.CSafeLoader):
        walk(document)
    return frozenset(found)


def controller_chart() -> bytes:
    return archive({f"ingress-nginx/{name}": x.encode() for name, x in CONTROLLER_CHART.items()})


@cache
def certificate() -> bytes:
    """Of every host that a site plays, with its key."""
    hosts = (
        "registry-1.docker.io",
        "quay.io",
        "ghcr.io",
        "images.test",
        "auth.test",
        "harena.invalid",
    )
    with tempfile.NamedTemporaryFile() as file:
        new = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
        new += ["-noenc", "-subj", "/CN=test", "-keyout", file.name, "-out", "/dev/stdout"]
        new += ["-addext", "subjectAltName=" + ",".join(f"DNS:{host}" for host in hosts)]
        made = subprocess.run(new, check=True, capture_output=True).stdout
        return file.read() + made


@dataclass
class Site:
    """What the network has: files by their path, and the answers of an edge and of registries.

    A registry has every image, unless `answers` says otherwise.
    """

    files: dict[str, bytes] = field(default_factory=dict)
    answers: dict[str, tuple[int, str]] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    tokens: set[str] = field(default_factory=set)
    bodies: list[str] = field(default_factory=list)
    clock: float = 0
    challenge: str = ""
    """What a registry asks of who comes without a token."""
    url: str = ""
    tls_port: int = 0

    def release(self, version: str, listed: str = "") -> str:
        """Adds a k3s; returns its checksum. `listed` is what the release says instead."""
        content = program(version)
        folder = f"/k3s/{version.replace('+', '%2B')}"
        self.files[f"{folder}/k3s"] = content
        lines = f"{'0' * 64}  k3s-arm64\n{listed or sha256(content)}  k3s\n"
        self.files[f"{folder}/sha256sum-amd64.txt"] = lines.encode()
        return sha256(content)


@contextmanager
def running(server: ThreadingHTTPServer) -> Iterator[None]:
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def serving() -> Iterator[Site]:
    """A site, served while the context is open."""
    held = Site()

    class Handler(BaseHTTPRequestHandler):
        def date_time_string(self, timestamp: float | None = None) -> str:
            return super().date_time_string((timestamp or time.time()) + held.clock)

        def answer(self) -> None:
            held.asked.append(self.path)
            if "Authorization" in self.headers:
                held.tokens.add(self.headers["Authorization"])
            if length := int(self.headers.get("Content-Length", 0)):
                held.bodies.append(self.rfile.read(length).decode())
            of_registry = self.path.startswith("/v2/")
            status, text = held.answers.get(unquote(self.path), (200 if of_registry else 404, ""))
            body = held.files.get(self.path)
            asks = of_registry and held.challenge and "Authorization" not in self.headers
            self.send_response(401 if asks else status if body is None else 200)
            if asks:
                self.send_header("WWW-Authenticate", held.challenge)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(text.encode() if body is None else body)

        do_GET = do_HEAD = do_POST = do_CONNECT = answer

        def log_message(self, format: str, *args: object) -> None:
            """What was asked is in `asked`."""

    plain, secure = (ThreadingHTTPServer(("127.0.0.1", 0), Handler) for _ in range(2))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.NamedTemporaryFile() as file:
        file.write(certificate())
        file.flush()
        context.load_cert_chain(file.name)
    secure.socket = context.wrap_socket(secure.socket, server_side=True)
    held.url, held.tls_port = f"http://127.0.0.1:{plain.server_port}", secure.server_port
    with running(plain), running(secure):
        yield held


@pytest.fixture
def site() -> Iterator[Site]:
    with serving() as held:
        yield held


@dataclass
class Machine:
    """A server, its checkout of Harena, and what happens on it."""

    root: Path
    world: Path
    checkout: Path
    site: Site

    def environment(self, settings: dict[str, str]) -> dict[str, str]:
        return {
            "PATH": f"{self.world / 'bin'}:{os.defpath}",
            "WORLD": str(self.world),
            "REAL_HELM": str(ChartTestSettings().helm),
            "HOME": str(self.world),
            "CURL_HOME": str(self.root.parent),
            "HARENA_ROOT": str(self.root),
            "HARENA_URL": self.site.url,
            "HARENA_SMOKE_SECONDS": "1",
            **settings,
        }

    def command(self, script: str, *arguments: str) -> list[str]:
        return [str(self.checkout / "k3s" / script), *arguments]

    def run(self, script: str, *arguments: str, given: str = "", **settings: str) -> Done:
        return subprocess.run(
            self.command(script, *arguments),
            env=self.environment(settings),
            input=given,
            capture_output=True,
            text=True,
            timeout=50,
        )

    def install(self, *arguments: str, **settings: str) -> Done:
        """Runs install.sh, which must succeed."""
        done = self.run("install.sh", *arguments, **settings)
        assert done.returncode == 0, done.stdout + done.stderr
        return done

    def refused(self, *arguments: str, **settings: str) -> str:
        """Runs install.sh, which must fail; what it said."""
        done = self.run("install.sh", *arguments, **settings)
        assert done.returncode == 1, done.stdout + done.stderr
        return done.stdout + done.stderr

    def uninstall(self, *arguments: str, given: str = "") -> Done:
        done = self.run("uninstall.sh", *arguments, given=given)
        assert done.returncode == 0, done.stdout + done.stderr
        return done

    @property
    def calls(self) -> list[str]:
        """Every call of a stand-in since `forget`, in order."""
        file = self.world / "calls"
        return file.read_text().splitlines() if file.exists() else []

    def called(self, pattern: str) -> list[str]:
        return [call for call in self.calls if re.search(pattern, call)]

    def forget(self) -> None:
        (self.world / "calls").unlink(missing_ok=True)
        self.site.asked.clear()

    def say(self, command: str, text: str) -> None:
        (self.world / "say" / command).write_text(text)

    def fail(self, pattern: str) -> None:
        """Calls that match fail, until this is called with nothing."""
        file = self.world / "fail"
        file.write_text(pattern) if pattern else file.unlink()

    def snapshot(self) -> dict[str, tuple[int, int, bytes]]:
        """Every file with its mode, time and content. Not the lock, and not k3s' own."""
        ours = [
            path
            for path in self.root.rglob("*")
            if path.name not in {"harena-node.lock", "00-k3s-defaults.conf"} and path.is_file()
        ]
        return {
            str(path.relative_to(self.root)): (
                stat.S_IMODE(path.stat().st_mode),
                path.stat().st_mtime_ns,
                path.read_bytes(),
            )
            for path in ours
        }

    def file(self, name: str) -> Path:
        return self.root / name

    def versions(self, **changes: str) -> None:
        """Writes k3s/versions.env of the checkout anew."""
        file = self.checkout / "k3s" / "versions.env"
        text = file.read_text()
        for name, value in changes.items():
            text, found = re.subn(f'^{name}=".*"$', f'{name}="{value}"', text, flags=re.MULTILINE)
            assert found == 1, name
        file.write_text(text)

    def airgap(self) -> Path:
        """Fills a folder as docs/node.md says."""
        folder = self.root.parent / "airgap"
        folder.mkdir()
        (folder / "k3s").write_bytes(program(VERSION))
        (folder / HELM).write_bytes(archive({"linux-amd64/helm": program("v4.2.4")}))
        (folder / CONTROLLER).write_bytes(controller_chart())
        (folder / "k3s-airgap-images-amd64.tar.zst").write_text("k3s' own")
        for name, content in documented_images().items():
            (folder / name).write_bytes(content)
        self.sum_up(folder)
        return folder

    def sum_up(self, folder: Path) -> None:
        files = sorted(path for path in folder.iterdir() if path.name != "SHA256SUMS")
        sums = [f"{sha256(path.read_bytes())}  {path.name}\n" for path in files]
        (folder / "SHA256SUMS").write_text("".join(sums))


ANSWER = (
    'data: {"type":"response_start"}\n\n'
    'data: {"type":"error","message":"Plus tard.","error_code":"ASSISTANT_UNAVAILABLE"}\n\n'
    'data: {"type":"response_end","metadata":{}}\n\n'
)
FIGURE = '{"success":true,"data":{"periode_cible":{"annee":2026,"total":%s,"jours":23}}}'


def bare_machine(folder: Path, site: Site) -> Machine:
    root, world, checkout = (folder / part for part in ("root", "world", "checkout"))
    for name in ("proc/self", "sys/fs/cgroup", "run/systemd/system", "var/lib", "usr/local/bin"):
        (root / name).mkdir(parents=True)
    (root / "proc/meminfo").write_text("MemTotal:        4006356 kB\nMemFree: 1 kB\n")
    (root / "proc/swaps").write_text("Filename Type Size Used Priority\n")
    (root / "proc/self/mounts").write_text("/dev/sda1 / ext4 rw 0 0\n")
    (root / "sys/fs/cgroup/cgroup.controllers").write_text("cpuset cpu io memory pids\n")
    for name in ("bin", "say", "active", "enabled", "pending", "releases"):
        (world / name).mkdir(parents=True)
    for name in STAND_INS:
        (world / "bin" / name).symlink_to(STAND_IN)
    (world / "demo").write_text("Henri123456")

    shutil.copytree(ROOT / "k3s", checkout / "k3s")
    (checkout / "charts").symlink_to(ROOT / "charts")
    (checkout / "k8s" / "traefik").mkdir(parents=True)
    (checkout / "k8s" / "ingress-nginx").symlink_to(ROOT / "k8s" / "ingress-nginx")
    (checkout / "k8s" / "traefik" / "helmchartconfig.yaml").write_text("kind: HelmChartConfig\n")

    # Every registry is the site, and so is the cloud's metadata address.
    (folder / "certificate.pem").write_bytes(certificate())
    (folder / ".curlrc").write_text(
        f'cacert = "{folder}/certificate.pem"\n'
        f'connect-to = ":443:127.0.0.1:{site.tls_port}"\n'
        f'connect-to = "169.254.169.254:80:{site.url.removeprefix("http://")}"\n'
    )
    packed = archive({"linux-amd64/helm": program("v4.2.4")})
    site.files[f"/helm/{HELM}"] = packed
    site.files[f"/helm/{HELM}.sha256sum"] = f"{sha256(packed)}  {HELM}\n".encode()
    site.answers = {
        "/health": (200, '{"status":"healthy","services":{"user":"healthy"}}'),
        "/api/v1/users/auth/login": (200, '{"access_token":"a.b.c","token_type":"bearer"}'),
        "/api/v1/metrics/expenses/mom": (200, FIGURE % "2104.37"),
        "/api/v1/metrics/expenses/yoy": (200, FIGURE % "26000.5"),
        "/api/v1/metrics/income/mom": (200, FIGURE % "3120.0"),
        "/api/v1/metrics/income/yoy": (200, FIGURE % "38000.0"),
        "/api/v1/metrics/coverage": (200, '{"data":{"taux_couverture":32.55}}'),
        "/api/v1/users/me": (200, '{"id":7,"email":"henri@example.com"}'),
        "/api/v3/conversation/7/stream": (200, ANSWER),
    }
    bare = Machine(root, world, checkout, site)
    bare.versions(
        K3S_SHA256=site.release(VERSION),
        K3S_RELEASES=f"{site.url}/k3s",
        HELM_SHA256=sha256(packed),
        HELM_RELEASES=f"{site.url}/helm",
    )
    return bare


@pytest.fixture
def machine(tmp_path: Path, site: Site) -> Machine:
    """A server that has nothing yet."""
    return bare_machine(tmp_path, site)


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folders of a server that install.sh has been run on."""
    folder = tmp_path_factory.mktemp("installed")
    with serving() as site:
        bare_machine(folder, site).install()
    return folder


@pytest.fixture
def node(machine: Machine, installed: Path) -> Machine:
    """A server that is a node already: a copy of that one."""
    for folder in (machine.root, machine.world):
        shutil.rmtree(folder)
        shutil.copytree(installed / folder.name, folder, symlinks=True)
    machine.forget()
    return machine
