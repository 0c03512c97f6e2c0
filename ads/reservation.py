"""Holds on budget, goal and frequency caps, in the event log's Redis: reserve at the decision, settle at the impression.

The counters are an estimate that keeps decisions from promising what is gone; the hard stop is the ledger's. All times
are arguments. When Redis has lost its counters (the marker is gone) they are rebuilt before the next decision.
"""

from __future__ import annotations

import hashlib
import secrets
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import redis

from .balances import Balance, day_number
from .decision.caps import counted, effective
from .decision.inventory import POD, STREAM, Inventory, scope_id
from .decision.request import AdRequest
from .decision.state import Decision, DeliveryState, Floats, Seen

FLIGHTS, HOLDS, HOLD, READY, LEASE = "delivery:flights", "delivery:holds", "delivery:hold", "delivery:ready", "delivery:rebuilding"
BASE_KEYS = (FLIGHTS, HOLDS, HOLD, READY)
COLUMNS = 7
# A published ad starts within about two clips; players then extend its hold by heartbeats.
HOLD_SECONDS = 120.0
# Unconfirmed holds may be this share of what a flight has left, one at least.
HOLD_SHARE = 0.10
# How long what a viewer was served is remembered: the longest cap that can be counted.
FORGET_SECONDS = 31 * 86_400
KEEP_BREAK_SECONDS = 26 * 3600
KEEP_SYNTHETIC_BREAK_SECONDS = 3600
LEASE_SECONDS = 30
SEEN_CHUNK = 5_000
SCOPES = ("ad", "flight", "campaign", "advertiser")
# Reported of an ad that was not shown, or not to its end: nothing more will be charged for it.
ENDS_UNCHARGED = frozenset({"ad.skip", "ad.error", "ad.not_used"})

_FOLDER = Path(__file__).parent / "lua"
_pack = msgspec.msgpack.Encoder().encode


@dataclass(frozen=True, slots=True)
class Script:
    """A Lua script, sent once to a server and called by its hash from then on."""

    text: str
    sha: str

    @classmethod
    def load(cls, name: str) -> Script:
        text = (_FOLDER / "common.lua").read_text() + (_FOLDER / f"{name}.lua").read_text()
        return cls(text, hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest())

    def __call__(self, client: redis.Redis, keys: Sequence[str], *arguments: bytes | str) -> Any:
        try:
            return client.evalsha(self.sha, len(keys), *keys, *arguments)
        except redis.exceptions.NoScriptError:
            return client.eval(self.text, len(keys), *keys, *arguments)


_RESERVE, _SETTLE, _REBUILD = Script.load("reserve"), Script.load("settle"), Script.load("rebuild")


class CountersLost(RuntimeError):
    """Redis holds no delivery counters: they must be rebuilt before anything is decided."""


@dataclass(frozen=True, slots=True)
class Taken:
    """What was reserved. For each slot the place of the alternate that got it (None: lost) and why those before did not.

    ``draft`` is the one stored when the break was reserved before, None when the caller's own was taken.
    """

    draft: bytes | None
    places: tuple[int | None, ...]
    reasons: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class SeenAgain:
    """What a frequency cap counts of an impression, ``at`` Unix seconds."""

    key: str
    member: str
    at: float


@dataclass(frozen=True, slots=True)
class Operation:
    """``verb``: ``settle`` (charged), ``confirm`` (shown, the charge may follow), ``release``, or ``extend`` to ``expires``.

    ``seen`` is given with an impression: when its hold had expired, the caps had forgotten it, and count it again.
    """

    verb: str
    decision: uuid.UUID
    slot: int
    expires: float = 0.0
    seen: SeenAgain | None = None


@dataclass(frozen=True, slots=True)
class Held:
    """One hold as it is rebuilt from a stored decision made ``at``. ``confirmed``: its impression is counted, the charge may follow."""

    decision: uuid.UUID
    slot: int
    flight: int
    micros: int
    at: float
    expires: float
    seen_key: str
    seen_member: str
    confirmed: bool


def break_key(request: AdRequest) -> str:
    return f"break:{request.session}:{request.break_id}"


def seen_key(request: AdRequest) -> str:
    return f"seen:v:{request.viewer}" if counted(request) else f"seen:s:{request.session}"


def seen_member(ad: int, flight: int, campaign: int, advertiser: int, decision: uuid.UUID | str, slot: int) -> str:
    return f"{ad}:{flight}:{campaign}:{advertiser}:{decision}:{slot}"


# Reading


