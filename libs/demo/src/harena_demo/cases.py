"""The difficult cases that every household meets: once a year each, in a month of its own.

Their shops are nobody's habit, so that what a refund gives back is known without looking for it.
"""

from datetime import timedelta

from harena_demo.book import Book, Holding, Place
from harena_demo.calendar import BankMonth
from harena_ledger.categories import (
    CASH,
    CLOTHES,
    HEALTH,
    LEISURE,
    ONLINE_SHOPPING,
    REFUNDS,
    SALARY,
    TRANSFERS_IN,
)

SHOWROOM = Place("SHOWROOMPRIVE.COM", "Showroomprive", ONLINE_SHOPPING)
REDOUTE = Place("LA REDOUTE", "La Redoute", CLOTHES)
ZALANDO = Place("ZALANDO", "Zalando", CLOTHES)
DECATHLON = Place("DECATHLON", "Decathlon", LEISURE)
VEEPEE = Place("VEEPEE", "Veepee", ONLINE_SHOPPING)
OPTIC = Place("OPTIC 2000", "Optic 2000", HEALTH)
HOTEL = Place("IBIS HOTEL", "Ibis", LEISURE)
APPLE = Place("APPLE.COM/BILL", "Apple", ONLINE_SHOPPING)

STORIES = (
    "refund_full",
    "equal_transfer_and_income",
    "equal_card_and_credit",
    "friend_pays_back",
    "equal_direct_debit_and_credit",
    "refund_exceeding",
    "refund_partial",
    "refund_skips_small",
    "equal_withdrawal_and_deposit",
    "late_credit",
    "refunds_two_of_one",
    "refund_without_purchase",
    "deleted",
    "zero",
)
"""What `difficult_cases` writes, by the name that `Truth.story` carries."""


def difficult_cases(
    book: Book,
    month: BankMonth,
    main: Holding,
    other: Holding,
    *,
    friends: tuple[str, str],
    employer: str,
    insurer: Place,
) -> None:
    """Writes the cases of that month.

    Args:
        main: The checking account that is lived from.
        other: Another account of the user, on which credits arrive that equal debits of `main`.
        friends: As banks print them; none of them is of the household.
        employer: Who pays the bonus that equals a transfer to a friend.
        insurer: Whose direct debit equals a credit.
    """
    random = book.random("cases", month)
    cents = random.randrange(2001, 8999) // 10 * 10 + 3  # equal to no round transfer
    day = month.day
    day_after = timedelta(days=1)

    match month.month:
        case 1:
            story = "refund_full"
            bought = book.card(story, main, day(8), SHOWROOM, cents, story=story)
            book.give_back(bought, day(19), cents, story=story)
        case 2:
            story = "equal_transfer_and_income"
            sent = book.transfer(story, main, day(10), friends[0], -cents, story=story)
            book.transfer(
                story, other, sent.occurred_on + day_after, f"{employer} PRIME", cents,
                category=SALARY, patchy=False, story=story,
            )  # fmt: skip
        case 3:
            story = "equal_card_and_credit"
            book.card(story, main, day(11), APPLE, cents, story=story)
            book.transfer(story, other, day(12), friends[1], cents, story=story)
        case 4:
            story = "friend_pays_back"
            book.transfer(story, main, day(14), friends[0], -cents, prefix="VIR INST", story=story)
            book.transfer(story, main, day(17), friends[0], cents, prefix="VIR INST", story=story)
        case 5:
            story = "equal_direct_debit_and_credit"
            debit = book.direct_debit(story, main, day(13), insurer, cents, story=story)
            book.transfer(
                story, other, debit.occurred_on + day_after, friends[1], cents, story=story
            )
        case 6:
            story = "refund_exceeding"
            bought = book.card(story, main, day(5), VEEPEE, cents, story=story)
            book.give_back(bought, day(16), cents + 1490, story=story)
        case 7:
            story = "refund_partial"
            bought = book.card(story, main, day(3), REDOUTE, cents + 6000, story=story)
            book.give_back(bought, day(12), (cents + 6000) * 3 // 4, story=story, category=REFUNDS)
        case 8:
            story = "refund_skips_small"
            large = book.card(story, main, day(4), DECATHLON, cents + 5000, story=story)
            book.card(story, main, day(9), DECATHLON, 1299, story=story)
            book.give_back(large, day(20), cents, story=story)
        case 9:
            story = "equal_withdrawal_and_deposit"
            book.write(
                story, main, day(9), -6000, f"RETRAIT DAB {day(9):%d/%m} 14H12", CASH,
                clean="Retrait", operation="withdrawal", patchy=True, story=story,
            )  # fmt: skip
            book.write(
                story, other, day(11), 6000, "VERSEMENT ESPECES", TRANSFERS_IN,
                clean="Versement", operation="deposit", story=story,
            )  # fmt: skip
        case 10:
            story = "late_credit"
            sent = book.transfer(story, main, day(6), friends[0], -cents, story=story)
            book.transfer(
                story, other, sent.occurred_on + timedelta(days=6), friends[1], cents,
                prefix="VIR INST", story=story,
            )  # fmt: skip
        case 11:
            story = "refunds_two_of_one"
            bought = book.card(story, main, day(4), ZALANDO, cents + 6000, story=story)
            book.give_back(bought, day(13), 2499, story=story)
            book.give_back(bought, day(18), 3999, story=story)
        case _:
            story = "deleted"
            # A hotel's authorisation, released when the bill is paid.
            book.card(story, main, day(14), HOTEL, cents + 10000, deleted=True, story=story)
            book.card(story, main, day(16), HOTEL, cents + 4000, story=story)
    if month.month % 3 == 1:
        story = "refund_without_purchase"
        health = book.transfer(
            story, main, day(21), "CPAM REMBOURSEMENT SOINS", 1750 + cents % 1000,
            category=REFUNDS, patchy=False, story=story,
        )  # fmt: skip
        book.is_refund(health, None)
    if month.month in (2, 8):
        # Shops check a card by taking nothing from it.
        book.card("zero", main, day(23), OPTIC, 0, story="zero")
