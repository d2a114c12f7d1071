"""What comes in and what goes out."""

import json
import math
from datetime import date, datetime
from typing import Annotated, Any, Literal

from email_validator import EmailNotValidError, validate_email
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    StringConstraints,
    ValidationInfo,
    field_serializer,
    field_validator,
)
from pydantic.json_schema import SkipJsonSchema

from harena_core.amounts import Money
from harena_ledger.model import AccountType, CategoryClass, Kind
from harena_ledger.scope import SelectionMode
from harena_user.passwords import MAX_LENGTH, MIN_LENGTH, is_common
from harena_user.tokens import PERMISSIONS

MAX_EMAIL_LENGTH = 254  # RFC 5321, erratum 1690
MAX_PREFERENCES_BYTES = 32 * 1024
MAX_DEPTH = 8
MAX_LIST = 500

# Of an account selection: hashes of the chosen accounts' IBANs. The ledger's, never the client's.
PLACES = "included_places"

Day = date  # a class may then have a field called `date`

# What the columns hold: beyond it Postgres would refuse the number.
BankId = Annotated[int, Field(ge=1, le=2**63 - 1)]


def normal_email(text: str) -> str:
    """The one spelling under which an address is stored. Raises ValueError for what is none."""
    try:
        return validate_email(text, check_deliverability=False).normalized.lower()
    except EmailNotValidError:
        raise ValueError("adresse e-mail invalide") from None


def _plain(text: str) -> str:
    if not text.isprintable():
        raise ValueError("caractères non autorisés")
    return text


def _storable(value: object, depth: int = MAX_DEPTH) -> object:
    """Refuses what JSON in Postgres cannot hold, and what would make reading it expensive."""
    if depth == 0:
        raise ValueError("préférences trop profondes")
    match value:
        case str() if "\0" in value or not value.isascii() and _has_surrogate(value):
            raise ValueError("caractères non autorisés")
        case float() if not math.isfinite(value):
            raise ValueError("un nombre fini est attendu")
        case dict():
            for key, inner in value.items():
                _storable(key, depth)
                _storable(inner, depth - 1)
        case list():
            for inner in value:
                _storable(inner, depth - 1)
    return value


def _has_surrogate(text: str) -> bool:
    return any("\ud800" <= character <= "\udfff" for character in text)


def _encodable(password: SecretStr) -> SecretStr:
    if _has_surrogate(password.get_secret_value()):
        raise ValueError("caractères non autorisés")
    return password


def _uncommon(password: SecretStr) -> SecretStr:
    if is_common(password.get_secret_value()):
        raise ValueError("mot de passe trop courant")
    return password


def is_too_large(settings: dict[str, Any]) -> bool:
    """Whether a section of preferences is larger than anybody's is."""
    return len(json.dumps(settings)) > MAX_PREFERENCES_BYTES


Email = Annotated[str, Field(max_length=MAX_EMAIL_LENGTH), AfterValidator(normal_email)]
Name = Annotated[
    str, StringConstraints(max_length=100, strip_whitespace=True), AfterValidator(_plain)
]
Password = Annotated[SecretStr, Field(max_length=1024), AfterValidator(_encodable)]
NewPassword = Annotated[
    SecretStr,
    Field(min_length=MIN_LENGTH, max_length=MAX_LENGTH),
    AfterValidator(_encodable),
    AfterValidator(_uncommon),
]
JsonObject = Annotated[dict[str, Any], BeforeValidator(_storable)]


class Token(BaseModel):
    """A bearer token."""

    access_token: str
    token_type: Literal["bearer"] = "bearer"  # noqa: S105 -- a scheme
    expires_in: int = Field(description="Seconds.")


class Registration(BaseModel):
    """A new account. Other fields, such as `is_superuser`, are ignored."""

    email: Email
    first_name: Name | None = None
    last_name: Name | None = None
    password: NewPassword
    confirm_password: SecretStr

    @field_validator("confirm_password")
    @classmethod
    def _is_the_password(cls, value: SecretStr, info: ValidationInfo) -> SecretStr:
        # A password that was refused itself is not in `data`, and one complaint is enough.
        if value != info.data.get("password", value):
            raise ValueError("les mots de passe ne correspondent pas")
        return value


class AccountSelection(BaseModel):
    """Which accounts count, as far as it is given."""

    model_config = ConfigDict(extra="allow")

    mode: SelectionMode = SelectionMode.all
    excluded_types: list[Annotated[str, Field(max_length=50)]] = Field([], max_length=MAX_LIST)
    included_accounts: list[BankId] = Field(
        [], max_length=MAX_LIST, description="Ids of accounts, as `GET /accounts` gives them."
    )
    included_places: SkipJsonSchema[object] = Field(None, exclude=True)


class BudgetSettings(BaseModel):
    """The settings that a program reads; any other key is kept as it comes."""

    model_config = ConfigDict(extra="allow")

    months_analysis: Annotated[int, Field(ge=1, le=60)] | None = Field(
        12, description="Null: the whole history."
    )
    fixed_charge_min_occurrences: int = Field(5, ge=2, le=100)
    fixed_charge_max_variance: float = Field(0.2, ge=0, le=1, description="A fraction.")
    fixed_charge_min_amount: float = Field(10, ge=0, le=1_000_000, description="Euros.")
    account_selection: AccountSelection = AccountSelection()


