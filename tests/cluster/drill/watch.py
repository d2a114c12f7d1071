"""What Prometheus says of its alerts, all the time."""

import asyncio
import json
from collections.abc import Callable
from subprocess import TimeoutExpired

from tests.cluster.cluster import CommandError, Harena, Object
from tests.cluster.drill.cause import Alert

EVERY_SECONDS = 5.0


class Watch:
    """Asks every 5 s, says what has begun and ended, and lets others wait for that."""

    def __init__(self, harena: Harena, say: Callable[[str], None]) -> None:
        self._harena, self._say = harena, say
        self.firing: list[Object] = []
        self._asked = asyncio.Condition()

    async def follow(self) -> None:
        """For ever."""
        names: set[str] = set()
        while True:
            try:
                found = await asyncio.to_thread(self._harena.prometheus, "alerts")
            except (CommandError, TimeoutExpired, json.JSONDecodeError) as error:
                self._say(f"Prometheus does not answer: {str(error).strip()[-120:]}")
            else:
                async with self._asked:
                    self.firing = [one for one in found["alerts"] if one["state"] == "firing"]
                    self._asked.notify_all()
                now = {_title(one) for one in self.firing}
                for verb, changed in (("fires", now - names), ("ended", names - now)):
                    for name in sorted(changed):
                        self._say(f"  {verb}: {name}")
                names = now
            await asyncio.sleep(EVERY_SECONDS)

    async def until(self, alert: Alert, seconds: float, *, firing: bool) -> bool:
        """Whether it came to that in time."""
        try:
            async with asyncio.timeout(seconds), self._asked:
                await self._asked.wait_for(lambda: alert.is_among(self.firing) == firing)
        except TimeoutError:
            return False
        return True


def _title(alert: Object) -> str:
    labels = alert["labels"]
    told = ("service", "dependency", "route", "container", "job", "integration", "device", "host")
    return " ".join([labels["alertname"], *(labels[name] for name in told if name in labels)])
