"""What follows from an event that counts: what it charges, which figures it moves, and what it says about the hold of its slot."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from adplatform.eventlog.envelope import Event

from . import ledger
from .ctr import rates
from .facts import Facts
from .reservation import ENDS_UNCHARGED, HOLD_SECONDS, Operation, SeenAgain, Served
from .rollups import delivery

Fact = tuple[datetime, Sequence[Any], Sequence[int]]


def decision_of(event: Event) -> uuid.UUID:
    return event.decision or event.id


def billable(event: Event, facts: Facts) -> ledger.Billable:
    flight = facts.flight(event.flight)
    return ledger.Billable(
        event.id, event.type, decision_of(event), event.slot or 0, event.flight or 0, flight.campaign, flight.advertiser, event.ad or 0,
        event.price_micros, event.occurred_at, event.received_at, event.synthetic,
    )  # fmt: skip


def figures(event: Event, facts: Facts, measures: Mapping[str, int], *, owner: tuple[int, int] | None = None) -> Fact:
    """The delivery rollup's fact with these measures, under the keys of the event and at its own time.

    ``owner``: the (advertiser, campaign) it was counted for; by default who owns the flight now.
    """
    flight = facts.flight(event.flight)
    context = facts.context(decision_of(event), event)
    keys = (*(owner or (flight.advertiser, flight.campaign)), event.flight or 0, event.ad or 0, *context.key(synthetic=event.synthetic))
    return event.occurred_at, keys, delivery(**measures)


def invalid(event: Event, facts: Facts, reason: str, *, times: int = 1, owner: tuple[int, int] | None = None) -> Fact:
    """That the event does not count, and why; ``times`` -1 takes it back."""
    flight = facts.flight(event.flight)
    keys = (*(owner or (flight.advertiser, flight.campaign)), event.flight or 0, event.ad or 0, event.type, reason, event.synthetic)
    return event.occurred_at, keys, (times,)


def operation(event: Event, facts: Facts) -> Operation:
    """What a valid event says about the hold of its slot."""
    decision, slot = decision_of(event), event.slot or 0
    until = event.received_at.timestamp() + HOLD_SECONDS
    if event.type in ENDS_UNCHARGED:
        return Operation("release", decision, slot)
    if event.type in ledger.CHARGED_ON:
        charged = ledger.CHARGED_ON[event.type] == facts.flight(event.flight).pricing
        return Operation("settle" if charged else "confirm", decision, slot, until, _seen(event, facts) if event.type == "ad.impression" else None)
    return Operation("extend", decision, slot, until)


def operation_again(event: Event, facts: Facts) -> Operation | None:
    """The same of an event that was stored before, None when it must not be told twice: a replay may end a hold that is still
    open, but neither keep one alive nor take a new one."""
    told = operation(event, facts)
    return None if told.verb == "extend" else replace(told, expires=0.0, seen=None)


def _seen(event: Event, facts: Facts) -> SeenAgain:
    flight, ad = facts.flight(event.flight), event.ad or 0
    served = Served(
        event.viewer, event.session or uuid.UUID(int=0), ad, event.flight or 0, flight.campaign, flight.advertiser, facts.category(ad),
        decision_of(event), event.slot or 0,
    )  # fmt: skip
    # A completed view is charged in full; of a click to come only a small share was held.
    return SeenAgain(served, event.occurred_at.timestamp(), event.price_micros if flight.pricing == "cpcv" else 0)


def outcome(event: Event, facts: Facts) -> rates.Outcome:
    flight, context = facts.flight(event.flight), facts.context(decision_of(event), event)
    return rates.Outcome(
        type=event.type,
        ad=event.ad or 0,
        campaign=flight.campaign,
        advertiser=flight.advertiser,
        category=facts.category(event.ad or 0),
        genre=context.genre,
        title=event.title,
        viewer=event.viewer,
    )
