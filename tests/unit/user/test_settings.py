from pathlib import Path

import pytest

from harena_core.testing import TokenMint
from harena_user.settings import UserSettings


def test_the_signing_key_comes_from_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mint = TokenMint(tmp_path)
    monkeypatch.setenv("DATABASE_URL", "postgresql://user:secret@db/harena")
    monkeypatch.setenv("KEY_SET_FILE", str(mint.key_set_file))
    monkeypatch.setenv("SIGNING_KEY_FILE", str(mint.signing_key_file))

    settings = UserSettings()

    assert settings.signing_key.get_secret_value() == mint.private_pem.strip()
    assert "PRIVATE" not in repr(settings)
    assert (settings.port, settings.token_seconds) == (3000, 8 * 3600)
