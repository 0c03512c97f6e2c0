"""Rollups: declared once by the room whose facts they are, folded by the consumer into minute, hour and day tables."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from .tables import fold

GRAINS = ("minute", "hour", "day")


@dataclass(frozen=True)
class Rollup:
    """Additive tables ``<prefix><grain>`` with a ``bucket`` column before ``keys``; ``grains`` from fine to coarse."""

    name: str
    prefix: str
    keys: tuple[str, ...]
    measures: tuple[str, ...]
    grains: tuple[str, ...] = GRAINS

    def tables(self) -> dict[str, str]:
        return {grain: f"{self.prefix}{grain}" for grain in self.grains}

    def add(self, cursor: Any, facts: Iterable[tuple[datetime, Sequence[Any], Sequence[int]]]) -> None:
        """Fold facts ``(event time, key values, measure values)`` into every grain, inside the open transaction."""
        totals: Totals = {}
        finest = self.grains[0]
        for moment, keys, values in facts:
            _add(totals, (truncate(moment, finest), *keys), values)
        if not totals:
            return
        latest = max(key[0] for key in totals)
        days = sorted({truncate(key[0], "day").date() for key in totals})
        for grain, table in self.tables().items():
            totals = totals if grain == finest else _coarser(totals, grain)
            fold(cursor, table, ("bucket", *self.keys), self.measures, totals)
        # A day that was counted anew and gets more is looked at again: see `rebuild`.
        cursor.execute(
            "WITH late AS (UPDATE adplatform_rollupday SET late = true WHERE name = %s AND day = ANY(%s) AND NOT late)"
            " INSERT INTO adplatform_rollupstate (name, filled_to) VALUES (%s, %s)"
            " ON CONFLICT (name) DO UPDATE SET filled_to = greatest(adplatform_rollupstate.filled_to, EXCLUDED.filled_to)",
            [self.name, days, self.name, latest],
        )


Totals = dict[tuple[Any, ...], list[int]]


def _coarser(totals: Totals, grain: str) -> Totals:
    coarse: Totals = {}
    for (bucket, *key), values in totals.items():
        _add(coarse, (truncate(bucket, grain), *key), values)
    return coarse


def _add(totals: Totals, key: tuple[Any, ...], values: Sequence[int]) -> None:
    into = totals.get(key)
    if into is None:
        totals[key] = [int(value) for value in values]
        return
    for index, value in enumerate(values):
        if value:
            into[index] += value


def floor(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(second=0, microsecond=0)


def truncate(moment: datetime, grain: str) -> datetime:
    """The start of the UTC minute, hour or day of ``moment``."""
    if grain == "minute":
        return floor(moment)
    hour = floor(moment).replace(minute=0)
    return hour if grain == "hour" else hour.replace(hour=0)
