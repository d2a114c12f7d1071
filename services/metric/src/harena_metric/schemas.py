"""What the metric service takes and answers. Amounts are euros, as JSON numbers of two decimals."""

from datetime import date, datetime
from typing import Annotated, Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from harena_core.amounts import Money, Percentage
from harena_ledger.comparisons import Colour, Direction, Level
from harena_ledger.model import AccountType
from harena_ledger.periods import FIRST_YEAR, LAST_YEAR, Extent
from harena_ledger.scope import SelectionMode

# A year less at both ends than a period may have: the reference may be the year before.
MonthNumber = Annotated[int, Field(ge=1, le=12, examples=[11])]
YearNumber = Annotated[int, Field(ge=FIRST_YEAR + 1, le=LAST_YEAR - 1, examples=[2026])]


class YearFilters(BaseModel):
    """The query of a comparison of two years."""

    model_config = ConfigDict(use_attribute_docstrings=True, frozen=True)

    annee_talon: YearNumber | None = None
    """Reference year; the year before the target by default."""
    annee_cible: YearNumber | None = None
    """Target year; the current one by default."""
    comparison: Extent | None = None
    """`to_date`: both up to the same day; `full`: both whole. By default `to_date` where the
    target is not over."""
    categorie: Annotated[str | None, Field(max_length=100, examples=["Alimentation"])] = None
    """Only this category: its whole name, whatever its case and accents."""
    marchand: Annotated[
        # No text of Postgres may hold a NUL.
        str | None,
        Field(min_length=1, max_length=200, pattern="^[^\\x00]+$", examples=["Carrefour"]),
    ] = None
    """Only this merchant: its whole name, whatever its case and accents."""


class MonthFilters(YearFilters):
    """The query of a comparison of two months; a month and its year go together."""

    mois_talon: MonthNumber | None = None
    """Reference month; the month before the target by default."""
    mois_cible: MonthNumber | None = None
    """Target month; the current one by default."""


class _Expenses(BaseModel):
    model_config = ConfigDict(frozen=True)

    type_transaction: Literal["expense"] = "expense"


class _Income(BaseModel):
    model_config = ConfigDict(frozen=True)

    type_transaction: Literal["income"] = "income"


class ExpensesByMonth(MonthFilters, _Expenses):
    """Query of `/expenses/mom`."""


class ExpensesByYear(YearFilters, _Expenses):
    """Query of `/expenses/yoy`."""


class IncomeByMonth(MonthFilters, _Income):
    """Query of `/income/mom`."""


class IncomeByYear(YearFilters, _Income):
    """Query of `/income/yoy`."""


class CoverageMonth(BaseModel):
    """Query of `/coverage`; the month and its year go together."""

    model_config = ConfigDict(use_attribute_docstrings=True, frozen=True)

    mois: MonthNumber | None = None
    """The current month by default."""
    annee: YearNumber | None = None


class YearTotal(BaseModel):
    """A period, and what it amounts to."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    annee: int
    total: Money
    """0 or more."""
    jours: int
    """Days that the period has."""
    start: date
    """First day."""
    end: date
    """The day after the last one; equal to `start` where the period has no day."""
    net_refund: bool
    """More came back than was spent, and the total is shown as 0."""


class MonthTotal(YearTotal):
    """A period within a month."""

    mois: int
    label: str = Field(examples=["Novembre 2026"])


class VariationOut(BaseModel):
    """How the total changed from the reference to the target."""

    montant: Money = Field(description="Target less reference.")
    pourcentage: Percentage = Field(description="Of the reference; 100 where there is none.")
    direction: Direction
    comparable: bool = Field(description="False where only the reference is 0.")


class ComparisonDisplay(BaseModel):
    """How to show a change."""

    couleur: Colour
    icone: str = Field(examples=["arrow-up"])
    message: str = Field(description="A sentence in French.")


class FiltersApplied(BaseModel):
    """What the rows were filtered by."""

    categorie: str | None
    marchand: str | None
    type_transaction: Literal["expense", "income"]


class UsedAccountOut(BaseModel):
    """An account whose rows count."""

    model_config = ConfigDict(from_attributes=True)

    bridge_account_id: int
    account_name: str
    account_type: AccountType
    balance: Money
    currency: str


class AccountsUsedOut(BaseModel):
    """Which accounts the figures rest on."""

    model_config = ConfigDict(from_attributes=True)

    total_accounts: int
    eligible_accounts: int = Field(description="Current accounts and cards.")
    used_accounts: int
    selection_mode: SelectionMode
    accounts: list[UsedAccountOut]


class OtherCurrency(BaseModel):
    """Rows that are left out of the totals because they are not in euros."""

    currency: str
    count: int
    total: Money
    """Of the same sort as the answer's totals, in that currency, over all of its periods."""


class Excluded(BaseModel):
    """What the totals leave out."""

    other_currencies: list[OtherCurrency]


class _Figures(BaseModel):
    model_config = ConfigDict(use_attribute_docstrings=True)

    as_of: date
    """The last day that is known: today, or the day on which the accounts were last read."""
    has_data: bool
    """Whether any row counted; zeros without one say that nothing is known."""
    scope_empty: bool
    """No account counts; the message says what to do about it."""
    net_refund: bool
    """More came back than was spent, in at least one period, and its expenses are shown as 0."""
    excluded: Excluded
    accounts_used: AccountsUsedOut


class _Comparison(_Figures):
    metric_type: Literal["mom_expenses", "yoy_expenses", "mom_income", "yoy_income"]
    variation: VariationOut
    affichage: ComparisonDisplay
    filtres_appliques: FiltersApplied
    comparison: Extent


class MonthsCompared(_Comparison):
    """The total of a month set against another's."""

    periode_talon: MonthTotal
    """The reference."""
    periode_cible: MonthTotal
    """The target."""


class YearsCompared(_Comparison):
    """The total of a year set against another's."""

    periode_talon: YearTotal
    """The reference."""
    periode_cible: YearTotal
    """The target."""


class CoveragePeriod(BaseModel):
    """A month, up to today."""

    mois: int
    annee: int
    label: str
    jours: int
    start: date
    end: date
    is_current_month: bool


class CoverageDisplay(BaseModel):
    """How to show a coverage."""

    couleur: Colour
    niveau: Level
    message: str = Field(description="A sentence in French.")


class CoverageOut(_Figures):
    """What is left of a month's income once its expenses are paid."""

    metric_type: Literal["coverage_rate"] = "coverage_rate"
    periode: CoveragePeriod
    revenus: Money
    depenses: Money
    """0 or more."""
    solde: Money
    """Income less expenses, before any expenses below 0 were shown as 0."""
    taux_couverture: Percentage
    """`solde` in per cent of income."""
    affichage: CoverageDisplay
    mise_a_jour: datetime
    """When this was computed."""


Data = TypeVar("Data", bound=BaseModel)


class Envelope(BaseModel, Generic[Data]):
    """What every metric is wrapped in."""

    success: Literal[True] = True
    data: Data
    timestamp: datetime = Field(description="When it was answered, with an offset.")
