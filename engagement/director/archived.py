"""Events of sessions from days that have left the database, in the shape in which the live ones are read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any

from adplatform.eventlog.days import Day, days_between, find_days, read

from .signals import AD_TYPES, counts

PLAYBACK, ADS = "engagement_playbackevent", "ads_adevent"
# (session, occurred_at, type, scene, offset, data, seq, id)
Row = tuple[Any, ...]
_ALWAYS = ("session", "occurred_at", "type", "received_at", "valid", "id")


def archived_days(since: datetime, until: datetime) -> dict[str, list[Day]]:
    """By table, the days whose partition was dropped, also where a late event has made it anew."""
    days = days_between(since.astimezone(UTC).date(), until.astimezone(UTC).date())
    return {table: [found for found in find_days(table, days) if found.archived is not None] for table in (PLAYBACK, ADS)}


def days_of(found: Mapping[str, Sequence[Day]], table: str) -> list[date]:
    return [one.day for one in found[table]]


def archived_rows(found: Mapping[str, Sequence[Day]], since: datetime, as_of: datetime) -> list[Row]:
    """In order of session, time, sequence and id, as the query of the live ones. Raises MissingDay."""
    rows = [*_playback(found[PLAYBACK], since, as_of), *_ads(found[ADS], since, as_of)]
    return sorted(rows, key=order)


def order(row: Row) -> Row:
    return row[0], row[1], row[6], row[7]


def _playback(days: Sequence[Day], since: datetime, as_of: datetime) -> Iterator[Row]:
    for day in days:
        for batch in read(day, (*_ALWAYS, "scene", "offset", "data", "seq")):
            for row in batch.to_pylist():
                if _known(row, since, as_of) and counts(row["type"], row["data"]):
                    yield row["session"], row["occurred_at"], row["type"], row["scene"], row["offset"], row["data"], row["seq"], row["id"]


def _ads(days: Sequence[Day], since: datetime, as_of: datetime) -> Iterator[Row]:
    for day in days:
        for batch in read(day, _ALWAYS, only={"type": AD_TYPES}):
            for row in batch.to_pylist():
                if _known(row, since, as_of):
                    yield row["session"], row["occurred_at"], row["type"], None, None, "{}", ad_rank(row["type"]), row["id"]


def ad_rank(kind: str) -> int:
    """Stands for the sequence number, which the table of ad events has not: in one moment, an ad ends before the next one starts."""
    return -1 if kind == "ad.start" else -2


def _known(row: Mapping[str, Any], since: datetime, as_of: datetime) -> bool:
    return bool(row["valid"] and row["occurred_at"] >= since and row["received_at"] <= as_of)
