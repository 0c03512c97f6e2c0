"""Writes of ad-ops staff: one transaction each, checked, audited, and told to every serving process on commit."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from typing import Any, TypeVar, cast

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import connection, transaction
from django.db.models import Model

from adplatform.eventlog import stream
from catalog.models import MediaAsset

from . import ledger, reservation
from .decision.inventory import LIFETIME
from .live_inventory import raise_version
from .models import Ad, AdPolicy, Advertiser, Campaign, CreativeFile, Flight
from .terms import unreadable

Actor = AbstractBaseUser | AnonymousUser
Moved = TypeVar("Moved", Campaign, Flight, Ad)
Written = TypeVar("Written", Advertiser, Campaign, Flight, Ad, AdPolicy)

APPROVE = "ads.approve_ad"
# Decided on by a reviewer. One that was never in review has a clip that was there before it.
DECIDABLE = frozenset({Ad.Review.IN_REVIEW, Ad.Review.UPLOADED})
# What a reviewer has seen and agreed to. When it changes, the ad is another ad.
REVIEWED_FIELDS = frozenset({"asset", "asset_id", "click_through", "category", "headline"})


class WrongState(ValueError):
    """The row is not in a state from which this can be done; the message says which and what to do."""


# Rows as they are sold


def row_create(*, actor: Actor, row: Written, reason: str = "Created") -> Written:
    """Store a new row; ``reason`` is told by its history. Raises django.core.exceptions.ValidationError with a sentence for each field."""
    if isinstance(row, Ad):
        put_in_review(row)
    return _write(actor, row, reason)


def row_update(*, actor: Actor, row: Written, changes: Mapping[str, Any], reason: str = "Changed") -> Written:
    """Change fields of a stored row, as it is now. Raises django.core.exceptions.ValidationError with a sentence for each field."""
    with transaction.atomic():
        if isinstance(row, Flight) and "goal_type" in changes:
            goal_lock(row)
        locked: Written = _lock(row)
        before = {name: getattr(locked, name) for name in changes}
        for name, value in changes.items():
            setattr(locked, name, value)
        changed = {name for name, value in changes.items() if before[name] != value}
        if isinstance(locked, Ad):
            review_again(locked, changed)
        stored = _write(actor, locked, reason)
        terms_changed(stored, {name: before[name] for name in changed})
        return stored


def review_again(ad: Ad, changed: Collection[str]) -> bool:
    """Send an approved ad back to review when what was approved has changed; the caller saves it."""
    again = ad.review == Ad.Review.APPROVED and not REVIEWED_FIELDS.isdisjoint(changed)
    if again:
        ad.review = Ad.Review.IN_REVIEW if ad.asset.state == MediaAsset.State.READY else Ad.Review.UPLOADED
        ad.review_note, ad.reviewed_by, ad.reviewed_at = "", None, None
    return again


def put_in_review(ad: Ad) -> None:
    """An ad whose clip is there already waits for a reviewer at once; the caller saves it."""
    if ad.review == Ad.Review.UPLOADED and ad.asset_id and ad.asset.state == MediaAsset.State.READY:
        ad.review = Ad.Review.IN_REVIEW


@transaction.atomic
def clip_is_there(*, asset: MediaAsset) -> None:
    """Ads that waited for this clip wait for a reviewer from now on."""
    if not MediaAsset.objects.filter(pk=asset.pk, state=MediaAsset.State.READY).exists():
        return
    waiting = Ad.objects.select_for_update(no_key=True).filter(asset=asset, review__in=[Ad.Review.UPLOADED, Ad.Review.PROCESSING])
    for ad in waiting.order_by("pk"):
        ad.review = Ad.Review.IN_REVIEW
        audit(ad, None, "Packaged, waits for review")
        ad.save(update_fields=["review"])


def goal_lock(flight: Flight) -> None:
    """Before a change of goal is written: the balance is locked first and the flight after it, as every booking does."""
    with connection.cursor() as wrapper:
        ledger.lock(wrapper.cursor, [(flight.pk, datetime.now(UTC).date())])


def terms_changed(row: Model, before: Mapping[str, Any]) -> None:
    """What was counted must follow what is sold: ``before`` holds the old values of the fields that changed, the row is saved.

    The figures in Redis count events of the goal and only grow, and a lifetime is counted for what has such a cap alone. Both are
    counted anew from what is stored.
    """
    if isinstance(row, Flight) and "goal_type" in before:
        with connection.cursor() as wrapper:
            ledger.recount_day(wrapper.cursor, row.pk)
        _count_anew()
    elif isinstance(row, Flight | Campaign) and "frequency_caps" in before and _lifetimes(row.frequency_caps) - _lifetimes(before["frequency_caps"]):
        _count_anew()


def _lifetimes(caps: Any) -> set[str]:
    """The scopes that are capped over a lifetime; stored caps that cannot be read count nothing."""
    return {cap["scope"] for cap in caps if cap["per"] == LIFETIME} if caps and not next(unreadable({}, caps), None) else set()


def _serves_again(row: Model) -> None:
    """While a flight does not serve, nobody counts the lifetimes that only it caps."""
    flights = row.flights.all() if isinstance(row, Campaign) else [row] if isinstance(row, Flight) else []
    if any(_lifetimes(flight.frequency_caps) or _lifetimes(flight.campaign.frequency_caps) for flight in flights):
        _count_anew()


def _count_anew() -> None:
    transaction.on_commit(lambda: reservation.forget(stream.client()), robust=True)


@transaction.atomic
def _write(actor: Actor, row: Written, reason: str) -> Written:
    row.full_clean()
    audit(row, actor, reason)
    row.save()
    raise_version()
    return row


# Steering


def campaign_pause(*, actor: Actor, campaign: Campaign) -> Campaign:
    """Stop every flight of the campaign from serving until it is resumed."""
    return _move(actor, campaign, "state", {Campaign.State.ACTIVE}, Campaign.State.PAUSED, "paused")


def campaign_resume(*, actor: Actor, campaign: Campaign) -> Campaign:
    return _move(actor, campaign, "state", {Campaign.State.PAUSED}, Campaign.State.ACTIVE, "resumed")


def campaign_end(*, actor: Actor, campaign: Campaign) -> Campaign:
    return _move(actor, campaign, "state", {Campaign.State.ACTIVE, Campaign.State.PAUSED}, Campaign.State.ENDED, "ended")


def flight_launch(*, actor: Actor, flight: Flight, now: datetime) -> Flight:
    """Let a draft serve. Raises WrongState when it would be live and silent, ValidationError when its terms no longer hold."""
    if not flight.ads.filter(review=Ad.Review.APPROVED).exists():
        raise WrongState(f"{flight.name} has no approved ad; add one and have it approved first.")
    if flight.ends_at <= now:
        raise WrongState(f"{flight.name} ended on {flight.ends_at:%d %b %Y}; give it later dates first.")
    flight.full_clean()
    return _move(actor, flight, "state", {Flight.State.DRAFT}, Flight.State.LIVE, "launched")


def flight_pause(*, actor: Actor, flight: Flight) -> Flight:
    return _move(actor, flight, "state", {Flight.State.LIVE}, Flight.State.PAUSED, "paused")


def flight_resume(*, actor: Actor, flight: Flight) -> Flight:
    return _move(actor, flight, "state", {Flight.State.PAUSED}, Flight.State.LIVE, "resumed")


def flight_end(*, actor: Actor, flight: Flight) -> Flight:
    return _move(actor, flight, "state", {Flight.State.LIVE, Flight.State.PAUSED, Flight.State.DRAFT}, Flight.State.ENDED, "ended")


def flights_expire(*, now: datetime) -> int:
    """End every flight whose dates are over, in the system's own name. How many; safe to run at any time and twice."""
    over = Flight.objects.filter(state__in=[Flight.State.LIVE, Flight.State.PAUSED], ends_at__lte=now)
    return sum(_expire(flight.pk, now) for flight in over.only("pk"))


