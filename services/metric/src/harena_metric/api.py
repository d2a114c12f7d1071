"""The metric service's routes."""

from typing import Annotated

from fastapi import APIRouter, Depends

from harena_core.auth import UserReading
from harena_core.dependencies import ClockDep
from harena_core.query import documented, query_of
from harena_ledger.comparisons import Flow
from harena_metric.schemas import (
    CoverageMonth,
    CoverageOut,
    Envelope,
    ExpensesByMonth,
    ExpensesByYear,
    IncomeByMonth,
    IncomeByYear,
    MonthsCompared,
    YearsCompared,
)
from harena_metric.service import MetricService

router = APIRouter(prefix="/api/v1/metrics", tags=["metrics"])


async def _metrics(reading: UserReading, clock: ClockDep) -> MetricService:
    return MetricService(reading, clock)


Metrics = Annotated[MetricService, Depends(_metrics)]


@router.get(
    "/expenses/mom",
    summary="Expenses of a month against another",
    openapi_extra=documented(ExpensesByMonth),
)
async def expenses_mom(
    metrics: Metrics, query: Annotated[ExpensesByMonth, Depends(query_of(ExpensesByMonth))]
) -> Envelope[MonthsCompared]:
    """By default the current month to date against the same days of the month before."""
    data = await metrics.month_over_month(Flow.expenses, query)
    return Envelope(data=data, timestamp=metrics.clock.timestamp())


@router.get(
    "/income/mom",
    summary="Income of a month against another",
    openapi_extra=documented(IncomeByMonth),
)
async def income_mom(
    metrics: Metrics, query: Annotated[IncomeByMonth, Depends(query_of(IncomeByMonth))]
) -> Envelope[MonthsCompared]:
    """By default the current month to date against the same days of the month before."""
    data = await metrics.month_over_month(Flow.income, query)
    return Envelope(data=data, timestamp=metrics.clock.timestamp())


@router.get(
    "/expenses/yoy",
    summary="Expenses of a year against another",
    openapi_extra=documented(ExpensesByYear),
)
async def expenses_yoy(
    metrics: Metrics, query: Annotated[ExpensesByYear, Depends(query_of(ExpensesByYear))]
) -> Envelope[YearsCompared]:
    """By default the current year to date against the same days of the year before."""
    data = await metrics.year_over_year(Flow.expenses, query)
    return Envelope(data=data, timestamp=metrics.clock.timestamp())


@router.get(
    "/income/yoy",
    summary="Income of a year against another",
    openapi_extra=documented(IncomeByYear),
)
async def income_yoy(
    metrics: Metrics, query: Annotated[IncomeByYear, Depends(query_of(IncomeByYear))]
) -> Envelope[YearsCompared]:
    """By default the current year to date against the same days of the year before."""
    data = await metrics.year_over_year(Flow.income, query)
    return Envelope(data=data, timestamp=metrics.clock.timestamp())


@router.get(
    "/coverage", summary="What is left of a month's income", openapi_extra=documented(CoverageMonth)
)
async def coverage(
    metrics: Metrics, query: Annotated[CoverageMonth, Depends(query_of(CoverageMonth))]
) -> Envelope[CoverageOut]:
    """By default of the current month, up to today."""
    data = await metrics.coverage(query)
    return Envelope(data=data, timestamp=metrics.clock.timestamp())