DEFAULT_BUDGET_SETTINGS: dict[str, Any] = BudgetSettings().model_dump(mode="json")


class PreferencesChange(BaseModel):
    """Merged into what is stored: objects key by key, anything else replaced."""

    notification_settings: JsonObject | None = None
    display_preferences: JsonObject | None = None
    budget_settings: Annotated[BudgetSettings | None, BeforeValidator(_storable)] = None

    def sections(self) -> dict[str, dict[str, Any]]:
        """What was given of each section, and nothing that was not."""
        given = self.model_dump(mode="json", exclude_unset=True)
        return {section: change for section, change in given.items() if change is not None}


class ProfileChange(BaseModel):
    """Every field may be absent. A new password needs the current one."""

    email: Email | None = None
    first_name: Name | None = None
    last_name: Name | None = None
    password: NewPassword | None = None
    current_password: Password | None = Field(None, validate_default=True)
    preferences: PreferencesChange | None = None

    @field_validator("current_password")
    @classmethod
    def _goes_with_a_new_one(
        cls, value: SecretStr | None, info: ValidationInfo
    ) -> SecretStr | None:
        if value is None and info.data.get("password") is not None:
            raise ValueError("requis pour changer de mot de passe")
        return value

    def names(self) -> dict[str, str | None]:
        """The names that were given; an empty one is none."""
        given = self.model_dump(include={"first_name", "last_name"}, exclude_unset=True)
        return {field: name or None for field, name in given.items()}


class _Row(BaseModel):
    """Made from a row of the database."""

    model_config = ConfigDict(from_attributes=True)


class Preferences(_Row):
    id: int
    user_id: int
    notification_settings: dict[str, Any]
    display_preferences: dict[str, Any]
    budget_settings: dict[str, Any]
    created_at: datetime
    updated_at: datetime

    @field_serializer("budget_settings")
    def _without_places(self, settings: dict[str, Any]) -> dict[str, Any]:
        selection = settings.get("account_selection")
        if not isinstance(selection, dict):
            return settings
        shown = {key: value for key, value in selection.items() if key != PLACES}
        return {**settings, "account_selection": shown}


class BridgeConnection(_Row):
    """A user at the bank API. Its token is never handed out."""

    id: int
    user_id: int
    external_user_id: str
    bridge_user_uuid: str
    created_at: datetime
    updated_at: datetime


class User(_Row):
    """The caller."""

    id: int
    email: str
    first_name: str | None
    last_name: str | None
    is_active: bool
    is_superuser: bool
    created_at: datetime
    updated_at: datetime
    preferences: Preferences | None = None
    bridge_connections: list[BridgeConnection] = []
    permissions: list[str] = list(PERMISSIONS)


class Item(_Row):
    """A connection to a bank."""

    id: int = Field(description="The bank API's id.")
    bank_name: str
    status: int = Field(description="0: connected.")
    status_code_info: str | None
    status_code_description: str | None
    created_at: datetime


class Account(_Row):
    """A bank account as one connection shows it."""

    id: int = Field(description="The bank API's id, which is what account selections hold.")
    item_id: int
    name: str
    type: AccountType
    balance: Money
    currency_code: str = Field(description="ISO 4217; EUR where the bank gives none.")
    iban_masked: str | None = Field(description="Its last four characters.")
    last_sync_at: datetime | None


class Transaction(_Row):
    """A line of a bank statement, and what it counts as."""

    id: int = Field(description="The bank API's id.")
    account_id: int = Field(description="The bank API's id of the account.")
    account_name: str
    amount: Money = Field(description="Negative: money out.")
    currency_code: str
    occurred_on: Day = Field(description="The day that every figure uses.")
    date: Day
    transaction_date: Day | None
    booking_date: Day | None
    value_date: Day | None
    label: str = Field(description="As the bank prints it.")
    clean_description: str | None
    merchant: str | None
    operation_type: str | None
    category_id: int
    category_name: str
    category_class: CategoryClass
    kind: Kind = Field(description="`excluded` until its day has come.")
    refunded: Money = Field(description="What of a refund lowers the expenses.")
    refund_of: int | None = Field(description="The debit that this row gives back.")
    paired_with: int | None = Field(description="The other half of an internal transfer.")
    future: bool = Field(description="As the bank says; figures do not use it.")


class TransactionPage(BaseModel):
    """Newest first."""

    items: list[Transaction]
    total: int
    limit: int
    offset: int
    has_more: bool


class TransactionQuery(BaseModel):
    """Which rows, all conditions together; days are those of `occurred_on`."""

    limit: int = Field(50, ge=1, le=500)
    offset: int = Field(0, ge=0, le=10_000_000)
    account_id: BankId | None = Field(None, description="The bank API's id of an account.")
    since: Day | None = Field(None, description="First day, included.")
    until: Day | None = Field(None, description="Last day, included.")
    min_date: Day | None = Field(None, description="The same as `since`.")
    max_date: Day | None = Field(None, description="The same as `until`.")


class Category(_Row):
    id: int
    name: str
    category_class: CategoryClass = Field(serialization_alias="class")


class CategoryGroup(_Row):
    id: int
    name: str
    categories: list[Category]
