"""Holds on budget, goal and caps: taken at the decision for what a break may show, one Lua call a break."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec
import redis
from django.conf import settings

from adplatform.eventlog.stream import STREAM as STREAM_KEY
from ads.balances import day_number
from ads.decision.caps import counted, effective
from ads.decision.inventory import LIFETIME, POD, STREAM, Inventory
from ads.decision.request import AdRequest
from ads.decision.state import Decision

from .arms import splits_of
from .keys import (
    BASE_KEYS,
    FORGET_SECONDS,
    HOLD_SECONDS,
    KEEP_BREAK_SECONDS,
    KEEP_SYNTHETIC_BREAK_SECONDS,
    CountersLost,
    Script,
    address_key,
    break_key,
    life_key,
    pack,
    session_key,
    viewer_key,
)
from .keys import LIFETIME as CAPPED

# Unconfirmed holds may be this share of what a flight has left, in all and today, one at least.
HOLD_SHARE = 0.10
# An address may have `settings.HOLDS_PER_ADDRESS` open unconfirmed holds. Each impression earns it two more, up to the most, enough for
# a whole town behind one address; each hold that ends without one costs it one, down to the least, which still serves a household.
MOST_PER_ADDRESS, LEAST_PER_ADDRESS = 1000, 8
_SCOPES = ("ad", "flight", "campaign", "advertiser")
_BY_VIEWER, _BY_SESSION, _BY_LIFETIME = 1, 2, 3
_reserve = Script.load("reserve")


@dataclass(frozen=True, slots=True)
class Prepared:
    """What is written with the reservation, so that a decision costs one round trip less: if every slot gets its first alternate,
    the decision's ``event`` to the log and the break's ``answer``; else ``event`` and ``alternates`` are kept as the draft."""

    event: bytes
    alternates: bytes
    answer: bytes


@dataclass(frozen=True, slots=True)
class Taken:
    """What was reserved. For each slot the place of the alternate that got it (None: lost) and why those before did not.

    ``draft`` and ``alternates`` are those kept when the break was reserved before, None when the caller's own were taken.
    ``logged`` says that event and answer are written.
    """

    places: tuple[int | None, ...]
    reasons: tuple[tuple[str, ...], ...]
    draft: bytes | None = None
    alternates: bytes | None = None
    logged: bool = False


@dataclass
class _Sold:
    """What one inventory's ads ask of a reservation: the same for every request, so it is put together once."""

    version: int
    statics: dict[tuple[int, bool], list[Any]] = field(default_factory=dict)
    streaming: bool = False
    longest_cap: int = 0
    rivals: dict[tuple[str, int | str], list[str]] = field(default_factory=dict)

    @classmethod
    def of(cls, inventory: Inventory) -> _Sold:
        sold = cls(inventory.version)
        caps = [cap for flight in inventory.flights for cap in flight.caps]
        sold.streaming = bool(inventory.stream_exclusive.any()) or any(cap.per == STREAM for cap in caps)
        sold.longest_cap = inventory.longest_cap
        for row, place in enumerate(inventory.ad_flight.tolist()):
            if inventory.stream_exclusive[place]:
                flight = inventory.flights[place]
                for key in (("advertiser", flight.advertiser), ("category", inventory.ads[row].category)):
                    sold.rivals.setdefault(key, []).append(str(flight.id))
        return sold


_sold = _Sold(-1)


