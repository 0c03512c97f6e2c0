"""``GET /api/v1/streams/<title>/master.m3u8`` and ``media.m3u8``: a whole film for any HLS player, its breaks as interstitials if asked for."""

from __future__ import annotations

from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse

from adplatform.eventlog.views import edge
from adplatform.openapi import Operation, Parameter, document
from ads.formats import interstitials
from ads.placement import PlacedBreak
from catalog import hls
from catalog.selectors import WatchableTitle

from .answering import Refused
from .titles import address, bit_rates, break_query, breaks_of, film_clips, found, handed_on

MPEGURL = "application/vnd.apple.mpegurl"
INTERSTITIALS = "interstitials"
AS = ("", INTERSTITIALS)


@edge("GET", "HEAD")
def master(request: HttpRequest, title: str) -> HttpResponse:
    """200 with the master playlist, 400 a wrong parameter, 404 no such title, 503 while its media is being built."""
    try:
        film = _found(request, title)
        query = {name: value for name in ("breaks",) if (value := request.GET.get(name))} | handed_on(request)
    except Refused as refused:
        return refused.response()
    media_uri = "media.m3u8" + (f"?{urlencode(query)}" if query else "")
    return HttpResponse(hls.master(media_uri, **bit_rates(film)), content_type=MPEGURL)


@edge("GET", "HEAD")
def media(request: HttpRequest, title: str) -> HttpResponse:
    """200 with the media playlist, else as `master`."""
    try:
        film = _found(request, title)
        ranges = _interstitials(request, film) if request.GET.get("breaks") == INTERSTITIALS else []
    except Refused as refused:
        return refused.response()
    clips = film_clips(film)
    target = hls.target_of(placed.clip for placed in clips)
    return HttpResponse(hls.compose(clips, ended=True, kind="VOD", target_duration=target, ranges=ranges), content_type=MPEGURL)


def _interstitials(request: HttpRequest, title: WatchableTitle) -> list[str]:
    """Without a session in the address the player names one itself, by `_HLS_primary_id`."""
    given = handed_on(request)

    def asset_list(one: PlacedBreak) -> str:
        return address(request, "assetlist", {**break_query(title, one, given), "_HLS_interstitial_id": one.id})

    return interstitials.date_ranges(breaks_of(title), asset_list=asset_list, program_start=hls.EPOCH)


def _found(request: HttpRequest, name: str) -> WatchableTitle:
    """Raises Refused."""
    if request.GET.get("breaks", "") not in AS:
        raise Refused(400, "unreadable_request", f"breaks: leave it out for the film alone, or ask for {INTERSTITIALS}")
    return found(name)


_TITLE = Parameter("title", "path", {"type": "string"}, description="Slug or id of a published title")
_BREAKS = Parameter(
    "breaks", "query", {"type": "string", "enum": [INTERSTITIALS]}, required=False, description="Put the title's breaks in as HLS interstitials"
)
_RESPONSES = {
    400: ("A parameter is wrong", None),
    404: ("No published title has that slug or id", None),
    503: ("Its media is being built", None),
}
document(
    Operation(
        "/api/v1/streams/{title}/master.m3u8",
        "get",
        "The master playlist of a title, for any HLS player",
        parameters=(_TITLE, _BREAKS),
        responses={200: ("An HLS multivariant playlist", None), **_RESPONSES},
        tags=("ads",),
    )
)
document(
    Operation(
        "/api/v1/streams/{title}/media.m3u8",
        "get",
        "The whole film as a VOD media playlist, without ads; with `breaks=interstitials` each break names its asset list",
        parameters=(_TITLE, _BREAKS),
        responses={200: ("An HLS media playlist", None), **_RESPONSES},
        tags=("ads",),
    )
)
