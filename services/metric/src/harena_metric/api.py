"""The metric service's routes."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query

from harena_core.auth import UserReading
from harena_core.dependencies import ClockDep
from harena_ledger.comparisons import Flow
from harena_metric.repository import MetricRepository
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


async def _metrics(reader: UserReading, clock: ClockDep) -> MetricService:
    return MetricService(MetricRepository(reader), clock)


Metrics = Annotated[MetricService, Depends(_metrics)]


@router.get("/expenses/mom", summary="Expenses of a month against another")
async def expenses_mom(
    query: Annotated[ExpensesByMonth, Query()], metrics: Metrics, clock: ClockDep
) -> Envelope[MonthsCompared]:
    """By default the current month to date against the same days of the month before."""
    data = await metrics.month_over_month(Flow.expenses, query)
    return Envelope(data=data, timestamp=clock.timestamp())


@router.get("/income/mom", summary="Income of a month against another")
async def income_mom(
    query: Annotated[IncomeByMonth, Query()], metrics: Metrics, clock: ClockDep
) -> Envelope[MonthsCompared]:
    """By default the current month to date against the same days of the month before."""
    data = await metrics.month_over_month(Flow.income, query)
    return Envelope(data=data, timestamp=clock.timestamp())


@router.get("/expenses/yoy", summary="Expenses of a year against another")
async def expenses_yoy(
    query: Annotated[ExpensesByYear, Query()], metrics: Metrics, clock: ClockDep
) -> Envelope[YearsCompared]:
    """By default the current year to date against the same days of the year before."""
    data = await metrics.year_over_year(Flow.expenses, query)
    return Envelope(data=data, timestamp=clock.timestamp())


@router.get("/income/yoy", summary="Income of a year against another")
async def income_yoy(
    query: Annotated[IncomeByYear, Query()], metrics: Metrics, clock: ClockDep
) -> Envelope[YearsCompared]:
    """By default the current year to date against the same days of the year before."""
    data = await metrics.year_over_year(Flow.income, query)
    return Envelope(data=data, timestamp=clock.timestamp())


@router.get("/coverage", summary="What is left of a month's income")
async def coverage(
    query: Annotated[CoverageMonth, Query()], metrics: Metrics, clock: ClockDep
) -> Envelope[CoverageOut]:
    """By default of the current month, up to today."""
    data = await metrics.coverage(query)
    return Envelope(data=data, timestamp=clock.timestamp())
