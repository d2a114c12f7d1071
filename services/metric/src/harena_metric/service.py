"""Month over month, year over year and coverage: what to sum, and what to say of it.

Periods, scope, comparisons and categories are the ledger's; sums are the repository's.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import partial
from typing import Any, Literal

from harena_core.clock import Clock
from harena_core.db import Reader
from harena_core.errors import Conflict, Invalid
from harena_db.ledger import account
from harena_ledger import categories, periods
from harena_ledger.comparisons import Flow, compare, coverage
from harena_ledger.model import Account
from harena_ledger.periods import Comparison, Extent, Month, Period
from harena_ledger.scope import (
    EURO,
    AccountSelection,
    InvalidSelection,
    Scope,
    currency_of,
    select,
)
from harena_ledger.text import fold
from harena_ledger.totals import CurrencyTotals, Totals
from harena_metric.answers import Answers, Question
from harena_metric.repository import AccountSum, Holdings, MetricRepository
from harena_metric.schemas import (
    AccountsUsedOut,
    ComparisonDisplay,
    CoverageDisplay,
    CoverageMonth,
    CoverageOut,
    CoveragePeriod,
    Excluded,
    FiltersApplied,
    MonthFilters,
    MonthsCompared,
    MonthTotal,
    OtherCurrency,
    VariationOut,
    YearFilters,
    YearsCompared,
    YearTotal,
)

_NOTHING = CurrencyTotals()
_TYPES: dict[Flow, Literal["expense", "income"]] = {
    Flow.expenses: "expense",
    Flow.income: "income",
}


@dataclass(frozen=True, slots=True)
class _Filters:
    """A query's filters, once read."""

    category_id: int | None
    merchant_key: str | None

    @classmethod
    def of(cls, query: YearFilters) -> "_Filters":
        """Raises Invalid for an unknown category; an unknown merchant has no rows."""
        category = categories.find(query.categorie) if query.categorie is not None else None
        if query.categorie is not None and category is None:
            raise Invalid("catégorie inconnue", loc=("query", "categorie"))
        return cls(
            category_id=None if category is None else category.id,
            merchant_key=None if query.marchand is None else fold(query.marchand),
        )


@dataclass(frozen=True, slots=True)
class _Scope:
    """The accounts that count, as the ledger tells them and as rows name them."""

    ledger: Scope
    accounts: Mapping[int, Account]
    """By row number in our table."""
    as_of: date


