"""All counters written anew: one process does it, the others wait, and nobody decides before it is done."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from typing import TypeVar

import redis

from ads.balances import Balance

from . import arms
from .keys import BASE_KEYS, FORGET_SECONDS, LEASE, LIFETIME, READY, Script, Served, address_key, pack

LEASE_SECONDS = 30
CHUNK = 5_000
_TOO_LONG = f"rebuilding the delivery counters took longer than its lease of {LEASE_SECONDS} s"
_rebuild, _remember = Script.load("rebuild"), Script.load("remember")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Held:
    """One hold as it is rebuilt from a stored decision made ``at``. ``confirmed``: its impression is counted, the charge may follow."""

    served: Served
    micros: int
    at: float
    expires: float
    confirmed: bool
    ip_hash: str = ""


@dataclass(frozen=True, slots=True)
class Facts:
    """What the counters are made from. ``seen`` lists (key, member, Unix time); ``lifetime`` counts impressions by life key and by
    entity with a lifetime cap, as ``capped`` names them. Each flight of a hold is among the balances."""

    balances: Sequence[Balance]
    holds: Sequence[Held]
    seen: Iterable[tuple[str, str, float]] = ()
    capped: frozenset[str] = frozenset()
    lifetime: Mapping[str, Mapping[str, int]] | None = None


def rebuild(client: redis.Redis, facts: Callable[[], Facts]) -> bool:
    """Write all counters anew from ``facts()``; False when another process has done it meanwhile.

    Raises redis.exceptions.TimeoutError when it takes longer than the lease.
    """
    mine = secrets.token_hex(8)
    deadline = time.monotonic() + LEASE_SECONDS
    while not client.set(LEASE, mine, nx=True, ex=LEASE_SECONDS):
        if client.exists(READY):
            return False
        if time.monotonic() > deadline:
            raise redis.exceptions.TimeoutError("the delivery counters are being rebuilt by another process for too long")
        time.sleep(0.02)
    if client.exists(READY):
        client.eval(_GIVE_BACK, 1, LEASE, mine)
        return False
    try:
        _write(client, facts(), lease=mine)
    except Exception:
        client.eval(_GIVE_BACK, 1, LEASE, mine)
        raise
    return True


# Only one's own lease: by now it may have run out and be another's.
_GIVE_BACK = "if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end"


def _write(client: redis.Redis, facts: Facts, *, lease: str) -> None:
    open_holds = [hold for hold in facts.holds if not hold.confirmed]
    arms.forget(client)
    for chunk in _chunks(chain(facts.seen, ((key, hold.served.member, hold.at) for hold in open_holds for key in hold.served.keys))):
        _remember_part(client, chunk, [], lease=lease)
    _write_lifetime(client, facts, open_holds, lease=lease)
    wanted = {"balances": [balance.row() for balance in facts.balances], "holds": [_hold(hold, facts.capped) for hold in facts.holds]}
    if _rebuild(client, [*BASE_KEYS, LEASE], pack(wanted), lease) < 0:
        raise redis.exceptions.TimeoutError(_TOO_LONG)


def _write_lifetime(client: redis.Redis, facts: Facts, open_holds: Sequence[Held], *, lease: str) -> None:
    """Counts over a lifetime replace what is there, so whoever is not counted any more must go first."""
    counts = {key: dict(by_entity) for key, by_entity in (facts.lifetime or {}).items()}
    for hold in open_holds:
        for entity in _lifetime_of(hold, facts.capped):
            of_viewer = counts.setdefault(hold.served.life, {})
            of_viewer[entity] = of_viewer.get(entity, 0) + 1
    for chunk in _chunks(client.scan_iter("life:v:*", count=CHUNK)):
        client.delete(*chunk)
    client.delete(LIFETIME)
    if facts.capped:
        client.sadd(LIFETIME, *sorted(facts.capped))
    for part in _chunks((key, entity, count) for key, by_entity in counts.items() for entity, count in by_entity.items()):
        _remember_part(client, [], part, lease=lease)


def _remember_part(client: redis.Redis, seen: Sequence[object], lifetime: Sequence[object], *, lease: str) -> None:
    part = {"seen": seen, "lifetime": lifetime, "forget": FORGET_SECONDS, "lease": LEASE_SECONDS}
    if _remember(client, [*BASE_KEYS, LEASE], pack(part), lease) < 0:
        raise redis.exceptions.TimeoutError(_TOO_LONG)


def _lifetime_of(hold: Held, capped: frozenset[str]) -> list[str]:
    return [entity for entity in hold.served.entities() if entity in capped] if hold.served.life else []


def _hold(hold: Held, capped: frozenset[str]) -> list[object]:
    """A hold as `ads/lua/common.lua` keeps it, with its id and its expiry."""
    served = hold.served
    kept: list[object] = [served.flight, hold.micros, 0, "", [], "", [], ""]
    if not hold.confirmed:
        kept = [served.flight, hold.micros, 1, served.member, served.keys, served.life, _lifetime_of(hold, capped), address_key(hold.ip_hash)]
    return [f"{served.decision}:{served.slot}", hold.expires, kept]


def _chunks(items: Iterable[T]) -> Iterator[list[T]]:
    rest = iter(items)
    while chunk := list(islice(rest, CHUNK)):
        yield chunk


def forget(client: redis.Redis) -> None:
    """Drop the counters, so that the next decision rebuilds them: after what they count has changed."""
    client.delete(READY)
