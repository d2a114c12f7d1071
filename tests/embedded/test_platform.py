"""What the embedded platform promises: it starts, says what is wrong, heals, and loses no row."""

import json
import os
import re
import signal
import stat
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, ClassVar

import httpx2
import psutil
import pytest
from tests.embedded.bru import Runner, collection, parse
from tests.embedded.conftest import PATH, Platform, suspended
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from harena_demo.generator import DEMO_LOGINS
from harena_local.embedded import Embedded
from harena_local.layout import SERVICES
from harena_local.process import LocalError, wait_until

pytestmark = pytest.mark.timeout(300)

PARTS = ("postgres", "valkey", *(service.name for service in SERVICES), "edge")
HEALED_SECONDS = 60


@pytest.fixture
def counted(platform: Platform) -> Iterator[None]:
    """No row is lost, whatever the test does."""
    rows = "SELECT count(*) FROM transactions"
    before = platform.sql(rows)
    assert int(before) > 1000
    yield
    assert platform.sql(rows) == before


def of_each(platform: Platform, tell: Callable[[psutil.Process], Any]) -> Iterator[Any]:
    """What each process tells that has not ended meanwhile."""
    for process in platform.processes():
        with suppress(psutil.NoSuchProcess):
            yield tell(process)


class TestUp:
    def test_all_is_healthy_and_answers_a_login(self, platform: Platform) -> None:
        with platform.login() as client:
            assert client.get("/api/v1/users/me").json()["email"] == "henri@example.com"

    def test_the_figures_are_the_same_through_the_edge_and_directly(
        self, platform: Platform
    ) -> None:
        path = "/api/v1/metrics/expenses/mom"
        with platform.login() as client:
            through_edge = client.get(path)
            directly = client.get(platform.address("metric") + path)
        assert through_edge.status_code == 200
        assert through_edge.json()["data"] == directly.json()["data"]

    @pytest.mark.parametrize(
        ("service", "path"),
        [
            ("user", "/health"),
            ("search", "/api/v1/search/health"),
            ("metric", "/health"),
            ("budget", "/health"),
            ("conversation", "/health"),
        ],
    )
    def test_the_documented_health_calls_answer(
        self, platform: Platform, service: str, path: str
    ) -> None:
        with platform.login() as client:
            answer = client.get(platform.address(service) + path)
        assert (answer.status_code, answer.json()["status"]) == (200, "healthy")

    def test_a_second_one_changes_nothing_and_shows_how_to_log_in(self, platform: Platform) -> None:
        before = {name: row["pid"] for name, row in platform.status().items()}
        shown = platform.run("up").stdout
        assert {name: row["pid"] for name, row in platform.status().items()} == before
        assert "transactions added" not in shown
        assert "henri@example.com / Henri123456" in shown
        assert f"curl -X POST {platform.edge}/api/v1/users/auth/login" in shown
        for name in PARTS:
            assert name in shown

    def test_everything_listens_on_loopback_only(self, platform: Platform) -> None:
        addresses = {
            connection.laddr.ip
            for connections in of_each(platform, lambda process: process.net_connections("tcp"))
            for connection in connections
            if connection.status == psutil.CONN_LISTEN
        }
        assert addresses == {"127.0.0.1"}

    def test_secrets_are_only_ours_to_read(self, platform: Platform) -> None:
        files = list(platform.layout.state.secrets.iterdir())
        assert len(files) > 10
        assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}

    def test_no_secret_is_in_a_log_or_on_a_command_line(self, platform: Platform) -> None:
        state = platform.layout.state
        seen = " ".join(word for line in of_each(platform, psutil.Process.cmdline) for word in line)
        seen += "".join(file.read_text() for file in state.logs.iterdir())
        for file in state.secrets.iterdir():
            assert file.read_text().strip() not in seen


class TestConversation:
    """Streams and sockets through the local edge; the rest of them: tests/integration."""

    FAILED: ClassVar = ["error", "response_end"]

    def test_a_stream(self, platform: Platform) -> None:
        with platform.login() as client:
            user_id = client.get("/api/v1/users/me").json()["id"]
            path = f"/api/v3/conversation/{user_id}/stream"
            with client.stream("POST", path, json={"message": "Combien ?"}) as answer:
                lines = [line for line in answer.iter_lines() if line]
        events = [json.loads(line.removeprefix("data: ")) for line in lines]
        assert [event["type"] for event in events] == self.FAILED
        assert events[0]["error_code"] == "ASSISTANT_UNAVAILABLE"
        assert answer.headers["Cache-Control"] == "no-cache, no-transform"
        assert answer.headers["Content-Type"].startswith("text/event-stream")

    def test_a_socket_is_sent_elsewhere_when_its_service_restarts(self, platform: Platform) -> None:
        with platform.login() as client:
            token = client.headers["Authorization"].removeprefix("Bearer ")
        url = platform.edge.replace("http", "ws", 1) + "/api/v3/ws"
        with connect(url, proxy=None) as socket:
            socket.send(json.dumps({"type": "auth", "token": token}))
            socket.send(json.dumps({"type": "message", "message": "Combien ?"}))
            heard = [json.loads(socket.recv(10))["type"] for _ in self.FAILED]
            assert heard == self.FAILED
            platform.run("restart", "conversation")
            assert json.loads(socket.recv(10)) == {"type": "reconnect"}
            with pytest.raises(ConnectionClosed) as closed:
                socket.recv(10)
            assert closed.value.rcvd is not None
            assert closed.value.rcvd.code == 1012