class MetricService:
    """The metrics of one user."""

    def __init__(
        self, reading: AbstractAsyncContextManager[Reader], clock: Clock, answers: Answers
    ) -> None:
        self._reading = reading
        self._clock = clock
        self._answers = answers
        self._today = clock.today()

    async def month_over_month(self, flow: Flow, query: MonthFilters) -> bytes:
        """`MonthsCompared` as JSON.

        Raises Invalid for a month without its year (or the reverse) and for unknown categories.
        """
        target = _month(query, "mois_cible", "annee_cible") or Month.of(self._today)
        reference = _month(query, "mois_talon", "annee_talon") or target.shifted(-1)
        filters = _Filters.of(query)
        async with self._reading as reader:
            repository = MetricRepository(reader)
            holdings = await repository.holdings()
            question = self._question(reader, holdings, query, flow)
            if known := self._answers.get(question):
                return known
            scope = self._scope(holdings)
            compared = periods.month_over_month(
                target, reference, today=self._today, as_of=scope.as_of, extent=query.comparison
            )
            totals = await _compared_totals(repository, compared, scope, filters, flow)
        data = MonthsCompared(
            metric_type=f"mom_{flow.value}",
            periode_talon=_month_total(reference, compared.reference, totals[0], flow),
            periode_cible=_month_total(target, compared.target, totals[1], flow),
            **_comparison(flow, query, scope, compared, totals, reference.label, reference.period),
        )
        return self._answers.keep(question, data)

    async def year_over_year(self, flow: Flow, query: YearFilters) -> bytes:
        """`YearsCompared` as JSON. Raises Invalid for an unknown category."""
        target = self._today.year if query.annee_cible is None else query.annee_cible
        reference = target - 1 if query.annee_talon is None else query.annee_talon
        filters, whole = _Filters.of(query), periods.year(reference)
        async with self._reading as reader:
            repository = MetricRepository(reader)
            holdings = await repository.holdings()
            question = self._question(reader, holdings, query, flow)
            if known := self._answers.get(question):
                return known
            scope = self._scope(holdings)
            compared = periods.year_over_year(
                target, reference, today=self._today, as_of=scope.as_of, extent=query.comparison
            )
            totals = await _compared_totals(repository, compared, scope, filters, flow)
        data = YearsCompared(
            metric_type=f"yoy_{flow.value}",
            periode_talon=YearTotal(**_total(reference, compared.reference, totals[0], flow)),
            periode_cible=YearTotal(**_total(target, compared.target, totals[1], flow)),
            **_comparison(flow, query, scope, compared, totals, str(reference), whole),
        )
        return self._answers.keep(question, data)

    async def coverage(self, query: CoverageMonth) -> bytes:
        """`CoverageOut` as JSON. Raises Invalid for a month without its year, or the reverse."""
        current = Month.of(self._today)
        month = _month(query, "mois", "annee") or current
        days = month.period.until(self._today)
        async with self._reading as reader:
            repository = MetricRepository(reader)
            holdings = await repository.holdings()
            question = self._question(reader, holdings, query)
            if known := self._answers.get(question):
                return known
            scope = self._scope(holdings)
            sums = await repository.sums([days]) if scope.accounts else []
        totals = _totals(sums, 0, scope)
        has_data = bool(totals.count or totals.other_currencies)
        found = coverage(
            income=totals.income,
            expenses=totals.expenses,
            has_data=has_data,
            scope_empty=scope.ledger.empty,
        )
        data = CoverageOut(
            periode=CoveragePeriod(
                mois=month.month,
                annee=month.year,
                label=month.label,
                is_current_month=month == current,
                **_days(days),
            ),
            revenus=found.income,
            depenses=found.expenses,
            solde=found.balance,
            taux_couverture=found.rate,
            affichage=CoverageDisplay(
                couleur=found.colour, niveau=found.level, message=found.message
            ),
            mise_a_jour=self._clock.timestamp(),
            has_data=has_data,
            net_refund=totals.net_refund,
            excluded=_excluded([totals], lambda other: other.income - other.expenses),
            **_shared(scope),
        )
        return self._answers.keep(question, data)

    def _question(
        self,
        reader: Reader,
        holdings: Holdings,
        query: YearFilters | CoverageMonth,
        flow: Flow | None = None,
    ) -> Question:
        return Question(reader.user_id, holdings.data_version, self._today, query, flow)

    def _scope(self, holdings: Holdings) -> _Scope:
        try:
            selection = AccountSelection.parse(holdings.account_selection)
        except InvalidSelection as error:
            raise Conflict(
                "Votre sélection de comptes est illisible : enregistrez-la de nouveau dans vos "
                "préférences.",
                code="INVALID_ACCOUNT_SELECTION",
            ) from error
        zone = self._clock.timezone
        accounts = {record.id: account(record, zone) for record in holdings.accounts}
        scope = select(list(accounts.values()), selection)
        counted = scope.account_ids
        return _Scope(
            ledger=scope,
            accounts={id_: each for id_, each in accounts.items() if each.id in counted},
            as_of=scope.as_of(self._today),
        )


async def _compared_totals(
    repository: MetricRepository,
    compared: Comparison,
    scope: _Scope,
    filters: _Filters,
    flow: Flow,
) -> tuple[Totals, Totals]:
    """Of the reference and of the target. Without an account there is nothing to ask."""
    sums = []
    if scope.accounts:
        sums = await repository.sums(
            [compared.reference, compared.target],
            category_id=filters.category_id,
            merchant_key=filters.merchant_key,
        )
    return _totals(sums, 0, scope, flow), _totals(sums, 1, scope, flow)


def _month(query: MonthFilters | CoverageMonth, month: str, year: str) -> Month | None:
    """The month that the query names, if it does."""
    values = getattr(query, month), getattr(query, year)
    match values:
        case None, None:
            return None
        case None, _:
            raise Invalid(f"requis avec {year}", loc=("query", month), type="missing")
        case _, None:
            raise Invalid(f"requis avec {month}", loc=("query", year), type="missing")
    return Month(values[1], values[0])


