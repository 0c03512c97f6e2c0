"""What a bid request asks to be decided: its slots and pods (implementation notes of OpenRTB 2.6, section 7.6), and what each of them takes. Pure.

A pod is asked for as single slots (structured), as seconds to fill (dynamic), or both (hybrid).
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable
from dataclasses import dataclass, replace

from ads.decision.request import Limits
from ads.formats.categories import IAB

from .request import FIRST_TAXONOMY, BidRequest, Content, Imp, Video

HLS_MIMES = frozenset({"application/x-mpegurl", "application/vnd.apple.mpegurl"})
MP4 = "video/mp4"
# AdCOM 1.0, list "Creative Subtypes - Audio/Video": VAST 4.2 and 4.3, inline.
PROTOCOLS = {13: "4.2", 15: "4.3"}
LINEAR = 1
# Micros of one impression in a CPM of 1.
MICROS_PER_CPM = 1_000
LONGEST_BREAK, MOST_ADS = 600.0, 10
# Where a slot does not say how long it is; and the shortest ad that a pod without a number of ads is divided by.
TYPICAL_SECONDS, LEAST_SECONDS = 30.0, 5.0


@dataclass(frozen=True, slots=True)
class Ask:
    """One decision to make: ``seconds`` to fill with at most ``most_ads``, for one object of the request. ``floor_micros`` is of one impression."""

    imp: str
    break_id: str
    pod: str
    position: str
    seconds: float
    most_ads: int
    floor_micros: int
    version: str
    slot: int
    limits: Limits
    mimes: frozenset[str]


class NoBid(ValueError):
    """Nothing is offered for this; the message says why."""


def asks(request: BidRequest, *, currency: str) -> list[Ask]:
    """What is to be decided, in order: of a pod the single slots first, what is left of it after them. Objects that we cannot answer are
    left out. Raises NoBid when the whole request cannot be answered."""
    if request.cur and currency not in request.cur:
        raise NoBid(f"bids are in {currency}, asked for is {', '.join(request.cur[:5])}")
    taken = _seller(request)
    found = [ask for imp in request.imp if (ask := _ask(request, imp, taken, currency)) is not None]
    return sorted(found, key=lambda ask: ask.most_ads > 1)


def _ask(request: BidRequest, imp: Imp, taken: Limits, currency: str) -> Ask | None:
    video = imp.video
    if video is None or (imp.pmp is not None and imp.pmp.private_auction == 1):
        return None
    version = _version(video)
    mimes = frozenset(mime.lower().split(";")[0].strip() for mime in video.mimes)
    if not version or not mimes & {MP4, *HLS_MIMES} or video.linearity not in (None, LINEAR):
        return None
    if imp.bidfloor > 0 and imp.bidfloorcur.upper() != currency:
        return None
    seconds, most = _room(video)
    if seconds <= 0:
        return None
    return Ask(
        imp=imp.id,
        break_id=f"rtb-{hashlib.sha256(f'{request.id}/{imp.id}'.encode()).hexdigest()[:24]}",
        pod=video.podid or f"imp:{imp.id}",
        position=_position(video.startdelay),
        seconds=seconds,
        most_ads=most,
        floor_micros=math.ceil(imp.bidfloor * MICROS_PER_CPM),
        version=version,
        slot=video.slotinpod,
        limits=_limits(video, taken),
        mimes=mimes,
    )


def _version(video: Video) -> str:
    """Of VAST; empty when only others are taken. Who names none takes what is sent."""
    if not video.protocols:
        return "4.2"
    return next((version for protocol, version in PROTOCOLS.items() if protocol in video.protocols), "")


def _room(video: Video) -> tuple[float, int]:
    """Seconds to fill, and most ads."""
    if video.poddur:
        # How many there may be is not always said: then as many as there is room for.
        most = video.maxseq or int(video.poddur // max(video.minduration, LEAST_SECONDS))
        return min(video.poddur, LONGEST_BREAK), min(max(most, 1), MOST_ADS)
    longest = max(video.rqddurs) if video.rqddurs else video.maxduration
    return min(TYPICAL_SECONDS if longest is None else longest, LONGEST_BREAK), 1


def _position(delay: int | None) -> str:
    """AdCOM 1.0, list "Start Delay Modes"; who says nothing means the middle."""
    return "pre" if delay == 0 else "post" if delay == -2 else "mid"


def _limits(video: Video, taken: Limits) -> Limits:
    exact = tuple(video.rqddurs or ())
    return replace(
        taken,
        exact=exact,
        shortest=0.0 if exact else video.minduration,
        longest=None if exact else video.maxduration,
        floors=tuple((one.mindur, one.maxdur, math.ceil(one.bidfloor * MICROS_PER_CPM)) for one in video.durfloors),
        floor_per_second=video.mincpmpersec * MICROS_PER_CPM if video.poddur else 0.0,
    )


def _seller(request: BidRequest) -> Limits:
    """What holds for the whole request. Raises NoBid for categories in a taxonomy that our ads have no word in: what is blocked could not be told."""
    if (request.bcat or request.acat) and request.cattax != FIRST_TAXONOMY:
        raise NoBid(f"categories are named in taxonomy {request.cattax}; ours are in {FIRST_TAXONOMY}, IAB Content Taxonomy 1.0")
    return Limits(
        categories_blocked=_ours(request.bcat or ()),
        categories_allowed=_ours(request.acat) if request.acat else None,
        domains_blocked=tuple(request.badv or ()),
        advertisers_blocked=_seats(request.bseat or ()),
        advertisers_allowed=_seats(request.wseat) if request.wseat else None,
    )


def _ours(named: Iterable[str]) -> tuple[str, ...]:
    """Our categories that are meant by these of the taxonomy: a group (IAB9) means all in it (IAB9-30)."""
    given = {name.strip().upper() for name in named}
    return tuple(ours for ours, theirs in IAB.items() if theirs in given or theirs.split("-")[0] in given)


def _seats(named: Iterable[str]) -> tuple[int, ...]:
    """Each advertiser is a seat, by its id; other seats are not ours."""
    return tuple(int(name) for name in named if name.isascii() and name.isdigit() and len(name) < 19)


def beside(limits: Limits, ads: tuple[int, ...]) -> Limits:
    """The same for the next slot of a pod in which these ads stand already."""
    return replace(limits, beside=ads)


def content_of(request: BidRequest) -> Content:
    place = request.site or request.app
    return (place.content if place else None) or Content()