def queue_state(pipeline: Any, request: AdRequest, inventory: Inventory, now: float) -> None:
    """Add the three reads of a decision's delivery state to an open pipeline; `parse_state` takes their replies."""
    pipeline.exists(READY)
    pipeline.hvals(FLIGHTS)
    since = 0.0 if not counted(request) else now - max(inventory.longest_cap, 86_400)
    pipeline.zrangebyscore(seen_key(request), f"({since:.3f}", "+inf", withscores=True)


def parse_state(replies: Sequence[Any], inventory: Inventory, now: datetime, rates: dict[str, Floats]) -> DeliveryState:
    """Raises CountersLost."""
    ready, flights, seen = replies
    if not ready:
        raise CountersLost
    table = np.frombuffer(b"".join(flights), dtype="<i8").reshape(-1, COLUMNS)
    columns = np.zeros((COLUMNS, len(inventory.flights)), dtype=np.int64)
    if len(table) and len(inventory.flights):
        places = np.searchsorted(inventory.flight_id, table[:, 0])
        places[places == len(inventory.flights)] = 0
        known = inventory.flight_id[places] == table[:, 0]
        columns[:, places[known]] = table[known].T
    _, booked, held, day, day_booked, delivered, held_count = columns
    today = day_number(now.date())
    return DeliveryState(booked, held, np.where(day == today, day_booked, 0), delivered, held_count, tuple(map(_seen, seen)), rates)


def _seen(entry: tuple[bytes, float]) -> Seen:
    member, at = entry
    ad, flight, campaign, advertiser = member.split(b":", 4)[:4]
    return Seen(at, int(ad), int(flight), int(campaign), int(advertiser))


@dataclass(frozen=True, slots=True)
class Counters:
    """One flight's counters as Redis holds them. ``day`` counts days since 1970."""

    booked_micros: int
    held_micros: int
    day: int
    day_booked_micros: int
    delivered: int
    held_count: int


def counters(client: redis.Redis) -> dict[int, Counters]:
    """Every flight's counters, for checks and reconciling; empty when Redis lost them."""
    values: Any = client.hvals(FLIGHTS)
    table = np.frombuffer(b"".join(values), dtype="<i8").reshape(-1, COLUMNS)
    return {flight: Counters(*rest) for flight, *rest in table.tolist()}


# Reserving


def reserve(
    client: redis.Redis, request: AdRequest, inventory: Inventory, decision: Decision, decision_id: uuid.UUID, draft: bytes, *, now: datetime
) -> Taken | None:
    """Take for each slot the first alternate that fits, all in one call. A break reserved before is answered as it was;
    None when its answer is complete by now.

    Raises CountersLost.
    """
    moment = now.timestamp()
    slots = [[_wanted(request, inventory, alternate.row, alternate.hold_micros) for alternate in slot.alternates] for slot in decision.slots]
    wanted = {
        "now": moment,
        "expires": moment + HOLD_SECONDS,
        "day": day_number(now.date()),
        "decision": str(decision_id),
        "milliseconds": round(request.duration * 1000) + 50,
        "longest_cap": max((cap[3] for slot in slots for alternate in slot for cap in alternate[6]), default=0),
        "hold_share": HOLD_SHARE,
        "forget": FORGET_SECONDS,
        "keep": KEEP_SYNTHETIC_BREAK_SECONDS if request.synthetic else KEEP_BREAK_SECONDS,
        "indexes": [slot.index for slot in decision.slots],
        "slots": slots,
    }
    keys = [*BASE_KEYS, seen_key(request), break_key(request)]
    verb, *rest = _RESERVE(client, keys, _pack(wanted), draft)
    if verb == b"rebuild":
        raise CountersLost
    if verb == b"answered":
        return None
    return _taken(*rest) if verb == b"known" else _taken(None, *rest)


def _wanted(request: AdRequest, inventory: Inventory, row: int, hold_micros: int) -> list[Any]:
    place = int(inventory.ad_flight[row])
    flight, ad = inventory.flights[place], inventory.ads[row]
    consent = counted(request)
    # What is counted here is the viewer's; a playback is only a part of it, and a pod holds no advertiser twice.
    caps = [(cap.scope, *effective(cap, consent=consent)) for cap in flight.caps if cap.per != POD and not (consent and cap.per == STREAM)]
    return [
        flight.id,
        hold_micros,
        int(inventory.budget[place]),
        int(inventory.daily_budget[place]),
        int(inventory.goal[place]),
        bool(inventory.goal_counts_holds[place]),
        [[SCOPES.index(scope) + 1, str(scope_id(flight, scope, ad.id)), count, seconds] for scope, count, seconds in caps],
        f"{ad.id}:{flight.id}:{flight.campaign}:{flight.advertiser}",
        round(ad.duration * 1000),
        flight.advertiser,
        ad.category,
        list(flight.excluded_categories),
    ]


