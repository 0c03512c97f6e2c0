"""``POST /api/v1/openrtb2/auction``: a video bid request of OpenRTB 2.6, answered with our own demand.

The same request, told apart by its id, gets the same answer. An ad that is bid is held until its impression comes, its loss notice, or its time
is over. What is bid is what the advertiser pays: the price of our own auction.
"""

from __future__ import annotations

import hmac
import zlib
from collections import defaultdict
from datetime import UTC, datetime
from typing import Any

import msgspec
import redis
from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.request import UnreadablePostError

from adplatform.eventlog import stream
from adplatform.eventlog.hashing import daily_hash
from adplatform.eventlog.views import edge
from adplatform.openapi import Operation, document
from ads.decision.request import AdRequest
from ads.formats import openrtb
from ads.formats.creative import Creative, creatives
from ads.formats.openrtb import who
from ads.models import Flight
from ads.policy import policy_for
from ads.quota import WINDOW_SECONDS, within_quota
from ads.reservation import HOLD_SECONDS
from ads.serving import preview_break, serve_break
from catalog.models import Genre

from . import privacy

VERSION = {"X-OpenRTB-Version": "2.6"}
BODY_BYTES = 256 * 1024


class TooLarge(ValueError):
    """The body is larger than a bid request may be."""


@edge("POST")
def auction(request: HttpRequest) -> HttpResponse:
    """200 with a BidResponse, 204 without a bid, 400 unreadable, 401 without the key that is asked for, 413 too large, 429 over quota, 503 without
    Redis."""
    now = datetime.now(UTC)
    if not _known(request):
        return _error(401, "unknown_exchange", "send the key you were given as `Authorization: Bearer KEY`", {"WWW-Authenticate": "Bearer"})
    try:
        asked = openrtb.read(_body(request))
    except TooLarge:
        return _error(413, "body_too_large", f"a bid request has at most {BODY_BYTES} bytes")
    except (msgspec.DecodeError, UnicodeError, RecursionError, UnreadablePostError, zlib.error) as error:
        return _error(400, "unreadable_body", str(error))
    try:
        offers = _offers(request, asked, now)
    except openrtb.NoBid as why:
        return _no_bid(str(why))
    except OverQuota:
        return _error(429, "over_quota", "too many breaks were asked for from this address; wait a minute", {"Retry-After": str(WINDOW_SECONDS)})
    except (stream.LogUnavailable, redis.exceptions.RedisError):
        return _error(503, "log_unavailable", "no ad can be held now; ask again at the next break", {"Retry-After": "2"})
    if not offers:
        return _no_bid("no flight of ours wants this break, or none may take it")
    flights = {offer.creative.served.flight for offer in offers}
    slots = dict(Flight.objects.filter(pk__in=flights).values_list("pk", "slot_position"))
    answer = openrtb.response(asked.id, offers, currency=settings.CURRENCY, expires=int(HOLD_SECONDS), slots=slots)
    return JsonResponse(answer, headers=VERSION)


class OverQuota(Exception):
    """Too many breaks of this address in this minute."""


def _known(request: HttpRequest) -> bool:
    """Whether a key is asked for, and this is one. Each is compared whole, so that time tells nothing of it."""
    keys = settings.OPENRTB_KEYS
    given = request.headers.get("Authorization", "").removeprefix("Bearer ").strip()
    same = [hmac.compare_digest(given.encode(), key.encode()) for key in keys]
    return not keys or any(same)


def _body(request: HttpRequest) -> bytes:
    try:
        raw = request.body
    except RequestDataTooBig as error:
        raise TooLarge from error
    if request.headers.get("Content-Encoding", "").lower() == "gzip":
        unpacking = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
        raw = unpacking.decompress(raw, BODY_BYTES + 1)
    if len(raw) > BODY_BYTES:
        raise TooLarge
    return raw


