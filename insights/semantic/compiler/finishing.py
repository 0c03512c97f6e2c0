"""What is done to rows once they are read: sketches united, small cells left out, and then what SQL could not do before that.

Pure: rows in, rows out.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from datasketches import hll_sketch, hll_union

Row = tuple[Any, ...]
How = Literal["as_read", "sketch", "change", "growth"]
# 2^12 registers at most, as the sketches are stored: a standard error of 1.6 %.
LG_REGISTERS = 12
COMPARE = {
    "gt": lambda a, b: a > b, "gte": lambda a, b: a >= b, "lt": lambda a, b: a < b, "lte": lambda a, b: a <= b,
    "eq": lambda a, b: a == b, "ne": lambda a, b: a != b,
}  # fmt: skip


@dataclass(frozen=True)
class Made:
    """How one column of the result is made: from column ``of`` of what was read, or from the result's own columns ``of`` and ``before``."""

    how: How
    of: int
    before: int = -1


@dataclass(frozen=True)
class Finish:
    """``columns`` of the result in order. Rows in which a column of ``least`` is present and below ``count`` are left out and counted; then
    ``having`` (column, operator, value), ``order`` (column, descending) and ``limit`` apply. ``nobody_is_zero``: no sketch, nobody."""

    columns: tuple[Made, ...]
    least: tuple[int, ...] = ()
    count: int = 0
    having: tuple[tuple[int, str, float], ...] = ()
    order: tuple[tuple[int, bool], ...] = ()
    limit: int = 200
    nobody_is_zero: bool = False


def finished(rows: Iterable[Row], finish: Finish) -> tuple[list[Row], int]:
    """The rows of the result, and how many were left out for being too small."""
    made = [_made(row, finish) for row in rows]
    large = [row for row in made if not any(row[place] is not None and row[place] < finish.count for place in finish.least)]
    kept = [row for row in large if all(_passes(row[place], op, value) for place, op, value in finish.having)]
    for place, descending in reversed(finish.order):
        kept = _sorted(kept, place, descending=descending)
    return kept[: finish.limit], len(made) - len(large)


def united(sketches: Sequence[bytes] | None) -> int | None:
    """How many different ones the sketches hold together; None without any."""
    present = [bytes(sketch) for sketch in sketches or () if sketch is not None]
    if not present:
        return None
    union = hll_union(LG_REGISTERS)
    for sketch in present:
        union.update(hll_sketch.deserialize(sketch))
    estimate: float = union.get_estimate()
    return round(estimate)


def _made(row: Row, finish: Finish) -> Row:
    result: list[Any] = []
    for column in finish.columns:
        if column.how == "as_read":
            result.append(row[column.of])
        elif column.how == "sketch":
            estimate = united(row[column.of])
            result.append(0 if estimate is None and finish.nobody_is_zero else estimate)
        else:
            now, before = result[column.of], result[column.before]
            change = None if now is None or before is None else now - before
            result.append(change if column.how == "change" or change is None else change / before if before else None)
    return tuple(result)


def _passes(value: Any, op: str, limit: float) -> bool:
    return value is not None and bool(COMPARE[op](value, limit))


def _sorted(rows: list[Row], place: int, *, descending: bool) -> list[Row]:
    present = sorted((row for row in rows if row[place] is not None), key=lambda row: row[place], reverse=descending)
    return present + [row for row in rows if row[place] is None]
