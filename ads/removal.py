"""Taking away what was never served: a draft, an empty campaign, an ad that nobody approved. Everything else is ended, not removed."""

from __future__ import annotations

from collections.abc import Iterator

from django.db import transaction
from django.db.models import ProtectedError

from .live_inventory import raise_version
from .models import Ad, AdPolicy, Advertiser, Campaign, Flight, FlightBalance
from .models.permanent import BillingRowsStay
from .services import Actor, audit

Removable = Advertiser | Campaign | Flight | Ad | AdPolicy


class StillNeeded(ValueError):
    """Something hangs on the row, or was served from it; the message says what, and what to do instead."""


@transaction.atomic
def row_delete(*, actor: Actor, row: Removable) -> None:
    """Raises StillNeeded. Whoever adds a row below it at the same moment waits, and then is refused by its foreign key."""
    locked: Removable | None = type(row)._default_manager.select_for_update().filter(pk=row.pk).first()
    if locked is None:
        raise StillNeeded("It was deleted a moment ago.")
    if words := next(_needed_for(locked), None):
        raise StillNeeded(words)
    audit(locked, actor, "Deleted: it was never served")
    try:
        with transaction.atomic():
            _close_balance(locked)
            locked.delete()
    except (ProtectedError, BillingRowsStay) as error:
        raise StillNeeded(f"{locked} was counted or charged for, and stays.") from error
    raise_version()


def _close_balance(row: Removable) -> None:
    """Each flight has a balance from its first moment; one on which nothing was ever booked is no billing row yet."""
    if isinstance(row, Flight):
        untouched = FlightBalance.objects.filter(flight=row, booked_micros=0, impressions=0, completed_views=0, clicks=0)
        untouched._raw_delete(untouched.db)  # its own delete() refuses


def _needed_for(row: Removable) -> Iterator[str]:
    if isinstance(row, Advertiser):
        yield from _of_advertiser(row)
    elif isinstance(row, Campaign):
        if flights := row.flights.count():
            yield f"{row} has {_many(flights, 'flight')}; end the campaign instead, or delete flights that never left the draft first."
    elif isinstance(row, Flight):
        yield from _of_flight(row)
    elif isinstance(row, Ad):
        yield from _of_ad(row)
    elif row.title_id is None:
        yield "This policy holds for every title without one of its own; change it instead."


def _of_advertiser(row: Advertiser) -> Iterator[str]:
    if campaigns := row.campaigns.count():
        yield f"{row} has {_many(campaigns, 'campaign')}; end those instead, or delete campaigns without flights first."
    if people := row.members.count():
        yield f"{_many(people, 'person').capitalize()} signs in for {row}; take that membership away in the admin first."


def _of_flight(row: Flight) -> Iterator[str]:
    if row.state != Flight.State.DRAFT:
        yield f"{row} is {row.state}; only a draft is deleted. End it instead: POST …/end."
    if row.history.exclude(state=Flight.State.DRAFT).exists() or row.ledger.exists():
        yield f"{row} was launched once, and its figures stay. End it instead: POST …/end."
    if ads := row.ads.count():
        yield f"{row} has {_many(ads, 'ad')}; delete those first, or end the flight instead: POST …/end."


def _of_ad(row: Ad) -> Iterator[str]:
    if row.review == Ad.Review.PROCESSING:
        yield f"The clip of {row} is being worked on; wait until that is done."
    if row.review == Ad.Review.APPROVED or row.history.filter(review=Ad.Review.APPROVED).exists() or row.ledger.exists():
        yield f"{row} was approved, so it may have been shown. Reject it, or pause its flight, and it is shown no more."


def _many(count: int, noun: str) -> str:
    return f"{'one' if count == 1 else f'{count:,}'} {noun}{'' if count == 1 else 's'}"
