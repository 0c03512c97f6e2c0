"""Delivery counters from what is stored: the ledger's balances, less every decision that is neither settled nor expired.

Decisions of the last minutes may still be in the log and not yet in the tables, so both are read: the log first, for what
leaves it meanwhile is in the tables by then.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import redis
from django.db import connection

from adplatform.eventlog import stream
from adplatform.eventlog.envelope import Event

from . import arms, live_inventory, reservation
from .balances import Balance
from .ledger import CHARGED_ON
from .reservation import ENDS_UNCHARGED, FORGET_SECONDS, HOLD_SECONDS, KEEP_BREAK_SECONDS, CountersLost, Facts, Held, Served, upkeep

# An extended hold may belong to a decision this old: a viewer who paused in front of the ad.
OLDEST_HOLD = timedelta(hours=6)
# How late a sign of life may arrive and still be found by the time at which it occurred.
LATE_NEWS = timedelta(minutes=10)
# The request that finds the counters lost took its time before; what was decided since then is held too.
SOON = timedelta(minutes=1)
Slot = tuple[uuid.UUID, int]

_DECISIONS = """
    SELECT d.id, s.slot, d.decided_at, d.viewer, d.session, s.ad, s.flight, s.campaign, s.advertiser, s.category,
           coalesce(d.request->>'ip_hash', ''), s.hold_micros, s.pricing
    FROM ads_decision d CROSS JOIN LATERAL jsonb_to_recordset(d.slots)
      AS s(slot smallint, ad bigint, flight bigint, campaign bigint, advertiser bigint, category text, hold_micros bigint, pricing text)
    WHERE d.day >= %(day)s AND ((d.decided_at > %(open)s AND d.decided_at <= %(soon)s) OR d.id = ANY(%(alive)s))"""
_ALIVE = """
    SELECT DISTINCT decision FROM ads_adevent
    WHERE day >= %(day)s AND occurred_at > %(late)s AND received_at > %(open)s AND valid"""
_HAPPENED = """
    SELECT decision, slot, array_agg(type), max(received_at) FROM ads_adevent
    WHERE day >= %(day)s AND decision = ANY(%(decisions)s) AND valid GROUP BY decision, slot"""
_SEEN = """
    SELECT e.viewer, e.session, e.ad, e.flight, e.campaign, c.advertiser_id, a.category, e.decision, e.slot, e.occurred_at
    FROM ads_adevent e JOIN ads_campaign c ON c.id = e.campaign JOIN ads_ad a ON a.id = e.ad
    WHERE e.type = 'ad.impression' AND e.valid AND e.day >= %(day)s AND e.occurred_at <= %(now)s
      AND (e.occurred_at >= %(session)s OR (e.viewer IS NOT NULL AND e.occurred_at >= %(viewer)s))"""
_LIFETIME = """
    SELECT e.viewer, w.entity, count(*) FROM ads_adevent e JOIN ads_campaign c ON c.id = e.campaign
    JOIN unnest(%s::text[], %s::text[], %s::bigint[]) AS w(entity, scope, id)
      ON w.id = CASE w.scope WHEN 'ad' THEN e.ad WHEN 'flight' THEN e.flight WHEN 'campaign' THEN e.campaign ELSE c.advertiser_id END
    WHERE e.type = 'ad.impression' AND e.valid AND e.viewer IS NOT NULL AND e.occurred_at <= %s GROUP BY 1, 2"""
_BALANCES = """
    SELECT f.id, coalesce(b.booked_micros, 0), b.day, coalesce(b.day_booked_micros, 0),
           coalesce(CASE f.goal_type WHEN 'completed_views' THEN b.completed_views WHEN 'clicks' THEN b.clicks ELSE b.impressions END, 0),
           coalesce(b.day_delivered, 0), coalesce(b.version, 0)
    FROM ads_flight f LEFT JOIN ads_flightbalance b ON b.flight_id = f.id"""


def restore(client: redis.Redis, lost: CountersLost, *, now: datetime) -> None:
    """Set right what kept a decision waiting: expired holds, what arms have taken, or the counters of some flights or of all of them."""
    if lost.expired:
        upkeep.sweep(client, now=now)
    elif lost.splits:
        arms.restore(client, lost.splits, now=now)
    elif lost.flights:
        reservation.settle(client, [], balances(lost.flights), now=now)
    else:
        rebuild(client, now=now)


def rebuild(client: redis.Redis, *, now: datetime) -> None:
    """Rebuild the counters in Redis, or wait for the process that does."""

    def facts() -> Facts:
        # Holds first: what settles in between is then counted twice for a while, never left out.
        holds = list(_holds(now))
        capped = capped_for_life(client)
        return Facts(
            balances=balances([hold.served.flight for hold in holds], live=True),
            holds=holds,
            seen=_seen(now),
            capped=frozenset(capped),
            lifetime=_lifetime(capped, now),
        )

    if reservation.rebuild(client, facts):
        # Who settled before the marker stood found no counters to settle on. What was committed by then is read here.
        reservation.settle(client, [], balances(live=True), now=now)


def balances(flights: Sequence[int] = (), *, live: bool = False) -> list[Balance]:
    """Balances of these flights, with ``live`` those of every live one too. A flight nobody was charged for yet has one of zeros."""
    with connection.cursor() as cursor:
        cursor.execute(_BALANCES + " WHERE f.id = ANY(%s) OR (%s AND f.state = 'live') ORDER BY f.id", [list(flights), live])
        return [Balance(*row) for row in cursor.fetchall()]


def capped_for_life(client: redis.Redis) -> dict[str, tuple[str, int]]:
    """What has a lifetime cap in the live inventory: ``campaign:7`` -> (scope, id)."""
    inventory = live_inventory.current(client)
    return {f"{scope}:{number}": (scope, number) for scope, number in inventory.limits if reservation.capped_for_life(inventory, scope, number)}


# Open holds


@dataclass(slots=True)
class _Slot:
    """One slot of a recent decision, with what was heard of it."""

    served: Served
    micros: int
    pricing: str
    decided_at: datetime
    ip_hash: str
    alive: datetime
    types: set[str] = field(default_factory=set)

    def is_over(self) -> bool:
        """Whether what was stored of it settled its hold or gave it back: an impression alone charges no click and no completed view."""
        return bool(self.types & ENDS_UNCHARGED) or any(CHARGED_ON.get(kind) == self.pricing for kind in self.types)

    def held(self) -> Held:
        return Held(
            served=self.served,
            micros=self.micros,
            at=self.decided_at.timestamp(),
            expires=self.alive.timestamp() + HOLD_SECONDS,
            confirmed=bool(self.types & CHARGED_ON.keys()),
            ip_hash=self.ip_hash,
        )


def _holds(now: datetime) -> Iterator[Held]:
    """Open holds: slots of recent decisions that no stored event settled or released, with a sign of life since they were made.

    An event still waiting in the log is a sign of life and no more: what it charges is not in the balances yet.
    """
    waiting = [event for event in stream.unread() if event.type.startswith("ad.") and event.received_at >= now - OLDEST_HOLD]
    signs = [event for event in waiting if event.decision is not None and event.slot is not None]
    slots = _stored_slots(now, {event.decision for event in signs if event.decision})
    for event in waiting:
        if event.type == "ad.decision":
            slots |= {(slot.served.decision, slot.served.slot): slot for slot in _waiting_slots(event)}
    _add_news(slots, signs, now)
    for slot in slots.values():
        if slot.alive.timestamp() + HOLD_SECONDS > now.timestamp() and not slot.is_over():
            yield slot.held()


def _stored_slots(now: datetime, waited_for: Iterable[uuid.UUID]) -> dict[Slot, _Slot]:
    moments = {"soon": now + SOON, "open": now - timedelta(seconds=HOLD_SECONDS), "late": now - LATE_NEWS, "day": (now - OLDEST_HOLD).date()}
    with connection.cursor() as cursor:
        cursor.execute(_ALIVE, moments)
        alive = {decision for (decision,) in cursor.fetchall()}
        cursor.execute(_DECISIONS, {**moments, "alive": list(alive.union(waited_for))})
        found: dict[Slot, _Slot] = {}
        for decision, number, decided_at, viewer, session, ad, flight, campaign, advertiser, category, *rest in cursor.fetchall():
            served = Served(viewer, session, ad, flight, campaign, advertiser, category, decision, number)
            ip_hash, micros, pricing = rest
            found[decision, number] = _Slot(served, micros, pricing, decided_at, ip_hash, decided_at)
        return found


def _waiting_slots(event: Event) -> Iterator[_Slot]:
    request = event.data["request"]
    for slot in event.data["slots"]:
        served = Served(
            event.viewer, uuid.UUID(request["session"]), slot["ad"], slot["flight"], slot["campaign"], slot["advertiser"], slot["category"], event.id,
            slot["slot"],
        )  # fmt: skip
        yield _Slot(served, slot["hold_micros"], slot["pricing"], event.occurred_at, request.get("ip_hash", ""), event.occurred_at)


def _add_news(slots: Mapping[Slot, _Slot], signs: Iterable[Event], now: datetime) -> None:
    """What the tables hold of each slot, and when it was heard of last."""
    with connection.cursor() as cursor:
        cursor.execute(_HAPPENED, {"day": (now - OLDEST_HOLD).date(), "decisions": list({decision for decision, _ in slots})})
        for decision, number, types, received_at in cursor.fetchall():
            if slot := slots.get((decision, number)):
                slot.types.update(types)
                slot.alive = max(slot.alive, received_at)
    for event in signs:
        if event.decision and event.slot is not None and (slot := slots.get((event.decision, event.slot))):
            slot.alive = max(slot.alive, event.received_at)


# What caps count


def _seen(now: datetime) -> Iterator[tuple[str, str, float]]:
    """Every impression that a cap may still count, as (key, member, Unix time): of viewers for as long as anything is remembered, of
    sessions for as long as one can be resumed."""
    viewers, sessions = now - timedelta(seconds=FORGET_SECONDS), now - timedelta(seconds=KEEP_BREAK_SECONDS)
    with connection.cursor() as cursor:
        cursor.execute(_SEEN, {"day": viewers.date() - timedelta(days=1), "now": now, "viewer": viewers, "session": sessions})
        for *who, at in cursor:
            served = Served(*who)
            for key in served.keys:
                if at >= sessions or key == served.keys[0]:
                    yield key, served.member, at.timestamp()


def _lifetime(capped: Mapping[str, tuple[str, int]], now: datetime) -> dict[str, dict[str, int]]:
    """Impressions by life key and entity, as far back as events are kept."""
    if not capped:
        return {}
    counts: dict[str, dict[str, int]] = {}
    with connection.cursor() as cursor:
        cursor.execute(_LIFETIME, [list(capped), [scope for scope, _ in capped.values()], [number for _, number in capped.values()], now])
        for viewer, entity, count in cursor.fetchall():
            counts.setdefault(f"life:v:{viewer}", {})[entity] = count
    return counts
