"""Settings shared by every service.

A service subclasses one of these and adds what it alone reads. Variables carry their deployed names
(`DATABASE_URL`, `REDIS_URL`, …); the value of any of them may come from a file named by the same
variable with `_FILE` appended, which is how a mounted secret is given. Nothing is read at import:
`main.py` builds the settings once and hands them to the app factory.
"""

from datetime import date
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo

from pydantic import Field, SecretStr
from pydantic.fields import FieldInfo
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from harena_core.clock import Clock


class _FileSource(EnvSettingsSource):
    """Reads `X_FILE` for a setting `X`, and takes the file's content, stripped, for its value."""

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        path = self.env_vars.get(f"{field_name}_file")
        value = Path(path).read_text().strip() if path else None
        return value, field_name, False


class CoreSettings(BaseSettings):
    """What a process needs to listen, to log and to know the day."""

    model_config = SettingsConfigDict(
        extra="ignore",
        frozen=True,
        hide_input_in_errors=True,  # or a secret that fails validation is printed in the log
    )

    host: str = Field(default="127.0.0.1", description="The address to listen on.")
    port: int = Field(default=8000, ge=0, le=65535, description="The port to listen on.")
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        default="INFO", description="DEBUG, INFO, WARNING or ERROR."
    )
    timezone: ZoneInfo = Field(
        default_factory=lambda: ZoneInfo("Europe/Paris"),
        description="Whose calendar day it is, for everybody.",
    )
    today: date | None = Field(
        default=None, description="Fixes the calendar day, for tests and demos."
    )
    trusted_proxies: str = Field(
        default="",
        description="Comma-separated addresses or networks whose X-Forwarded-For is believed.",
    )
    public_url: str = Field(
        default="",
        description="Where the edge is, when the docs pages are opened on a service directly.",
    )
    max_body_bytes: int = Field(default=1 << 20, description="Larger request bodies are a 413.")
    allowed_origins: str = Field(
        default="*",
        description="Comma-separated origins whose pages may open a WebSocket, or `*`.",
    )
    drain_seconds: float = Field(
        default=0,
        ge=0,
        description="How long a process that was told to end still serves, not ready any more: "
        "the time in which an edge learns of it.",
    )
    shutdown_seconds: float = Field(
        default=25,
        gt=0,
        description="How long running requests, streams and answers may then take.",
    )

    @property
    def clock(self) -> Clock:
        return Clock(self.timezone, self.today)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, env_settings, _FileSource(settings_cls)


class DatabaseSettings(CoreSettings):
    """A process that speaks to Postgres."""

    # A URL carries a password, so it is a secret as a whole and never shows in a repr or a log.
    database_url: SecretStr = Field(description="Postgres, in any common form of its URL.")
    database_pool_size: int = Field(
        default=8, ge=1, le=50, description="Connections to Postgres at most."
    )


class ServiceSettings(DatabaseSettings):
    """One of the five services: it checks tokens, and keeps short-lived answers in Redis."""

    redis_url: SecretStr | None = Field(
        default=None, description="The cache; without one Postgres is asked more often."
    )
    key_set_file: Path = Field(
        description="File with the public keys of tokens: a JWKS, or PEM certificates."
    )
    token_issuer: str = Field(default="harena", description="`iss` of every token.")
    token_audience: str = Field(default="harena-api", description="`aud` of every token.")
