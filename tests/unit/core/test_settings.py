from datetime import date
from pathlib import Path

import pytest
from pydantic import SecretStr, ValidationError

from harena_core.db import asyncpg_url, plain_url
from harena_core.settings import CoreSettings, ServiceSettings


class TestSettings:
    def test_take_their_deployed_names(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("DATABASE_URL", "postgresql://u:p@h/d")
        monkeypatch.setenv("KEY_SET_FILE", "keys.json")
        monkeypatch.setenv("TODAY", "2026-02-28")

        settings = ServiceSettings()

        assert settings.database_url.get_secret_value() == "postgresql://u:p@h/d"
        assert settings.clock.today() == date(2026, 2, 28)

    def test_a_value_may_come_from_a_file(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        (tmp_path / "url").write_text("postgresql://from:file@h/d\n")
        monkeypatch.delenv("DATABASE_URL", raising=False)
        monkeypatch.setenv("DATABASE_URL_FILE", str(tmp_path / "url"))

        settings = ServiceSettings(key_set_file=Path("k"))

        assert settings.database_url.get_secret_value() == "postgresql://from:file@h/d"

    def test_a_missing_secret_stops_the_process(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("DATABASE_URL", raising=False)

        with pytest.raises(ValidationError, match="database_url"):
            ServiceSettings(key_set_file=Path("k"))

    def test_a_url_never_shows(self) -> None:
        settings = ServiceSettings(
            database_url=SecretStr("postgresql://u:hush@h/d"), key_set_file=Path("k")
        )

        assert "hush" not in repr(settings)

    def test_an_unknown_time_zone_is_refused(self) -> None:
        with pytest.raises(ValidationError, match="timezone"):
            CoreSettings.model_validate({"timezone": "Europe/Lutece"})


class TestDatabaseUrl:
    @pytest.mark.parametrize(
        ("given", "expected"),
        [
            pytest.param("postgres://u:p@h:5432/d", "postgresql://u:p@h:5432/d", id="heroku"),
            pytest.param("postgresql://u:p@h/d", "postgresql://u:p@h/d", id="plain"),
            pytest.param("postgresql+psycopg2://u@h/d", "postgresql://u@h/d", id="psycopg2"),
            pytest.param("postgresql+asyncpg://u@h/d", "postgresql://u@h/d", id="asyncpg"),
            pytest.param(
                "postgres://u@h/d?sslmode=require&channel_binding=require",
                "postgresql://u@h/d?ssl=require",
                id="libpq options",
            ),
            pytest.param(" postgresql://u:p%40ss@h/d\n", "postgresql://u:p%40ss@h/d", id="escaped"),
        ],
    )
    def test_any_common_form_is_understood(self, given: str, expected: str) -> None:
        assert plain_url(given) == expected
        assert asyncpg_url(given) == expected.replace("postgresql", "postgresql+asyncpg", 1)

    @pytest.mark.parametrize("given", ["mysql://u@h/d", "postgresql:///d", "h:5432", ""])
    def test_anything_else_is_refused_without_repeating_it(self, given: str) -> None:
        with pytest.raises(ValueError, match="DATABASE_URL is not of the form"):
            plain_url(given)
