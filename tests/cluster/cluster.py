"""The test cluster from outside, and the platform that the tests have installed on it."""

import json
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx2
from tests.cluster.images import REGISTRY, TAG
from tools.images import ingress_nginx

from harena_local.process import wait_until

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).parent
SCRIPT = ROOT / "tools/cluster/cluster.sh"
CHART = ROOT / "charts/harena"

EDGE = "http://10.44.0.1:30080"
TLS_EDGE = "https://10.44.0.1:30443"
HOST = "harena.test"
NAMESPACE = "harena"
INGRESS_NAMESPACE = "ingress-nginx"
# Answered by a service itself: 401 without a token.
PROTECTED = ("/api/v1/users/me", "/api/v1/metrics/coverage")
# Enough to have met both workers.
CONNECTIONS = 8
READY_SECONDS = 120
INSTALL_SECONDS = 300

Object = dict[str, Any]


class CommandError(Exception):
    """kubectl or helm has failed."""


class Cluster:
    """What is asked of the API server, by the programs that people use."""

    def run(self, *command: str, given: str | None = None, seconds: float = 60) -> str:
        """Runs kubectl or helm. Raises CommandError with what it said if it fails."""
        done = self.attempt(*command, given=given, seconds=seconds)
        if done.returncode:
            raise CommandError(f"{' '.join(command)}\n{done.stdout}{done.stderr}")
        return done.stdout

    def attempt(
        self, *command: str, given: str | None = None, seconds: float = 60
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [SCRIPT, "run", *command], input=given, capture_output=True, text=True, timeout=seconds
        )

    def kubectl(self, *arguments: str, given: str | None = None, seconds: float = 60) -> str:
        return self.run("kubectl", *arguments, given=given, seconds=seconds)

    def items(self, kind: str, *arguments: str) -> list[Object]:
        """Objects of a kind, with what else kubectl is told."""
        listed = self.kubectl("get", kind, "--output=json", *arguments)
        items: list[Object] = json.loads(listed)["items"]
        return items

    def fresh_namespace(self, name: str) -> None:
        """Empties it of all that an earlier run left, volumes included."""
        self.kubectl(
            "delete", "namespace", name, "--ignore-not-found", "--timeout=120s", seconds=150
        )
        self.kubectl("create", "namespace", name)
        self.kubectl("label", "namespace", name, "pod-security.kubernetes.io/enforce=restricted")

    def install_ingress_nginx(self) -> None:
        self.run(
            *("helm", "upgrade", "--install", "ingress-nginx"),
            str(ingress_nginx.module() / "charts/ingress-nginx"),
            *("--namespace", INGRESS_NAMESPACE, "--create-namespace"),
            *("--values", str(ROOT / "k8s/ingress-nginx/values.yaml")),
            *("--values", str(HERE / "ingress-nginx.yaml")),
            *("--wait", "--timeout", "180s"),
            seconds=240,
        )


