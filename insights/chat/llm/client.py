"""The OpenAI client of an endpoint, and what its errors mean in a few plain words. No message of an endpoint is ever shown or kept: it may
repeat a key."""

from __future__ import annotations

import time
from email.utils import parsedate_to_datetime
from functools import lru_cache
from typing import TYPE_CHECKING

from .rest import PAUSE_SECONDS

if TYPE_CHECKING:
    from openai import OpenAI

CONNECT_SECONDS = 3.0


class Failed(Exception):
    """The endpoint did not answer usably. ``pause``: seconds to leave it alone; ``status`` and ``told``: what it answered and said, where it did."""

    def __init__(self, reason: str, pause: float | None = None, status: int | None = None, told: str = "") -> None:
        super().__init__(reason)
        self.reason, self.pause, self.status, self.told = reason, pause, status, told


@lru_cache(maxsize=8)
def client(base_url: str, api_key: str) -> OpenAI:
    """One for each endpoint and process: making one reads all certificates anew. The package is loaded only where an endpoint is used."""
    import openai

    return openai.OpenAI(api_key=api_key, base_url=base_url or None, max_retries=0)


def failure(error: Exception, *, seconds: float) -> Failed:
    import openai

    if isinstance(error, openai.APITimeoutError):
        return Failed(f"no answer within {seconds:g} s")
    if isinstance(error, openai.APIConnectionError):
        return Failed("the endpoint cannot be reached")
    if isinstance(error, openai.APIStatusError):
        return _refused(error.status_code, error.response.headers.get("retry-after"), error.message)
    return Failed("the endpoint's answer cannot be read")


def _refused(status: int, retry_after: str | None, told: str) -> Failed:
    pause = _seconds(retry_after)
    if status == 429 and pause is None:
        pause = PAUSE_SECONDS
    return Failed(f"the endpoint answered {status}", pause if status in (429, 503) else None, status, told[:2000])


def _seconds(retry_after: str | None) -> float | None:
    """``Retry-After``: seconds, or the date until which to wait."""
    if not retry_after:
        return None
    try:
        return float(retry_after)
    except ValueError:
        pass
    try:
        return parsedate_to_datetime(retry_after).timestamp() - time.time()
    except (ValueError, OverflowError):
        return None
