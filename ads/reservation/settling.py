"""What the ledger booked and what players report, written to the counters after the commit; twice changes nothing."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import redis

from ads.balances import Balance

from .keys import BASE_KEYS, FORGET_SECONDS, LIFETIME, Script, Served, pack

# Reported of an ad that was not shown, or not to its end: nothing more will be charged for it.
ENDS_UNCHARGED = frozenset({"ad.skip", "ad.error", "ad.not_used"})
_settle = Script.load("settle")


@dataclass(frozen=True, slots=True)
class SeenAgain:
    """An impression as it counts when its hold had expired: for the caps ``at`` Unix seconds, and ``micros`` held anew for what may
    still be charged for it."""

    served: Served
    at: float
    micros: int = 0

    def row(self) -> list[object]:
        return [self.served.flight, self.micros, self.served.member, self.served.keys, self.served.life, self.at]


@dataclass(frozen=True, slots=True)
class Operation:
    """``verb``: ``settle`` (charged), ``confirm`` (shown, the charge may follow), ``release``, or ``extend`` to ``expires``.

    ``seen`` is given with an impression, ``charged`` (micros) with what the ledger booked for it.
    """

    verb: str
    decision: uuid.UUID
    slot: int
    expires: float = 0.0
    seen: SeenAgain | None = None
    charged: int | None = None


def settle(client: redis.Redis, operations: Sequence[Operation], balances: Sequence[Balance], *, now: datetime, anyway: bool = False) -> None:
    """Apply what the ledger booked. Called after its commit; applying twice changes nothing.

    A balance replaces an earlier version of itself; ``anyway`` is for who holds its row locked and knows it to be the last.
    """
    if not operations and not balances:
        return
    wanted = {
        "now": now.timestamp(),
        "operations": [_row(op) for op in operations],
        "forget": FORGET_SECONDS,
        "anyway": anyway,
        "balances": [balance.row() for balance in balances],
    }
    _settle(client, [*BASE_KEYS, LIFETIME], pack(wanted))


def _row(op: Operation) -> list[object]:
    return [op.verb, f"{op.decision}:{op.slot}", op.expires, op.seen.row() if op.seen else False, -1 if op.charged is None else op.charged]


def release_all_unpublished(client: redis.Redis, decision: uuid.UUID, slots: Sequence[int], *, now: datetime) -> None:
    """Give back the holds of ads that will not be published (the viewer left, or seeked over the break)."""
    settle(client, [Operation("release", decision, slot) for slot in slots], [], now=now)
