"""Which of the user's accounts a figure counts.

selection = AccountSelection.parse(budget_settings["account_selection"])
scope = select(accounts, selection)
scope.account_ids      the accounts whose rows count
scope.as_of(today)     the last day on which they were all read
scope.accounts_used()  what an answer says of them
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum

from harena_ledger.model import Account, AccountType

EURO = "EUR"
ELIGIBLE_TYPES = frozenset({AccountType.checking, AccountType.card})

EMPTY_SCOPE_MESSAGE = (
    "Aucun compte n'est pris en compte : sélectionnez au moins un compte courant "
    "ou une carte dans vos préférences."
)

# An account that stopped being read this long before the others is a broken connection: it must
# not drag every figure of the others back to the day on which it broke.
_BROKEN_AFTER = timedelta(days=31)


class SelectionMode(StrEnum):
    all = "all"
    exclude_types = "exclude_types"
    include_specific = "include_specific"


class InvalidSelection(ValueError):
    """The setting cannot be used; the message says why, without repeating its content."""


@dataclass(frozen=True, slots=True)
class AccountSelection:
    """The user's choice among the eligible accounts: `budget_settings.account_selection`."""

    mode: SelectionMode = SelectionMode.all
    excluded_types: frozenset[str] = frozenset()
    included_accounts: frozenset[int] = frozenset()
    """`Account.id`."""
    included_places: Mapping[int, str] = field(default_factory=dict)
    """IBAN hash of an included account, kept since it was chosen: when that account is gone and
    connected again under another id, the hash still tells it."""

    @classmethod
    def parse(cls, setting: object) -> "AccountSelection":
        """The setting as it is stored; null or nothing is `all`.

        Raises:
            InvalidSelection: An unknown mode, or a list that is not one.
        """
        if setting is None:
            return cls()
        if not isinstance(setting, Mapping):
            raise InvalidSelection("account_selection must be an object.")
        try:
            mode = SelectionMode(setting.get("mode") or SelectionMode.all)
        except ValueError:
            known = ", ".join(SelectionMode)
            raise InvalidSelection(f"account_selection.mode must be one of: {known}.") from None
        return cls(
            mode=mode,
            excluded_types=frozenset(_strings(setting, "excluded_types")),
            included_accounts=frozenset(_ids(setting, "included_accounts")),
            included_places=_places(setting),
        )

    def placed(self, accounts: Iterable[Account]) -> "AccountSelection":
        """The same choice, with the IBAN hashes that its accounts have today; store this one."""
        now = {a.id: a.iban_hash for a in accounts if a.id in self.included_accounts}
        places = {
            id_: place
            for id_, place in {**self.included_places, **now}.items()
            if place and id_ in self.included_accounts
        }
        return AccountSelection(
            self.mode, self.excluded_types, self.included_accounts, dict(sorted(places.items()))
        )

    def setting(self) -> dict[str, object]:
        """As it is stored: what `parse` reads."""
        return {
            "mode": self.mode.value,
            "excluded_types": sorted(self.excluded_types),
            "included_accounts": sorted(self.included_accounts),
            "included_places": {str(id_): place for id_, place in self.included_places.items()},
        }


@dataclass(frozen=True, slots=True)
class UsedAccount:
    bridge_account_id: int
    account_name: str
    account_type: AccountType
    balance: Decimal
    currency: str


@dataclass(frozen=True, slots=True)
class AccountsUsed:
    """`accounts_used` of an answer. An account seen through two connections is one account."""

    total_accounts: int
    eligible_accounts: int
    used_accounts: int
    selection_mode: SelectionMode
    accounts: tuple[UsedAccount, ...]


