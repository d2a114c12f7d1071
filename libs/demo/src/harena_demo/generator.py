"""The demo households: pure, and the same for the same seed and day.

    households(DEFAULT_SEED, date(2026, 11, 23))[0].user.email == "henri@example.com"

A later day has the same rows and more (a row's `future` flag falls when its day comes), as long as
both reach back to the same start: always, from `EPOCH` plus the wanted months on.
"""

from datetime import date, timedelta
from types import ModuleType

from harena_demo.book import Book
from harena_demo.calendar import BankMonth
from harena_demo.model import DemoHousehold, DemoUser
from harena_demo.people import couple, family, freelancer, student
from harena_demo.statement import close

DEFAULT_SEED = 20241024

EPOCH = BankMonth(2024, 1)
"""The households' first month, unless more months are wanted than have passed since."""

PEOPLE: tuple[ModuleType, ...] = (couple, student, family, freelancer)

DEMO_LOGINS: tuple[DemoUser, ...] = tuple(person.USER for person in PEOPLE)
"""Who can log in to a platform with demo data: the command line and the documentation read it."""

# The longest that a bank announces a movement ahead.
ANNOUNCED = timedelta(days=5)


def households(seed: int, today: date, months: int = 26) -> list[DemoHousehold]:
    """Every demo household as its banks show it at the end of `today`.

    Args:
        seed: Another one makes other people of the same kind, with other ids.
        today: The last day; a few rows are dated after it, as banks announce them.
        months: Whole months of history at least, besides the current one.
    """
    first = min(EPOCH, BankMonth.of(today).shifted(-months))
    return [household(person, seed, first, today) for person in PEOPLE]


def household(
    person: ModuleType,
    seed: int,
    first: BankMonth,
    today: date,
    *,
    user: DemoUser | None = None,
    intensity: float = 1.0,
) -> DemoHousehold:
    """One household, from the first day of a month on.

    Args:
        user: Another user who lives like that person: other ids, other days, other amounts.
        intensity: As in `Book`.
    """
    book = Book(user or person.USER, seed, intensity)
    person.write(book, first, BankMonth.of(today + ANNOUNCED))
    return close(book, today)
