"""``POST /api/v1/decisions``: one ad break decided for any player, JSON in and JSON out."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

import msgspec
import redis
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.request import UnreadablePostError
from msgspec import Meta

from adplatform.eventlog import ingest, sender, stream
from adplatform.eventlog.hashing import daily_hash
from adplatform.eventlog.views import edge
from adplatform.openapi import Operation, document
from ads.decision.request import AdRequest
from ads.formats.tracking import tracking
from ads.policy import own_policy_of, policy_for
from ads.quota import WINDOW_SECONDS, within_quota
from ads.serving import ServedAd, ServedBreak, serve_break

from .breaks import bounded, foreign_session

BODY_BYTES = 64 * 1024

Text = Annotated[str, Meta(max_length=40)]
Slugs = Annotated[tuple[Text, ...], Meta(max_length=20)]
Share = Annotated[float, Meta(ge=0, le=1)]
BigInt = Annotated[int, Meta(ge=1, le=2**63 - 1)]


class DecisionBody(msgspec.Struct, forbid_unknown_fields=True):
    """Who is watching what, and the break to fill. Durations in seconds; ``hour`` and ``weekday`` (Monday 0) of the viewer's zone.

    With a ``session_token`` the session, viewer and title are the token's; ``session`` is for players without one, whose
    caps are counted per session. Attributes of the viewer are used only where ``consent`` is true. What an impression costs at
    least, how soon an ad may come again, and whether house ads may fill follow from the ad policy, never from the body. A break
    of a title that has a policy of its own is no longer and holds no more ads than that allows, whatever is asked for.
    """

    break_id: Annotated[str, Meta(min_length=1, max_length=40, pattern=r"^[\w.:-]+$")]
    duration: Annotated[float, Meta(gt=0, le=600)]
    session: uuid.UUID | None = None
    session_token: Annotated[str, Meta(max_length=600)] | None = None
    max_ads: Annotated[int, Meta(ge=1, le=10)] = 2
    break_position: Literal["pre", "mid", "post"] = "mid"
    break_index: Annotated[int, Meta(ge=0, le=1000)] = 0
    device: Literal["tv", "desktop", "mobile", "tablet"] = "desktop"
    hour: Annotated[int, Meta(ge=0, le=23)] = 12
    weekday: Annotated[int, Meta(ge=0, le=6)] = 0
    title: BigInt | None = None
    genres: Slugs = ()
    mood: Text = ""
    intensity: Share = 0.5
    maturity: Annotated[str, Meta(max_length=8)] = ""
    tags: Slugs = ()
    country: Annotated[str, Meta(pattern=r"^[A-Z]{2}$")] | None = None
    consent: bool = False
    tier: Text | None = None
    age_band: Text | None = None
    gender: Text | None = None
    monthly_hours: Annotated[float, Meta(ge=0, le=744)] | None = None
    favourite_genres: Slugs | None = None
    progress: Share = 0.0
    explain: bool = False


class DecidedAd(msgspec.Struct):
    """``price_micros`` is the price of one impression; ``tracking`` holds a URL for each event of VAST 4.2."""

    slot: int
    ad: int
    name: str
    campaign: str
    advertiser: str
    duration: float
    skip_after: float | None
    click: str
    token: str
    price_micros: int
    pctr: float
    tracking: dict[str, str]
    headline: str = ""


class DecisionAnswer(msgspec.Struct, omit_defaults=True):
    """``explanation`` is there for staff who asked for it with ``explain``."""

    decision: uuid.UUID
    ads: list[DecidedAd]
    unfilled_seconds: float
    milliseconds: float
    explanation: dict[str, Any] | None = None


_body = msgspec.json.Decoder(DecisionBody)
_encode = msgspec.json.Encoder().encode


@edge("POST")
def decisions(request: HttpRequest) -> HttpResponse:
    """200 with the decision, 400 unreadable or wrong, 403 explain without being staff, 413 too large, 429 over quota, 503 without Redis."""
    now = datetime.now(UTC)
    try:
        raw = _raw(request)
        if raw is None:
            return _error(413, "body_too_large", f"a break is asked for in at most {BODY_BYTES} bytes")
        body = _body.decode(raw)
        asked = _request(request, body, now)
    except (msgspec.DecodeError, UnicodeError, RecursionError, UnreadablePostError, ValueError) as error:
        return _error(400, "unreadable_body", str(error))
    if body.explain and not _is_staff(request):
        return _error(403, "staff_only", "sign in as staff to ask for the explanation, or leave `explain` out")
    try:
        if not within_quota(asked.ip_hash, asked.session, asked.break_id, now=now):
            return _error(429, "over_quota", "too many breaks were asked for from this address; wait a minute", {"Retry-After": str(WINDOW_SECONDS)})
        served = serve_break(asked, now=now)
    except (stream.LogUnavailable, redis.exceptions.RedisError):
        return _error(503, "log_unavailable", "no ad can be reserved now; play on and ask again at the next break", {"Retry-After": "2"})
    return HttpResponse(_encode(_answer(request, served, explain=body.explain)), content_type="application/json")


def _raw(request: HttpRequest) -> bytes | None:
    """The body, None when it is too large to be one."""
    length = request.headers.get("Content-Length", "")
    if length.isdigit() and int(length) > BODY_BYTES:
        return None
    try:
        body = request.body
    except RequestDataTooBig:
        return None
    return body if len(body) <= BODY_BYTES else None


def _request(request: HttpRequest, body: DecisionBody, now: datetime) -> AdRequest:
    """Raises ValueError when neither a session nor a valid token says who is watching."""
    token, refusal = ingest.read_session(body.session_token, now=now)
    if body.session_token and token is None:
        raise ValueError(f"session_token: {refusal}")
    if token is None and body.session is None:
        raise ValueError("name the playback session: `session_token`, or a `session` UUID of your own")
    title = token.title if token else body.title
    policy = policy_for(title)
    duration, max_ads = bounded(body.duration, body.max_ads, own_policy_of(title))
    return AdRequest(
        session=token.session if token else foreign_session(body.session),
        viewer=token.viewer if token else None,
        title=title,
        synthetic=token.synthetic if token else False,
        break_id=body.break_id,
        break_position=body.break_position,
        break_index=body.break_index,
        duration=duration,
        max_ads=max_ads,
        device=body.device,
        hour=body.hour,
        weekday=body.weekday,
        genres=body.genres,
        mood=body.mood,
        intensity=body.intensity,
        maturity=body.maturity,
        tags=body.tags,
        country=body.country,
        consent=body.consent,
        tier=body.tier if body.consent else None,
        age_band=body.age_band if body.consent else None,
        gender=body.gender if body.consent else None,
        monthly_hours=body.monthly_hours if body.consent else None,
        favourite_genres=body.favourite_genres if body.consent else None,
        progress=body.progress,
        creative_gap=float(policy.creative_gap_seconds),
        reserve_micros=policy.reserve_micros,
        house_ads=policy.house_ads,
        ip_hash=daily_hash(sender.address(request), now=now),
        ua_hash=daily_hash(sender.user_agent(request), now=now),
    )


def _is_staff(request: HttpRequest) -> bool:
    user = request.user
    return user.is_active and user.is_staff and user.has_perm("ads.view_decision")


def _answer(request: HttpRequest, served: ServedBreak, *, explain: bool) -> DecisionAnswer:
    return DecisionAnswer(
        decision=served.decision,
        ads=[_ad(request, ad) for ad in served.ads],
        unfilled_seconds=served.unfilled_seconds,
        milliseconds=served.milliseconds,
        explanation=served.explanation if explain else None,
    )


def _ad(request: HttpRequest, ad: ServedAd) -> DecidedAd:
    urls = tracking(ad.token, request.build_absolute_uri("/")[:-1])
    return DecidedAd(
        slot=ad.slot,
        ad=ad.ad,
        name=ad.name,
        campaign=ad.campaign_name,
        advertiser=ad.advertiser_name,
        duration=ad.duration,
        skip_after=ad.skip_after,
        click=urls.pop("click"),
        token=ad.token,
        price_micros=ad.price_micros,
        pctr=ad.pctr,
        tracking=urls,
        headline=ad.headline,
    )


def _error(status: int, error: str, words: str, headers: dict[str, str] | None = None) -> JsonResponse:
    return JsonResponse({"error": error, "detail": words}, status=status, headers=headers)


document(
    Operation(
        "/api/v1/decisions",
        "post",
        "Decide one ad break. The same session and break always get the same answer.",
        body=DecisionBody,
        responses={
            200: ("The ads that were reserved, in playing order", DecisionAnswer),
            400: ("The body cannot be read, or a field is wrong", None),
            413: ("The body is too large", None),
            403: ("`explain` was asked for by somebody who is not staff", None),
            429: ("Too many breaks were asked for from this address", None),
            503: ("Nothing can be reserved now", None),
        },
        tags=("ads",),
    )
)
