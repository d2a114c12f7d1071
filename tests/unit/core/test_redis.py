from pathlib import Path

from pydantic import SecretStr

from harena_core.metrics import Instruments
from harena_core.redis import open_cache
from harena_core.settings import ServiceSettings
from harena_core.testing import free_port


def settings(redis_url: str | None) -> ServiceSettings:
    return ServiceSettings(
        database_url=SecretStr("postgresql://u@h/d"),
        redis_url=SecretStr(redis_url) if redis_url else None,
        key_set_file=Path("k"),
    )


class TestWithoutRedis:
    async def test_every_read_is_a_miss(self) -> None:
        async with open_cache(settings(None), Instruments("core")) as cache:
            await cache.set("a", b"1", seconds=5)
            assert await cache.get("a") is None

    async def test_an_outage_is_a_miss_and_rests_for_a_second(self) -> None:
        instruments = Instruments("core")
        url = f"redis://127.0.0.1:{free_port()}/0"
        async with open_cache(settings(url), instruments) as cache:
            for _ in range(20):
                assert await cache.get("a") is None
                await cache.set("a", b"1", seconds=5)

        failures = instruments.registry.get_sample_value(
            "harena_cache_requests_total", {"service": "core", "outcome": "error"}
        )
        assert failures == 1
