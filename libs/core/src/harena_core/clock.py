"""Two clocks: the calendar day, which can be set, and the real time, which cannot."""

import time
from dataclasses import dataclass
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo


@dataclass(frozen=True, slots=True)
class Clock:
    """What day it is for the household, and what time it is for a token."""

    timezone: ZoneInfo
    fixed_day: date | None = None
    """Set by tests and demos; the real day otherwise."""

    def today(self) -> date:
        """The calendar day in the deployment's time zone."""
        return self.fixed_day or datetime.now(self.timezone).date()

    def timestamp(self) -> datetime:
        """The real time with the deployment's offset, for answers."""
        return datetime.now(self.timezone)

    def now(self) -> datetime:
        """The real time in UTC: sessions and tokens live by it, whatever day is set."""
        return datetime.now(UTC)

    def epoch(self) -> float:
        """The real time in seconds, as `exp` and `iat` count."""
        return time.time()
