"""How many impressions and clicks a viewer and an address sent within a minute of event time: sorted sets in the event log's Redis.

Adding an event twice changes nothing, so a batch that is stored again is judged as before. Nothing is decided by expiry; it frees
memory. When Redis has lost its counts, counting begins anew and nobody is refused for it.
"""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import redis

from adplatform.eventlog.envelope import Event

from .checks import CLICK, IMPRESSION
from .limits import RATE_WINDOW

COUNTED = {IMPRESSION: "i", CLICK: "c"}
KEEP_SECONDS = 3600


@dataclass(frozen=True, slots=True)
class Rates:
    """Events of the same type in the minute that ends with one event, itself included; 0 where nothing says whose it is."""

    by_viewer: int = 0
    from_address: int = 0


NO_RATES = Rates()


def count(client: redis.Redis, events: Iterable[Event]) -> dict[uuid.UUID, Rates]:
    """Count these events and tell each one's rates. One round trip. What the edge refused already is left out."""
    added: dict[str, dict[bytes, float]] = defaultdict(dict)
    asked: list[tuple[uuid.UUID, str, str, float]] = []
    for event in events:
        if event.type in COUNTED and not event.invalid:
            viewer, address, at = _viewer_key(event), _address_key(event), event.occurred_at.timestamp()
            asked.append((event.id, viewer, address, at))
            for key in filter(None, (viewer, address)):
                added[key][event.id.bytes] = at
    if not added:
        return {}
    with client.pipeline(transaction=False) as pipeline:
        for key, members in added.items():
            pipeline.zadd(key, members)
            pipeline.expire(key, KEEP_SECONDS)
        for _, viewer, address, at in asked:
            for key in filter(None, (viewer, address)):
                pipeline.zcount(key, f"({at - RATE_WINDOW.total_seconds():.6f}", f"{at:.6f}")
        replies = iter(pipeline.execute()[2 * len(added) :])
    return {event: Rates(_next(replies, viewer), _next(replies, address)) for event, viewer, address, _ in asked}


def _next(replies: Any, key: str) -> int:
    return int(next(replies)) if key else 0


def _viewer_key(event: Event) -> str:
    who = f"v:{event.viewer}" if event.viewer else f"s:{event.session}" if event.session else ""
    return f"pace:{COUNTED[event.type]}:{who}" if who else ""


def _address_key(event: Event) -> str:
    """A synthetic audience is many households behind one machine's address, so its address says nothing."""
    return f"pace:{COUNTED[event.type]}:a:{event.ip_hash}" if event.ip_hash and not event.synthetic else ""
