"""What the publishers and the web processes share in Redis: the lease with its fencing number, and the last snapshot."""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import lru_cache

import redis
from django.conf import settings

from adplatform.heartbeat import ONCE

LEASE_MS = 2000
GROUP = "live.executive"
LEASE_KEY = "live:executive:lease"
FENCE_KEY = "live:executive:fence"
LAST_KEY = "live:executive:last"

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
redis.call('SET', KEYS[2], ARGV[2])
return 1
"""
_RELEASE = "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0"


@lru_cache(maxsize=4)
def _pool(url: str) -> redis.BlockingConnectionPool:
    return redis.BlockingConnectionPool.from_url(url, max_connections=16, timeout=2, socket_connect_timeout=2, socket_timeout=2, retry=ONCE)


def client() -> redis.Redis:
    return redis.Redis(connection_pool=_pool(settings.CACHE_REDIS_URL))


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
    first_fence = int(time.time() if now is None else now)
    fence = int(client().eval(_HOLD, 2, LEASE_KEY, FENCE_KEY, owner, first_fence, lease_ms))
    return Lease(owner, fence) if fence else None


def keep(lease: Lease, body: str) -> bool:
    """Make ``body`` the last snapshot, unless the lease was lost meanwhile: then nothing may be sent either."""
    return bool(client().eval(_KEEP, 2, LEASE_KEY, LAST_KEY, lease.value, body))


def release(lease: Lease) -> None:
    client().eval(_RELEASE, 1, LEASE_KEY, lease.value)


def last() -> str | None:
    """The last snapshot as JSON text, None before the first publisher ever ran."""
    body = client().get(LAST_KEY)
    return body.decode() if isinstance(body, bytes) else None
