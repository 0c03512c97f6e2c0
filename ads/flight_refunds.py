"""Giving back what a flight was charged in a period: counted first, then reversed charge by charge as single refunds are."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import Count, Exists, OuterRef, Q, QuerySet, Sum

from .models import Flight, LedgerEntry
from .refunds import Refunded, charges_refund
from .services import Actor, WrongState

# So many charges are reversed in one transaction; more are given back in several goes, of shorter periods.
MOST = 20_000
BATCH = 1_000


@dataclass(frozen=True, slots=True)
class Charged:
    """What stands on a flight in a period and can be given back: how many charges, and micros."""

    charges: int
    micros: int


def open_charges(flight: Flight, start: datetime, end: datetime) -> QuerySet[LedgerEntry]:
    """Charges booked from ``start`` to before ``end`` that were not given back, the latest first."""
    reversals = LedgerEntry.objects.filter(decision=OuterRef("decision"), slot=OuterRef("slot"), kind=LedgerEntry.Kind.REVERSAL)
    rows = LedgerEntry.objects.filter(flight=flight, booked_at__gte=start, booked_at__lt=end, amount_micros__gt=0)
    return rows.filter(~Q(kind=LedgerEntry.Kind.REVERSAL), ~Exists(reversals)).order_by("-booked_at", "-pk")


def charged(flight: Flight, start: datetime, end: datetime) -> Charged:
    found = open_charges(flight, start, end).aggregate(charges=Count("pk"), micros=Sum("amount_micros"))
    return Charged(found["charges"], found["micros"] or 0)


def chosen(flight: Flight, start: datetime, end: datetime, most_micros: int | None) -> list[LedgerEntry]:
    """The charges to give back: all of the period, or the latest of them up to ``most_micros``. Raises WrongState in words."""
    if start >= end:
        raise WrongState("The period ends before it begins.")
    rows = list(open_charges(flight, start, end)[: MOST + 1])
    if most_micros is not None:
        left, kept = most_micros, []
        for row in rows:
            if row.amount_micros <= left:
                left -= row.amount_micros
                kept.append(row)
        rows = kept
    if not rows:
        raise WrongState("Nothing was charged in that period that was not given back already, or a single charge is more than the amount.")
    if len(rows) > MOST:
        raise WrongState(f"These are more than {MOST:,} charges; give back a shorter period at a time.")
    return rows


@transaction.atomic
def flight_refund(*, actor: Actor, flight: Flight, start: datetime, end: datetime, note: str, most_micros: int | None = None) -> Refunded:
    """Give back what the flight was charged in a period. Safe to run twice: a charge is given back once. Raises WrongState in words."""
    entries = chosen(flight, start, end, most_micros)
    done = [charges_refund(actor=actor, entries=entries[at : at + BATCH], note=note) for at in range(0, len(entries), BATCH)]
    skipped = {pk: words for one in done for pk, words in one.skipped.items()}
    return Refunded(tuple(entry for one in done for entry in one.entries), sum(one.micros for one in done), skipped)
