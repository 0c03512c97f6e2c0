"""Event ids: UUIDv7 (RFC 9562), whose first 48 bits are the Unix time in milliseconds. The partition day is read from them."""

from __future__ import annotations

import hashlib
import secrets
import uuid
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache

EPOCH = date(1970, 1, 1)
MILLISECONDS_A_DAY = 86_400_000


def new_id(now: datetime | None = None) -> uuid.UUID:
    """A fresh UUIDv7, at ``now`` when the caller has a clock of its own (history, tests)."""
    moment = now or datetime.now(UTC)
    milliseconds = round(moment.timestamp() * 1000)
    return _version_7(milliseconds << 80 | secrets.randbits(80))


def _version_7(value: int) -> uuid.UUID:
    value &= ~(0xF << 76) & ~(0x3 << 62)
    return uuid.UUID(int=value | 0x7 << 76 | 0x2 << 62)


def derived_id(parent: uuid.UUID, *parts: str | int) -> uuid.UUID:
    """The one id that follows from ``parent`` (a UUIDv7) and ``parts``: same time as the parent, the rest a hash.

    A tracking event has this id whatever the client sent, so one token bills once.
    """
    digest = hashlib.sha256(parent.bytes + "\x1f".join(map(str, parts)).encode()).digest()
    return _version_7(int.from_bytes(parent.bytes[:6] + digest[:10], "big"))


def time_of(event_id: uuid.UUID) -> datetime:
    """The UTC time inside a UUIDv7. Raises ValueError for any other version."""
    if event_id.version != 7:
        raise ValueError(f"{event_id} is no UUIDv7")
    return datetime.fromtimestamp((event_id.int >> 80) / 1000, tz=UTC)


def day_of(event_id: uuid.UUID) -> date:
    """The UTC day inside a UUIDv7. Raises ValueError for any other version and for days beyond the calendar."""
    value = event_id.int
    if value >> 76 & 0xF != 7:
        raise ValueError(f"{event_id} is no UUIDv7")
    return _day((value >> 80) // MILLISECONDS_A_DAY)


@lru_cache(maxsize=1024)
def _day(days: int) -> date:
    try:
        return EPOCH + timedelta(days=days)
    except OverflowError as error:
        raise ValueError(f"{days} days after 1970 is beyond the calendar") from error
