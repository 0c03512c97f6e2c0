"""Judging for good (DESIGN rule 6.3): when nothing more can come between a slot's events, their order is judged on corrected clocks.

On arrival an event counts when what it needs is there already. Here a click whose impression came later begins to count and
is charged, and what turns out to be impossible is charged back. Both are additive and happen once, with the update that
marks the event as judged.

A clock is corrected by the least delay seen between an event and its receipt: a player's events all carry its clock, and the
fastest of them arrived at once, so what is left is how wrong the clock is. The events of one break are enough to see it, one
alone is not: a slow delivery looks like a slow clock. What the edge stamped itself (pixels) needs no correction and tells nothing.
"""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

import msgspec
import structlog
from django.db import OperationalError, connection, transaction

from adplatform.eventlog import ids, stream
from adplatform.eventlog.envelope import Event

from . import ledger, reach, reservation
from .ctr import rates
from .effects import Fact, billable, decision_of, figures, invalid, operation, outcome
from .facts import Facts, Slot
from .rollups import DELIVERY, INVALID, MEASURE_OF
from .validity import ORDERED, WINDOW, SlotFacts, judge_for_good

log = structlog.get_logger(__name__)

SLOTS_AT_ONCE = 1_000
# Two loops that lock the same rows in another order: the loser goes again.
ATTEMPTS = 3
_PLACE = {kind: place for place, kind in enumerate(ORDERED)}
_EVENT = (
    "id", "type", "occurred_at", "received_at", "decision", "slot", "session", "viewer", "title", "ad", "flight", "price_micros", "synthetic",
)  # fmt: skip
# Times that no wrong clock explains would be taken for the clock of the whole break.
_NO_EVIDENCE = ["future_time", "clock_skew", "late"]


@dataclass(frozen=True, slots=True)
class Stored:
    """An event as its row has it. ``waits``: it is still to be judged for good."""

    event: Event
    campaign: int
    reason: str
    waits: bool


@dataclass(frozen=True, slots=True)
class Change:
    """The final verdict beside the one on arrival."""

    stored: Stored
    reason: str

    @property
    def appears(self) -> bool:
        return bool(self.stored.reason) and not self.reason

    @property
    def vanishes(self) -> bool:
        return not self.stored.reason and bool(self.reason)


@dataclass(frozen=True, slots=True)
class Closed:
    """How many events were judged for good, and how many of them began or ceased to count."""

    judged: int = 0
    appeared: int = 0
    vanished: int = 0

    def __add__(self, other: Closed) -> Closed:
        return Closed(self.judged + other.judged, self.appeared + other.appeared, self.vanished + other.vanished)


def close_windows(*, now: datetime) -> Closed:
    """Judge every slot whose waiting events were all received before the window. Safe to run twice and in two processes: one works,
    the other leaves."""
    closed, waiting = Closed(), iter(_waiting_slots(now - WINDOW))
    while slots := list(islice(waiting, SLOTS_AT_ONCE)):
        part = _close(slots, now)
        if part is None:
            return closed
        closed += part
    if closed.judged:
        log.info("windows_closed", judged=closed.judged, appeared=closed.appeared, vanished=closed.vanished)
    return closed


def _waiting_slots(until: datetime) -> list[Slot]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT decision, slot FROM ads_adevent WHERE judged_at IS NULL GROUP BY decision, slot HAVING max(received_at) <= %s"
            " ORDER BY max(received_at)",
            [until],
        )
        slots: list[Slot] = cursor.fetchall()
    return slots


def _close(slots: Sequence[Slot], now: datetime) -> Closed | None:
    """One transaction; None while another process holds the lock."""
    for attempt in range(1, ATTEMPTS + 1):
        try:
            with transaction.atomic(), connection.cursor() as wrapper:
                cursor = wrapper.cursor
                cursor.execute("SELECT pg_try_advisory_xact_lock(hashtext('ads.close_windows'))")
                return _judge(cursor, slots, now) if cursor.fetchone()[0] else None
        except OperationalError as error:
            if attempt == ATTEMPTS or not (getattr(error.__cause__, "sqlstate", None) or "").startswith("40"):
                raise
    return None


