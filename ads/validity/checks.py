"""The checks. Each is pure over one event and what is known of its slot, has a name, and that name is the reason stored with the event."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from adplatform.eventlog.envelope import AD_TYPES, BREAK_TYPES, Event

from . import limits

IMPRESSION, START, SKIP, CLICK, COMPLETE = "ad.impression", "ad.start", "ad.skip", "ad.click", "ad.complete"
VIEWABLE = "ad.viewable"
# The share of an ad that has been seen when its event is sent (VAST 4.2, section 3.14.1), in the order in which they happen.
STAGES: dict[str, float] = {IMPRESSION: 0.0, START: 0.0, "ad.first_quartile": 0.25, "ad.midpoint": 0.5, "ad.third_quartile": 0.75, COMPLETE: 1.0}
QUARTILES = frozenset(kind for kind, share in STAGES.items() if share > 0)
# Events that say something about each other. Each happens once a slot; all others are judged on arrival alone.
ORDERED: tuple[str, ...] = (IMPRESSION, START, SKIP, VIEWABLE, "ad.first_quartile", "ad.midpoint", "ad.third_quartile", COMPLETE, CLICK)
_EARLIER: dict[str, tuple[str, ...]] = {kind: tuple(other for other in STAGES if STAGES[other] < STAGES[kind]) for kind in STAGES}


@dataclass(frozen=True, slots=True)
class SlotFacts:
    """What is known of an event's slot beside the event. What is unknown gives no verdict.

    ``at``: when the slot's valid events occurred, by type. ``decided_at``: when the break was decided. ``ad_seconds`` 0 when unknown.
    ``decision_agent``: the user agent's hash that asked for the break, empty when unknown or hashed on another day.
    ``by_viewer`` and ``from_address``: events of this type in the minute that ends with this one, itself included; 0 when not counted.
    """

    flight_known: bool = True
    ad_seconds: float = 0.0
    decided_at: datetime | None = None
    at: Mapping[str, datetime] = field(default_factory=dict)
    decision_agent: str = ""
    by_viewer: int = 0
    from_address: int = 0


Fails = Callable[[Event, SlotFacts], bool]


@dataclass(frozen=True, slots=True)
class Check:
    """``types``: the events it looks at. ``waits``: what it finds may change until the slot's window closes, because an event
    that belongs before this one may still arrive. ``corrected``: it needs the corrected clock, so it is asked at the closing alone."""

    name: str
    fails: Fails
    types: frozenset[str] = AD_TYPES
    waits: bool = False
    corrected: bool = False


def _unknown_flight(event: Event, facts: SlotFacts) -> bool:
    return not facts.flight_known


def _future_time(event: Event, facts: SlotFacts) -> bool:
    return event.occurred_at > event.received_at + limits.MOST_AHEAD


def _late(event: Event, facts: SlotFacts) -> bool:
    return event.received_at - event.occurred_at > limits.LATEST


def _other_user_agent(event: Event, facts: SlotFacts) -> bool:
    return bool(facts.decision_agent and event.ua_hash) and event.ua_hash != facts.decision_agent


def _viewer_rate(event: Event, facts: SlotFacts) -> bool:
    return facts.by_viewer > (limits.CLICKS_A_VIEWER if event.type == CLICK else limits.IMPRESSIONS_A_VIEWER)


def _address_rate(event: Event, facts: SlotFacts) -> bool:
    return facts.from_address > (limits.CLICKS_AN_ADDRESS if event.type == CLICK else limits.IMPRESSIONS_AN_ADDRESS)


def _faster_than_the_server(event: Event, facts: SlotFacts) -> bool:
    """By the server's clock alone, whatever the client says: an ad of ten seconds is not over two seconds after it was decided."""
    return facts.decided_at is not None and (event.received_at - facts.decided_at).total_seconds() < _least_seconds(event, facts)


def _before_decision(event: Event, facts: SlotFacts) -> bool:
    return facts.decided_at is not None and event.occurred_at < facts.decided_at - limits.BEFORE_DECISION


def _without_impression(event: Event, facts: SlotFacts) -> bool:
    return IMPRESSION not in facts.at


def _before_impression(event: Event, facts: SlotFacts) -> bool:
    shown = facts.at.get(IMPRESSION)
    return shown is not None and event.occurred_at < shown - limits.SAME_MOMENT


def _click_too_fast(event: Event, facts: SlotFacts) -> bool:
    shown = facts.at.get(IMPRESSION)
    return shown is not None and event.occurred_at < shown + limits.FASTEST_CLICK


def _viewable_too_soon(event: Event, facts: SlotFacts) -> bool:
    shown = facts.at.get(IMPRESSION)
    return shown is not None and event.occurred_at < shown + limits.VIEWABLE_AFTER


def _faster_than_the_ad(event: Event, facts: SlotFacts) -> bool:
    began = [facts.at[kind] for kind in (IMPRESSION, START) if kind in facts.at]
    return bool(began) and (event.occurred_at - min(began)).total_seconds() < _least_seconds(event, facts)


def _least_seconds(event: Event, facts: SlotFacts) -> float:
    return facts.ad_seconds * STAGES[event.type] * limits.LEAST_SHARE_WATCHED


def _out_of_order(event: Event, facts: SlotFacts) -> bool:
    """A later part of the ad that was seen before an earlier one."""
    return any(facts.at[kind] > event.occurred_at + limits.SAME_MOMENT for kind in _EARLIER[event.type] if kind in facts.at)


def _after_skip(event: Event, facts: SlotFacts) -> bool:
    skipped = facts.at.get(SKIP)
    return skipped is not None and event.occurred_at > skipped + limits.SAME_MOMENT


_PARTS = QUARTILES | {VIEWABLE}
_CLICKS, _COUNTED = frozenset({CLICK}), frozenset({IMPRESSION, CLICK})
# In this order; the first that fails is the reason. What the edge already knew (robots, expired tokens) comes before all of them.
CHECKS: tuple[Check, ...] = (
    Check("unknown_flight", _unknown_flight, AD_TYPES - BREAK_TYPES),
    Check("future_time", _future_time),
    Check("late", _late),
    Check("other_user_agent", _other_user_agent),
    Check("viewer_rate", _viewer_rate, _COUNTED),
    Check("address_rate", _address_rate, _COUNTED),
    Check("faster_than_the_ad", _faster_than_the_server, QUARTILES),
    Check("before_decision", _before_decision, frozenset(ORDERED), waits=True, corrected=True),
    Check("click_without_impression", _without_impression, _CLICKS, waits=True),
    Check("without_impression", _without_impression, _PARTS, waits=True),
    Check("before_impression", _before_impression, _PARTS | _CLICKS, waits=True),
    Check("click_too_fast", _click_too_fast, _CLICKS, waits=True),
    Check("viewable_too_soon", _viewable_too_soon, frozenset({VIEWABLE}), waits=True),
    Check("faster_than_the_ad", _faster_than_the_ad, QUARTILES, waits=True),
    Check("out_of_order", _out_of_order, QUARTILES, waits=True),
    Check("after_skip", _after_skip, _PARTS, waits=True),
)
