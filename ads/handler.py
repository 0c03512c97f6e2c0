"""What the consumer does with `ad.*` events: store each once, judge it, book it, and move the figures that follow from it."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import structlog
from django.db import transaction

from adplatform.eventlog import ids, metrics, stream, tables
from adplatform.eventlog.envelope import AD_TYPES, BREAK_TYPES, Event

from . import decided, ledger, reach, recovery, reservation
from .ctr import rates
from .effects import Fact, billable, decision_of, figures, invalid, operation, operation_again, outcome
from .facts import Facts
from .rollups import DELIVERY, GROSS_OF, INVALID, MEASURE_OF
from .validity import ORDERED, STAGES, SlotFacts, Verdict, counting, judge

log = structlog.get_logger(__name__)

EVENT_COLUMNS = (
    "id", "day", "type", "occurred_at", "received_at", "decision", "slot", "session", "viewer", "title", "ad", "flight", "campaign",
    "price_micros", "valid", "reason", "judged_at", "ip_hash", "ua_hash", "data", "synthetic",
)  # fmt: skip
NO_SESSION = uuid.UUID(int=0)
# An impression that arrived in the same batch is known to what belongs after it.
_PLACE = {kind: place for place, kind in enumerate(ORDERED)}
_LAST = len(ORDERED)


@dataclass(frozen=True, slots=True)
class Judged:
    """An event with the verdict on it."""

    event: Event
    verdict: Verdict

    @property
    def counts(self) -> bool:
        return not self.verdict.reason


class AdEvents:
    """Handler of every `ad.*` type. Everything beyond the inserted row follows from newly inserted rows alone."""

    name = "ads"
    types = AD_TYPES | {"ad.decision"}

    def __init__(self) -> None:
        self.facts = Facts()

    def __call__(self, cursor: Any, events: Sequence[Event], *, now: datetime) -> None:
        decisions = [event for event in events if event.type == "ad.decision"]
        tracking = [event for event in events if event.type != "ad.decision"]
        self.facts.learn(cursor, decisions, tracking)
        moved = decided.store(cursor, _once(decisions), self.facts) if decisions else []
        if tracking:
            moved += self._store_tracking(cursor, _once(tracking), now)
            if repeated := len(tracking) - len({event.id for event in tracking}):
                metrics.REPEATED.inc(repeated)
        # Once a batch and after the balances: fewer statements, and rows are locked in one order everywhere.
        DELIVERY.add(cursor, moved)

    def _store_tracking(self, cursor: Any, tracking: Sequence[Event], now: datetime) -> list[Fact]:
        judged = self._judge(cursor, tracking)
        new = tables.insert_once(cursor, "ads_adevent", EVENT_COLUMNS, (self._event_row(item, now) for item in judged))
        fresh = [item for item in judged if item.event.id in new]
        booked = ledger.book(cursor, [billable(item.event, self.facts) for item in fresh if item.counts and item.event.type in ledger.KIND])
        INVALID.add(cursor, (invalid(item.event, self.facts, item.verdict.reason) for item in fresh if not item.counts))
        reach.mark_due(cursor, (item.event for item in fresh if item.counts and item.event.type == "ad.impression"))
        metrics.REPEATED.inc(len(judged) - len(fresh))
        repeated = [item for item in judged if item.event.id not in new and item.counts]
        self._after_commit(fresh, repeated, booked, now)
        return [fact for item in fresh for fact in self._delivery_facts(item, booked.amounts)]

    def _judge(self, cursor: Any, tracking: Sequence[Event]) -> list[Judged]:
        known = self.facts.slots(cursor, tracking)
        rates = counting.count(stream.client(), tracking)
        judged: dict[uuid.UUID, Judged] = {}
        for event in sorted(tracking, key=lambda event: _PLACE.get(event.type, _LAST)):
            at = known.at(decision_of(event), event.slot or 0)
            verdict = judge(event, self._slot_facts(event, at, rates.get(event.id, counting.NO_RATES)))
            judged[event.id] = Judged(event, verdict)
            # A second report of an impression that is stored as invalid does not make it one.
            if not verdict.reason and event.type in _PLACE and event.id not in known.stored:
                at[event.type] = event.occurred_at
        return [judged[event.id] for event in tracking]

    def _slot_facts(self, event: Event, at: Mapping[str, datetime], rates: counting.Rates) -> SlotFacts:
        context = self.facts.context(decision_of(event), event)
        return SlotFacts(
            flight_known=event.flight in self.facts.flights,
            ad_seconds=self.facts.ad_seconds(event.ad or 0),
            decided_at=ids.time_of(event.decision) if event.decision and event.type in STAGES else None,
            at=at,
            decision_agent=context.agent_on(event.received_at),
            by_viewer=rates.by_viewer,
            from_address=rates.from_address,
        )

    def _event_row(self, item: Judged, now: datetime) -> tuple[Any, ...]:
        event, verdict = item.event, item.verdict
        return (
            event.id, ids.day_of(event.id), event.type, event.occurred_at, event.received_at, decision_of(event), event.slot or 0,
            event.session or NO_SESSION, event.viewer, event.title, event.ad or 0, event.flight or 0, self.facts.flight(event.flight).campaign,
            event.price_micros, item.counts, verdict.reason, now if verdict.final else None, event.ip_hash, event.ua_hash, event.data,
            event.synthetic,
        )  # fmt: skip

    def _delivery_facts(self, item: Judged, amounts: Mapping[uuid.UUID, int]) -> Iterator[Fact]:
        event = item.event
        measures = {GROSS_OF[event.type]: 1} if event.type in GROSS_OF else {}
        if not item.counts:
            measures["invalid"] = 1
        elif event.type in MEASURE_OF:
            measures[MEASURE_OF[event.type]] = 1
            measures["revenue_micros"] = amounts.get(event.id, 0)
        if measures:
            yield figures(event, self.facts, measures)

    def _after_commit(self, fresh: Sequence[Judged], repeated: Sequence[Judged], booked: ledger.Booked, now: datetime) -> None:
        counted = [item.event for item in fresh if item.counts]
        # What is told of a whole break says nothing about the hold of its first ad.
        of_ads = [event for event in counted if event.type not in BREAK_TYPES]
        operations = [replace(operation(event, self.facts), charged=booked.amounts.get(event.id)) for event in of_ads]
        # A process that died right after the commit had not told Redis yet, and its batch comes again.
        operations += filter(None, (operation_again(item.event, self.facts) for item in repeated))
        balances = [account.balance() for account in booked.accounts.values()]
        untold = sorted({item.event.flight or 0 for item in repeated if item.event.type in ledger.KIND} - booked.accounts.keys())
        outcomes = [outcome(event, self.facts) for event in counted if event.type in rates.COUNTED]

        # The tables are right whatever happens here; lost counters are made good by the next settlement or rebuild. One each:
        # the rates are counted where settling fails too.
        def settle() -> None:
            known = balances + recovery.balances(untold) if untold else balances
            reservation.settle(stream.client(), operations, known, now=now)

        transaction.on_commit(settle, robust=True)
        transaction.on_commit(lambda: rates.record(stream.client(), outcomes), robust=True)


def _once(events: Iterable[Event]) -> list[Event]:
    """The events without repeated ids, in their first order."""
    return list({event.id: event for event in reversed(list(events))}.values())[::-1]
