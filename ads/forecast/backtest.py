"""How good forecasts are: one made from the past, with nothing that was not known then, against what then happened.

Terms are those of the inventory that decisions were made from at that time, counts those delivered before it, money what the ledger had
booked; the log, the rates and the predictions end there too. Flights that had no forecast then are paced as they were: without one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import numpy as np
from django.db.models import Max, Min, Sum

from ads.decision.inventory import Rows
from ads.models import Decision, DeliveryHour, InventorySnapshot, LedgerEntry

from . import expectation, words
from .expectation import Effort
from .known import outlook_of, read, scene_of

EFFORT = Effort(lanes=24, requests=6_000)
# With less than this logged before it, there is nothing to forecast from.
LEAST_LOG = timedelta(days=2)
LAST_WEEK = timedelta(days=7)
# So many decisions tell how flights were paced at a time.
LOOKED_AT = 500
# Below so many events a percentage says more of chance than of the forecast.
TELLING = 10


class TooLittleHistory(ValueError):
    """The message says what is missing."""


@dataclass(frozen=True)
class Tested:
    """One flight from ``since`` to ``until``: what was expected of it, between what, what last week's rate would have said, and what came
    (``actual``); goal events, micros where the goal is spend. ``changed`` says that its terms were changed meanwhile."""

    since: datetime
    until: datetime
    flight: int
    name: str
    goal_type: str
    expected: float
    low: float
    high: float
    naive: float
    actual: float
    changed: bool

    @property
    def inside(self) -> bool:
        return self.low - 0.5 <= self.actual <= self.high + 0.5

    @property
    def error(self) -> float | None:
        """As a share of what came; None where nothing did."""
        return (self.expected - self.actual) / self.actual if self.actual else None


@dataclass(frozen=True)
class Summary:
    """Over ``flights`` tests, and over the ``telling`` of them that had at least `TELLING` events: the median absolute error as a share of what
    came, and all errors as a share of all that came (wape), each beside last week's rate; ``bias`` is the sum of what was expected over the
    sum of what came, less 1; ``coverage`` the share of outcomes inside their interval."""

    flights: int
    telling: int
    median_error: float
    naive_median_error: float
    wape: float
    naive_wape: float
    bias: float
    coverage: float


def origins(days: int) -> list[datetime]:
    """Every midnight from which ``days`` days are logged after it and enough before it. Raises TooLittleHistory."""
    first, last = _logged()
    begins = (first + LEAST_LOG).replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    found = []
    while begins + timedelta(days=days) <= last:
        found.append(begins)
        begins += timedelta(days=1)
    if not found:
        raise TooLittleHistory(
            f"Decisions are logged from {first:%d %b %H:%M} to {last:%d %b %H:%M} UTC; a forecast of {days} day{'s' * (days != 1)} is tested once "
            f"{LEAST_LOG.days} days are logged before it and {days} after it."
        )
    return found


def backtest(since: datetime, days: int, *, effort: Effort = EFFORT) -> list[Tested]:
    """Forecast every flight that served at ``since`` for ``days`` days and compare. Raises TooLittleHistory."""
    since = since.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    until = since + timedelta(days=days)
    first, last = _logged()
    if since - first < LEAST_LOG or until > last + timedelta(hours=1):
        raise TooLittleHistory(
            f"Decisions are logged from {first:%d %b %H:%M} to {last:%d %b %H:%M} UTC: a forecast from {since:%d %b %H:%M} over {days} days "
            f"would need {LEAST_LOG.days} days before it and all of those after it."
        )
    rows, changed = _sold(since, until)
    before, after = _standing(since), _standing(until)
    known = read(since, rows, balances={flight: [*counts, None, 0, 0] for flight, counts in before.items()})
    if known.logged.logged < words.THIN:
        raise TooLittleHistory(f"Only {known.logged.logged} requests were logged before {since:%d %b %H:%M} UTC.")
    scene = scene_of(known, outlook_of(known), unforecast=_unforecast(since))
    crowd = expectation.gathered(scene, until=until.timestamp(), effort=effort)
    found = expectation.future(scene, crowd, effort, beyond=False)
    past = _standing(since - min(LAST_WEEK, since - first))
    length = min(LAST_WEEK, since - first) / timedelta(days=1)
    tested = []
    for row, flight in enumerate(known.inventory.flights):
        begins, ends = max(flight.starts, since.timestamp()), min(flight.ends, until.timestamp())
        if begins >= ends:
            continue
        place = {"impressions": 0, "completed_views": 1, "clicks": 2, "spend": 3}[flight.goal_type]
        then, came, earlier = (standing.get(flight.id, (0, 0, 0, 0))[place] for standing in (before, after, past))
        expected = found.delivery(row)
        naive = (then - earlier) / length * (ends - begins) / 86_400
        if flight.goal_amount is not None:
            naive = min(naive, max(flight.goal_amount - then, 0))
        tested.append(
            Tested(
                since,
                until,
                flight.id,
                f"{flight.campaign_name} / {flight.name}",
                flight.goal_type,
                expected.mean - then,
                expected.low - then,
                expected.high - then,
                naive,
                came - then,
                flight.id in changed,
            )
        )
    return tested


def summary(tested: Sequence[Tested]) -> Summary:
    """Raises TooLittleHistory where nothing was delivered at all."""
    telling = [one for one in tested if one.actual >= TELLING and one.goal_type != "spend"] or [one for one in tested if one.actual > 0]
    if not telling:
        raise TooLittleHistory("None of these flights delivered anything in that time: there is nothing to compare with.")
    actual, expected, naive = (np.array([getattr(one, name) for one in telling]) for name in ("actual", "expected", "naive"))
    return Summary(
        flights=len(tested),
        telling=len(telling),
        median_error=float(np.median(np.abs(expected - actual) / actual)),
        naive_median_error=float(np.median(np.abs(naive - actual) / actual)),
        wape=float(np.abs(expected - actual).sum() / actual.sum()),
        naive_wape=float(np.abs(naive - actual).sum() / actual.sum()),
        bias=float(expected.sum() / actual.sum() - 1.0),
        coverage=sum(one.inside for one in tested) / len(tested),
    )


def _logged() -> tuple[datetime, datetime]:
    span = Decision.objects.aggregate(first=Min("decided_at"), last=Max("decided_at"))
    if span["first"] is None:
        raise TooLittleHistory("No decision is logged yet: there is no past to forecast from.")
    return span["first"], span["last"]


def _sold(since: datetime, until: datetime) -> tuple[Rows, frozenset[int]]:
    """What was sold at ``since``: the inventory of the last decision before it; and which of its flights were changed until ``until``."""
    rows = next(_inventories(since), None)
    if rows is None:
        raise TooLittleHistory(f"No inventory that decisions before {since:%d %b %H:%M} UTC were made from is kept and can be read.")
    later = next(_inventories(until), rows)
    terms = {flight.id: flight for flight in later.flights}
    return rows, frozenset(flight.id for flight in rows.flights if terms.get(flight.id) != flight)


def _unforecast(since: datetime) -> frozenset[int]:
    """Flights that were still paced without a forecast, as the last decisions before ``since`` tell."""
    last: dict[int, str] = {}
    decisions = Decision.objects.filter(decided_at__lt=since, day__gte=(since - timedelta(days=2)).date()).order_by("-decided_at")
    for explanation in decisions.values_list("explanation", flat=True)[:LOOKED_AT]:
        for candidate in explanation["candidates"]:
            if candidate.get("pacing"):
                last.setdefault(candidate["flight"], candidate["pacing"]["reason"])
    return frozenset(flight for flight, reason in last.items() if reason == "no_forecast")


def _inventories(before: datetime) -> Iterator[Rows]:
    versions = Decision.objects.filter(decided_at__lt=before, day__gte=(before - timedelta(days=3)).date())
    for version in dict.fromkeys(versions.order_by("-decided_at").values_list("inventory_version", flat=True)[:2_000]):
        packed = InventorySnapshot.objects.filter(pk=version).values_list("rows", flat=True).first()
        if packed is not None:
            try:
                yield Rows.unpacked(bytes(packed))
            except msgspec.ValidationError:
                continue


def _standing(at: datetime) -> dict[int, tuple[int, int, int, int]]:
    """By flight the impressions, completed views and clicks until ``at`` (a full hour) and the micros booked by then."""
    sums: dict[str, Any] = {name: Sum(name) for name in ("impressions", "completed_views", "clicks")}
    counts = DeliveryHour.objects.filter(bucket__lt=at).values_list("flight_id").annotate(**{f"n_{name}": total for name, total in sums.items()})
    money = dict(LedgerEntry.objects.filter(booked_at__lt=at).values_list("flight_id").annotate(micros=Sum("amount_micros")))
    found = {flight: (views, completed, clicks, money.get(flight, 0)) for flight, views, completed, clicks in counts}
    return found | {flight: (0, 0, 0, micros) for flight, micros in money.items() if flight not in found}
