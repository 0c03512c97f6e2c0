"""What of an OpenRTB 2.6 bid request is read; the other fields may be there. Every list and number is bounded."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

FIRST_TAXONOMY = 1
MOST_IMPS = 30

Text = Annotated[str, Meta(max_length=4_096)]
Id = Annotated[str, Meta(min_length=1, max_length=200)]
Amount = Annotated[float, Meta(ge=0, le=1e6)]
Seconds = Annotated[float, Meta(ge=0, le=86_400)]
Whole = Annotated[int, Meta(ge=-1_000_000, le=1_000_000)]
Texts = Annotated[list[Text], Meta(max_length=5_000)]
Wholes = Annotated[list[Whole], Meta(max_length=500)]


class DurFloor(msgspec.Struct):
    mindur: Seconds = 0
    maxdur: Seconds = 86_400
    bidfloor: Amount = 0


class Video(msgspec.Struct):
    mimes: Texts
    minduration: Seconds = 0
    maxduration: Seconds | None = None
    startdelay: Whole | None = None
    maxseq: Whole | None = None
    poddur: Seconds | None = None
    protocols: Wholes | None = None
    podid: Text | None = None
    podseq: Whole = 0
    rqddurs: Annotated[list[Seconds], Meta(max_length=100)] | None = None
    linearity: Whole | None = None
    slotinpod: Whole = 0
    mincpmpersec: Amount = 0
    durfloors: Annotated[list[DurFloor], Meta(max_length=100)] = []


class Pmp(msgspec.Struct):
    private_auction: Whole = 0


class Imp(msgspec.Struct):
    id: Id
    video: Video | None = None
    bidfloor: Amount = 0
    bidfloorcur: Text = "USD"
    pmp: Pmp | None = None


class Content(msgspec.Struct):
    genre: Text = ""
    contentrating: Text = ""


class Place(msgspec.Struct):
    """A site or an app."""

    content: Content | None = None


class Geo(msgspec.Struct):
    country: Text = ""
    utcoffset: Whole | None = None


class Device(msgspec.Struct):
    ua: Text = ""
    ip: Text = ""
    ipv6: Text = ""
    ifa: Text = ""
    devicetype: Whole | None = None
    dnt: Whole = 0
    lmt: Whole = 0
    geo: Geo | None = None


class UserExt(msgspec.Struct):
    consent: Text = ""


class User(msgspec.Struct):
    id: Text = ""
    buyeruid: Text = ""
    yob: Whole | None = None
    gender: Text = ""
    consent: Text = ""
    ext: UserExt | None = None


class RegsExt(msgspec.Struct):
    """Where 2.5 kept what 2.6 has in the object itself."""

    gdpr: Whole | None = None
    us_privacy: Text = ""
    gpc: Text | Whole | None = None


class Regs(msgspec.Struct):
    coppa: Whole = 0
    gdpr: Whole | None = None
    us_privacy: Text = ""
    gpp: Text = ""
    gpp_sid: Wholes = []
    ext: RegsExt | None = None


class BidRequest(msgspec.Struct):
    id: Id
    imp: Annotated[list[Imp], Meta(min_length=1, max_length=MOST_IMPS)]
    site: Place | None = None
    app: Place | None = None
    device: Device | None = None
    user: User | None = None
    regs: Regs | None = None
    test: Whole = 0
    cur: Texts | None = None
    wseat: Texts | None = None
    bseat: Texts | None = None
    acat: Texts | None = None
    bcat: Texts | None = None
    cattax: Whole = FIRST_TAXONOMY
    badv: Texts | None = None


_decode = msgspec.json.Decoder(BidRequest).decode


def read(raw: bytes) -> BidRequest:
    """Raises msgspec.DecodeError that names the field, UnicodeError or RecursionError."""
    return _decode(raw)