@transaction.atomic
def _expire(flight: int, now: datetime) -> bool:
    # Read again under the lock: its dates may have been moved a moment ago.
    locked = (
        Flight.objects.select_for_update(no_key=True).filter(pk=flight, state__in=[Flight.State.LIVE, Flight.State.PAUSED], ends_at__lte=now).first()
    )
    if locked is None:
        return False
    locked.state = Flight.State.ENDED
    audit(locked, None, "Ended by the system: its last day is over")
    locked.save(update_fields=["state"])
    raise_version()
    return True


def ad_approve(*, actor: Actor, ad: Ad, note: str = "") -> Ad:
    """Let the ad serve. Raises PermissionDenied when the actor may not, WrongState when its clip is not ready or it is approved already."""
    _may_approve(actor)
    with transaction.atomic():
        # The clip first: who packages it takes both in this order.
        clip = MediaAsset.objects.select_for_update(no_key=True).get(ads=ad.pk)
        if clip.state != MediaAsset.State.READY:
            raise WrongState(f"{ad} cannot be approved: {_why_no_clip(clip)}")
        return _decide(actor, ad, DECIDABLE | {Ad.Review.REJECTED}, Ad.Review.APPROVED, note)


def ad_reject(*, actor: Actor, ad: Ad, note: str) -> Ad:
    """Keep the ad from serving; ``note`` tells its owner why. Raises PermissionDenied, WrongState, ValidationError without a note."""
    _may_approve(actor)
    if not note.strip():
        raise ValidationError({"note": "Say in a note why it is rejected: whoever made it reads it and knows what to change."})
    return _decide(actor, ad, DECIDABLE | {Ad.Review.APPROVED}, Ad.Review.REJECTED, note)


