"""Whose browser this is: the account where somebody is signed in, else a cookie that owns the profiles made here."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser
from django.http import HttpRequest, HttpResponse

from adplatform.eventlog import sender
from adplatform.eventlog.hashing import daily_hash
from engagement import selectors, services
from engagement.models import Device, Viewer
from engagement.playback.live import Around

COOKIE = "browser"
COOKIE_SECONDS = 365 * 24 * 3600
SESSION_KEY = "viewer"
DEVICE_KEY = "demo_device"
HOUR_KEY = "demo_hour"
GUEST = "Guest"
LONGEST_ZONE = 40


@dataclass(frozen=True)
class Owner:
    """Exactly one of the two is set, except for a browser that never made a profile: then neither."""

    account: AbstractBaseUser | None
    browser: uuid.UUID | None


def owner_of(request: HttpRequest) -> Owner:
    if request.user.is_authenticated:
        return Owner(request.user, None)
    kept = request.get_signed_cookie(COOKIE, default="")
    try:
        return Owner(None, uuid.UUID(kept) if kept else None)
    except ValueError:
        return Owner(None, None)


def profiles_of(request: HttpRequest) -> list[Viewer]:
    owner = owner_of(request)
    return list(selectors.viewers_owned_by(account=owner.account, browser=owner.browser))


def viewer_of(request: HttpRequest) -> Viewer | None:
    """The chosen profile, if it still exists and still belongs to whoever asks."""
    chosen = request.session.get(SESSION_KEY)
    if not chosen:
        return None
    owner = owner_of(request)
    return selectors.viewers_owned_by(account=owner.account, browser=owner.browser).filter(pk=chosen).first()


def choose(request: HttpRequest, viewer: Viewer) -> None:
    request.session[SESSION_KEY] = str(viewer.pk)


def owner_for_writing(request: HttpRequest) -> Owner:
    """As ``owner_of``, but a browser without a cookie is given one; pass it to ``keep_cookie`` with the response."""
    owner = owner_of(request)
    return owner if owner.account or owner.browser else Owner(None, uuid.uuid4())


def keep_cookie(request: HttpRequest, response: HttpResponse, owner: Owner) -> HttpResponse:
    if owner.browser:
        response.set_signed_cookie(COOKIE, str(owner.browser), max_age=COOKIE_SECONDS, httponly=True, samesite="Lax", secure=request.is_secure())
    return response


def guest(request: HttpRequest, owner: Owner) -> Viewer:
    """For somebody who presses Play before choosing: their guest profile, made where there is none: nothing known, no consent.

    An owner who may have no further profile goes on with the oldest one.
    """
    owned = selectors.viewers_owned_by(account=owner.account, browser=owner.browser)
    viewer = owned.filter(name=GUEST).first()
    if viewer is None:
        try:
            viewer = services.viewer_create(actor=owner.account, browser=owner.browser, name=GUEST)
        except services.TooManyProfiles:
            viewer = owned[0]
    choose(request, viewer)
    return viewer


def demo_device(request: HttpRequest) -> str:
    return str(request.session.get(DEVICE_KEY) or "")


def demo_hour(request: HttpRequest) -> int | None:
    hour = request.session.get(HOUR_KEY)
    return int(hour) if hour is not None else None


def around(request: HttpRequest, *, zone: str, hour: int | None, now: datetime) -> Around:
    """Who watches, as this request tells it: the zone its browser says, the country an edge says, hashes of address and browser."""
    told = request.META.get(f"HTTP_{settings.COUNTRY_HEADER.upper().replace('-', '_')}", "") if settings.COUNTRY_HEADER else ""
    country = told.strip().upper()
    return Around(
        zone=zone if len(zone) <= LONGEST_ZONE else "",
        country=country if len(country) == 2 and country.isascii() and country.isalpha() else "",
        hour=demo_hour(request) if hour is None else hour,
        ip_hash=daily_hash(sender.address(request), now=now),
        ua_hash=daily_hash(sender.user_agent(request), now=now),
        day=now.date().isoformat(),
    )


def shell(request: HttpRequest, viewer: Viewer | None) -> dict[str, Any]:
    """What the frame of every page shows: the profile, and the demo controls as they stand."""
    return {
        "viewer": viewer,
        "demo_device": demo_device(request),
        "demo_device_label": dict(Device.choices).get(demo_device(request), ""),
        "demo_hour": demo_hour(request),
    }
