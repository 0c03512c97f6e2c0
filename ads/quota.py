"""How many breaks one address may have decided in a minute, so that nobody drains holds by only asking."""

from __future__ import annotations

import uuid
from datetime import datetime

from django.conf import settings

from adplatform.eventlog import stream

WINDOW_SECONDS = 60


def within_quota(address: str, session: uuid.UUID, break_id: str, *, now: datetime) -> bool:
    """Count this break for this address; asking for the same break again costs nothing.

    The key names its minute, so its expiry only frees memory. Raises redis.exceptions.RedisError.
    """
    if settings.DECISIONS_PER_MINUTE <= 0:
        return True
    key = f"quota:{address}:{int(now.timestamp()) // WINDOW_SECONDS}"
    with stream.client().pipeline(transaction=False) as pipeline:
        pipeline.sadd(key, f"{session}:{break_id}")
        pipeline.scard(key)
        pipeline.expire(key, 2 * WINDOW_SECONDS)
        _, count, _ = pipeline.execute()
    return int(count) <= settings.DECISIONS_PER_MINUTE
