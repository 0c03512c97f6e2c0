"""What the publishers and the web processes share in Redis: the lease with its fencing number, which streams are watched, and the last
snapshot of each.

A snapshot's ``version`` is ``[fence, n]``: a later publisher has a larger fence, a later snapshot of the same publisher a larger n, so a page
can order any two and drop the older. ``content`` names what is in it: a snapshot that differs from the one before only in its version
and its age is told without it.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from typing import Any

import redis
from django.conf import settings

from adplatform.heartbeat import ONCE

LEASE_MS = 2000
LEASE_KEY = "live:lease"
FENCE_KEY = "live:fence"
WATCHED_KEY = "live:watched"
MAIN = "now"
# Every socket says again and again what it watches; who stopped saying so is forgotten after this many seconds.
WATCHED_SECONDS = 15
# Streams that one person may add to those watched within WATCHED_SECONDS; who only turns through filters never needs so many.
MOST_NEW = 24
LAST_SECONDS = 3600

# The fence grows past the clock as well as past its last value, so versions still grow after Redis lost its memory.
_HOLD = """
local holder = redis.call('GET', KEYS[1])
if holder and string.match(holder, '^(.*)|') == ARGV[1] then
  redis.call('PEXPIRE', KEYS[1], ARGV[3])
  return tonumber(string.match(holder, '|(%d+)$'))
end
if holder then return 0 end
local fence = math.max((tonumber(redis.call('GET', KEYS[2])) or 0) + 1, tonumber(ARGV[2]))
redis.call('SET', KEYS[2], string.format('%d', fence))
redis.call('SET', KEYS[1], ARGV[1] .. '|' .. string.format('%d', fence), 'PX', ARGV[3])
return fence
"""
_KEEP = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[2], 'meta', ARGV[2])
if ARGV[3] ~= '' then redis.call('HSET', KEYS[2], 'body', ARGV[3]) end
redis.call('EXPIRE', KEYS[2], ARGV[4])
return 1
"""
_RELEASE = "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0"
# A stream that is watched already costs nothing more; of new ones there may be only so many, in all and of one person.
_WATCH = """
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', ARGV[1])
if not redis.call('ZSCORE', KEYS[1], ARGV[4]) then
  if redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[3]) then return 0 end
  if KEYS[2] then
    local added = redis.call('INCR', KEYS[2])
    if added == 1 then redis.call('EXPIRE', KEYS[2], ARGV[6]) end
    if added > tonumber(ARGV[5]) then return 0 end
  end
end
redis.call('ZADD', KEYS[1], ARGV[2], ARGV[4])
return 1
"""


@lru_cache(maxsize=4)
def _pool(url: str) -> redis.BlockingConnectionPool:
    return redis.BlockingConnectionPool.from_url(url, max_connections=16, timeout=2, socket_connect_timeout=2, socket_timeout=2, retry=ONCE)


def client() -> redis.Redis:
    return redis.Redis(connection_pool=_pool(settings.CACHE_REDIS_URL))


def group(key: str) -> str:
    """The channel-layer group of a stream; its names may hold letters and digits only."""
    return f"live.stream.{blake2b(key.encode(), digest_size=12).hexdigest()}"


def _last_key(key: str) -> str:
    return f"live:last:{key}"


@dataclass(frozen=True)
class Lease:
    """The right to publish, held by ``owner`` under ``fence`` until it is not renewed for LEASE_MS."""

    owner: str
    fence: int

    @property
    def value(self) -> str:
        return f"{self.owner}|{self.fence}"


def hold(owner: str, *, now: float | None = None, lease_ms: int = LEASE_MS) -> Lease | None:
    """Take or renew the lease; None while another publisher holds it. ``now`` in Unix seconds."""
    first_fence = int((time.time() if now is None else now) * 1000)
    fence = int(client().eval(_HOLD, 2, LEASE_KEY, FENCE_KEY, owner, first_fence, lease_ms))
    return Lease(owner, fence) if fence else None


def keep(lease: Lease, key: str, *, meta: str, body: str) -> bool:
    """Make this the last snapshot of stream ``key``, unless the lease was lost meanwhile: then nothing may be sent either. An empty
    ``body`` leaves the last one as it is."""
    return bool(client().eval(_KEEP, 2, LEASE_KEY, _last_key(key), lease.value, meta, body, LAST_SECONDS))


def release(lease: Lease) -> None:
    client().eval(_RELEASE, 1, LEASE_KEY, lease.value)


def last(key: str = MAIN) -> str | None:
    """The last snapshot of a stream as JSON text, None where none was published within the hour."""
    parts = last_parts(key)
    return joined(*parts) if parts else None


def last_parts(key: str = MAIN) -> tuple[str, str] | None:
    """The same as what is said of it and what is in it."""
    found: Any = client().hmget(_last_key(key), ["meta", "body"])
    meta, body = found
    return (meta.decode(), body.decode()) if meta and body else None


def joined(meta: str, body: str) -> str:
    """Two JSON objects with different names as one; ``meta`` is never empty."""
    return meta if body == "{}" else f"{meta[:-1]},{body[1:]}"


def content_of(body: str) -> str:
    return blake2b(body.encode(), digest_size=8).hexdigest()


def dumped(body: Mapping[str, Any]) -> str:
    """Raises ValueError for what is no JSON: a NaN would end the page that reads it."""
    return json.dumps(body, separators=(",", ":"), allow_nan=False)


def watch(key: str, *, who: int | None = None, now: float | None = None) -> bool:
    """Have ``key`` published for the next WATCHED_SECONDS; False where it would be one more than may be watched at once, in all or by
    ``who`` asked for it."""
    moment = time.time() if now is None else now
    keys = [WATCHED_KEY] if who is None else [WATCHED_KEY, f"live:new:{who}"]
    return bool(client().eval(_WATCH, len(keys), *keys, moment, moment + WATCHED_SECONDS, settings.LIVE_MOST_STREAMS, key, MOST_NEW, WATCHED_SECONDS))


def keep_watched(keys: Iterable[str]) -> list[str]:
    """``watch`` for each of them; those that found no place."""
    return [key for key in keys if not watch(key)]


def watched(*, now: float | None = None) -> list[str]:
    """The streams that somebody watches, in the order of their names."""
    found: Iterable[Any] = client().zrangebyscore(WATCHED_KEY, f"({time.time() if now is None else now}", "+inf")
    return sorted(key.decode() for key in found)
