"""What an ad break is expected to earn, by title, position, device and hour: refreshed each minute, read from memory.

A cell of few breaks says more about chance than about its place, so each mean leans on the one a level above it: the house, then the
position, then a title or a device at it, then both, then the hour. How far it leans is estimated from the figures themselves
(Bühlmann and Straub's credibility, "Glaubwürdigkeit für Schadensätze", 1970): n breaks count n / (n + within / between), with the
variance of breaks within cells and that of the true means between them.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import numpy as np
from django.db import connection, transaction

from .models import BreakValue

HISTORY_DAYS = 28
# What was decided in the last hour may not have been seen or charged yet.
SETTLED_AFTER = timedelta(hours=1)
KEPT_SECONDS = 60.0
ALL_HOURS = -1

Cell = tuple[int, str, str, int]
HOUSE: Cell = (0, "", "", ALL_HOURS)

SUMS = """
SELECT d.title, d.request->>'break_position', coalesce(nullif(d.request->>'device', ''), 'unknown'),
  extract(hour FROM d.decided_at AT TIME ZONE 'UTC')::int,
  count(*), sum(charged.micros)::float8, sum(charged.micros * charged.micros)::float8, sum(shown.seconds)::float8
FROM ads_decision d
CROSS JOIN LATERAL (SELECT coalesce(sum(s.duration), 0) AS seconds FROM jsonb_to_recordset(d.slots) AS s(duration float8)) shown
CROSS JOIN LATERAL (
  SELECT coalesce(sum(l.amount_micros), 0)::float8 AS micros FROM ads_ledgerentry l WHERE l.decision = d.id
) charged
WHERE d.day BETWEEN %(first_day)s AND %(last_day)s AND d.decided_at >= %(since)s AND d.decided_at < %(until)s AND d.title > 0
GROUP BY 1, 2, 3, 4
"""
CHANGED = """
SELECT EXISTS (SELECT 1 FROM ads_decision WHERE day BETWEEN %(first_day)s AND %(last_day)s AND decided_at >= %(since)s AND decided_at < %(until)s)
  OR EXISTS (SELECT 1 FROM ads_ledgerentry WHERE booked_at > %(last)s)