def _offers(request: HttpRequest, asked: openrtb.BidRequest, now: datetime) -> list[openrtb.Offer]:
    """Raises NoBid, OverQuota, LogUnavailable."""
    base = request.build_absolute_uri("/")[:-1]
    decide = preview_break if asked.test else serve_break
    beside: dict[str, list[int]] = defaultdict(list)
    found: list[tuple[openrtb.Ask, Creative]] = []
    for ask in openrtb.asks(asked, currency=settings.CURRENCY):
        wanted = _request(request, asked, ask, tuple(beside[ask.pod]), now)
        if not within_quota(wanted.ip_hash, wanted.session, wanted.break_id, now=now):
            raise OverQuota
        for creative in creatives(decide(wanted, now=now), base=base):
            beside[ask.pod].append(creative.ad)
            found.append((ask, creative))
    sellers = dict(Flight.objects.filter(pk__in={one.served.flight for _, one in found}).values_list("pk", "campaign__advertiser_id"))
    return [openrtb.Offer(ask, creative, sellers[creative.served.flight]) for ask, creative in found]


def _request(request: HttpRequest, asked: openrtb.BidRequest, ask: openrtb.Ask, beside: tuple[int, ...], now: datetime) -> AdRequest:
    consent, local = who.consented(asked, tcf=privacy.tcf_allows, gpp=privacy.gpp_allows), who.clock(asked.device, now)
    viewer = who.viewer(asked) if consent else None
    policy, content = policy_for(None), openrtb.content_of(asked)
    return AdRequest(
        session=who.session(asked),
        viewer=viewer,
        consent=viewer is not None,
        break_id=ask.break_id,
        break_position=ask.position,
        break_index=0,
        duration=ask.seconds,
        max_ads=ask.most_ads,
        device=who.device(asked.device),
        hour=local.hour,
        weekday=local.weekday(),
        genres=_genres(content.genre),
        maturity=content.contentrating[:8],
        country=who.country(asked.device),
        gender=who.gender(asked.user) if viewer else None,
        age_band=who.age_band(asked.user, now) if viewer else None,
        creative_gap=float(policy.creative_gap_seconds),
        reserve_micros=max(policy.reserve_micros, ask.floor_micros),
        # Nobody pays for a house ad, so it cannot be bid.
        house_ads=False,
        ip_hash=daily_hash(_address(request, asked), now=now),
        ua_hash=daily_hash((asked.device.ua if asked.device else "") or request.headers.get("User-Agent", ""), now=now),
        limits=openrtb.beside(ask.limits, beside),
    )


def _address(request: HttpRequest, asked: openrtb.BidRequest) -> str:
    """The viewer's, as an exchange that we know tells it; of anybody else it is not believed: quotas count by it."""
    told = (asked.device.ip or asked.device.ipv6) if asked.device and settings.OPENRTB_KEYS else ""
    return told or request.META.get("REMOTE_ADDR") or ""


def _genres(named: str) -> tuple[str, ...]:
    """Genres of ours that the content says it is of."""
    words = {word.strip().lower() for word in named.split(",")} - {""}
    if not words:
        return ()
    return tuple(slug for slug, name in Genre.objects.order_by("slug").values_list("slug", "name") if slug in words or name.lower() in words)


def _no_bid(why: str) -> HttpResponse:
    return HttpResponse(status=204, headers={**VERSION, "X-No-Bid": why.encode("ascii", "replace").decode()[:200]})


def _error(status: int, error: str, words: str, headers: dict[str, str] | None = None) -> JsonResponse:
    return JsonResponse({"error": error, "detail": words}, status=status, headers={**VERSION, **(headers or {})})


document(
    Operation(
        "/api/v1/openrtb2/auction",
        "post",
        "Bid on video breaks and pods of OpenRTB 2.6. The same request id always gets the same answer.",
        body=openrtb.BidRequest,
        responses={
            200: ("A BidResponse of OpenRTB 2.6: a seat for each advertiser, a bid with its VAST document for each ad", dict[str, Any]),
            204: ("No bid; the header X-No-Bid says why", None),
            400: ("The body cannot be read", None),
            401: ("A key is asked for", None),
            413: ("The body is too large", None),
            429: ("Too many breaks were asked for from this address", None),
            503: ("Nothing can be held now", None),
        },
        tags=("ads",),
    )
)
