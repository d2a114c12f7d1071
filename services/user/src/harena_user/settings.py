"""What the user service is told."""

from pydantic import Field, SecretStr

from harena_core.settings import ServiceSettings


class UserSettings(ServiceSettings):
    """What every service is told, and the private key, which no other has."""

    port: int = Field(default=3000, ge=0, le=65535)
    signing_key: SecretStr = Field(
        description="Private key (PEM, P-256) that signs tokens; usually given as SIGNING_KEY_FILE."
    )
    token_seconds: int = Field(
        default=8 * 3600,
        ge=60,
        le=30 * 24 * 3600,
        description="Lifetime of a token: a working day, because the web client cannot renew one.",
    )
    registrations_per_hour: int = Field(
        default=10, ge=1, description="New accounts from one client address."
    )
    renames_per_hour: int = Field(default=10, ge=1, description="New names of one user.")