class TestHealing:
    @pytest.mark.usefixtures("counted")
    @pytest.mark.parametrize("name", PARTS)
    def test_whatever_is_killed_comes_back(self, platform: Platform, name: str) -> None:
        before = platform.status()[name]
        assert before["state"] == "healthy"
        rename = f"UPDATE users SET last_name = '{name}' WHERE id = 1 RETURNING id"  # noqa: S608
        platform.sql(rename)
        os.kill(before["pid"], signal.SIGKILL)

        def is_back() -> bool:
            files = platform.layout.state.starts(name).read_text().split()
            return len(files) >= before["restarts"] + 2 and platform.healthy()

        assert wait_until(is_back, HEALED_SECONDS, every=0.1)
        after = platform.status()[name]
        assert (after["state"], after["restarts"]) == ("healthy", before["restarts"] + 1)
        # What was committed just before is there.
        assert platform.sql("SELECT last_name FROM users WHERE id = 1") == name

    @pytest.mark.usefixtures("counted")
    def test_nothing_outlives_a_killed_supervisor_and_the_next_up_recovers(
        self, platform: Platform
    ) -> None:
        pid = int((platform.layout.state.run / "supervisor.pid").read_text())
        os.kill(pid, signal.SIGKILL)
        assert wait_until(lambda: not platform.processes(), 20, every=0.1)
        assert set(row["state"] for row in platform.status().values()) == {"stopped"}
        platform.run("up")

    def test_a_restart_is_one_part_s_alone(self, platform: Platform) -> None:
        before = platform.status()
        platform.run("restart", "search")
        after = platform.status()
        changed = {name for name in PARTS if before[name]["pid"] != after[name]["pid"]}
        assert changed == {"search"}
        assert after["search"]["restarts"] == 0
        assert "There is no nonsense here" in platform.run("restart", "nonsense", status=1).stderr


class TestStuck:
    def test_a_part_that_does_not_answer_is_named_with_its_last_lines(
        self, platform: Platform
    ) -> None:
        with suspended(platform.process("search")):
            assert platform.status()["search"]["state"] == "unhealthy"
            embedded = Embedded(platform.settings)
            with pytest.raises(LocalError, match="^Not healthy: search") as told:
                embedded.wait_healthy(["metric", "search"], seconds=0.5)
        assert str(platform.layout.state.log("search")) in str(told.value)
        assert '"event"' in str(told.value)


class TestDown:
    @pytest.mark.usefixtures("counted")
    def test_leaves_no_process_and_ctrl_c_in_the_foreground_neither(
        self, platform: Platform
    ) -> None:
        assert "Stopped." in platform.run("down").stdout
        assert platform.processes() == []
        assert "was not running" in platform.run("down").stdout
        with foreground(platform) as command:
            assert command.stdout
            assert any("curl" in line for line in command.stdout)
            command.send_signal(signal.SIGINT)
            shown, _ = command.communicate(timeout=60)
        assert command.returncode == 0, shown
        assert platform.processes() == []
        platform.run("up")