def parse_known(draft: bytes | None, chosen: bytes | None) -> Taken | None:
    """The reservation stored for a break, None when there is none."""
    return _taken(draft, chosen) if draft is not None and chosen is not None else None


def _taken(draft: bytes | None, chosen: bytes) -> Taken:
    places, reasons = msgspec.msgpack.decode(chosen)
    return Taken(
        draft=draft,
        places=tuple(int(place) - 1 if place else None for place in places),
        reasons=tuple(tuple(why) for why in reasons) if reasons else (),
    )


# Settling


def settle(client: redis.Redis, operations: Sequence[Operation], balances: Sequence[Balance], *, now: datetime) -> None:
    """Apply what the ledger booked. Called after its commit; applying twice changes nothing."""
    if not operations and not balances:
        return
    wanted = {
        "now": now.timestamp(),
        "operations": [
            [op.verb, f"{op.decision}:{op.slot}", op.expires, *((op.seen.key, op.seen.member, op.seen.at) if op.seen else ())] for op in operations
        ],
        "forget": FORGET_SECONDS,
        "balances": [balance.row() for balance in balances],
    }
    _SETTLE(client, BASE_KEYS, _pack(wanted))


def release_all_unpublished(client: redis.Redis, decision: uuid.UUID, slots: Sequence[int], *, now: datetime) -> None:
    """Give back the holds of ads that will not be published (the viewer left, or seeked over the break)."""
    settle(client, [Operation("release", decision, slot) for slot in slots], [], now=now)


# Rebuilding


def rebuild(client: redis.Redis, facts: Callable[[], tuple[Sequence[Balance], Sequence[Held], Sequence[tuple[str, str, float]]]]) -> None:
    """Write all counters anew from ``facts()``: balances, open holds, and what was seen as (key, member, Unix time).

    One process rebuilds, the others wait for it. Raises redis.exceptions.TimeoutError when it takes longer than the lease.
    """
    mine = secrets.token_hex(8)
    deadline = time.monotonic() + LEASE_SECONDS
    while not client.set(LEASE, mine, nx=True, ex=LEASE_SECONDS):
        if client.exists(READY):
            return
        if time.monotonic() > deadline:
            raise redis.exceptions.TimeoutError("the delivery counters are being rebuilt by another process for too long")
        time.sleep(0.02)
    if client.exists(READY):
        client.eval(_GIVE_BACK, 1, LEASE, mine)
        return
    try:
        _write(client, *facts(), lease=mine)
    except Exception:
        client.eval(_GIVE_BACK, 1, LEASE, mine)
        raise


# Only one's own lease: by now it may have run out and be another's.
_GIVE_BACK = "if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end"
_RENEW = "if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('EXPIRE', KEYS[1], ARGV[2]) end"


def _write(client: redis.Redis, balances: Sequence[Balance], holds: Sequence[Held], seen: Sequence[tuple[str, str, float]], *, lease: str) -> None:
    seen = [*seen, *((hold.seen_key, hold.seen_member, hold.at) for hold in holds if not hold.confirmed)]
    for start in range(0, len(seen), SEEN_CHUNK):
        chunk = seen[start : start + SEEN_CHUNK]
        with client.pipeline(transaction=False) as pipeline:
            for key, member, at in chunk:
                pipeline.zadd(key, {member: at})
            for key in {key for key, _, _ in chunk}:
                pipeline.expire(key, FORGET_SECONDS)
            # A month of impressions takes longer than one lease.
            pipeline.eval(_RENEW, 1, LEASE, lease, LEASE_SECONDS)
            pipeline.execute()
    wanted = {
        "flights": [
            [flight, booked, 0, day, day_booked, delivered, 0] for flight, booked, day, day_booked, delivered, *_ in (b.row() for b in balances)
        ],
        "holds": [
            [f"{h.decision}:{h.slot}", h.expires, [h.flight, h.micros, 0 if h.confirmed else 1, h.seen_key, "" if h.confirmed else h.seen_member]]
            for h in holds
        ],
    }
    if _REBUILD(client, [*BASE_KEYS, LEASE], _pack(wanted), lease) < 0:
        raise redis.exceptions.TimeoutError(f"rebuilding the delivery counters took longer than its lease of {LEASE_SECONDS} s")


def forget(client: redis.Redis) -> None:
    """Drop the counters, so that the next decision rebuilds them: after what they count has changed."""
    client.delete(READY)
