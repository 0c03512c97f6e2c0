"""Where the reservations live in the event log's Redis, and the scripts that change them."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import redis

from adplatform.eventlog.roundtrip import exchange
from ads.decision.caps import counted
from ads.decision.request import AdRequest

TABLE, INDEX, HOLDS, HOLD = "delivery:table", "delivery:index", "delivery:holds", "delivery:hold"
# Names the layout: a Redis filled by a version that kept another one is rebuilt before the next decision.
READY = "delivery:ready:2"
LEASE = "delivery:rebuilding"
# Entities ("campaign:7") whose servings are counted over a viewer's lifetime.
LIFETIME = "life:capped"
BASE_KEYS = (TABLE, INDEX, HOLDS, HOLD, READY)
# A published ad starts within about two clips; players then extend its hold by heartbeats.
HOLD_SECONDS = 120.0
# How long what a viewer was served is remembered: the longest cap that can be counted over a sliding window.
FORGET_SECONDS = 31 * 86_400
# Longer than a session can be resumed.
KEEP_BREAK_SECONDS = 26 * 3600
KEEP_SYNTHETIC_BREAK_SECONDS = 3600

_FOLDER = Path(__file__).parent.parent / "lua"
pack = msgspec.msgpack.Encoder().encode


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
            return exchange(client, [("EVALSHA", self.sha, len(keys), *keys, *arguments)])[0]
        except redis.exceptions.NoScriptError:
            return client.eval(self.text, len(keys), *keys, *arguments)


class CountersLost(RuntimeError):
    """What decisions are made from is not in order in Redis: all counters are gone, or those of ``flights`` alone, or what the arms of
    the ``splits`` have taken, or holds that have ``expired`` still count. `ads.recovery.restore` sets it right, then decide."""

    def __init__(self, flights: Sequence[int] = (), *, expired: bool = False, splits: Sequence[Any] = ()) -> None:
        told = f" of flights {list(flights)}" if flights else " of arms" if splits else ""
        super().__init__("expired holds" if expired else f"no delivery counters{told}")
        self.flights, self.expired, self.splits = tuple(flights), expired, tuple(splits)


def break_key(request: AdRequest) -> str:
    return f"break:{request.session}:{request.break_id}"


def viewer_key(request: AdRequest) -> str:
    """What this viewer was served; without consent what this session was."""
    return f"seen:v:{request.viewer}" if counted(request) else session_key(request)


def session_key(request: AdRequest) -> str:
    return f"seen:s:{request.session}"


def life_key(request: AdRequest) -> str:
    return f"life:v:{request.viewer}" if counted(request) else ""


def address_key(ip_hash: str) -> str:
    return f"address:{ip_hash}" if ip_hash else ""


@dataclass(frozen=True, slots=True)
class Served:
    """One ad in one slot as caps count it. ``viewer`` is there with consent alone."""

    viewer: uuid.UUID | None
    session: uuid.UUID
    ad: int
    flight: int
    campaign: int
    advertiser: int
    category: str
    decision: uuid.UUID
    slot: int

    @property
    def member(self) -> str:
        return f"{self.ad}:{self.flight}:{self.campaign}:{self.advertiser}:{self.category}:{self.decision}:{self.slot}"

    @property
    def keys(self) -> tuple[str, ...]:
        """The sets that count it, the one that caps read first."""
        return (f"seen:v:{self.viewer}", f"seen:s:{self.session}") if self.viewer else (f"seen:s:{self.session}",)

    @property
    def life(self) -> str:
        return f"life:v:{self.viewer}" if self.viewer else ""

    def entities(self) -> tuple[str, ...]:
        return (f"ad:{self.ad}", f"flight:{self.flight}", f"campaign:{self.campaign}", f"advertiser:{self.advertiser}")