def _totals(
    sums: Iterable[AccountSum], period: int, scope: _Scope, flow: Flow | None = None
) -> Totals:
    """The totals of one of the periods; `count` is of the rows of that flow, or of both."""
    found: dict[str, CurrencyTotals] = {}
    for part in sums:
        if part.period != period or part.account_id not in scope.accounts:
            continue
        currency = currency_of(scope.accounts[part.account_id], part.currency_code)
        so_far = found.get(currency, _NOTHING)
        found[currency] = CurrencyTotals(
            income=so_far.income + part.income,
            expenses=so_far.expenses + part.expenses,
            count=so_far.count
            + (0 if flow is Flow.expenses else part.income_count)
            + (0 if flow is Flow.income else part.expense_count),
        )
    euros = found.pop(EURO, _NOTHING)
    others = {currency: found[currency] for currency in sorted(found) if found[currency].count}
    return Totals(euros.income, euros.expenses, euros.count, others)


def _amount(totals: Totals | CurrencyTotals, flow: Flow) -> Decimal:
    return totals.income if flow is Flow.income else totals.expenses


def _shown(totals: Totals, flow: Flow) -> Decimal:
    return totals.income if flow is Flow.income else totals.shown_expenses


def _net_refund(totals: Totals, flow: Flow) -> bool:
    return flow is Flow.expenses and totals.net_refund


def _days(period: Period) -> dict[str, Any]:
    return {"jours": period.days, "start": period.start, "end": period.end}


def _total(year: int, period: Period, totals: Totals, flow: Flow) -> dict[str, Any]:
    return {
        "annee": year,
        "total": _shown(totals, flow),
        "net_refund": _net_refund(totals, flow),
        **_days(period),
    }


def _month_total(month: Month, period: Period, totals: Totals, flow: Flow) -> MonthTotal:
    return MonthTotal(
        mois=month.month, label=month.label, **_total(month.year, period, totals, flow)
    )


def _comparison(
    flow: Flow,
    query: MonthFilters | YearFilters,
    scope: _Scope,
    compared: Comparison,
    totals: tuple[Totals, Totals],
    reference_label: str,
    whole_reference: Period,
) -> dict[str, Any]:
    """What comparisons of months and of years have in common; totals: reference, target."""
    reference, target = totals
    variation = compare(
        flow,
        target=_shown(target, flow),
        reference=_shown(reference, flow),
        reference_label=reference_label,
        to_date=compared.extent is Extent.to_date and compared.reference != whole_reference,
        scope_empty=scope.ledger.empty,
    )
    return {
        "variation": VariationOut(
            montant=variation.amount,
            pourcentage=variation.percentage,
            direction=variation.direction,
            comparable=variation.comparable,
        ),
        "affichage": ComparisonDisplay(
            couleur=variation.colour, icone=variation.icon, message=variation.message
        ),
        "filtres_appliques": FiltersApplied(
            categorie=query.categorie,
            marchand=query.marchand,
            type_transaction=_TYPES[flow],
        ),
        "comparison": compared.extent,
        "has_data": bool(compared.target.days)
        and any(part.count or part.other_currencies for part in totals),
        "net_refund": any(_net_refund(part, flow) for part in totals),
        "excluded": _excluded(totals, partial(_amount, flow=flow)),
        **_shared(scope),
    }


def _excluded(totals: Iterable[Totals], amount: Callable[[CurrencyTotals], Decimal]) -> Excluded:
    counts: dict[str, int] = defaultdict(int)
    amounts: dict[str, Decimal] = defaultdict(Decimal)
    for part in totals:
        for currency, other in (part.other_currencies or {}).items():
            counts[currency] += other.count
            amounts[currency] += amount(other)
    return Excluded(
        other_currencies=[
            OtherCurrency(currency=currency, count=counts[currency], total=amounts[currency])
            for currency in sorted(counts)
        ]
    )


def _shared(scope: _Scope) -> dict[str, Any]:
    return {
        "as_of": scope.as_of,
        "scope_empty": scope.ledger.empty,
        "accounts_used": AccountsUsedOut.model_validate(scope.ledger.accounts_used()),
    }
