"""How many reads and writes one person may send in a minute, over all of their keys and sessions.

Two windows that slide: what the minute before had counts as far as it still reaches into the last sixty seconds. One script asks and
counts, so that any number of requests at once are let through exactly as often as they may be.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import redis
import structlog
from django.conf import settings
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

WINDOW = 60
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
log = structlog.get_logger(__name__)

# Refused requests do not count: who keeps asking is let in as soon as somebody who waits.
_TAKE = """
local present = tonumber(redis.call('GET', KEYS[1]) or '0')
local before = tonumber(redis.call('GET', KEYS[2]) or '0')
if before * (1 - tonumber(ARGV[2])) + present + 1 > tonumber(ARGV[1]) + 1e-6 then
  return {0, present, before}
end
redis.call('INCR', KEYS[1])
redis.call('EXPIRE', KEYS[1], ARGV[3])
return {1, present + 1, before}
"""


@dataclass(frozen=True)
class Taken:
    """``left`` requests of ``limit`` in this minute; ``reset`` seconds until all of them are there again, ``wait`` until the next one."""

    name: str
    limit: int
    allowed: bool
    left: int
    reset: float
    wait: float

    def headers(self) -> dict[str, str]:
        """As of draft-ietf-httpapi-ratelimit-headers-10, sections 3 and 4."""
        left = f'"{self.name}";r={self.left};t={max(1, round(self.reset))}'
        return {"RateLimit": left, "RateLimit-Policy": f'"{self.name}";q={self.limit};w={WINDOW}'}


def take(client: redis.Redis, name: str, person: int, *, limit: int, now: float) -> Taken:
    """Count one request of ``person`` at ``now`` (Unix seconds). Raises redis.exceptions.RedisError."""
    window, into = divmod(now, WINDOW)
    share = into / WINDOW
    keys = [f"api:{name}:{person}:{int(window) - back}" for back in (0, 1)]
    allowed, present, before = client.eval(_TAKE, 2, *keys, str(limit), repr(share), str(2 * WINDOW))
    wait = 0.0 if allowed else _wait(limit, present, before, share)
    left = int(limit - before * (1 - share) - present + 1e-6)
    return Taken(name, limit, bool(allowed), max(0, left), (2 if present else 1) * WINDOW - into, wait)


def _wait(limit: int, present: int, before: int, share: float) -> float:
    """Seconds until one more is let in, if nobody else asks."""
    if present < limit:
        # What the minute before had slides out of sight.
        return max(0.0, (1 - (limit - 1 - present) / before - share) * WINDOW)
    return (1 - share + max(0.0, 1 - (limit - 1) / present)) * WINDOW


@lru_cache(maxsize=4)
def _client(url: str) -> redis.Redis:
    return redis.Redis(connection_pool=redis.BlockingConnectionPool.from_url(url, max_connections=16, timeout=1, socket_timeout=1))


class PerMinute(BaseThrottle):
    """Reads and writes have a limit each: a tool that pages through everything does not keep its person from pausing a flight."""

    taken: Taken | None = None

    def allow_request(self, request: Request, view: Any) -> bool:
        name, limit = ("reads", settings.API_READS_PER_MINUTE) if request.method in SAFE else ("writes", settings.API_WRITES_PER_MINUTE)
        if limit <= 0 or request.user.pk is None:
            return True
        try:
            self.taken = take(_client(settings.CACHE_REDIS_URL), name, request.user.pk, limit=limit, now=time.time())
        except redis.exceptions.RedisError as error:
            # Better everybody than nobody: a limit guards against a run-away script, and must not stop who pauses a flight.
            log.warning("api_throttle_away", error=str(error))
            return True
        view.limits = self.taken
        return self.taken.allowed

    def wait(self) -> float | None:
        return self.taken.wait if self.taken else None