def _why_no_clip(clip: MediaAsset) -> str:
    file = CreativeFile.objects.filter(asset=clip).first()
    if file is not None and file.state in (CreativeFile.State.UPLOADED, CreativeFile.State.PROCESSING):
        return f"its file {file.name} is still being processed; wait until it is in review."
    if file is not None and file.state == CreativeFile.State.REFUSED:
        return f"its file {file.name} was refused. {file.problem}"
    return f"its clip {clip.key} is {clip.get_state_display().lower()}; have it built first."


@transaction.atomic
def _decide(actor: Actor, ad: Ad, allowed: Collection[Any], to: Ad.Review, note: str) -> Ad:
    """Raises WrongState when somebody else decided first, or there is nothing to decide on yet."""
    locked = _lock(ad)
    if locked.review not in allowed:
        raise WrongState(f"{locked} is {locked.get_review_display().lower()}; {_instead(locked, to)}")
    locked.review, locked.review_note, locked.reviewed_by, locked.reviewed_at = to, note.strip()[:300], actor, datetime.now(UTC)
    audit(locked, actor, f"{to.label}: {note.strip()}"[:100] if note.strip() else to.label)
    locked.save(update_fields=["review", "review_note", "reviewed_by", "reviewed_at"])
    raise_version()
    for name in ("review", "review_note", "reviewed_by", "reviewed_at"):
        setattr(ad, name, getattr(locked, name))
    return cast("Ad", locked)


def _instead(ad: Ad, to: Ad.Review) -> str:
    if ad.review == to:
        return "somebody decided so already."
    return f"it can be {to.label.lower()} once its clip is in review."


def _may_approve(actor: Actor) -> None:
    has_perm = getattr(actor, "has_perm", None)
    if has_perm is None or not has_perm(APPROVE):
        raise PermissionDenied("Ads are approved and rejected by the ad-ops lead.")


@transaction.atomic
def _move(actor: Actor, row: Moved, field: str, allowed: Collection[Any], to: str, verb: str) -> Moved:
    """Raises WrongState when somebody else moved the row first, or it was never there."""
    locked: Moved = _lock(row)
    current = getattr(locked, field)
    if current not in allowed:
        raise WrongState(f"{locked} is {current}; only {' or '.join(sorted(str(state) for state in allowed))} can be {verb}.")
    setattr(locked, field, to)
    audit(locked, actor, verb.capitalize())
    locked.save(update_fields=[field])
    raise_version()
    if to in (Flight.State.LIVE, Campaign.State.ACTIVE):
        _serves_again(locked)
    setattr(row, field, to)
    return locked


def _lock(row: Any) -> Any:
    # Without the key: the ledger points at this row, and bookings need not wait for staff.
    return type(row)._default_manager.select_for_update(no_key=True).get(pk=row.pk)


def audit(row: Model, actor: Actor | None, reason: str) -> None:
    """Who (None: the system itself) and why, for the history row that the next save writes."""
    row._history_user = actor  # type: ignore[attr-defined]
    row._change_reason = reason  # type: ignore[attr-defined]
