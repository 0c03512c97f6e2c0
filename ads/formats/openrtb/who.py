"""Who watches, as far as a bid request tells and they agreed: viewer, device, country and the hour where they are. Pure."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import datetime, timedelta

from ads.countries import ALPHA_3, COUNTRIES

from .request import BidRequest, Device, Regs, User

# People of other sellers are kept apart from our own viewers.
VIEWERS = uuid.UUID("0c1d64f5-6f1f-5b0e-8a35-3a4cf2d0d1b7")
# AdCOM 1.0, list "Device Types".
DEVICES = {1: "mobile", 2: "desktop", 3: "tv", 4: "mobile", 5: "tablet", 6: "tv", 7: "tv", 8: "tv"}
GENDERS = {"F": "female", "M": "male", "O": "other"}
AGES = ((18, 24, "18-24"), (25, 34, "25-34"), (35, 44, "35-44"), (45, 54, "45-54"), (55, 120, "55+"))


def consented(request: BidRequest, *, tcf: Callable[[str], bool], gpp: Callable[[str, frozenset[int]], bool]) -> bool:
    """Whether the viewer's profile may be used: something says yes and nothing says no.

    ``tcf`` reads a consent string of the GDPR, ``gpp`` one of the Global Privacy Platform with the sections that apply. The US string (IAB CCPA,
    version 1) says in its second place that people were told, in its third that they objected.
    """
    regs, device = request.regs or Regs(), request.device or Device()
    if regs.coppa or device.dnt or device.lmt or (regs.ext is not None and str(regs.ext.gpc) == "1"):
        return False
    said = []
    gdpr = regs.gdpr if regs.gdpr is not None else regs.ext.gdpr if regs.ext else None
    user = request.user or User()
    if gdpr:
        said.append(tcf(user.consent or (user.ext.consent if user.ext else "")))
    applying = frozenset(number for number in regs.gpp_sid if number > 0)
    if regs.gpp or applying:
        said.append(gpp(regs.gpp, applying))
    if us_privacy := (regs.us_privacy or (regs.ext.us_privacy if regs.ext else "")).upper():
        said.append(len(us_privacy) == 4 and us_privacy[1:3] == "YN")
    return bool(said) and all(said)


def viewer(request: BidRequest) -> uuid.UUID | None:
    """The same for the same person, None where nobody is named."""
    user, device = request.user or User(), request.device or Device()
    name = user.buyeruid or user.id or device.ifa
    return uuid.uuid5(VIEWERS, name) if name else None


def session(request: BidRequest) -> uuid.UUID:
    """One request is one playback: who asks again with its id gets the same answer."""
    return uuid.uuid5(VIEWERS, f"request/{request.id}")


def gender(user: User | None) -> str | None:
    return GENDERS.get(user.gender.upper()) if user else None


def age_band(user: User | None, now: datetime) -> str | None:
    years = now.year - user.yob if user and user.yob else -1
    return next((band for low, high, band in AGES if low <= years <= high), None)


def device(asked: Device | None) -> str:
    return DEVICES.get((asked.devicetype if asked else None) or 2, "desktop")


def country(asked: Device | None) -> str | None:
    """ISO 3166-1 alpha-2, from the alpha-3 of the standard or the alpha-2 that some send."""
    code = (asked.geo.country if asked and asked.geo else "").upper()
    return ALPHA_3.get(code) or (code if code in COUNTRIES else None)


def clock(asked: Device | None, now: datetime) -> datetime:
    """``now`` where the viewer is; UTC where nothing tells."""
    minutes = asked.geo.utcoffset if asked and asked.geo and asked.geo.utcoffset is not None else 0
    return now + timedelta(minutes=minutes) if -16 * 60 <= minutes <= 16 * 60 else now
