"""Makes the tokens that every service verifies."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from harena_core import keys

PERMISSIONS = ("chat:write",)
"""What every user may do. Nothing checks it yet; the claim is part of the token's shape."""


class UnknownSigningKey(ValueError):
    """The services would refuse every token: their key set does not hold our key."""


@dataclass(frozen=True, slots=True)
class TokenSigner:
    """Signs for one issuer and one audience."""

    private_pem: str = field(repr=False)
    issuer: str
    audience: str

    def sign(self, user_id: int, session_id: UUID, issued: datetime, expires: datetime) -> str:
        """A token that lives as long as its session at most."""
        claims: Mapping[str, Any] = {
            "sub": str(user_id),
            "iat": int(issued.timestamp()),
            "exp": int(expires.timestamp()),
            "jti": uuid4().hex,
            "iss": self.issuer,
            "aud": self.audience,
            "sid": str(session_id),
            "permissions": PERMISSIONS,
        }
        return keys.sign(claims, self.private_pem)
