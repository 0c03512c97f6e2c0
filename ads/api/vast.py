"""``GET /api/v1/vast``: the ads of one break as VAST 4.2 or 4.3, for any standard player."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from adplatform.eventlog.views import edge
from adplatform.openapi import Operation, Parameter, document
from ads.decision.request import AdRequest, Limits
from ads.formats import vast
from ads.serving import ServedBreak

from .answering import Answered, Refused, answer, read
from .breaks import DEVICES
from .query import told, whole

MOST_SUBSTITUTES = 3


@edge("GET")
def vast_document(request: HttpRequest) -> HttpResponse:
    """200 with the pod or an empty VAST, 400 wrong parameters, 429 over quota, 503 without Redis."""
    now = datetime.now(UTC)
    try:
        document, _ = written(request, read(request, now), now)
    except Refused as refused:
        return refused.response()
    return HttpResponse(document, content_type=vast.CONTENT_TYPE)


def written(request: HttpRequest, asked: AdRequest, now: datetime) -> tuple[str, Answered]:
    """The document of a break in the form that the request asks for, and what it tells of. Raises Refused."""
    base, macros = base_of(request), told(request.GET, "macros") in ("1", "true")
    version, spare = _form(request)
    pod = answer(asked, base=base, now=now, macros=macros)
    # Without a pod there is nothing to stand in for.
    beside = answer(substitutes(asked, pod.served, spare), base=base, now=now, macros=macros).creatives if spare and pod.creatives else ()
    error_url = pod.tracking["breakError"].partition("?")[0]
    return vast.document(pod.creatives, substitutes=beside, version=version, error_url=error_url, currency=settings.CURRENCY), pod


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


def _form(request: HttpRequest) -> tuple[str, int]:
    """The version to write and how many substitutes to add. Raises Refused."""
    version = told(request.GET, "version") or vast.VERSIONS[0]
    if version not in vast.VERSIONS:
        raise Refused(400, "unreadable_request", f"version: this server writes VAST {' and '.join(vast.VERSIONS)}; older players read 4.2 too")
    try:
        return version, whole(request.GET, "buffet", low=0, high=MOST_SUBSTITUTES, default=0)
    except ValueError as error:
        raise Refused(400, "unreadable_request", str(error)) from error


def _optional(name: str, words: str, **schema: object) -> Parameter:
    return Parameter(name, "query", {"type": "string", **schema}, required=False, description=words)


PARAMETERS = (
    _optional("session", "A name of your own for the playback, the same for all of its breaks: a UUID, or other text"),
    _optional("session_token", "The signed session of our own player, instead of `session`"),
    _optional("_HLS_primary_id", "What hls.js and AVFoundation send, instead of `session`"),
    _optional("break", "Id of the break; by default its position and index", pattern=r"^[\w.:-]{1,38}$"),
    _optional("position", "Where the break is, or [BREAKPOSITION] as 1, 2, 3", enum=["pre", "mid", "post", "1", "2", "3"], default="mid"),
    _optional("index", "How many breaks come before it", type="integer", minimum=0, maximum=1000, default=0),
    _optional("duration", "Seconds to fill, or [BREAKMAXDURATION]", type="number", exclusiveMinimum=0, maximum=600, default=30),
    _optional("max_ads", "Most ads of the pod, or [BREAKMAXADS]", type="integer", minimum=1, maximum=10, default=2),
    _optional("title", "Slug or id of the title: its genres, maturity and ad policy hold"),
    _optional("device", "By default told from the user agent", enum=list(DEVICES)),
    _optional("country", "ISO 3166-1, two letters"),
    _optional("hour", "0-23 where the viewer is; by default UTC", type="integer", minimum=0, maximum=23),
    _optional("weekday", "Monday 0, where the viewer is; by default UTC", type="integer", minimum=0, maximum=6),
    _optional("consent", "1 where the viewer agrees to personal ads; signals of TCF, GPP, US Privacy, COPPA and GPC are read beside it"),
    _optional("gdpr", "1 where GDPR applies; then `gdpr_consent` must allow purposes 1 to 4"),
    _optional("gdpr_consent", "The TCF 2 string"),
    _optional("gpp", "The GPP string"),
    _optional("gpp_sid", "Sections of it that apply"),
    _optional("us_privacy", "For example 1YNN"),
    _optional("coppa", "1: the viewer is a child"),
    _optional("lmt", "1: the viewer limits ad tracking"),
)

document(
    Operation(
        "/api/v1/vast",
        "get",
        "The ads of one break as VAST. The same session and break always get the same decision, in every form.",
        parameters=(
            *PARAMETERS,
            _optional("version", "Of VAST", enum=list(vast.VERSIONS), default="4.2"),
            _optional("buffet", "Substitutes beside the pod", type="integer", minimum=0, maximum=MOST_SUBSTITUTES, default=0),
            _optional("macros", "1: our tracking addresses carry macros, [ERRORCODE] first, for the player to fill in", enum=["0", "1"], default="0"),
        ),
        responses={
            200: ("A VAST document (application/xml); with Error alone where there is no ad", None),
            400: ("A parameter is wrong; the answer says which", None),
            429: ("Too many breaks were asked for from this address", None),
            503: ("Nothing can be reserved now", None),
        },
        tags=("ads",),
    )
)
