"""The metric service's routes."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from harena_core.auth import UserReading
from harena_core.clock import Clock
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


async def _metrics(request: Request, reading: UserReading) -> MetricService:
    return MetricService(reading, request.state.clock, request.state.answers)


Metrics = Annotated[MetricService, Depends(_metrics)]


def _envelope(request: Request, data: bytes) -> Response:
    """`Envelope` around data that are JSON already."""
    clock: Clock = request.state.clock
    timestamp = clock.timestamp().isoformat().encode()
    return Response(
        b'{"success":true,"data":' + data + b',"timestamp":"' + timestamp + b'"}',
        media_type="application/json",
    )


@router.get(
    "/expenses/mom",
    summary="Expenses of a month against another",
    response_model=Envelope[MonthsCompared],
    openapi_extra=documented(ExpensesByMonth),
)
async def expenses_mom(
    request: Request,
    metrics: Metrics,
    query: Annotated[ExpensesByMonth, Depends(query_of(ExpensesByMonth))],
) -> Response:
    """By default the current month to date against the same days of the month before."""
    return _envelope(request, await metrics.month_over_month(Flow.expenses, query))


@router.get(
    "/income/mom",
    summary="Income of a month against another",
    response_model=Envelope[MonthsCompared],
    openapi_extra=documented(IncomeByMonth),
)
async def income_mom(
    request: Request,
    metrics: Metrics,
    query: Annotated[IncomeByMonth, Depends(query_of(IncomeByMonth))],
) -> Response:
    """By default the current month to date against the same days of the month before."""
    return _envelope(request, await metrics.month_over_month(Flow.income, query))


@router.get(
    "/expenses/yoy",
    summary="Expenses of a year against another",
    response_model=Envelope[YearsCompared],
    openapi_extra=documented(ExpensesByYear),
)
async def expenses_yoy(
    request: Request,
    metrics: Metrics,
    query: Annotated[ExpensesByYear, Depends(query_of(ExpensesByYear))],
) -> Response:
    """By default the current year to date against the same days of the year before."""
    return _envelope(request, await metrics.year_over_year(Flow.expenses, query))


@router.get(
    "/income/yoy",
    summary="Income of a year against another",
    response_model=Envelope[YearsCompared],
    openapi_extra=documented(IncomeByYear),
)
async def income_yoy(
    request: Request,
    metrics: Metrics,
    query: Annotated[IncomeByYear, Depends(query_of(IncomeByYear))],
) -> Response:
    """By default the current year to date against the same days of the year before."""
    return _envelope(request, await metrics.year_over_year(Flow.income, query))


@router.get(
    "/coverage",
    summary="What is left of a month's income",
    response_model=Envelope[CoverageOut],
    openapi_extra=documented(CoverageMonth),
)
async def coverage(
    request: Request,
    metrics: Metrics,
    query: Annotated[CoverageMonth, Depends(query_of(CoverageMonth))],
) -> Response:
    """By default of the current month, up to today."""
    return _envelope(request, await metrics.coverage(query))
