"""Giving charges back: staff reverse what was booked, with a word why. The entry stays; its opposite lands in the open month."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.db import connection, transaction
from django.utils import timezone

from adplatform.eventlog import ids, stream
from adplatform.eventlog.envelope import Event

from . import ledger, reservation
from .effects import figures
from .facts import Facts
from .models import AdEvent, LedgerEntry
from .rollups import DELIVERY
from .services import Actor, WrongState

REASON = "refund"
LONGEST_NOTE = 200
_TYPE_OF = {kind: event_type for event_type, kind in ledger.KIND.items()}


@dataclass(frozen=True, slots=True)
class Refunded:
    """``entries`` were given back, ``micros`` in all; ``skipped`` are those that could not be, with a sentence each."""

    entries: tuple[LedgerEntry, ...]
    micros: int
    skipped: Mapping[int, str]


def charge_refund(*, actor: Actor, entry: LedgerEntry, note: str) -> LedgerEntry:
    """Give one charge back and return its reversal. What was delivered stays delivered; what it took of budget and goal can be sold again.

    Raises WrongState with a sentence when it cannot be given back, or was already.
    """
    done = charges_refund(actor=actor, entries=[entry], note=note)
    if done.skipped:
        raise WrongState(done.skipped[entry.pk])
    return LedgerEntry.objects.get(decision=entry.decision, slot=entry.slot, kind=LedgerEntry.Kind.REVERSAL)


@transaction.atomic
def charges_refund(*, actor: Actor, entries: Sequence[LedgerEntry], note: str) -> Refunded:
    """Give several charges back, each once; those that cannot be are skipped and told. Raises WrongState when no reason is given."""
    why = note.strip()
    if not why or len(why) > LONGEST_NOTE:
        raise WrongState(f"Say why the charge is given back, in 1 to {LONGEST_NOTE} characters; the advertiser will ask.")
    skipped = {entry.pk: problem for entry in entries if (problem := _problem(entry))}
    wanted = {entry.event: entry for entry in entries if entry.pk not in skipped}
    now = timezone.now()
    with connection.cursor() as wrapper:
        cursor = wrapper.cursor
        back = ledger.reverse(
            cursor,
            [
                ledger.Reversal(
                    event=entry.event, type=_TYPE_OF[entry.kind], decision=entry.decision, slot=entry.slot, flight=entry.flight_id, reason=REASON,
                    at=now, received_at=entry.booked_at, note=why, by=actor.pk if actor else None,
                )
                for entry in wanted.values()
            ],
        )  # fmt: skip
        taken = {event: wanted[event] for event in back.events}
        _lower_figures(cursor, taken, back.amounts)
    skipped |= {entry.pk: _already(entry) for event, entry in wanted.items() if event not in taken}
    transaction.on_commit(lambda: reservation.settle(stream.client(), [], back.balances, now=now), robust=True)
    return Refunded(tuple(taken.values()), sum(back.amounts.values()), skipped)


def _problem(entry: LedgerEntry) -> str:
    if entry.kind == LedgerEntry.Kind.REVERSAL:
        return "This entry is itself a reversal; there is nothing to give back."
    if entry.amount_micros <= 0:
        return "Nothing was charged by this entry, so there is nothing to give back."
    return ""


def _already(entry: LedgerEntry) -> str:
    reversal = LedgerEntry.objects.filter(decision=entry.decision, slot=entry.slot, kind=LedgerEntry.Kind.REVERSAL).first()
    when = f" on {reversal.booked_at:%d %b %Y, %H:%M} UTC" if reversal else ""
    return f"This charge was given back already{when}; a charge is given back once."


def _lower_figures(cursor: object, taken: Mapping[uuid.UUID, LedgerEntry], amounts: Mapping[uuid.UUID, int]) -> None:
    """Revenue goes where it came from: the time of delivery, under the owner that was charged."""
    facts = Facts()
    title = dict(AdEvent.objects.filter(day__in={ids.day_of(event) for event in taken}, pk__in=list(taken)).values_list("pk", "title"))
    events = [
        Event(
            id=entry.event, type=_TYPE_OF[entry.kind], occurred_at=entry.occurred_at, received_at=entry.booked_at, decision=entry.decision,
            slot=entry.slot, title=title.get(entry.event), ad=entry.ad_id, flight=entry.flight_id, synthetic=entry.synthetic,
        )
        for entry in taken.values()
    ]  # fmt: skip
    facts.learn(cursor, [], events)
    DELIVERY.add(
        cursor,
        [
            figures(
                event,
                facts,
                {"revenue_micros": -amounts[event.id], "reversed_micros": amounts[event.id]},
                owner=(taken[event.id].advertiser_id, taken[event.id].campaign_id),
            )
            for event in events
        ],
    )
