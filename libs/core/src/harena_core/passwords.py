"""How passwords are kept: Argon2id, with what OWASP asks of it (19 MiB, 2 passes, 1 lane).

Both functions take tens of milliseconds of processor time and 19 MiB: never on an event loop.
"""

import unicodedata

from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher

_HASHER = PasswordHash((Argon2Hasher(time_cost=2, memory_cost=19456, parallelism=1),))


def hash_password(password: str) -> str:
    """What is stored of a password; another string each time, because it is salted."""
    return _HASHER.hash(_normal(password))


def verify_password(password: str, stored: str) -> tuple[bool, str | None]:
    """Whether it is the password; and, where it is, what to store instead if that is outdated.

    Raises pwdlib's UnknownHashError where `stored` is no hash of a kind that we know.
    """
    return _HASHER.verify_and_update(_normal(password), stored)


def _normal(password: str) -> str:
    # One keyboard sends "é" as one character, another as two (NIST SP 800-63B, 3.1.1.2).
    return unicodedata.normalize("NFKC", password)
