"""Writes of ad-ops staff: one transaction each, checked, audited, and told to every serving process on commit."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, TypeVar

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.db import transaction
from django.db.models import Model

from .live_inventory import raise_version
from .models import Ad, Campaign, Flight

Actor = AbstractBaseUser | AnonymousUser
Audited = TypeVar("Audited", Campaign, Flight, Ad)


class WrongState(ValueError):
    """The row is not in a state from which this can be done; the message says which and what to do."""


def campaign_pause(*, actor: Actor, campaign: Campaign) -> Campaign:
    """Stop every flight of the campaign from serving until it is resumed."""
    return _move(actor, campaign, "state", {Campaign.State.ACTIVE}, Campaign.State.PAUSED, "paused")


def campaign_resume(*, actor: Actor, campaign: Campaign) -> Campaign:
    return _move(actor, campaign, "state", {Campaign.State.PAUSED}, Campaign.State.ACTIVE, "resumed")


def campaign_end(*, actor: Actor, campaign: Campaign) -> Campaign:
    return _move(actor, campaign, "state", {Campaign.State.ACTIVE, Campaign.State.PAUSED}, Campaign.State.ENDED, "ended")


def flight_launch(*, actor: Actor, flight: Flight) -> Flight:
    """Let a draft serve. Raises WrongState when it has no approved ad: it would be live and silent."""
    if not flight.ads.filter(review=Ad.Review.APPROVED).exists():
        raise WrongState(f"{flight.name} has no approved ad; add one and have it approved first.")
    return _move(actor, flight, "state", {Flight.State.DRAFT}, Flight.State.LIVE, "launched")


def flight_pause(*, actor: Actor, flight: Flight) -> Flight:
    return _move(actor, flight, "state", {Flight.State.LIVE}, Flight.State.PAUSED, "paused")


def flight_resume(*, actor: Actor, flight: Flight) -> Flight:
    return _move(actor, flight, "state", {Flight.State.PAUSED}, Flight.State.LIVE, "resumed")


def flight_end(*, actor: Actor, flight: Flight) -> Flight:
    return _move(actor, flight, "state", {Flight.State.LIVE, Flight.State.PAUSED, Flight.State.DRAFT}, Flight.State.ENDED, "ended")


def ad_approve(*, actor: Actor, ad: Ad) -> Ad:
    """Let the ad serve, as soon as its clip is ready."""
    return _move(actor, ad, "review", set(Ad.Review) - {Ad.Review.APPROVED}, Ad.Review.APPROVED, "approved")


def ad_reject(*, actor: Actor, ad: Ad) -> Ad:
    return _move(actor, ad, "review", set(Ad.Review) - {Ad.Review.REJECTED}, Ad.Review.REJECTED, "rejected")


@transaction.atomic
def _move(actor: Actor, row: Audited, field: str, allowed: Collection[Any], to: str, verb: str) -> Audited:
    """Raises WrongState when somebody else moved the row first, or it was never there."""
    locked = _lock(row)
    current = getattr(locked, field)
    if current not in allowed:
        raise WrongState(f"{locked} is {current}; only {' or '.join(sorted(str(state) for state in allowed))} can be {verb}.")
    setattr(locked, field, to)
    audit(locked, actor, verb.capitalize())
    locked.save(update_fields=[field])
    raise_version()
    setattr(row, field, to)
    return locked


def _lock(row: Audited) -> Audited:
    model: type[Audited] = type(row)
    return model._default_manager.select_for_update().get(pk=row.pk)


def audit(row: Model, actor: Actor, reason: str) -> None:
    """Who and why, for the history row that the next save writes."""
    row._history_user = actor  # type: ignore[attr-defined]
    row._change_reason = reason  # type: ignore[attr-defined]