@contextmanager
def foreground(platform: Platform) -> Iterator["subprocess.Popen[str]"]:
    """As a script in the background starts it: a shell lets such a one ignore Ctrl-C."""
    with subprocess.Popen(
        ["env", "--ignore-signal=INT", *platform.command("up", "--foreground")],
        env=platform.environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as command:
        try:
            yield command
        finally:
            command.terminate()


class TestData:
    @pytest.mark.usefixtures("counted")
    def test_a_backup_brings_back_what_was_deleted(self, platform: Platform) -> None:
        platform.run("backup")
        deleted = platform.sql(
            "WITH gone AS (DELETE FROM transactions WHERE id % 2 = 0 RETURNING 1) "
            "SELECT count(*) FROM gone"
        )
        assert int(deleted) > 1000
        platform.run("restore", "--yes")
        with platform.login() as client:
            assert client.get("/api/v1/users/me").status_code == 200

    def test_restoring_is_asked_about_first(self, platform: Platform) -> None:
        platform.run("backup")
        assert "Aborted" in platform.run("restore", status=1).stderr

    def test_a_reset_brings_back_the_households_and_nobody_else(self, platform: Platform) -> None:
        rows, users = "SELECT count(*) FROM transactions", "SELECT count(*) FROM users"
        before, households = int(platform.sql(rows)), int(platform.sql(users))
        platform.run("demo", "load", "--users", "3", "--transactions", "300")
        assert int(platform.sql(rows)) == before + 300
        platform.sql("DELETE FROM users WHERE email = 'henri@example.com' RETURNING 1")
        platform.run("demo", "reset", "--yes")
        assert int(platform.sql(users)) == households
        with platform.login() as client:
            assert client.get("/api/v1/users/me").status_code == 200

    def test_psql_opens_it_as_its_owner(self, platform: Platform) -> None:
        shown = platform.run("psql", "-At", "-c", "SELECT current_user, count(*) FROM users").stdout
        assert shown.startswith("harena|")

    def test_logs_show_each_part(self, platform: Platform) -> None:
        assert "ready to accept connections" in platform.run("logs", "postgres", "-n", "99").stdout
        assert {line.split()[0] for line in platform.run("logs").stdout.splitlines()} >= {
            "postgres",
            "user",
            "edge",
        }


class TestObstacles:
    """Each is one sentence and status 1, and starts nothing."""

    def refused(self, home: Path, offset: int, **more: str) -> str:
        other = Platform(home, offset)
        try:
            told = other.run("up", status=1, **more).stderr.strip()
        finally:
            other.run("down")
        assert told.startswith("harena: ")
        assert "Traceback" not in told
        assert other.processes() == []
        return told

    def test_a_port_in_use(self, platform: Platform, tmp_path: Path) -> None:
        told = self.refused(tmp_path / "other", platform.offset)
        assert f"Port {5432 + platform.offset} (postgres) is not free (postgres, process " in told
        assert "HARENA_PORT_OFFSET" in told

    def test_a_broken_data_folder(self, platform: Platform, tmp_path: Path) -> None:
        (tmp_path / "other" / "data" / "postgres").mkdir(parents=True)
        told = self.refused(tmp_path / "other", platform.offset)
        assert "is broken" in told
        assert "move" in told

    def test_settings_that_make_no_sense(self, platform: Platform, tmp_path: Path) -> None:
        told = self.refused(tmp_path / "other", platform.offset, TODAY="tomorrow")
        assert "TODAY" in told


class TestRequests:
    """The collection of docs/requests, as a person would run it."""

    def test_every_request_of_the_collection_holds(self, platform: Platform) -> None:
        folder = Path(__file__).parents[2] / "docs" / "requests"
        variables = parse(folder / "environments" / "local.bru").blocks["vars"]
        moved = {
            **variables,
            "base": platform.edge,
            **{service.name: platform.address(service.name) for service in SERVICES},
        }
        requests = collection(folder)
        assert len(requests) > 20
        with httpx2.Client(timeout=10, trust_env=False) as client:
            runner = Runner(client, moved)
            failures = {request.name: runner.run(request) for request in requests}
        assert {name: found for name, found in failures.items() if found} == {}


class TestSmokeOfANode:
    """What k3s/install.sh asks at its end, asked of a platform that is real."""

    def test_every_question_is_answered(self, platform: Platform) -> None:
        k3s = Path(__file__).parents[2] / "k3s"
        user = DEMO_LOGINS[0]
        script = f"""
            set -euo pipefail
            . {k3s}/lib/common.sh
            . {k3s}/lib/smoke.sh
            kubectl() {{ printf 127.0.0.1; }}  # the node's address
            SCRATCH="$(mktemp -d)"
            trap finish EXIT
            smoke_test
        """
        done = subprocess.run(
            ["bash", "-c", script],
            capture_output=True,
            text=True,
            env={
                "PATH": PATH,
                "HARENA_NAMESPACE": "harena",
                "HARENA_URL": platform.edge,
                "HARENA_SMOKE_USER": user.email,
                "HARENA_SMOKE_PASSWORD": user.password,
                "HARENA_SMOKE_SECONDS": "10",
            },
        )

        assert done.returncode == 0, done.stdout + done.stderr
        figures = re.findall(r"^  (\S+) +200 +[0-9.]+ +(-?[0-9.]+) (?:EUR|%)$", done.stdout, re.M)
        assert [name for name, _ in figures] == [
            *("expenses/mom", "expenses/yoy", "income/mom", "income/yoy", "coverage"),
        ]
        assert float(dict(figures)["expenses/yoy"]) > 1000
        assert re.search(r"^  one answer +200 +[0-9.]+ +response_end", done.stdout, re.M)
