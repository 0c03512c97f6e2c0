"""What the consumer does with `ad.*` events: store each once, judge it, book it, and move the figures that follow from it."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog
from django.db import transaction

from adplatform.eventlog import ids, stream, tables
from adplatform.eventlog.envelope import AD_TYPES, Event

from . import ledger, reservation
from .ctr import rates
from .facts import Facts
from .reservation import ENDS_UNCHARGED, HOLD_SECONDS, Operation, SeenAgain, seen_member
from .rollups import BREAKS, DELIVERY, MEASURE_OF, delivery
from .validity import SlotFacts, judge

log = structlog.get_logger(__name__)

DECISION_COLUMNS = (
    "id", "day", "decided_at", "session", "viewer", "title", "break_id", "request", "state", "slots", "explanation", "model_version",
    "inventory_version", "seed", "milliseconds", "control", "synthetic",
)  # fmt: skip
EVENT_COLUMNS = (
    "id", "day", "type", "occurred_at", "received_at", "decision", "slot", "session", "viewer", "title", "ad", "flight", "campaign",
    "price_micros", "valid", "reason", "ip_hash", "ua_hash", "data", "synthetic",
)  # fmt: skip
NO_SESSION = uuid.UUID(int=0)


@dataclass(frozen=True, slots=True)
class Judged:
    """An event with the reason why it does not count, empty when it does."""

    event: Event
    reason: str


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
        if decisions:
            self._store_decisions(cursor, decisions)
        if tracking:
            self._store_tracking(cursor, tracking, now)

    def _store_decisions(self, cursor: Any, decisions: Sequence[Event]) -> None:
        new = tables.insert_once(cursor, "ads_decision", DECISION_COLUMNS, map(_decision_row, decisions))
        fresh = [event for event in _once(decisions) if event.id in new]
        BREAKS.add(cursor, map(self._break_fact, fresh))
        DELIVERY.add(cursor, (fact for event in fresh for fact in self._decided_facts(event)))

    def _break_fact(self, event: Event) -> tuple[datetime, Sequence[Any], Sequence[int]]:
        request, slots = event.data["request"], event.data["slots"]
        unfilled = max(0.0, request["duration"] - sum(slot["duration"] for slot in slots))
        measures = (1, int(bool(slots)), request["max_ads"], len(slots), round(unfilled * 1000), round(event.data["milliseconds"] * 1000))
        return event.occurred_at, self.facts.context(event.id, event).key(synthetic=event.synthetic), measures

    def _decided_facts(self, event: Event) -> Iterator[tuple[datetime, Sequence[Any], Sequence[int]]]:
        context = self.facts.context(event.id, event)
        for slot in event.data["slots"]:
            keys = (slot["advertiser"], slot["campaign"], slot["flight"], slot["ad"], *context.key(synthetic=event.synthetic))
            yield event.occurred_at, keys, delivery(decided=1)

    def _store_tracking(self, cursor: Any, tracking: Sequence[Event], now: datetime) -> None:
        judged = self._judge(cursor, tracking)
        new = tables.insert_once(cursor, "ads_adevent", EVENT_COLUMNS, (self._event_row(item) for item in judged))
        fresh = [item for item in judged if item.event.id in new]
        booked = ledger.book(cursor, [self._billable(item.event) for item in fresh if not item.reason and item.event.type in ledger.KIND])
        DELIVERY.add(cursor, (fact for item in fresh for fact in self._delivery_facts(item, booked.amounts)))
        self._after_commit(fresh, booked, now)

    def _judge(self, cursor: Any, tracking: Sequence[Event]) -> list[Judged]:
        """Impressions first, so that a click that arrived in the same batch finds its own."""
        shown = self.facts.impressions(cursor, tracking)
        judged: dict[uuid.UUID, Judged] = {}
        for event in sorted(tracking, key=lambda event: event.type != "ad.impression"):
            if event.id in judged:
                continue
            slot = (_decision(event), event.slot or 0)
            facts = SlotFacts(event.flight in self.facts.flights, shown.get(slot), self.facts.ad_seconds(event.ad or 0))
            judged[event.id] = Judged(event, judge(event, facts))
            if event.type == "ad.impression" and not judged[event.id].reason:
                # A second report of an impression that is stored as invalid does not make it one.
                shown.setdefault(slot, event.occurred_at)
        return [judged[event.id] for event in _once(tracking)]

    def _event_row(self, item: Judged) -> tuple[Any, ...]:
        event = item.event
        return (
            event.id, ids.day_of(event.id), event.type, event.occurred_at, event.received_at, _decision(event), event.slot or 0,
            event.session or NO_SESSION, event.viewer, event.title, event.ad or 0, event.flight or 0, self.facts.flight(event.flight).campaign,
            event.price_micros, not item.reason, item.reason, event.ip_hash, event.ua_hash, event.data,
            event.synthetic,
        )  # fmt: skip

    def _billable(self, event: Event) -> ledger.Billable:
        flight = self.facts.flight(event.flight)
        return ledger.Billable(
            event.id, event.type, _decision(event), event.slot or 0, event.flight or 0, flight.campaign, flight.advertiser, event.ad or 0,
            event.price_micros, event.occurred_at, event.received_at, event.synthetic,
        )  # fmt: skip

    def _delivery_facts(self, item: Judged, amounts: Mapping[uuid.UUID, int]) -> Iterator[tuple[datetime, Sequence[Any], Sequence[int]]]:
        event = item.event
        if item.reason:
            measures = {"invalid": 1}
        elif event.type in MEASURE_OF:
            measures = {MEASURE_OF[event.type]: 1, "revenue_micros": amounts.get(event.id, 0)}
        else:
            return
        flight = self.facts.flight(event.flight)
        context = self.facts.context(_decision(event), event)
        keys = (flight.advertiser, flight.campaign, event.flight or 0, event.ad or 0, *context.key(synthetic=event.synthetic))
        yield event.occurred_at, keys, delivery(**measures)

    def _after_commit(self, fresh: Sequence[Judged], booked: ledger.Booked, now: datetime) -> None:
        operations = [operation for item in fresh if (operation := self._operation(item)) is not None]
        balances = [account.balance() for account in booked.accounts.values()]
        outcomes = [self._outcome(item.event) for item in fresh if not item.reason and item.event.type in rates.COUNTED]

        # The tables are right whatever happens here; lost counters are made good by the next settlement or rebuild. One each:
        # the rates are counted where settling fails too.
        transaction.on_commit(lambda: reservation.settle(stream.client(), operations, balances, now=now), robust=True)
        transaction.on_commit(lambda: rates.record(stream.client(), outcomes), robust=True)

    def _operation(self, item: Judged) -> Operation | None:
        """What an event says about the hold of its slot."""
        event = item.event
        decision, slot = _decision(event), event.slot or 0
        until = event.received_at.timestamp() + HOLD_SECONDS
        if item.reason:
            return None
        if event.type in ENDS_UNCHARGED:
            return Operation("release", decision, slot)
        if event.type in ledger.CHARGED_ON:
            charged = ledger.CHARGED_ON[event.type] == self.facts.flight(event.flight).pricing
            return Operation("settle" if charged else "confirm", decision, slot, until, self._seen(event) if event.type == "ad.impression" else None)
        return Operation("extend", decision, slot, until)

    def _seen(self, event: Event) -> SeenAgain:
        flight = self.facts.flight(event.flight)
        key = f"seen:v:{event.viewer}" if event.viewer else f"seen:s:{event.session}"
        member = seen_member(event.ad or 0, event.flight or 0, flight.campaign, flight.advertiser, _decision(event), event.slot or 0)
        return SeenAgain(key, member, event.occurred_at.timestamp())

    def _outcome(self, event: Event) -> rates.Outcome:
        flight, context = self.facts.flight(event.flight), self.facts.context(_decision(event), event)
        return rates.Outcome(
            type=event.type,
            ad=event.ad or 0,
            campaign=flight.campaign,
            advertiser=flight.advertiser,
            category=self.facts.category(event.ad or 0),
            genre=context.genre,
            title=event.title,
            viewer=event.viewer,
        )


def _decision(event: Event) -> uuid.UUID:
    return event.decision or event.id


def _once(events: Iterable[Event]) -> list[Event]:
    """The events without repeated ids, in their first order."""
    return list({event.id: event for event in reversed(list(events))}.values())[::-1]


def _decision_row(event: Event) -> tuple[Any, ...]:
    data = event.data
    return (
        event.id, ids.day_of(event.id), event.occurred_at, event.session or NO_SESSION, event.viewer, event.title, data["break_id"],
        data["request"], data["state"], data["slots"], data["explanation"], data["model_version"], data["inventory_version"], data["seed"],
        data["milliseconds"], data.get("control", False), event.synthetic,
    )  # fmt: skip
