"""Money is `Decimal`. What is shown of it is rounded once: here in words, elsewhere on the wire."""

from decimal import ROUND_HALF_EVEN, Decimal

CENT = Decimal("0.01")
ZERO = Decimal("0.00")


def cents(value: Decimal) -> Decimal:
    """Two decimals, half to even, and never a negative zero."""
    return value.quantize(CENT, ROUND_HALF_EVEN) + ZERO


def euros(value: Decimal) -> str:
    """The amount as a French reader expects it: "1 234,50 €", with no-break spaces."""
    return f"{_french(cents(value))}\u00a0€"


def percent(value: Decimal) -> str:
    """A percentage in French: "12,5 %"; decimals that say nothing are left out."""
    return f"{_french(cents(value)).rstrip('0').rstrip(',')}\u00a0%"


def _french(value: Decimal) -> str:
    return f"{value:,}".replace(",", "\u00a0").replace(".", ",")
