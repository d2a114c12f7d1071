"""Decimals as they go over the wire: JSON numbers, rounded here and only here."""

from decimal import Decimal
from typing import Annotated

from pydantic import PlainSerializer


def _number(value: Decimal) -> float:
    """Two decimals, half to even, and never a negative zero.

    A float shows every amount of numeric(14,2) as written: 14 digits of the 15 that a double keeps.
    """
    return float(round(value, 2)) + 0.0


_Number = PlainSerializer(_number, return_type=float)

Money = Annotated[Decimal, _Number]
Percentage = Annotated[Decimal, _Number]