"""
# Breaks of history that was written late, and those that grew too old, are noticed by then.
LONGEST_UNTOUCHED = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Value:
    """What one break is expected to earn (micros, of those that are decided) and how long its ads last; ``breaks`` were seen there."""

    micros: float
    seconds: float
    breaks: int


UNKNOWN = Value(0.0, 0.0, 0)


@dataclass(slots=True)
class Sums:
    """Of the breaks of a cell: how many, their micros, the squares of those, and the seconds of their ads."""

    breaks: float = 0.0
    micros: float = 0.0
    squares: float = 0.0
    seconds: float = 0.0

    def add(self, other: Sums) -> None:
        self.breaks += other.breaks
        self.micros += other.micros
        self.squares += other.squares
        self.seconds += other.seconds


# Writing


def refresh(*, now: datetime) -> int:
    """Compute every cell anew where breaks or charges came in since the last time; how many cells there are. Safe to run twice."""
    if not _due(now):
        return BreakValue.objects.count()
    cells = shrunk(_sums(now))
    rows = [
        BreakValue(
            title_id=cell[0], position=cell[1], device=cell[2], hour=cell[3], breaks=value.breaks, seconds=value.seconds,
            expected_micros=value.micros, refreshed_at=now,
        )
        for cell, value in sorted(cells.items())
    ]  # fmt: skip
    with transaction.atomic():
        BreakValue.objects.bulk_create(
            rows, batch_size=1000, update_conflicts=True, unique_fields=["title_id", "position", "device", "hour"],
            update_fields=["breaks", "seconds", "expected_micros", "refreshed_at"],
        )  # fmt: skip
        BreakValue.objects.filter(refreshed_at__lt=now).delete()
    forget()
    return len(rows)


def _due(now: datetime) -> bool:
    last = BreakValue.objects.order_by("-refreshed_at").values_list("refreshed_at", flat=True).first()
    if last is None or now - last >= LONGEST_UNTOUCHED:
        return True
    with connection.cursor() as cursor:
        cursor.execute(CHANGED, _days(last - SETTLED_AFTER, now) | {"since": last - SETTLED_AFTER, "until": now - SETTLED_AFTER, "last": last})
        return bool(cursor.fetchone()[0])


def _days(since: datetime, until: datetime) -> dict[str, datetime | date]:
    """A decision lies in the partition of its UTC day."""
    return {"first_day": since.astimezone(UTC).date(), "last_day": until.astimezone(UTC).date()}


def _sums(now: datetime) -> dict[Cell, Sums]:
    since, until = now - timedelta(days=HISTORY_DAYS), now - SETTLED_AFTER
    with connection.cursor() as cursor:
        cursor.execute(SUMS, _days(since, until) | {"since": since, "until": until})
        return {tuple(row[:4]): Sums(*map(float, row[4:])) for row in cursor.fetchall()}


def shrunk(sums: Mapping[Cell, Sums]) -> dict[Cell, Value]:
    """The value of each cell and of every level above it, from the sums of the cells (title, position, device, hour). Pure."""
    raw: dict[Cell, Sums] = {}
    for cell, told in sums.items():
        for one in (HOUSE, *_levels(cell)):
            raw.setdefault(one, Sums()).add(told)
    if not raw:
        return {}
    house = raw[HOUSE]
    values = {HOUSE: Value(house.micros / house.breaks, house.seconds / house.breaks, round(house.breaks))}
    # Children come after their parents: a level is computed from the one above it.
    for level in range(len(LEVELS)):
        cells = [cell for cell in raw if cell != HOUSE and _level(cell) == level]
        leaning = _breaks_of_a_parent(raw, cells)
        for cell in cells:
            own, above = raw[cell], values[_parent(cell)]
            weight = own.breaks / (own.breaks + leaning)
            values[cell] = Value(
                weight * own.micros / own.breaks + (1 - weight) * above.micros,
                weight * own.seconds / own.breaks + (1 - weight) * above.seconds,
                round(own.breaks),
            )
    return values


def _breaks_of_a_parent(raw: Mapping[Cell, Sums], cells: Sequence[Cell]) -> float:
    """As how many breaks the mean of the level above counts: variance within the cells over that of their true means around it;
    infinite where nothing shows that they differ (Bühlmann and Straub's unbiased estimators)."""
    own = np.array([[raw[cell].breaks, raw[cell].micros, raw[cell].squares] for cell in cells], dtype=np.float64).reshape(-1, 3)
    breaks, means = own[:, 0], own[:, 1] / own[:, 0]
    parents = [_parent(cell) for cell in cells]
    above = np.array([raw[parent].micros / raw[parent].breaks for parent in parents])
    within = max(0.0, float((own[:, 2] - breaks * means**2).sum())) / max(1.0, float((breaks - 1).sum()))
    families = len(set(parents))
    spread = float((breaks * (means - above) ** 2).sum()) - (len(cells) - families) * within
    shares = np.array([raw[parent].breaks for parent in parents])
    between = spread / max(float((breaks - breaks**2 / shares).sum()), 1e-9)
    return within / between if between > 0 else float("inf")


# From coarse to fine: which of (title, position, device, hour) a cell of that level names.
LEVELS = ((0, 1, 0, 0), (0, 1, 1, 0), (1, 1, 0, 0), (1, 1, 1, 0), (1, 1, 1, 1))


def _levels(cell: Cell) -> Iterator[Cell]:
    title, position, device, hour = cell
    for with_title, _, with_device, with_hour in LEVELS:
        yield (title * with_title, position, device if with_device else "", hour if with_hour else ALL_HOURS)


def _level(cell: Cell) -> int:
    return LEVELS.index((int(cell[0] > 0), 1, int(cell[2] != ""), int(cell[3] != ALL_HOURS)))


def _parent(cell: Cell) -> Cell:
    title, position, device, hour = cell
    if hour != ALL_HOURS:
        return (title, position, device, ALL_HOURS)
    if title and device:
        return (title, position, "", ALL_HOURS)
    return (0, position, "", ALL_HOURS) if title or device else HOUSE


# Reading


class _Kept:
    def __init__(self) -> None:
        self.read_at = float("-inf")
        self.cells: dict[Cell, Value] = {}


_kept = _Kept()


def expected(title: int, position: str, device: str, hour: int) -> Value:
    """From memory: of the finest cell that was seen. ``hour`` is of the UTC day. `UNKNOWN` before any break was."""
    for cell in (*reversed(tuple(_levels((title, position, device, hour)))), HOUSE):
        if found := _kept.cells.get(cell):
            return found
    return UNKNOWN


def keep_fresh() -> None:
    """Read the table where what this process knows of it is a minute old. One query; called where nobody waits for a decision."""
    if time.monotonic() - _kept.read_at > KEPT_SECONDS:
        _kept.read_at = time.monotonic()
        rows = BreakValue.objects.values_list("title_id", "position", "device", "hour", "expected_micros", "seconds", "breaks")
        _kept.cells = {(title, position, device, hour): Value(micros, seconds, n) for title, position, device, hour, micros, seconds, n in rows}


def forget() -> None:
    """The next `keep_fresh` reads anew: the table has changed in this process, or a test begins."""
    _kept.read_at = float("-inf")
