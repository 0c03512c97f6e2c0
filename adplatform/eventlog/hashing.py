"""Addresses and browsers are kept only as keyed hashes whose salt changes each UTC day: enough to count by, not to follow anyone."""

from __future__ import annotations

import hashlib
import hmac
from datetime import UTC, date, datetime
from functools import lru_cache

from django.conf import settings

HEX_DIGITS = 16


def daily_hash(value: str, *, now: datetime) -> str:
    """16 hex digits, the same for the same value within a UTC day; empty for an empty value."""
    if not value:
        return ""
    return hmac.digest(_salt(settings.SECRET_KEY, now.astimezone(UTC).date()), value.encode("utf-8", "replace"), "sha256").hex()[:HEX_DIGITS]


@lru_cache(maxsize=4)
def _salt(secret: str, day: date) -> bytes:
    return hashlib.sha256(f"intermission.daily-salt.{day.isoformat()}.{secret}".encode()).digest()
