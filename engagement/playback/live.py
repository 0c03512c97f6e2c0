"""What is known of a session between two messages, kept in Redis: where its playhead is, and how far its socket has come.

A web process may die in mid film; the next one, or a playlist poll without any socket, goes on from here.
"""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta

import msgspec
import redis

from adplatform.eventlog import stream
from adplatform.eventlog.commits import Kept, stamped, unstamped
from adplatform.eventlog.envelope import Event

KEPT_SECONDS = 24 * 3600
# What is sent again after a lost connection must not count twice in the live windows.
RECENT_IDS = 64
FEWEST_PREDICTIONS = 5


class Around(msgspec.Struct, frozen=True):
    """Who watches, as their browser or an edge says it: an IANA ``zone``, an ISO 3166-1 ``country``, daily hashes of address
    and browser, valid on ``day`` (ISO date) alone. ``hour`` is set where a demo plays another hour of the day."""

    zone: str = ""
    country: str = ""
    hour: int | None = None
    ip_hash: str = ""
    ua_hash: str = ""
    day: str = ""

    def hashes(self, now: datetime) -> tuple[str, str]:
        """Of address and browser; empty once their day is over, since tomorrow's hashes are others."""
        return (self.ip_hash, self.ua_hash) if self.day == now.date().isoformat() else ("", "")


class Live(msgspec.Struct):
    """Times in Unix seconds, ``t`` and ``furthest`` in playlist seconds.

    ``film`` counts the seconds of film that were really watched, ``shown`` says when each break was last on screen.

    For the Director: ``signals`` folded from the events, the ``boundaries`` known to be decided, and the mean of its
    ``predictions`` so far.
    """

    t: float = 0.0
    at: float = 0.0
    playing: bool = True
    rate: float = 1.0
    furthest: float = 0.0
    heard_at: float = 0.0
    acked_seq: int = 0
    epoch: int = 0
    recent: list[str] = []
    signals: bytes = b""
    boundaries: list[str] = []
    predictions: int = 0
    mean_prediction: float = 0.0
    film: float = 0.0
    shown: dict[str, float] = {}
    around: Around = Around()

    def estimated(self, now: datetime) -> float:
        """Where the playhead should be by now, on its last known course."""
        elapsed = max(0.0, now.timestamp() - self.at) if self.playing else 0.0
        return self.t + elapsed * self.rate

    def silent_for(self, now: datetime) -> timedelta:
        """How long no socket has said anything while it should: a paused player has nothing to say."""
        return timedelta(seconds=max(0.0, now.timestamp() - self.heard_at)) if self.playing else timedelta(0)

    def usual(self) -> float | None:
        """What was predicted for this session so far, once there is something to average."""
        return self.mean_prediction if self.predictions >= FEWEST_PREDICTIONS else None

    def note_prediction(self, value: float) -> None:
        self.predictions += 1
        self.mean_prediction += (value - self.mean_prediction) / self.predictions

    def note_decided(self, boundary: str) -> None:
        if boundary not in self.boundaries:
            self.boundaries = [*self.boundaries[1 - RECENT_IDS :], boundary]

    def takes(self, event: Event) -> bool:
        """Whether this event was not counted yet; it is from now on. Players number what they send; what has no number is known by
        its id."""
        if event.seq:
            if event.seq <= self.acked_seq:
                return False
            self.acked_seq = event.seq
            return True
        if str(event.id) in self.recent:
            return False
        self.recent = [*self.recent[1 - RECENT_IDS :], str(event.id)]
        return True


def begun(*, epoch: int, t: float, now: datetime) -> Live:
    moment = now.timestamp()
    return Live(t=t, at=moment, furthest=t, heard_at=moment, epoch=epoch)


def carried(before: Live | None, *, epoch: int, t: float, now: datetime) -> Live:
    """A new playlist epoch of a session: the clock begins anew, what was learned of the viewer stays."""
    fresh = begun(epoch=epoch, t=t, now=now)
    if before is not None:
        fresh.acked_seq, fresh.recent, fresh.signals = before.acked_seq, before.recent, before.signals
        fresh.predictions, fresh.mean_prediction = before.predictions, before.mean_prediction
        fresh.film, fresh.shown, fresh.around = before.film, before.shown, before.around
    return fresh


def _key(session_id: uuid.UUID) -> str:
    return f"live:{session_id}"


def read(session_id: uuid.UUID) -> Live | None:
    """None for a session nobody kept, and when Redis cannot be reached: playback then goes on by the clock."""
    try:
        return known(session_id)
    except stream.LogUnavailable:
        return None


def known(session_id: uuid.UUID) -> Live | None:
    """As `read`, for who would keep what follows from it: not knowing is not the same as nothing. Raises LogUnavailable."""
    try:
        kept = stream.client().get(_key(session_id))
    except redis.exceptions.RedisError as error:
        raise stream.LogUnavailable(str(error)) from error
    return msgspec.msgpack.decode(unstamped(kept), type=Live) if isinstance(kept, bytes) else None


def kept(session_id: uuid.UUID, live: Live) -> Kept:
    """What a commit keeps of a session beside its events. A socket of an epoch that is over does not overwrite the one that goes on."""
    return Kept(_key(session_id), _encoded(live), KEPT_SECONDS)


def _encoded(live: Live) -> bytes:
    return stamped(msgspec.msgpack.encode(live), generation=live.epoch)


def keep(session_id: uuid.UUID, live: Live) -> None:
    """Raises LogUnavailable."""
    try:
        stream.client().set(_key(session_id), _encoded(live), ex=KEPT_SECONDS)
    except redis.exceptions.RedisError as error:
        raise stream.LogUnavailable(str(error)) from error
