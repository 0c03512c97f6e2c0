"""Whether a tracking event counts. Small named checks over one event and what is known of its slot; pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from adplatform.eventlog.envelope import Event

# Clocks of clients are set wrong by seconds; what lies further ahead of its receipt is made up.
MOST_AHEAD = timedelta(minutes=5)
LATEST = timedelta(hours=24)
# A completed view took at least this share of the ad's length: players report a little early.
LEAST_SHARE_WATCHED = 0.8
NEEDS_IMPRESSION = frozenset({"ad.click", "ad.complete", "ad.first_quartile", "ad.midpoint", "ad.third_quartile"})


@dataclass(frozen=True, slots=True)
class SlotFacts:
    """``impression_at`` is when the slot's valid impression occurred, None when there is none; ``ad_seconds`` 0 when unknown."""

    flight_known: bool
    impression_at: datetime | None
    ad_seconds: float


Check = Callable[[Event, SlotFacts], bool]


def _unknown_flight(event: Event, facts: SlotFacts) -> bool:
    return not facts.flight_known


def _future_time(event: Event, facts: SlotFacts) -> bool:
    return event.occurred_at > event.received_at + MOST_AHEAD


def _late(event: Event, facts: SlotFacts) -> bool:
    return event.received_at - event.occurred_at > LATEST


def _click_without_impression(event: Event, facts: SlotFacts) -> bool:
    return event.type == "ad.click" and facts.impression_at is None


def _without_impression(event: Event, facts: SlotFacts) -> bool:
    return event.type in NEEDS_IMPRESSION and facts.impression_at is None


def _too_fast(event: Event, facts: SlotFacts) -> bool:
    if event.type != "ad.complete" or facts.impression_at is None:
        return False
    return (event.occurred_at - facts.impression_at).total_seconds() < facts.ad_seconds * LEAST_SHARE_WATCHED


# In this order; the first that fails is the reason. What the edge already knew comes before all of them.
CHECKS: tuple[tuple[str, Check], ...] = (
    ("unknown_flight", _unknown_flight),
    ("future_time", _future_time),
    ("late", _late),
    ("click_without_impression", _click_without_impression),
    ("without_impression", _without_impression),
    ("faster_than_the_ad", _too_fast),
)


def judge(event: Event, facts: SlotFacts) -> str:
    """Empty when the event is valid, else the code of the first reason why not."""
    if event.invalid:
        return event.invalid
    return next((reason for reason, fails in CHECKS if fails(event, facts)), "")
