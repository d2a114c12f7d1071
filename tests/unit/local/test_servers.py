"""The servers from wheels, as the embedded platform and the tests start them."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx2
import psutil
import pytest
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import AuthenticationError
from redis.retry import Retry

from harena_core.testing import free_port
from harena_local.nginx import Nginx
from harena_local.postgres import Postgres, literal
from harena_local.process import Identity, LocalError, identity, shimmed, wait_until
from harena_local.valkey import Valkey

CONFIGURATION = """
daemon off;
pid nginx.pid;
events {{}}
http {{
    client_body_temp_path tmp; proxy_temp_path tmp; fastcgi_temp_path tmp;
    uwsgi_temp_path tmp; scgi_temp_path tmp;
    access_log /dev/stdout;
    server {{ listen 127.0.0.1:{port}; return 200 "as {port}"; }}
}}
"""
# Root can always fall back on another user; an ordinary user has no choice to test.
IDENTITIES = [identity(), Identity("user", 65534, 65534)] if os.geteuid() == 0 else [identity()]


def answers(server: Nginx) -> bool:
    with suppress(httpx2.HTTPError):
        address = f"http://{server.host}:{server.port}"
        return httpx2.get(address, trust_env=False).status_code == 200
    return False


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that every user may enter, as pytest's own are not."""
    with TemporaryDirectory(prefix="harena-test-") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


class TestPostgres:
    def test_keeps_out_who_has_no_password(self, postgres: Postgres) -> None:
        stranger = Postgres(postgres.data, postgres.port, "guessed")
        with pytest.raises(LocalError, match="password authentication failed"):
            stranger.execute("SELECT 1")

    def test_listens_on_loopback_only(self, postgres: Postgres) -> None:
        assert postgres.execute("SHOW listen_addresses; SHOW unix_socket_directories") == [
            ["127.0.0.1"],
            [""],
        ]

    def test_sorts_the_same_on_every_machine_and_checks_its_pages(self, postgres: Postgres) -> None:
        [[provider, locale]] = postgres.execute(
            "SELECT datlocprovider, datlocale FROM pg_database WHERE datname = 'template1'"
        )
        assert (provider, locale) == ("b", "C.UTF-8")
        assert postgres.execute("SHOW data_checksums") == [["on"]]

    def test_a_literal_is_quoted(self, postgres: Postgres) -> None:
        assert postgres.execute(f"SELECT {literal(chr(39) + 'é; --')}") == [["'é; --"]]

    def test_says_that_a_statement_took_too_long(self, postgres: Postgres) -> None:
        with pytest.raises(LocalError, match=r"did not end within 0\.5 s"):
            postgres.execute("SELECT pg_sleep(30)", seconds=0.5)

    def test_logs_neither_rows_nor_statements(self, open_folder: Path) -> None:
        server = Postgres(open_folder / "data", free_port(), "secret", durable=False)
        server.initialise()
        log = open_folder / "log"
        with (
            server.running(log),
            pytest.raises(LocalError, match="Failing row contains"),
        ):
            server.execute(
                "CREATE TABLE t (label text CHECK (length(label) < 9));"
                "INSERT INTO t VALUES ('BOULANGERIE')"
            )
        assert 'postgres@postgres ERROR:  new row for relation "t" violates' in log.read_text()
        assert "BOULANGERIE" not in log.read_text()

    @pytest.mark.parametrize("who", IDENTITIES, ids=lambda who: who.kind)
    def test_runs_as_whoever_starts_it(self, who: Identity, open_folder: Path) -> None:
        server = Postgres(open_folder / "data", free_port(), "secret", durable=False, who=who)
        assert server.initialise()
        assert not server.initialise()
        with server.running(open_folder / "log"):
            assert server.execute("SELECT 1") == [["1"]]
            postmaster = psutil.Process(
                int(server.data.joinpath("postmaster.pid").read_text().split()[0])
            )
            assert postmaster.uids().real == (who.uid if who.kind == "user" else os.geteuid())
        assert not server.ready()

    def test_says_why_it_did_not_start(self, tmp_path: Path) -> None:
        server = Postgres(tmp_path / "data", free_port(), "secret", durable=False)
        (tmp_path / "data").mkdir()
        with pytest.raises(LocalError, match="postgresql.conf"):
            server.running(tmp_path / "log").start()


class TestValkey:
    def test_keeps_out_who_has_no_password(self, valkey: Valkey) -> None:
        with (
            Redis(port=valkey.port, retry=Retry(NoBackoff(), 0)) as stranger,
            pytest.raises(AuthenticationError, match="already authenticated"),
        ):
            stranger.ping()

    def test_writes_nothing_to_disk(self, valkey: Valkey) -> None:
        with Redis.from_url(valkey.url) as client:
            assert client.config_get("save") == {"save": ""}
            assert client.config_get("appendonly") == {"appendonly": "no"}
            assert client.config_get("bind") == {"bind": "127.0.0.1"}


class TestNginx:
    @pytest.mark.parametrize("who", IDENTITIES, ids=lambda who: who.kind)
    def test_runs_as_whoever_starts_it(self, who: Identity, open_folder: Path) -> None:
        server = Nginx(open_folder / "nginx", free_port(), who=who)
        server.configure(CONFIGURATION.format(port=server.port))
        with server.running(open_folder / "log"):
            assert server.ready()
        assert not server.ready()

    def test_says_what_it_refuses(self, tmp_path: Path) -> None:
        with pytest.raises(LocalError, match='unknown directive "nonsense"'):
            Nginx(tmp_path, free_port()).configure("nonsense;")


class TestShim:
    def test_ends_with_its_parent(self, tmp_path: Path) -> None:
        """The parent is killed, as a supervisor may be; what it started gets the signal."""
        child = shimmed(["/bin/sleep", "60"], identity(), death_signal=signal.SIGTERM)
        code = (
            "import subprocess, sys, time\n"
            "child = subprocess.Popen(sys.argv[1:])\n"
            "print(child.pid, flush=True)\n"
            "time.sleep(60)\n"
        )
        with subprocess.Popen(
            [sys.executable, "-c", code, *child], stdout=subprocess.PIPE, text=True
        ) as parent:
            assert parent.stdout is not None
            sleeper = psutil.Process(int(parent.stdout.readline()))
            assert wait_until(lambda: sleeper.name() == "sleep", 10)
            parent.kill()
            assert wait_until(lambda: not sleeper.is_running(), 10)

    def test_ends_what_a_killed_master_left(self, tmp_path: Path) -> None:
        starts = tmp_path / "starts"
        server = Nginx(tmp_path / "nginx", free_port())
        server.configure(CONFIGURATION.format(port=server.port))
        command = shimmed(server.argv, server.who, starts=starts)
        with subprocess.Popen(command, start_new_session=True, stdout=subprocess.DEVNULL) as master:
            assert wait_until(server.ready, 10)
            master.kill()
        # By its worker, which knows nothing of the master's end.
        assert wait_until(server.ready, 10)
        with subprocess.Popen(command, start_new_session=True, stdout=subprocess.DEVNULL) as again:
            assert wait_until(lambda: psutil.Process(again.pid).name() == "nginx", 10)
            # It listens before it hears a signal.
            assert wait_until(lambda: answers(server), 10)
            again.terminate()
            again.wait(10)
        assert not server.ready()
