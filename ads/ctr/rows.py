"""Rows of one day: which impressions were seen, what came of them, and the features of their decisions as served.

Everything of a decision lies in the partition of its own day, so days are read one by one and nothing is joined across them.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from adplatform.eventlog.days import Day, read

from .dataset import LEAST_TO_TELL
from .features import SCHEMA

IMPRESSION, VIEWABLE, CLICK, COMPLETE = "ad.impression", "ad.viewable", "ad.click", "ad.complete"

Keys = NDArray[np.bytes_]
Moments = NDArray[np.int64]
Codes = NDArray[np.int32]
EVENT_COLUMNS = ("type", "occurred_at", "received_at", "decision", "slot", "valid", "ua_hash")
_SLOT_BYTES = 2


@dataclass(frozen=True, slots=True)
class Label:
    """``outcome`` within ``window`` of the impression is a 1. ``score`` names what was predicted of it in a decision's slots,
    ``version`` the column that says by which model."""

    outcome: str
    window: timedelta
    score: str
    version: str


@dataclass(frozen=True, slots=True)
class Bounds:
    """Rows decided from ``since`` on whose window had closed at ``as_of``, by what was received until then."""

    since: datetime
    as_of: datetime

    def mature(self, label: Label) -> datetime:
        return self.as_of - label.window


@dataclass(frozen=True, slots=True)
class Rows:
    """Some rows, aligned. ``at`` in microseconds; ``decision`` 16 bytes each; ``advertiser`` pairs (id, name) as served."""

    at: Moments
    decision: Keys
    slot: NDArray[np.int64]
    session: Keys
    synthetic: NDArray[np.bool_]
    device: NDArray[np.str_]
    advertiser: list[tuple[str, str]]
    features: NDArray[np.float32]
    labels: NDArray[np.float64]
    served: NDArray[np.float64]
    served_by: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.at)


@dataclass(frozen=True, slots=True)
class Seen:
    """The impressions that are rows, in order of ``keys`` (decision and slot), with their labels."""

    keys: Keys
    labels: NDArray[np.float64]

    @property
    def decisions(self) -> Keys:
        return _prefix(self.keys)


class _Features(msgspec.Struct):
    schema: str = ""
    values: list[float | None] = []


class _Slot(msgspec.Struct):
    slot: int
    features: _Features = msgspec.field(default_factory=_Features)
    advertiser: int | str = ""
    advertiser_name: str | None = None
    pctr: float | None = None
    pvcr: float | None = None


class _Request(msgspec.Struct):
    device: str = ""


_slots = msgspec.json.Decoder(list[_Slot])
_request = msgspec.json.Decoder(_Request)


def rows_of_day(decisions: Day, events: Day, bounds: Bounds, label: Label) -> Iterator[Rows]:
    """In order of decision ids, a page of decisions at a time. Raises MissingDay."""
    kinds = sorted({IMPRESSION, VIEWABLE, CLICK, label.outcome})
    seen = select(read(events, EVENT_COLUMNS, only={"type": kinds}), bounds, label)
    if len(seen.keys):
        columns = ("id", "decided_at", "session", "synthetic", "request", "slots", label.version)
        for batch in read(decisions, columns):
            found = _rows(batch, seen, bounds, label)
            if found is not None:
                yield found


# Which impressions are rows


@dataclass(frozen=True, slots=True)
class _Events:
    """Valid events of one type that were known: keys in order, when they happened, and by what software they were sent, of which a
    log holds no more than the day's hash of a user agent."""

    keys: Keys
    at: Moments
    source: Codes


def select(batches: Iterable[pa.RecordBatch], bounds: Bounds, label: Label) -> Seen:
    """Of the day's events, the impressions that are rows.

    A click within its window proves that the ad was seen. An impression without one is a row when it was reported as viewable,
    or when the software that showed it never reports that.
    """
    found = list(batches)
    if not found:
        return Seen(np.empty(0, dtype="S18"), np.empty(0))
    table = pa.Table.from_batches(found)
    as_of, mature = _micros(bounds.as_of), _micros(bounds.mature(label))
    known = _numbers(table, "valid").astype(bool) & (_numbers(table, "received_at") <= as_of)
    keys, at = _keys(table), _numbers(table, "occurred_at")
    sources = table["ua_hash"].combine_chunks().dictionary_encode().indices.to_numpy(zero_copy_only=False)

    def of(kind: str) -> _Events:
        rows = np.flatnonzero(known & pc.equal(table["type"], kind).to_numpy())
        rows = rows[np.argsort(keys[rows], kind="stable")]
        return _Events(keys[rows], at[rows], sources[rows])

    shown, viewable = of(IMPRESSION), of(VIEWABLE)
    proven = np.isin(shown.keys, viewable.keys) | _within(shown, of(CLICK), label.window)
    telling = np.unique(shown.source[np.isin(shown.keys, viewable.keys)])
    rows = np.isin(shown.source, _silent(shown, telling)) | (proven & np.isin(shown.source, telling))
    rows &= shown.at < mature
    return Seen(shown.keys[rows], _within(shown, of(label.outcome), label.window)[rows].astype(np.float64))


def _silent(shown: _Events, telling: Codes) -> Codes:
    """The software that is known never to report what is seen: it showed enough, or nobody did."""
    names, counts = np.unique(shown.source, return_counts=True)
    return np.setdiff1d(names[(counts >= LEAST_TO_TELL) | (len(telling) == 0)], telling)


