"""Rollups: declared once by the room whose facts they are, folded by the consumer into minute, hour and day tables."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from .tables import fold


@dataclass(frozen=True)
class Rollup:
    """Additive tables ``<prefix>minute``, ``<prefix>hour`` and ``<prefix>day`` with a ``bucket`` column before ``keys``."""

    name: str
    prefix: str
    keys: tuple[str, ...]
    measures: tuple[str, ...]

    def tables(self) -> dict[str, str]:
        return {grain: f"{self.prefix}{grain}" for grain in ("minute", "hour", "day")}

    def add(self, cursor: Any, facts: Iterable[tuple[datetime, Sequence[Any], Sequence[int]]]) -> None:
        """Fold facts ``(event time, key values, measure values)`` into all three grains, inside the open transaction."""
        minutes: dict[tuple[Any, ...], list[int]] = {}
        for moment, keys, values in facts:
            _add(minutes, (floor(moment), *keys), values)
        if not minutes:
            return
        for grain, table in self.tables().items():
            totals: dict[tuple[Any, ...], list[int]] = {}
            for (minute, *key), values in minutes.items():
                _add(totals, (truncate(minute, grain), *key), values)
            fold(cursor, table, ("bucket", *self.keys), self.measures, totals)
        latest = max(key[0] for key in minutes)
        cursor.execute(
            "INSERT INTO adplatform_rollupstate (name, filled_to) VALUES (%s, %s)"
            " ON CONFLICT (name) DO UPDATE SET filled_to = greatest(adplatform_rollupstate.filled_to, EXCLUDED.filled_to)",
            [self.name, latest],
        )


def _add(totals: dict[tuple[Any, ...], list[int]], key: tuple[Any, ...], values: Sequence[int]) -> None:
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
