"""Delivery counters from what is stored: the ledger's balances, less every decision that is neither settled nor expired.

Decisions of the last minutes may still be in the log and not yet in the tables, so both are read.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any

import msgspec
import redis
from django.db import connection

from adplatform.eventlog import stream
from adplatform.eventlog.envelope import Event, decode

from . import reservation
from .balances import Balance
from .ledger import CHARGED_ON
from .models import AdEvent, Decision, Flight, FlightBalance
from .reservation import ENDS_UNCHARGED, FORGET_SECONDS, HOLD_SECONDS, Held

# An extended hold may belong to a decision this old: a viewer who paused in front of the ad.
OLDEST_HOLD = timedelta(hours=6)
Slot = tuple[uuid.UUID, int]


def rebuild(client: redis.Redis, *, now: datetime) -> None:
    """Rebuild the counters in Redis, or wait for the process that does."""

    def facts() -> tuple[list[Balance], list[Held], list[tuple[str, str, float]]]:
        # Holds first: what settles in between is then counted twice for a while, never left out.
        holds = list(_holds(client, now))
        return balances(), holds, list(_seen(now))

    reservation.rebuild(client, facts)


def balances() -> list[Balance]:
    """Every flight's balance with the goal events it has delivered."""
    column = {
        Flight.Goal.IMPRESSIONS: "impressions",
        Flight.Goal.COMPLETED_VIEWS: "completed_views",
        Flight.Goal.CLICKS: "clicks",
        Flight.Goal.SPEND: "impressions",
    }
    return [
        Balance(held.flight_id, held.booked_micros, held.day, held.day_booked_micros, getattr(held, column[Flight.Goal(held.flight.goal_type)]))
        for held in FlightBalance.objects.select_related("flight")
    ]


def _holds(client: redis.Redis, now: datetime) -> Iterator[Held]:
    """Open holds: slots of recent decisions that no stored event settled or released, with a sign of life since they were made."""
    since = now - OLDEST_HOLD
    decisions: dict[uuid.UUID, tuple[datetime, dict[str, Any], list[dict[str, Any]]]] = {}
    stored = Decision.objects.filter(day__gte=since.date(), decided_at__gte=since, decided_at__lte=now).values_list(
        "id", "decided_at", "request", "slots"
    )
    for decision, decided_at, request, slots in stored.iterator():
        decisions[decision] = (decided_at, request, slots)
    events = [event for event in _recent(client, now) if event.decision is not None]
    for event in events:
        if event.type == "ad.decision":
            decisions[event.id] = (event.occurred_at, event.data["request"], event.data["slots"])
    happened, alive = _progress(decisions, events, since)
    for decision, (decided_at, request, slots) in decisions.items():
        for slot in slots:
            key = (decision, slot["slot"])
            expires = max(decided_at, alive.get(key, decided_at)).timestamp() + HOLD_SECONDS
            types = happened.get(key, set())
            if expires > now.timestamp() and not _over(types, slot["pricing"]):
                yield _held(decision, request, slot, at=decided_at.timestamp(), expires=expires, confirmed=bool(types & CHARGED_ON.keys()))


def _over(types: set[str], pricing: str) -> bool:
    """Whether what was stored of a slot settled its hold or gave it back: an impression alone charges no click and no completed view."""
    return bool(types & ENDS_UNCHARGED) or any(CHARGED_ON.get(kind) == pricing for kind in types)


def _held(decision: uuid.UUID, request: dict[str, Any], slot: dict[str, Any], *, at: float, expires: float, confirmed: bool) -> Held:
    known = request["consent"] and request["viewer"]
    return Held(
        decision=decision,
        slot=slot["slot"],
        flight=slot["flight"],
        micros=slot["hold_micros"],
        at=at,
        expires=expires,
        seen_key=f"seen:v:{request['viewer']}" if known else f"seen:s:{request['session']}",
        seen_member=reservation.seen_member(slot["ad"], slot["flight"], slot["campaign"], slot["advertiser"], decision, slot["slot"]),
        confirmed=confirmed,
    )


def _progress(decisions: Iterable[uuid.UUID], events: Iterable[Event], since: datetime) -> tuple[dict[Slot, set[str]], dict[Slot, datetime]]:
    """What the tables hold of each slot, and when it was heard of last.

    An event still waiting in the log is a sign of life and no more: what it charges is not in the balances yet.
    """
    happened: dict[Slot, set[str]] = {}
    alive: dict[Slot, datetime] = {}
    stored = AdEvent.objects.filter(day__gte=since.date(), decision__in=list(decisions), valid=True).values_list(
        "decision", "slot", "type", "received_at"
    )
    for decision, slot, kind, received_at in stored:
        happened.setdefault((decision, slot), set()).add(kind)
        alive[decision, slot] = max(received_at, alive.get((decision, slot), received_at))
    for event in events:
        if event.decision is not None and event.slot is not None:
            key = (event.decision, event.slot)
            alive[key] = max(event.received_at, alive.get(key, event.received_at))
    return happened, alive


def _recent(client: redis.Redis, now: datetime) -> list[Event]:
    """Events of the log that may not be in the tables yet. Undecodable ones are the consumer's business."""
    entries: Any = client.xrange(stream.STREAM)
    events = []
    for _, fields in entries:
        try:
            events.append(decode(fields[stream.FIELD]))
        except (msgspec.DecodeError, KeyError):
            continue
    return [event for event in events if event.type.startswith("ad.") and event.received_at >= now - OLDEST_HOLD]


def _seen(now: datetime) -> Iterator[tuple[str, str, float]]:
    """Every impression that a cap may still count, as (key, member, Unix time)."""
    since = now - timedelta(seconds=FORGET_SECONDS)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT e.viewer, e.session, e.ad, e.flight, e.campaign, c.advertiser_id, e.decision, e.slot, e.occurred_at"
            " FROM ads_adevent e JOIN ads_campaign c ON c.id = e.campaign"
            " WHERE e.type = 'ad.impression' AND e.valid AND e.day >= %s AND e.occurred_at >= %s AND e.occurred_at <= %s",
            [since.date(), since, now],
        )
        for viewer, session, ad, flight, campaign, advertiser, decision, slot, at in cursor:
            key = f"seen:v:{viewer}" if viewer else f"seen:s:{session}"
            yield key, reservation.seen_member(ad, flight, campaign, advertiser, decision, slot), at.timestamp()