def _judge(cursor: Any, slots: Sequence[Slot], now: datetime) -> Closed:
    stored = _closed(_events(cursor, slots), now - WINDOW)
    waiting = [item for item in stored if item.waits]
    facts = Facts()
    facts.learn(cursor, [], [item.event for item in waiting])
    skews = _skews(cursor, slots)
    changes = [change for slot in _by_slot(stored).values() for change in _verdicts(slot, skews, facts)]
    _mark(cursor, changes, now)
    appeared = sorted((change for change in changes if change.appears), key=lambda change: change.stored.event.received_at)
    vanished = [change for change in changes if change.vanishes]
    if changed := [change for change in changes if change.stored.reason != change.reason]:
        _follow(cursor, appeared, vanished, _reasons(cursor, changed, facts), facts, now)
    return Closed(len(changes), len(appeared), len(vanished))


def _events(cursor: Any, slots: Sequence[Slot]) -> list[Stored]:
    decisions = list({decision for decision, _ in slots})
    cursor.execute(
        f"SELECT {', '.join(_EVENT)}, campaign, reason, judged_at IS NULL FROM ads_adevent"  # noqa: S608 (column names)
        " WHERE day = ANY(%s) AND decision = ANY(%s) AND type = ANY(%s)",
        [_days(decisions), decisions, list(ORDERED)],
    )
    wanted = set(slots)
    rows = [Stored(Event(**dict(zip(_EVENT, row, strict=False))), *row[len(_EVENT) :]) for row in cursor.fetchall()]
    return [item for item in rows if (decision_of(item.event), item.event.slot or 0) in wanted]


def _closed(stored: Sequence[Stored], until: datetime) -> list[Stored]:
    """Without the slots that were joined by another event since they were found: their window is open again."""
    reopened = {(decision_of(item.event), item.event.slot) for item in stored if item.waits and item.event.received_at > until}
    return [item for item in stored if (decision_of(item.event), item.event.slot) not in reopened]


def _days(decisions: Sequence[uuid.UUID]) -> list[Any]:
    return list({ids.day_of(decision) for decision in decisions})


def _by_slot(stored: Sequence[Stored]) -> dict[Slot, list[Stored]]:
    slots: defaultdict[Slot, list[Stored]] = defaultdict(list)
    for item in stored:
        slots[decision_of(item.event), item.event.slot or 0].append(item)
    return slots


def _skews(cursor: Any, slots: Sequence[Slot]) -> dict[uuid.UUID, timedelta]:
    """How far the clock of each break's player is behind; negative when it is ahead."""
    decisions = list({decision for decision, _ in slots})
    cursor.execute(
        "SELECT decision, min(received_at - occurred_at) FROM ads_adevent WHERE day = ANY(%s) AND decision = ANY(%s)"
        " AND occurred_at <> received_at AND NOT reason = ANY(%s) GROUP BY decision HAVING count(*) > 1",
        [_days(decisions), decisions, _NO_EVIDENCE],
    )
    return dict(cursor.fetchall())


def _verdicts(slot: Sequence[Stored], skews: Mapping[uuid.UUID, timedelta], facts: Facts) -> Iterator[Change]:
    """Impression first: what counts after it depends on whether it counts."""
    corrected = {item.event.id: _corrected(item.event, skews) for item in slot}
    at = {item.event.type: corrected[item.event.id].occurred_at for item in slot if not item.waits and not item.reason}
    for item in sorted((item for item in slot if item.waits), key=lambda item: _PLACE[item.event.type]):
        event = corrected[item.event.id]
        known = SlotFacts(ad_seconds=facts.ad_seconds(event.ad or 0), decided_at=ids.time_of(decision_of(event)), at=at)
        reason = judge_for_good(event, known)
        if not reason:
            at[event.type] = event.occurred_at
        yield Change(item, reason)


def _corrected(event: Event, skews: Mapping[uuid.UUID, timedelta]) -> Event:
    skew = skews.get(decision_of(event))
    if skew is None or event.occurred_at == event.received_at:
        return event
    return msgspec.structs.replace(event, occurred_at=event.occurred_at + skew)


def _mark(cursor: Any, changes: Sequence[Change], now: datetime) -> None:
    found = [change.stored.event.id for change in changes]
    cursor.execute(
        "UPDATE ads_adevent e SET valid = w.reason = '', reason = w.reason, judged_at = %s FROM unnest(%s::uuid[], %s::text[]) AS w(id, reason)"
        " WHERE e.day = ANY(%s) AND e.id = w.id AND e.judged_at IS NULL",
        [now, found, [change.reason for change in changes], _days(found)],
    )


