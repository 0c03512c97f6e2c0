"""``GET /api/v1/vast``: the ads of one break as VAST 4.2 or 4.3, for any standard player."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import redis
from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse

from adplatform.eventlog import stream
from adplatform.eventlog.views import edge
from ads.decision.request import AdRequest, Limits
from ads.formats import vast
from ads.formats.creative import creatives
from ads.formats.tracking import break_tracking, with_query
from ads.quota import WINDOW_SECONDS, within_quota
from ads.serving import ServedBreak, serve_break

from .breaks import read_break, told, whole

# VAST 4.2, section 2.3.6.3: no ad came back.
NO_AD = 303
MOST_SUBSTITUTES = 3


@edge("GET")
def vast_document(request: HttpRequest) -> HttpResponse:
    """200 with the pod or an empty VAST, 400 wrong parameters, 429 over quota, 503 without Redis."""
    now = datetime.now(UTC)
    try:
        version = _version(request)
        asked = read_break(request, now)
        spare = whole(request.GET, "buffet", low=0, high=MOST_SUBSTITUTES, default=0)
    except ValueError as error:
        return _error(400, "unreadable_request", str(error))
    base, macros = base_of(request), told(request.GET, "macros") in ("1", "true")
    try:
        served = _decided(asked, now)
        pod = creatives(served, base=base, macros=macros)
        # Without a pod there is nothing to stand in for.
        beside = creatives(_decided(substitutes(asked, served, spare), now), base=base, macros=macros) if spare and pod else ()
    except OverQuota:
        return _error(429, "over_quota", "too many breaks were asked for from this address; wait a minute", {"Retry-After": str(WINDOW_SECONDS)})
    except (stream.LogUnavailable, redis.exceptions.RedisError):
        return _error(503, "log_unavailable", "no ad can be reserved now; play on and ask again at the next break", {"Retry-After": "2"})
    # Why there is no ad is known already, so the code needs no macro.
    error_url = with_query(break_tracking(asked, served, base)["breakError"], code=NO_AD)
    written = vast.document(pod, substitutes=beside, version=version, error_url=error_url, currency=settings.CURRENCY)
    return HttpResponse(written, content_type=vast.CONTENT_TYPE)


class OverQuota(Exception):
    """Too many breaks of this address in this minute."""


def substitutes(asked: AdRequest, served: ServedBreak, count: int) -> AdRequest:
    """The request for ads that may stand in for those of a pod (VAST 4.2 section 2.3.1.3, the ad buffet).

    They are a break of their own, beside the pod's ads: decided and held like any other, so that each may be charged once and none over
    its budget. What the player does not use falls back by `notUsed`, or when its hold ends.
    """
    longest = max(ad.duration for ad in served.ads)
    return replace(
        asked,
        # No break that somebody names has this letter in its id.
        break_id=f"{asked.break_id}~{count}",
        duration=longest * count,
        max_ads=count,
        limits=Limits(beside=tuple(ad.ad for ad in served.ads), longest=longest),
    )


def base_of(request: HttpRequest) -> str:
    """``https://host``, before every address that a player is told."""
    return request.build_absolute_uri("/")[:-1]


def _decided(asked: AdRequest, now: datetime) -> ServedBreak:
    """Raises OverQuota, LogUnavailable and redis.exceptions.RedisError."""
    if not within_quota(asked.ip_hash, asked.session, asked.break_id, now=now):
        raise OverQuota
    return serve_break(asked, now=now)


def _version(request: HttpRequest) -> str:
    version = request.GET.get("version", "4.2")
    if version not in vast.VERSIONS:
        raise ValueError(f"version: this server writes VAST {' and '.join(vast.VERSIONS)}")
    return version


def _error(status: int, error: str, words: str, headers: dict[str, str] | None = None) -> JsonResponse:
    return JsonResponse({"error": error, "detail": words}, status=status, headers=headers)
