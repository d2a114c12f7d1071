"""What every row of one user means.

    classify(household, rows) -> {row id: Entry}

Takes all rows of the user, in any order: the result depends on the rows alone. It knows no today:
a row dated in the future gets the kind that it has once its day comes, and readers leave out the
rows whose day has not come.
"""

from collections.abc import Sequence

from harena_ledger.duplicates import duplicates
from harena_ledger.lines import Line, read_lines
from harena_ledger.model import Entry, Household, Kind, Row
from harena_ledger.refunds import Refund, give_back
from harena_ledger.settlements import settle
from harena_ledger.transfers import pair


def classify(household: Household, rows: Sequence[Row]) -> dict[int, Entry]:
    """The entry of every row, by `Row.id`.

    Settlements come first, because a sum that matches to the cent is the strongest evidence; then
    transfers, of which each half is known; then what the user marked; refunds are among the rest.

    Raises:
        ValueError: Two rows of one id, or a row on an account that the household does not have.
    """
    by_id = {row.id: row for row in rows}
    if len(by_id) != len(rows):
        raise ValueError("Two rows have the same id.")
    lines = read_lines(household, (by_id[id_] for id_ in sorted(by_id)))
    shown_twice = duplicates(household.accounts, rows)
    live = [ln for ln in lines if not (ln.row.deleted or not ln.amount or ln.id in shown_twice)]

    settled = settle(live)
    paired = pair(household, (line for line in live if line.id not in settled))
    other_half: dict[int, int | None] = {**settled, **paired}
    for line in live:
        if line.own_counterparty and line.like_transfer:
            other_half.setdefault(line.id, None)
    counted = {line.id: line for line in live if line.id not in other_half}
    refunds = give_back(counted.values())

    entries: dict[int, Entry] = {}
    for line in lines:
        if line.id in refunds:
            entries[line.id] = _refund(line, refunds[line.id])
        elif line.id in counted:
            entries[line.id] = _entry(line, Kind.income if line.amount > 0 else Kind.expense)
        elif line.id in other_half:
            entries[line.id] = _entry(line, Kind.internal, pair=other_half[line.id])
        else:
            entries[line.id] = _entry(line, Kind.excluded)
    return entries


def _refund(line: Line, refund: Refund) -> Entry:
    debit = refund.debit
    return Entry(
        row_id=line.id,
        kind=Kind.refund,
        merchant=line.merchant,
        merchant_key=line.merchant_key,
        category_id=debit.category_id if debit else line.category_id,
        refund_of=debit.id if debit else None,
        refunded=refund.amount,
    )


def _entry(line: Line, kind: Kind, pair: int | None = None) -> Entry:
    return Entry(
        row_id=line.id,
        kind=kind,
        merchant=line.merchant,
        merchant_key=line.merchant_key,
        category_id=line.category_id,
        pair=pair,
    )