def _within(shown: _Events, followed: _Events, window: timedelta) -> NDArray[np.bool_]:
    """For each impression, whether the event followed it in time."""
    place = np.searchsorted(followed.keys, shown.keys)
    there = place < len(followed.keys)
    there[there] = followed.keys[place[there]] == shown.keys[there]
    found: NDArray[np.bool_] = there.copy()
    found[there] = followed.at[place[there]] <= shown.at[there] + window // timedelta(microseconds=1)
    return found


# What was served


def _rows(batch: pa.RecordBatch, seen: Seen, bounds: Bounds, label: Label) -> Rows | None:
    ids, at = uuids(batch.column("id")), _moments(batch.column("decided_at"))
    first = np.searchsorted(seen.decisions, ids, side="left")
    last = np.searchsorted(seen.decisions, ids, side="right")
    inside = decided_within(batch, bounds.since, bounds.mature(label))
    wanted = inside[last[inside] > first[inside]]
    schema, places, chosen, labels = SCHEMA.fingerprint(), [], [], []
    texts = batch.column("slots")
    for place in wanted.tolist():
        keys = {int.from_bytes(seen.keys[row].ljust(18, b"\0")[16:], "big"): row for row in range(first[place], last[place])}
        for slot in _slots.decode(texts[place].as_py()):
            if slot.slot in keys and slot.features.schema == schema:
                places.append(place)
                chosen.append(slot)
                labels.append(seen.labels[keys[slot.slot]])
    if not places:
        return None
    versions = _integers(batch.column(label.version))[places]
    scores = [getattr(slot, label.score) for slot in chosen]
    requests = {place: _request.decode(batch.column("request")[place].as_py()) for place in sorted(set(places))}
    return Rows(
        at=at[places],
        decision=ids[places],
        slot=np.array([slot.slot for slot in chosen], dtype=np.int64),
        session=uuids(batch.column("session"))[places],
        synthetic=np.asarray(batch.column("synthetic"))[places].astype(bool),
        device=np.array([requests[place].device for place in places], dtype=np.str_),
        advertiser=[(str(slot.advertiser), slot.advertiser_name or str(slot.advertiser)) for slot in chosen],
        features=_features(chosen),
        labels=np.array(labels, dtype=np.float64),
        served=np.where(versions > 0, np.array([np.nan if score is None else score for score in scores], dtype=np.float64), np.nan),
        served_by=versions,
    )


def decided_within(batch: pa.RecordBatch, since: datetime, until: datetime) -> Moments:
    """The places of the decisions of ``since`` and later, before ``until``."""
    at = _moments(batch.column("decided_at"))
    return np.flatnonzero((at >= _micros(since)) & (at < _micros(until)))


def _features(slots: Sequence[_Slot]) -> NDArray[np.float32]:
    """As served, but for the exposure column: it holds the place that the ad really had."""
    table = np.array([slot.features.values for slot in slots], dtype=np.float32)
    table[:, SCHEMA.index["pod_position"]] = [slot.slot for slot in slots]
    return table


# Arrow to numpy


def _micros(moment: datetime) -> int:
    return (moment - datetime(1970, 1, 1, tzinfo=moment.tzinfo)) // timedelta(microseconds=1)


def uuids(column: pa.Array) -> Keys:
    """16 bytes each; equal and ordered as the ids are, for all have the same length."""
    storage = column.storage
    start = storage.offset * 16
    return np.frombuffer(storage.buffers()[1], dtype="S16", offset=start, count=len(storage))


def _moments(column: pa.Array) -> Moments:
    moments: Moments = column.cast(pa.int64()).to_numpy(zero_copy_only=False)
    return moments


def _integers(column: pa.Array) -> Moments:
    """0 where there is none."""
    numbers: Moments = column.fill_null(0).to_numpy(zero_copy_only=False).astype(np.int64)
    return numbers


def _numbers(table: pa.Table, name: str) -> Moments:
    column = table[name].combine_chunks()
    return _moments(column) if pa.types.is_timestamp(column.type) else column.cast(pa.int64()).to_numpy(zero_copy_only=False)


def _keys(table: pa.Table) -> Keys:
    """Decision and slot as 18 bytes, in the order of both."""
    keys = np.zeros((table.num_rows, 16 + _SLOT_BYTES), dtype=np.uint8)
    chunks = [np.frombuffer(uuids(chunk).tobytes(), dtype=np.uint8) for chunk in table["decision"].chunks]
    keys[:, :16] = np.concatenate(chunks).reshape(-1, 16)
    slots = _numbers(table, "slot")
    keys[:, 16], keys[:, 17] = slots >> 8, slots & 0xFF
    return np.frombuffer(keys.tobytes(), dtype="S18")


def _prefix(keys: Keys) -> Keys:
    return np.frombuffer(np.frombuffer(keys.tobytes(), dtype=np.uint8).reshape(-1, 18)[:, :16].tobytes(), dtype="S16")


def key_names(decision: Keys, slot: NDArray[np.int64]) -> NDArray[np.str_]:
    """``decision/slot`` for each row."""
    return np.array([f"{name_of(one)}/{number}" for one, number in zip(decision, slot.tolist(), strict=True)], dtype=np.str_)


def name_of(value: Any) -> str:
    """The UUID of 16 bytes; numpy leaves out zeros at the end."""
    return str(uuid.UUID(bytes=bytes(value).ljust(16, b"\0")))
