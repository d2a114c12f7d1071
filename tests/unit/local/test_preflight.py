"""What stands in the way of a start is one sentence that says what to do."""

import os
import shutil
import socket
from pathlib import Path

import pytest

from harena_core.testing import free_port
from harena_local import preflight
from harena_local.postgres import Postgres
from harena_local.process import LocalError
from harena_local.state import State


@pytest.fixture
def state(tmp_path: Path) -> State:
    state = State(tmp_path / "home", 0)
    state.make_folders()
    return state


class TestPorts:
    def test_a_used_one_is_named_with_who_uses_it(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]
            with pytest.raises(LocalError, match="HARENA_PORT_OFFSET=") as told:
                preflight.check_ports({port: "user"})
        assert f"Port {port} (user) is not free" in str(told.value)
        assert f"process {os.getpid()}" in str(told.value)

    def test_one_that_is_free_or_was_left_a_moment_ago_is_fine(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]
            client = socket.create_connection(("127.0.0.1", port))
            accepted, _ = listener.accept()
            accepted.close()  # ours is the end that waits (TIME_WAIT)
            client.close()
        preflight.check_ports({port: "user", free_port(): "edge"})

    def test_one_beyond_the_last_is_refused(self) -> None:
        with pytest.raises(LocalError, match="lower HARENA_PORT_OFFSET"):
            preflight.check_ports({8080 + 60_000: "edge"})


class TestDisk:
    def test_too_small(self, state: State) -> None:
        everything = shutil.disk_usage(state.home).total
        with pytest.raises(LocalError, match="make room, or set HARENA_HOME"):
            preflight.check_disk(state, needed=everything + 1)
        preflight.check_disk(state, needed=1)


class TestFolder:
    @pytest.mark.parametrize("name", ["it's", 'a"b', "50%", "a#b", "a;b", "$x"])
    def test_names_that_configurations_read_as_syntax_are_refused(self, name: str) -> None:
        with pytest.raises(LocalError, match="set HARENA_HOME"):
            preflight.check_folder(State(Path("/srv", name), 0))

    def test_spaces_and_accents_are_fine(self) -> None:
        preflight.check_folder(State(Path("/srv/Mes données/harena"), 0))


@pytest.fixture(scope="module")
def initialised(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder to copy."""
    server = Postgres(tmp_path_factory.mktemp("data") / "data", 1, "secret", durable=False)
    server.initialise()
    return server.data


class TestDataFolder:
    @pytest.fixture
    def folder(self, state: State, initialised: Path) -> Path:
        return Path(shutil.copytree(initialised, state.data / "postgres"))

    def test_a_whole_one_is_fine(self, state: State, folder: Path) -> None:
        preflight.check_data(state)

    def test_none_at_all_is_fine(self, state: State) -> None:
        preflight.check_data(state)

    def test_an_empty_one(self, state: State) -> None:
        (state.data / "postgres").mkdir()
        with pytest.raises(LocalError, match=r"is broken .* move .* away"):
            preflight.check_data(state)

    def test_one_of_another_version(self, state: State, folder: Path) -> None:
        (folder / "PG_VERSION").write_text("15\n")
        with pytest.raises(LocalError, match="is of Postgres 15, not 18"):
            preflight.check_data(state)

    def test_one_whose_control_file_is_damaged(self, state: State, folder: Path) -> None:
        control = folder / "global" / "pg_control"
        content = bytearray(control.read_bytes())
        content[40] ^= 0xFF
        control.write_bytes(content)
        with pytest.raises(LocalError, match="is broken .*CRC"):
            preflight.check_data(state)


class TestLeftLock:
    """After a crash of the machine, the number in a server's lock may be another process's."""

    @pytest.fixture
    def server(self, tmp_path: Path, initialised: Path) -> Postgres:
        data = Path(shutil.copytree(initialised, tmp_path / "data"))
        return Postgres(data, free_port(), "secret", durable=False)

    def test_of_somebody_else_is_removed(self, server: Postgres) -> None:
        lock = server.data / "postmaster.pid"
        lock.write_text(f"{os.getpid()}\n{server.data}\n")
        server.forget_ended()
        assert not lock.exists()

    def test_of_a_running_server_stays(self, server: Postgres, tmp_path: Path) -> None:
        with server.running(tmp_path / "log"):
            server.forget_ended()
            assert (server.data / "postmaster.pid").exists()
