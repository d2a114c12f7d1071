import pytest
from pwdlib.exceptions import UnknownHashError
from pwdlib.hashers.argon2 import Argon2Hasher

from harena_core.passwords import hash_password, verify_password


class TestPasswords:
    def test_are_kept_as_owasp_asks_and_never_twice_alike(self) -> None:
        first, second = hash_password("secret"), hash_password("secret")

        assert first.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
        assert first != second
        assert verify_password("secret", first) == verify_password("secret", second) == (True, None)
        assert verify_password("Secret", first) == (False, None)

    def test_one_word_typed_on_two_keyboards_is_one_word(self) -> None:
        assert verify_password("e\u0301te\u0301", hash_password("été")) == (True, None)

    def test_an_outdated_hash_comes_with_a_better_one(self) -> None:
        weak = Argon2Hasher(time_cost=1, memory_cost=8192, parallelism=1).hash("secret")

        fits, better = verify_password("secret", weak)

        assert fits
        assert better is not None
        assert verify_password("secret", better) == (True, None)
        assert verify_password("wrong", weak) == (False, None)

    def test_what_is_no_hash_is_no_password(self) -> None:
        with pytest.raises(UnknownHashError):
            verify_password("secret", "secret")
