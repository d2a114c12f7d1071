"""Folders, ports and secrets of one platform."""

import json
import stat
from pathlib import Path

import pytest

from harena_local.process import LocalError
from harena_local.state import State


@pytest.fixture
def state(tmp_path: Path) -> State:
    state = State(tmp_path / "home", 0)
    state.make_folders()
    return state


class TestSecrets:
    def test_are_made_once_and_only_ours_to_read(self, state: State) -> None:
        secret = state.secret("postgres")
        assert len(secret) >= 32
        assert State(state.home, 7).secret("postgres") == secret
        assert state.secret("valkey") != secret
        assert stat.S_IMODE((state.secrets / "postgres").stat().st_mode) == 0o600
        assert stat.S_IMODE(state.secrets.stat().st_mode) == 0o700

    def test_the_signing_key_stays_and_the_key_set_has_its_public_half(self, state: State) -> None:
        state.make_keys()
        private = state.signing_key.read_text()
        state.make_keys()
        assert state.signing_key.read_text() == private
        [public] = json.loads(state.key_set.read_text())["keys"]
        assert public["alg"] == "ES256"
        assert "d" not in public


class TestLock:
    def test_one_command_at_a_time(self, state: State) -> None:
        with (
            state.lock(),
            pytest.raises(LocalError, match="Another harena command is at work"),
            State(state.home, 0).lock(),
        ):
            pytest.fail("two commands at once")

    def test_is_free_again_afterwards(self, state: State) -> None:
        with state.lock():
            pass
        with state.lock():
            pass


class TestSocket:
    def test_is_in_the_state_folder(self, tmp_path: Path) -> None:
        short = State(Path("/srv/harena"), 0)
        assert short.socket == Path("/srv/harena/run/supervisor.sock")

    def test_of_a_long_path_fits_into_an_address(self, tmp_path: Path) -> None:
        one, other = (State(Path("/srv", "x" * 120, name), 0).socket for name in "ab")
        assert len(str(one)) < 96
        assert one != other
