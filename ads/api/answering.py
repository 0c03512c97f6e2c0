"""One break, decided for a standard player: read, within the quota, served, and told with all that a document needs."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlencode

import redis
from django.http import HttpRequest, JsonResponse, QueryDict

from adplatform.eventlog import stream
from ads.decision.request import AdRequest
from ads.formats.creative import Creative, creatives
from ads.formats.tracking import break_tracking
from ads.quota import WINDOW_SECONDS, within_quota
from ads.serving import ServedBreak, serve_break

from .breaks import read_break


class Refused(Exception):
    """Why there is no answer, as the player is told it."""

    def __init__(self, status: int, error: str, words: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(words)
        self.status, self.error, self.words, self.headers = status, error, words, headers

    def response(self) -> JsonResponse:
        return JsonResponse({"error": self.error, "detail": self.words}, status=self.status, headers=self.headers)


@dataclass(frozen=True, slots=True)
class Answered:
    """``tracking`` is that of the break as a whole."""

    asked: AdRequest
    served: ServedBreak
    creatives: tuple[Creative, ...]
    tracking: dict[str, str]


def read(request: HttpRequest, now: datetime) -> AdRequest:
    """Raises Refused."""
    try:
        return read_break(request, now)
    except ValueError as error:
        raise Refused(400, "unreadable_request", str(error)) from error


def answer(asked: AdRequest, *, base: str, now: datetime, macros: bool = False) -> Answered:
    """The break decided, or as it was decided before; ``macros`` as in `formats.tracking`. Raises Refused."""
    try:
        if not within_quota(asked.ip_hash, asked.session, asked.break_id, now=now):
            words = "too many breaks were asked for from this address; wait a minute"
            raise Refused(429, "over_quota", words, {"Retry-After": str(WINDOW_SECONDS)})
        served = serve_break(asked, now=now)
    except (stream.LogUnavailable, redis.exceptions.RedisError) as error:
        words = "no ad can be reserved now; play on and ask again at the next break"
        raise Refused(503, "log_unavailable", words, {"Retry-After": "2"}) from error
    return Answered(asked, served, creatives(served, base=base, macros=macros), break_tracking(asked, served, base, macros=macros))


def asking(request: HttpRequest, query: Mapping[str, str]) -> HttpRequest:
    """The request as if it had come with another query: from the same address and player."""
    other = copy.copy(request)
    other.GET = QueryDict(urlencode(query))
    return other
