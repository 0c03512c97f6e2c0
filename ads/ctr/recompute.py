"""Features of a served ad computed again from the log, as of the moment at which it was decided.

The request and what the viewer had seen are stored with the decision. The counters of then are the delivery figures of all days
before the first one looked at, and from that day on the events that had been received before the decision.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import msgspec
import numpy as np

from adplatform.learning import online
from adplatform.learning.schema import Matrix
from ads.decision.request import AdRequest
from ads.decision.state import Candidates, Floats, Lineup

from . import features, rates

DECISIONS, EVENTS = "ads_decision", "ads_adevent"
_EVENT_COLUMNS = ("type", "occurred_at", "received_at", "decision", "slot", "valid", "title", "viewer")


class ServedAd(msgspec.Struct, frozen=True):
    """What a stored slot says of its ad."""

    slot: int
    ad: int
    flight: int
    campaign: int
    advertiser: int
    category: str = ""
    duration: float = 0.0


@dataclass(frozen=True, slots=True)
class Asked:
    """One served ad and what was known when it was decided; ``seen`` holds (ad, campaign) of what the viewer had been served."""

    at: datetime
    request: AdRequest
    ad: ServedAd
    seen: Sequence[tuple[int, int]]

    @property
    def outcome(self) -> rates.Outcome:
        """An event that would be counted under the same keys."""
        genre = self.request.genres[0] if self.request.genres else ""
        viewer = self.request.viewer if self.request.consent else None
        ad = self.ad
        return rates.Outcome("ad.impression", ad.ad, ad.campaign, ad.advertiser, ad.category, genre, self.request.title, viewer)


def row_at(asked: Asked, counters: Counters, moment: datetime) -> Matrix:
    """float32 [features]: as `features.build` would have made it with the counters of ``moment``."""
    ad, number = asked.ad, np.array([0], dtype=np.int64)
    counts = {scope: counters.at(scope, key, moment)[np.newaxis] for scope, key in rates.keys_of(asked.outcome)}
    lineup = Lineup(
        ad=number + ad.ad, flight=number + ad.flight, campaign=number + ad.campaign, advertiser=number + ad.advertiser, category=number,
        categories=(ad.category,), duration=np.array([ad.duration]), worth_shown=np.zeros(1), worth_clicked=np.zeros(1), worth_completed=np.zeros(1),
    )  # fmt: skip
    alone = Candidates(
        lineup=lineup,
        rows=number,
        seen_ad=number + sum(seen == ad.ad for seen, _ in asked.seen),
        seen_campaign=number + sum(seen == ad.campaign for _, seen in asked.seen),
        rates=counts,
    )
    row: Matrix = features.build(asked.request, alone)[0]
    return row


class Counters:
    """Online counters as they were: totals before the log begins, and when each outcome since then was received."""

    def __init__(self, keys: Iterable[tuple[str, online.Key]]) -> None:
        self._keys = set(keys)
        self._before: dict[tuple[str, online.Key], Floats] = defaultdict(lambda: np.zeros(len(online.COUNTERS)))
        self._received: dict[tuple[str, online.Key, str], list[float]] = defaultdict(list)
        self._sorted = True

    def add_total(self, increments: Iterable[online.Increment]) -> None:
        for one in increments:
            if (one.scope, one.key) in self._keys:
                self._before[one.scope, one.key][online.COUNTERS.index(one.counter)] += one.by

    def add(self, outcome: rates.Outcome, received: float) -> None:
        """``received`` in Unix seconds."""
        for one in rates.increments([outcome]):
            if (one.scope, one.key) in self._keys:
                self._received[one.scope, one.key, one.counter].append(received)
                self._sorted = False

    def at(self, scope: str, key: online.Key, moment: datetime) -> Floats:
        """float64 [counters]: of what was received before ``moment``."""
        if not self._sorted:
            for times in self._received.values():
                times.sort()
            self._sorted = True
        since = [np.searchsorted(self._received.get((scope, key, counter), []), moment.timestamp(), side="left") for counter in online.COUNTERS]
        return self._before.get((scope, key), np.zeros(len(online.COUNTERS))) + np.array(since, dtype=np.float64)


def load_counters(asked: Sequence[Asked]) -> Counters:
    """All that these moments need. Raises MissingDay."""
    counters = Counters({key for one in asked for key in rates.keys_of(one.outcome)})
    if not asked:
        return counters
    first, last = (extreme(one.at for one in asked).astimezone(UTC).date() for extreme in (min, max))
    counters.add_total(rates.increments_of_tables(before=first))
    # Arrow is loaded where rows are read: every process that serves registers this check.
    from adplatform.eventlog.days import days_between

    # An ad decided before midnight is watched after it.
    for day in days_between(first - timedelta(days=1), last):
        _count_day(counters, day, since=datetime(first.year, first.month, first.day, tzinfo=UTC))
    return counters


class _Request(msgspec.Struct):
    genres: tuple[str, ...] = ()


_slots = msgspec.json.Decoder(list[ServedAd])
_request = msgspec.json.Decoder(_Request)


def _count_day(counters: Counters, day: date, *, since: datetime) -> None:
    from adplatform.eventlog.days import read_day

    served: dict[Any, tuple[str, Mapping[int, ServedAd]]] = {}
    for batch in read_day(DECISIONS, day, ("id", "request", "slots")):
        for key, request, slots in zip(*(batch.column(name).to_pylist() for name in batch.schema.names), strict=True):
            genres = _request.decode(request).genres
            served[key] = (genres[0] if genres else "", {slot.slot: slot for slot in _slots.decode(slots)})
    for batch in read_day(EVENTS, day, _EVENT_COLUMNS, only={"type": sorted(rates.COUNTED)}):
        for kind, occurred, received, decision, slot, valid, title, viewer in zip(*(column.to_pylist() for column in batch.columns), strict=True):
            genre, ads = served.get(decision, ("", {}))
            ad = ads.get(slot)
            if valid and ad is not None and occurred >= since:
                counters.add(rates.Outcome(kind, ad.ad, ad.campaign, ad.advertiser, ad.category, genre, title, viewer), received.timestamp())
