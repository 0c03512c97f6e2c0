"""Signs of life of the processes that nobody calls: each leaves the time it last went round its loop."""

from __future__ import annotations

import time
from functools import lru_cache

import redis
from django.conf import settings

KEY = "heartbeats"


@lru_cache(maxsize=4)
def _pool(url: str) -> redis.BlockingConnectionPool:
    return redis.BlockingConnectionPool.from_url(url, max_connections=8, timeout=2, socket_connect_timeout=2, socket_timeout=2)


def client() -> redis.Redis:
    """A client of the Redis that keeps caches and heartbeats, and may be lost."""
    return redis.Redis(connection_pool=_pool(settings.CACHE_REDIS_URL))


def beat(process: str, *, now: float | None = None) -> None:
    """Raises redis.RedisError; a loop that cannot leave a sign of life has a problem of its own to report."""
    client().hset(KEY, process, str(time.time() if now is None else now))


def age(process: str, *, now: float | None = None) -> float | None:
    """Seconds since the process last beat; None when it never did."""
    seen = client().hget(KEY, process)
    return None if seen is None else max(0.0, (time.time() if now is None else now) - float(seen))
