"""``GET /api/v1/vmap/<title>``: when the breaks of a title are, for players that are told all of them at the start.

Each break is asked for at the ad tag that stands in its place, when the player wishes; with ``inline=1`` all are decided at once. Either way a
break has one decision: the ad tags name the playback, made here where the player named none.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime

import redis
from django.core import signing
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from adplatform.eventlog.pixels import BREAK_EVENTS
from adplatform.eventlog.views import edge
from adplatform.openapi import Operation, Parameter, document
from ads.decision.request import AdRequest
from ads.formats import vmap
from ads.formats.tracking import MACROS, break_tracking
from ads.placement import PlacedBreak
from ads.serving import stored_break

from .answering import Refused, asking, read
from .query import told
from .titles import FORMS, address, break_query, breaks_of, found, handed_on, with_session
from .vast import base_of, written

# VMAP's own names of what happens to a break, and ours.
NAMES = {"breakStart": "breakStart", "breakEnd": "breakEnd", "error": "breakError"}
INLINE = {"": False, "0": False, "1": True}
SALT = "ads.vmap.break"
LIFETIME_SECONDS = 24 * 3600


@edge("GET")
def vmap_document(request: HttpRequest, title: str) -> HttpResponse:
    """200 with the VMAP, 400 wrong parameters, 404 no such title, 429 over quota (inline), 503 no media yet, or no Redis (inline)."""
    now = datetime.now(UTC)
    try:
        if request.GET.get("inline", "") not in INLINE:
            raise Refused(400, "unreadable_request", "inline: 1 to have the ads in the document, else leave it out")
        film = found(title)
        given = with_session(handed_on(request, also=FORMS))
        inline, places = INLINE[request.GET.get("inline", "")], breaks_of(film)
        queries = [break_query(film, one, given) for one in places]
        # Read here too, so that a wrong parameter is told now and not break by break. Who watches what is the same in all of them.
        asked = read(asking(request, queries[0]), now) if queries else None
        breaks = [
            _inline(asking(request, query), one, now) if inline else _ahead(request, one, query, replace(asked, break_id=one.id))
            for one, query in zip(places, queries, strict=True)
            if asked is not None
        ]
    except Refused as refused:
        return refused.response()
    return HttpResponse(vmap.document(breaks), content_type=vmap.CONTENT_TYPE)


@edge("GET")
def break_event(request: HttpRequest, event: str, signed: str) -> HttpResponse:
    """What happened to a break whose VMAP was written before its decision: on to that decision's own tracking address.

    302; 400 forged or over, 404 unknown event or a break that was never asked for, 503 without Redis.
    """
    if event not in BREAK_EVENTS:
        return Refused(404, "unknown_type", f"use one of {', '.join(BREAK_EVENTS)}").response()
    try:
        asked = _signed_break(signed)
        served = stored_break(asked.session, asked.break_id)
    except signing.BadSignature:
        return Refused(400, "unsigned", "this link is not one of ours, or older than a day").response()
    except redis.exceptions.RedisError:
        return Refused(503, "log_unavailable", "send it again in a moment", {"Retry-After": "2"}).response()
    if served is None:
        return Refused(404, "not_decided", "no ads were asked for in this break").response()
    to = break_tracking(asked, served, base_of(request))[event].partition("?")[0]
    query = request.META.get("QUERY_STRING", "")
    return HttpResponseRedirect(f"{to}?{query}" if query else to)


def _ahead(request: HttpRequest, one: PlacedBreak, query: Mapping[str, str], asked: AdRequest) -> vmap.AdBreak:
    """The break by its ad tag, to be decided when the player asks there."""
    return vmap.AdBreak(one.id, vmap.time_offset(one), ad_tag=address(request, "vast", query), tracking=_tracking_ahead(request, asked))


def _inline(request: HttpRequest, one: PlacedBreak, now: datetime) -> vmap.AdBreak:
    """The break decided, ``request`` being the one its ad tag would make. Raises Refused."""
    document, answered = written(request, read(request, now), now)
    tracking = {name: answered.tracking[ours] for name, ours in NAMES.items()}
    return vmap.AdBreak(one.id, vmap.time_offset(one), vast=document, tracking=tracking)


def _tracking_ahead(request: HttpRequest, asked: AdRequest) -> dict[str, str]:
    """The decision they belong to is not made yet, so they name session and break, signed."""
    viewer = str(asked.viewer) if asked.viewer and asked.consent else ""
    signed = signing.dumps([str(asked.session), viewer, asked.title, asked.break_id, asked.synthetic], salt=SALT)
    urls = {name: base_of(request) + reverse("break-event", args=[ours, signed]) for name, ours in NAMES.items()}
    if told(request.GET, "macros") in ("1", "true"):
        urls["error"] += f"?{MACROS['breakError']}"
    return urls


def _signed_break(signed: str) -> AdRequest:
    """As much of the request as its tracking tells. Raises BadSignature."""
    session, viewer, title, break_id, synthetic = signing.loads(signed, salt=SALT, max_age=LIFETIME_SECONDS)
    return AdRequest(
        session=uuid.UUID(session), break_id=break_id, break_position="mid", break_index=0, duration=0.0, max_ads=0, device="", hour=0, weekday=0,
        title=title, viewer=uuid.UUID(viewer) if viewer else None, consent=bool(viewer), synthetic=synthetic,
    )  # fmt: skip


document(
    Operation(
        "/api/v1/vmap/{title}",
        "get",
        "When the breaks of a title are, as VMAP 1.0.1, and where each is asked for as VAST",
        parameters=(
            Parameter("title", "path", {"type": "string"}, description="Slug or id of a published title"),
            Parameter("inline", "query", {"type": "string", "enum": ["0", "1"]}, required=False, description="1: decide every break now"),
            Parameter("session", "query", {"type": "string"}, required=False, description="A name of your own for the playback; else one is made"),
            Parameter("session_token", "query", {"type": "string"}, required=False, description="The signed session of our own player"),
            Parameter("version", "query", {"type": "string", "enum": ["4.2", "4.3"]}, required=False, description="Of the VAST of its breaks"),
            Parameter("macros", "query", {"type": "string", "enum": ["0", "1"]}, required=False, description="1: addresses carry macros"),
            Parameter("consent", "query", {"type": "string"}, required=False, description="1 where the viewer agrees to personal ads; handed on"),
        ),
        responses={
            200: ("A VMAP document; without AdBreak where the title has no breaks", None),
            400: ("A parameter is wrong; the answer says which", None),
            404: ("No published title has that slug or id", None),
            429: ("Too many breaks were asked for from this address (inline)", None),
            503: ("Its media is being built, or nothing can be reserved now (inline)", None),
        },
        tags=("ads",),
    )
)
document(
    Operation(
        "/api/v1/breaks/{event}/{signed}",
        "get",
        "A tracking address of a VMAP: on to that of the break's decision",
        parameters=(
            Parameter("event", "path", {"type": "string", "enum": list(BREAK_EVENTS)}),
            Parameter("signed", "path", {"type": "string"}, description="Session and break, signed"),
        ),
        responses={
            302: ("The decision's own tracking address", None),
            400: ("Forged, or older than a day", None),
            404: ("No such event, or a break that was never asked for", None),
            503: ("The log is away", None),
        },
        tags=("ads",),
    )
)