@dataclass(frozen=True)
class Harena:
    """One release of our chart."""

    cluster: Cluster
    namespace: str = NAMESPACE
    name: str = "harena"
    edge: str = EDGE

    def kubectl(self, *arguments: str, seconds: float = 60) -> str:
        return self.cluster.kubectl("--namespace", self.namespace, *arguments, seconds=seconds)

    def upgrade(
        self, *values: str, seconds: int = INSTALL_SECONDS
    ) -> subprocess.CompletedProcess[str]:
        """`helm upgrade --install --wait` with `--set` values; returns when it has ended."""
        waits = ("--wait", "--timeout", f"{seconds}s", "--history-max", "5")
        sets = (f"--set={value}" for value in values)
        return self.cluster.attempt(*self._upgrade(), *waits, *sets, seconds=seconds + 60)

    def notes(self, *arguments: str) -> str:
        """What an upgrade with these arguments would tell people, without doing it."""
        shown = self.cluster.run(*self._upgrade(), *arguments, "--dry-run=server", "--hide-secret")
        return shown.partition("NOTES:")[2]

    def _upgrade(self) -> list[str]:
        return [
            *("helm", "upgrade", "--install", self.name, str(CHART)),
            *("--namespace", self.namespace, "--values", str(HERE / "values.yaml")),
        ]

    def install(self, *values: str) -> None:
        done = self.upgrade(*values)
        assert done.returncode == 0, done.stdout + done.stderr + self.trouble()

    def roll_back(self) -> None:
        """Back to the release before this one."""
        self.cluster.run(
            *("helm", "rollback", self.name, f"--namespace={self.namespace}"),
            *("--wait", "--timeout=180s"),
            seconds=240,
        )

    def trouble(self) -> str:
        """What says why something is not ready."""
        events = ("get", "events", "--sort-by=.lastTimestamp", "--field-selector=type=Warning")
        logs = ("logs", f"--selector=app.kubernetes.io/instance={self.name}", "--all-containers")
        asked = (("get", "pods", "--output=wide"), events, (*logs, "--prefix", "--tail=5"))
        return "\n".join(
            done.stdout + done.stderr
            for arguments in asked
            for done in [self.cluster.attempt("kubectl", "--namespace", self.namespace, *arguments)]
        )

    def uninstall(self) -> None:
        self.cluster.run(
            *("helm", "uninstall", self.name, "--namespace", self.namespace),
            *("--wait", "--timeout", "120s"),
            seconds=180,
        )

    def pods(self, component: str = "") -> list[Object]:
        """The pods that run, of a component or of all."""
        selector = f"app.kubernetes.io/instance={self.name}"
        if component:
            selector += f",app.kubernetes.io/component={component}"
        found = self.cluster.items(
            "pods", f"--namespace={self.namespace}", f"--selector={selector}"
        )
        return [pod for pod in found if pod["status"]["phase"] == "Running"]

    def ready(self, component: str) -> bool:
        """Whether exactly the wanted pods of a component are there, and ready."""
        pods = self.pods(component)
        return len(pods) == 1 and all(
            "deletionTimestamp" not in pod["metadata"] and _is_ready(pod) for pod in pods
        )

    def serves(self, source: str = "10.46.6.1") -> bool:
        """Whether every service is well, and the whole edge has learned where it is.

        The portal asks the services past the edge, which hears of a new pod up to 3.3 s late, and
        each of its workers by itself; a connection belongs to one worker.
        """
        with self.client(source) as client:
            health = client.get("/health")
            if health.status_code != 200 or health.json()["status"] != "healthy":
                return False
        return all(self._answers(source) for _ in range(CONNECTIONS))

    def _answers(self, source: str) -> bool:
        with self.client(source) as client:
            return all(client.get(path).status_code == 401 for path in PROTECTED)

    def secret(self, name: str, key: str) -> str:
        template = f"--output=go-template={{{{index .data {json.dumps(key)} | base64decode}}}}"
        return self.kubectl("get", "secret", f"{self.name}-{name}", template)

    def workload(self, component: str) -> str:
        """As kubectl names what makes the pods of a component."""
        stateful = component in ("postgres", "redis", "prometheus")
        return f"{'statefulset' if stateful else 'deployment'}/{self.name}-{component}"

    def execute(
        self, component: str, command: Sequence[str], seconds: float = 60
    ) -> subprocess.CompletedProcess[str]:
        """Runs a command in a container of a component; its exit status says how it went."""
        return self.cluster.attempt(
            *("kubectl", "--namespace", self.namespace, "exec", "--quiet"),
            *(self.workload(component), "--container", component, "--", *command),
            seconds=seconds,
        )

    def sql(self, statement: str) -> str:
        """What the owner of the schema reads with it."""
        done = self.execute("postgres", self.psql(statement))
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def psql(self, *statements: str) -> list[str]:
        """The command for that, in the container of Postgres; all statements in one session."""
        password = self.secret("database", "owner-password")
        return [
            *("env", f"PGPASSWORD={password}", "psql", "-h", "127.0.0.1", "-U", "harena"),
            *("-d", "harena", "-v", "ON_ERROR_STOP=1", "-tA"),
            *(argument for statement in statements for argument in ("-c", statement)),
        ]

    def prometheus(self, path: str) -> Any:
        """What its API says, through the API server, as `kubectl port-forward` comes."""
        service = f"namespaces/{self.namespace}/services/{self.name}-prometheus:9090"
        answer = json.loads(self.kubectl("get", "--raw", f"/api/v1/{service}/proxy/api/v1/{path}"))
        return answer["data"]

    def series(self, expression: str) -> list[Object]:
        """What an expression finds now."""
        found: list[Object] = self.prometheus(f"query?query={quote(expression)}")["result"]
        return found

    def client(self, source: str | None = None) -> httpx2.Client:
        """A client outside, at an address of its own."""
        return httpx2.Client(
            base_url=self.edge,
            headers={"Host": HOST},
            timeout=20,
            trust_env=False,
            transport=httpx2.HTTPTransport(local_address=source),
        )

    @contextmanager
    def login(self, email: str, source: str | None = None) -> Iterator[httpx2.Client]:
        """A client with the token of a demo user."""
        with self.client(source) as client:
            log_in(client, email, self.secret("demo", "password"))
            yield client


def log_in(client: httpx2.Client, email: str, password: str) -> None:
    """Gives the client the user's token."""
    answer = client.post("/api/v1/users/auth/login", data={"username": email, "password": password})
    assert answer.status_code == 200, answer.text
    client.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"


def _is_ready(item: Object) -> bool:
    return any(
        condition["type"] == "Ready" and condition["status"] == "True"
        for condition in item["status"].get("conditions", [])
    )


def eventually(condition: Callable[[], bool], seconds: float = READY_SECONDS) -> bool:
    """Whether it comes true in time; what cannot be asked meanwhile is not yet true."""

    def holds() -> bool:
        with suppress(httpx2.HTTPError, CommandError, subprocess.TimeoutExpired):
            return condition()
        return False

    return bool(wait_until(holds, seconds, every=0.5))


def image(name: str) -> str:
    return f"{REGISTRY}/{name}:{TAG}"