def reserve(
    client: redis.Redis, request: AdRequest, inventory: Inventory, decision: Decision, decision_id: uuid.UUID, prepared: Prepared, *, now: datetime
) -> Taken | None:
    """Take for each slot the first alternate that fits, all in one call. A break reserved before is answered as it was;
    None when its answer is complete by now.

    Raises CountersLost.
    """
    global _sold
    sold = _sold
    if sold.version != inventory.version:
        sold = _sold = _Sold.of(inventory)
    moment, consent = now.timestamp(), counted(request)
    keep = KEEP_SYNTHETIC_BREAK_SECONDS if request.synthetic else KEEP_BREAK_SECONDS
    address = address_key(request.ip_hash) if settings.HOLDS_PER_ADDRESS > 0 else ""
    first = min(settings.HOLDS_PER_ADDRESS, MOST_PER_ADDRESS)
    splits = splits_of(request, now)
    wanted = {
        "now": moment,
        "expires": moment + HOLD_SECONDS,
        "day": day_number(now.date()),
        "decision": str(decision_id),
        "milliseconds": round(request.duration * 1000) + 50,
        "longest_cap": sold.longest_cap if consent else keep,
        "stream": sold.streaming,
        "consent": consent,
        "hold_share": HOLD_SHARE,
        "address": {"first": first, "most": MOST_PER_ADDRESS, "least": min(LEAST_PER_ADDRESS, first)} if address else None,
        "forget": FORGET_SECONDS,
        "keep": keep,
        "arms": [split.row() for split in splits],
        "indexes": [slot.index for slot in decision.slots],
        "slots": [
            [[alternate.hold_micros, _static(sold, inventory, alternate.row, consent)] for alternate in slot.alternates] for slot in decision.slots
        ],
    }
    keys = [*BASE_KEYS, viewer_key(request), session_key(request), life_key(request), address, break_key(request), CAPPED, STREAM_KEY]
    verb, *rest = _reserve(client, keys, pack(wanted), prepared.event, prepared.alternates, prepared.answer)
    if verb == b"arms":
        raise CountersLost(splits=splits)
    if verb in (b"rebuild", b"missing"):
        raise CountersLost([int(flight) for flight in rest])
    if verb == b"answered":
        return None
    return _taken(*rest) if verb == b"known" else _taken(None, None, *rest, logged=verb == b"logged")


def _static(sold: _Sold, inventory: Inventory, row: int, consent: bool) -> list[Any]:  # noqa: FBT001
    """All of an alternate that does not change from request to request, in the order in which `ads/lua/reserve.lua` names it."""
    known = sold.statics.get((row, consent))
    if known is not None:
        return known
    place = int(inventory.ad_flight[row])
    flight, ad = inventory.flights[place], inventory.ads[row]
    ids = {"ad": ad.id, "flight": flight.id, "campaign": flight.campaign, "advertiser": flight.advertiser}
    rivals = {*sold.rivals.get(("advertiser", flight.advertiser), ()), *sold.rivals.get(("category", ad.category), ())}
    made = [
        int(inventory.budget[place]),
        int(inventory.daily_budget[place]),
        int(inventory.goal[place]),
        int(inventory.daily_goal[place]),
        bool(inventory.goal_counts_holds[place]),
        _caps(flight.caps, ids, consent=consent),
        f"{ad.id}:{flight.id}:{flight.campaign}:{flight.advertiser}:{ad.category}",
        round(ad.duration * 1000),
        flight.advertiser,
        ad.category,
        list(flight.excluded_categories),
        bool(inventory.stream_exclusive[place]),
        sorted(rivals - {str(flight.id)}),
        [f"{scope}:{ids[scope]}" for scope in _SCOPES if capped_for_life(inventory, scope, ids[scope])],
        flight.id,
    ]
    sold.statics[row, consent] = made
    return made


def _caps(caps: tuple[Any, ...], ids: dict[str, int], *, consent: bool) -> list[list[Any]]:
    """What counts towards each cap: the viewer's sliding window, the session, or the lifetime count. A pod needs no count: it
    holds no advertiser twice."""
    found: list[list[Any]] = []
    for cap in caps:
        position, number = _SCOPES.index(cap.scope) + 1, ids[cap.scope]
        count, seconds = effective(cap, consent=consent)
        if cap.per == LIFETIME and consent:
            found.append([_BY_LIFETIME, 0, f"{cap.scope}:{number}", cap.count, 0])
        elif cap.per == STREAM:
            found.append([_BY_SESSION, position, str(number), cap.count, seconds])
        elif cap.per != POD:
            found.append([_BY_VIEWER, position, str(number), count, seconds])
    return found


def capped_for_life(inventory: Inventory, scope: str, number: int) -> bool:
    return any(limit.cap.per == LIFETIME for limit in inventory.limits.get((scope, number), ()))


def parse_known(draft: bytes | None, alternates: bytes | None, chosen: bytes | None) -> Taken | None:
    """The reservation kept of a break whose answer was not written, None when there is none."""
    return _taken(draft, alternates, chosen) if draft is not None and chosen is not None else None


def _taken(draft: bytes | None, alternates: bytes | None, chosen: bytes, *, logged: bool = False) -> Taken:
    places, reasons = msgspec.msgpack.decode(chosen)
    return Taken(
        places=tuple(int(place) - 1 if place else None for place in places),
        reasons=tuple(tuple(why) for why in reasons) if reasons else (),
        draft=draft,
        alternates=alternates,
        logged=logged,
    )