def _follow(cursor: Any, appeared: Sequence[Change], vanished: Sequence[Change], reasons: Iterable[Fact], facts: Facts, now: datetime) -> None:
    """Charge what counts now, charge back what no longer does, and move the figures by the difference.

    Balances first, then the figures of what is invalid, then those of delivery: the order in which the consumer locks them too.
    """
    _lock_balances(cursor, [*appeared, *vanished])
    counting = [change.stored.event for change in appeared]
    booked = ledger.book(cursor, [billable(event, facts) for event in counting if event.type in ledger.KIND])
    reversed_ = ledger.reverse(cursor, [_reversal(change, now) for change in vanished if change.stored.event.type in ledger.KIND])
    owners = _owners(cursor, [change.stored.campaign for change in (*appeared, *vanished)])
    moved = [_moved(change, facts, owners, booked.amounts, sign=1) for change in appeared]
    moved += [_moved(change, facts, owners, reversed_.amounts, sign=-1) for change in vanished]
    INVALID.add(cursor, reasons)
    DELIVERY.add(cursor, moved)
    reach.mark_due(cursor, (event for event in counting if event.type == "ad.impression"))
    operations = [operation(event, facts) for event in counting]
    # What was reversed comes after what was booked: the last figures of a flight are those that stand.
    balances = [*(account.balance() for account in booked.accounts.values()), *reversed_.balances]
    learnt = list(rates.increments(_outcomes(appeared, facts)))
    learnt += [replace(increment, by=-increment.by) for increment in rates.increments(_outcomes(vanished, facts))]
    transaction.on_commit(lambda: reservation.settle(stream.client(), operations, balances, now=now), robust=True)
    transaction.on_commit(lambda: rates.STORE.record(stream.client(), learnt), robust=True)


def _outcomes(changes: Sequence[Change], facts: Facts) -> list[rates.Outcome]:
    return [outcome(change.stored.event, facts) for change in changes if change.stored.event.type in rates.COUNTED]


def _lock_balances(cursor: Any, changes: Sequence[Change]) -> None:
    """All at once and in the order in which the consumer locks them, since booking and reversing lock their own one after the other."""
    flights = sorted({change.stored.event.flight or 0 for change in changes})
    cursor.execute("SELECT flight_id FROM ads_flightbalance WHERE flight_id = ANY(%s) ORDER BY flight_id FOR UPDATE", [flights])


def _reversal(change: Change, now: datetime) -> ledger.Reversal:
    event = change.stored.event
    return ledger.Reversal(
        event=event.id, type=event.type, decision=decision_of(event), slot=event.slot or 0, flight=event.flight or 0, reason=change.reason, at=now,
        received_at=event.received_at,
    )  # fmt: skip


def _owners(cursor: Any, campaigns: Iterable[int]) -> dict[int, tuple[int, int]]:
    """(advertiser, campaign) by campaign: under whom these events were counted on arrival."""
    cursor.execute("SELECT id, advertiser_id FROM ads_campaign WHERE id = ANY(%s)", [list(set(campaigns))])
    return {campaign: (advertiser, campaign) for campaign, advertiser in cursor.fetchall()}


def _reasons(cursor: Any, changed: Sequence[Change], facts: Facts) -> Iterator[Fact]:
    """From the reason on arrival to the final one."""
    owners = _owners(cursor, [change.stored.campaign for change in changed])
    for change in changed:
        for reason, times in ((change.stored.reason, -1), (change.reason, 1)):
            if reason:
                yield invalid(change.stored.event, facts, reason, times=times, owner=owners.get(change.stored.campaign))


def _moved(change: Change, facts: Facts, owners: Mapping[int, tuple[int, int]], amounts: Mapping[uuid.UUID, int], *, sign: int) -> Fact:
    event = change.stored.event
    amount = amounts.get(event.id, 0)
    measures = {"invalid": -sign, "revenue_micros": sign * amount, "reversed_micros": amount if sign < 0 else 0}
    if event.type in MEASURE_OF:
        measures[MEASURE_OF[event.type]] = sign
    return figures(event, facts, measures, owner=owners.get(change.stored.campaign))
