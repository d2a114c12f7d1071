"""A household small enough to reason about by hand, and the rows that happen to it."""

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal

from hypothesis import settings
from hypothesis import strategies as st

from harena_ledger import categories
from harena_ledger.classify import classify
from harena_ledger.model import Account, AccountType, Correction, Entry, Household, Kind, Row

CHECKING, SAVINGS, CARD, JOINT, LOAN = 1, 2, 3, 4, 5
CHECKING_AGAIN = 9
"""The checking account through a second connection."""

ACCOUNTS = (
    Account(
        CHECKING, AccountType.checking, "Compte courant", iban_hash="hash-1", iban_last4="0143"
    ),
    Account(SAVINGS, AccountType.savings, "Livret A", iban_hash="hash-2", iban_last4="8812"),
    Account(CARD, AccountType.card, "Visa Premier"),
    Account(JOINT, AccountType.checking, "Compte joint", iban_hash="hash-4", iban_last4="7706"),
    Account(LOAN, AccountType.loan, "Prêt immobilier"),
)
SECOND_CONNECTION = Account(
    CHECKING_AGAIN, AccountType.checking, "COMPTE COURANT", iban_hash="hash-1", iban_last4="0143"
)
DAY = date(2026, 11, 10)

# The same examples on every machine and every run: a red test is red for everybody.
properties = settings(max_examples=100, deadline=None, derandomize=True, database=None)


def home(
    *more: Account,
    corrections: Mapping[str, Correction] | None = None,
    own: Mapping[str, bool] | None = None,
) -> Household:
    return Household(
        accounts=(*ACCOUNTS, *more),
        holder_names=("Henri Dupont",),
        corrections=corrections or {},
        own_counterparties=own or {},
    )


def row(
    id_: int,
    amount: str | int,
    label: str = "CB LIDL",
    day: date = DAY,
    account: int = CHECKING,
    *,
    currency: str | None = None,
    merchant: str | None = None,
    category: int | None = None,
    operation: str | None = None,
    deleted: bool = False,
) -> Row:
    return Row(
        id_,
        account,
        Decimal(amount),
        day,
        label,
        currency=currency,
        merchant_name=merchant,
        category_id=category,
        operation_type=operation,
        deleted=deleted,
    )


def entries(*rows: Row, household: Household | None = None) -> dict[int, Entry]:
    return classify(household or home(), rows)


def kinds(*rows: Row, household: Household | None = None) -> list[str]:
    """The kind of each row, in the order given."""
    found = entries(*rows, household=household)
    return [found[r.id].kind.value for r in rows]


EXCLUDED, INTERNAL, REFUND, INCOME, EXPENSE = (kind.value for kind in Kind)

_LABELS = (
    "VIREMENT LIVRET A",
    "VIR SEPA M MARTIN",
    "VIR HENRI DUPONT",
    "VERSEMENT",
    "CB ZARA 12/03",
    "CB BOULANGERIE MARTIN",
    "AVOIR ZARA",
    "PRLV SEPA EDF",
    "DEBIT CARTE DIFFERE",
    "PAIEMENT RECU",
    "CHEQUE 1234567",
    "",
)
_AMOUNTS = tuple(Decimal(amount) for amount in ("10", "20.50", "30.50", "0", "61"))
_OPERATIONS = (None, None, "card", "transfer", "direct_debit", "deferred_debit_card", "unknown")
_CATEGORIES = (
    None,
    None,
    categories.REFUNDS,
    categories.SALARY,
    categories.TRANSFERS_IN,
    categories.FOOD,
    4242,
)


@st.composite
def rows(draw: st.DrawFn, most: int = 25) -> list[Row]:
    """Few days, amounts and labels, so that everything may be mistaken for everything."""
    drawn = draw(
        st.lists(
            st.builds(
                row,
                id_=st.integers(1, 10_000),
                amount=st.builds(
                    lambda amount, sign: str(amount * sign),
                    st.sampled_from(_AMOUNTS),
                    st.sampled_from((-1, 1)),
                ),
                label=st.sampled_from(_LABELS),
                day=st.one_of(
                    st.dates(date(2026, 10, 25), date(2026, 11, 12)),
                    st.dates(date(2026, 7, 1), date(2026, 11, 30)),
                ),
                account=st.sampled_from((CHECKING, SAVINGS, CARD, JOINT, CHECKING_AGAIN)),
                currency=st.sampled_from((None, None, None, "EUR", "USD")),
                category=st.sampled_from(_CATEGORIES),
                operation=st.sampled_from(_OPERATIONS),
                deleted=st.sampled_from((False, False, False, True)),
            ),
            max_size=most,
            unique_by=lambda r: r.id,
        )
    )
    return drawn


def households() -> st.SearchStrategy[Household]:
    """Homes in which the user said this or that."""
    return st.builds(
        home,
        st.just(SECOND_CONNECTION),
        corrections=st.sampled_from(
            (
                {},
                {"zara": Correction("Boulangerie Martin")},
                {"boulangerie martin": Correction(category_id=categories.RESTAURANTS)},
            )
        ),
        own=st.sampled_from(({}, {"martin": True}, {"livret a": False, "henri dupont": True})),
    )


def by_id(given: Sequence[Row]) -> dict[int, Row]:
    return {r.id: r for r in given}
