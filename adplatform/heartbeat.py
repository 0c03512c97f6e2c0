"""Signs of life of the processes that nobody calls: each leaves the time it last went round its loop."""

from __future__ import annotations

import time
from functools import lru_cache
from typing import Any

import redis
from django.conf import settings
from redis.backoff import NoBackoff
from redis.retry import Retry

KEY = "heartbeats"
ONCE = Retry(NoBackoff(), 0)


@lru_cache(maxsize=4)
def _pool(url: str) -> redis.BlockingConnectionPool:
    # One attempt: who leaves or asks for signs of life comes again by itself, and must not hang meanwhile.
    return redis.BlockingConnectionPool.from_url(url, max_connections=8, timeout=1, socket_connect_timeout=1, socket_timeout=1, retry=ONCE)


def client() -> redis.Redis:
    """A client of the Redis that keeps caches and heartbeats, and may be lost."""
    return redis.Redis(connection_pool=_pool(settings.CACHE_REDIS_URL))


def beat(process: str, *, now: float | None = None) -> None:
    """Raises redis.RedisError; a loop that cannot leave a sign of life has a problem of its own to report."""
    client().hset(KEY, process, str(time.time() if now is None else now))


def age(process: str, *, now: float | None = None) -> float | None:
    """Seconds since the process last beat; None when it never did."""
    return ages(now=now).get(process)


def ages(*, now: float | None = None) -> dict[str, float]:
    """Seconds since each process last beat, by its name."""
    moment = time.time() if now is None else now
    seen: Any = client().hgetall(KEY)
    return {process.decode(): max(0.0, moment - float(at)) for process, at in seen.items()}