@dataclass(frozen=True, slots=True)
class Scope:
    """The accounts that count."""

    connections: tuple[Account, ...]
    """Every connection to an account in scope, by id: the rows of all of them count."""
    mode: SelectionMode
    total_accounts: int
    eligible_accounts: int

    @property
    def account_ids(self) -> frozenset[int]:
        return frozenset(account.id for account in self.connections)

    @property
    def accounts(self) -> tuple[Account, ...]:
        """Each account once, as its most recently read connection shows it."""
        return distinct(self.connections)

    @property
    def empty(self) -> bool:
        """No account at all: the answer is zeros and `EMPTY_SCOPE_MESSAGE`, never "all"."""
        return not self.connections

    def as_of(self, today: date) -> date:
        """Today, or the last day on which every account in scope was read, if that is earlier.

        An account that was last read a month or more before the others holds nobody back.
        """
        read_on = [a.last_sync_on for a in self.accounts if a.last_sync_on is not None]
        if not read_on:
            return today
        return min(today, *(day for day in read_on if day > max(read_on) - _BROKEN_AFTER))

    def accounts_used(self) -> AccountsUsed:
        used = self.accounts
        return AccountsUsed(
            total_accounts=self.total_accounts,
            eligible_accounts=self.eligible_accounts,
            used_accounts=len(used),
            selection_mode=self.mode,
            accounts=tuple(
                UsedAccount(a.id, a.name, a.type, a.balance, currency_of(a)) for a in used
            ),
        )


def select(accounts: Sequence[Account], selection: AccountSelection | None = None) -> Scope:
    """The scope that the user's setting leaves of their accounts."""
    selection = selection or AccountSelection()
    eligible = [account for account in accounts if account.type in ELIGIBLE_TYPES]
    match selection.mode:
        case SelectionMode.all:
            chosen = eligible
        case SelectionMode.exclude_types:
            chosen = [a for a in eligible if a.type.value not in selection.excluded_types]
        case SelectionMode.include_specific:
            chosen = _included(accounts, eligible, selection)
    return Scope(
        connections=tuple(sorted(chosen, key=lambda account: account.id)),
        mode=selection.mode,
        total_accounts=len(distinct(accounts)),
        eligible_accounts=len(distinct(eligible)),
    )


def distinct(accounts: Iterable[Account]) -> tuple[Account, ...]:
    """Each account once, by id: of several connections the one read last, then the newest."""
    best: dict[object, Account] = {}
    for account in accounts:
        place = same_account(account)
        if place not in best or _freshness(best[place]) < _freshness(account):
            best[place] = account
    return tuple(sorted(best.values(), key=lambda account: account.id))


def same_account(account: Account) -> object:
    """Equal for two connections to one account: one IBAN and one type.

    The type counts because some banks give a deferred-debit card the IBAN of its checking account.
    """
    return (account.iban_hash, account.type) if account.iban_hash else account.id


def currency_of(account: Account, currency: str | None = None) -> str:
    """The currency of a row on this account: its own, else the account's, else EUR."""
    return (currency or account.currency or EURO).upper()


def _included(
    accounts: Sequence[Account], eligible: Sequence[Account], selection: AccountSelection
) -> list[Account]:
    ids = selection.included_accounts
    present = {a.id for a in accounts}
    places = {same_account(a) for a in accounts if a.id in ids}
    gone = {hash_ for id_, hash_ in selection.included_places.items() if id_ in ids - present}
    return [a for a in eligible if same_account(a) in places or a.iban_hash in gone]


def _freshness(account: Account) -> tuple[date, int]:
    return account.last_sync_on or date.min, account.id


def _list(setting: Mapping[str, object], key: str) -> list[object]:
    value = setting.get(key)
    if value is None:
        return []
    if not isinstance(value, list | tuple):
        raise InvalidSelection(f"account_selection.{key} must be a list.")
    return list(value)


def _strings(setting: Mapping[str, object], key: str) -> list[str]:
    values = _list(setting, key)
    if not all(isinstance(value, str) for value in values):
        raise InvalidSelection(f"account_selection.{key} must be a list of strings.")
    return [str(value) for value in values]


def _ids(setting: Mapping[str, object], key: str) -> list[int]:
    """Ids are integers; the web client may keep them as strings of digits."""
    ids: list[int] = []
    for value in _list(setting, key):
        if isinstance(value, bool) or not str(value).isdecimal():
            raise InvalidSelection(f"account_selection.{key} must be a list of account ids.")
        ids.append(int(str(value)))
    return ids


def _places(setting: Mapping[str, object]) -> dict[int, str]:
    places = setting.get("included_places") or {}
    if not isinstance(places, Mapping):
        raise InvalidSelection("account_selection.included_places must be an object.")
    return {int(id_): str(place) for id_, place in places.items() if str(id_).isdecimal()}
