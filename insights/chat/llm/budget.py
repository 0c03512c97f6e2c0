"""How many tokens a person may have the endpoint work in a day. What a call may cost at most is taken before it, what it did not cost given back."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.core.cache import cache

KEPT_SECONDS = 2 * 86_400
# A token is about four characters of English; of JSON somewhat less.
CHARACTERS_A_TOKEN = 3


def estimated(text: str) -> int:
    return len(text) // CHARACTERS_A_TOKEN + 1


def taken(person: int | None, now: datetime, tokens: int) -> bool:
    """Takes ``tokens`` from the person's day (UTC), or nothing and False where that is more than is left. Many may ask at once."""
    key = _key(person, now)
    cache.add(key, 0, KEPT_SECONDS)
    if cache.incr(key, tokens) <= settings.INSIGHTS_LLM_DAILY_TOKENS:
        return True
    cache.decr(key, tokens)
    return False


def settled(person: int | None, now: datetime, *, taken: int, used: int) -> None:
    if taken > used:
        cache.decr(_key(person, now), taken - used)
    elif used > taken:
        cache.incr(_key(person, now), used - taken)


def spent(person: int | None, now: datetime) -> int:
    return int(cache.get(_key(person, now)) or 0)


def _key(person: int | None, now: datetime) -> str:
    return f"llm:tokens:{person or 'command'}:{now:%Y-%m-%d}"
