"""Whose rows somebody may see: one place for admin, API and reports, so that no page forgets to ask."""

from __future__ import annotations

from typing import Any, TypeVar

from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser, User
from django.db.models import Model, QuerySet

from adplatform.permissions import ADVERTISER_MEMBER, GROUPS, SELLING

from .models import (
    Ad,
    AdIcon,
    AdVerification,
    Advertiser,
    AdvertiserMember,
    Campaign,
    Companion,
    CreativeFile,
    Flight,
    FlightBalance,
    FlightForecast,
    LedgerEntry,
)

Row = TypeVar("Row", bound=Model)

# Groups that read what everybody sells.
EVERYBODYS = frozenset(name for name, rights in GROUPS.items() if name != ADVERTISER_MEMBER and set(SELLING) & {*rights.view, *rights.edit})
# How a row leads to its advertiser. A model that is not here is nobody's own: a narrowed person sees none of it.
TO_ADVERTISER: dict[type[Model], str] = {
    Advertiser: "pk",
    Campaign: "advertiser",
    Flight: "campaign__advertiser",
    Ad: "flight__campaign__advertiser",
    CreativeFile: "asset__ads__flight__campaign__advertiser",
    Companion: "ad__flight__campaign__advertiser",
    AdIcon: "ad__flight__campaign__advertiser",
    AdVerification: "ad__flight__campaign__advertiser",
    FlightBalance: "flight__campaign__advertiser",
    FlightForecast: "flight__campaign__advertiser",
    LedgerEntry: "advertiser",
}
EVERYBODY = None
NOBODY = 0


def advertiser_of(user: AbstractBaseUser | AnonymousUser) -> int | None:
    """The one advertiser to which this person is narrowed, `NOBODY` (0) when the group is held without a membership, None when not narrowed.

    Somebody of an advertiser who also holds a group that reads everybody's rows is not narrowed, as on the live pages and in the chat.
    """
    if not isinstance(user, User):
        return NOBODY
    kept: int | str | None = getattr(user, "_narrowed_to", "")
    if isinstance(kept, str):
        kept = _asked(user)
        # A request asks dozens of times; the instance lives as long as the request.
        user._narrowed_to = kept  # type: ignore[attr-defined]
    return kept


def _asked(user: User) -> int | None:
    if user.is_superuser:
        return EVERYBODY
    groups = set(user.groups.values_list("name", flat=True))
    if ADVERTISER_MEMBER not in groups or groups & EVERYBODYS:
        return EVERYBODY
    return AdvertiserMember.objects.filter(user=user).values_list("advertiser_id", flat=True).first() or NOBODY


def visible_to(user: AbstractBaseUser | AnonymousUser, rows: QuerySet[Row]) -> QuerySet[Row]:
    """``rows`` without those of other advertisers. What anybody may see at all is still for Django's permissions to say."""
    advertiser = advertiser_of(user)
    if advertiser is EVERYBODY:
        return rows
    path = TO_ADVERTISER.get(rows.model)
    if path is None:
        return rows.none()
    found = rows.filter(**{path: advertiser})
    return found.distinct() if rows.model is CreativeFile else found


def may_see(user: AbstractBaseUser | AnonymousUser, row: Any) -> bool:
    return visible_to(user, type(row)._default_manager.filter(pk=row.pk)).exists()
