"""``GET /api/v1/assetlist``: the ads of one break as an HLS asset list with SVTA2053 signalling, for players of HLS interstitials.

The playback is the ``_HLS_primary_id`` that the player adds, unless the address names a session. Asked for again, the break is the same and
nothing more is reserved.
"""

from __future__ import annotations

import math
from datetime import UTC, datetime

import msgspec
from django.http import HttpRequest, HttpResponse

from adplatform.eventlog.views import edge
from adplatform.openapi import Operation, Parameter, document
from ads.formats.assetlist import asset_list

from .answering import Refused, answer, read
from .vast import base_of

_encode = msgspec.json.Encoder().encode


@edge("GET")
def asset_list_view(request: HttpRequest) -> HttpResponse:
    """200 with the list, which may be empty; 400 wrong parameters, 429 over quota, 503 without Redis."""
    now = datetime.now(UTC)
    try:
        _start_offset(request)
        answered = answer(read(request, now), base=base_of(request), now=now)
    except Refused as refused:
        return refused.response()
    told = asset_list(answered.creatives, seconds=answered.asked.duration, break_tracking=answered.tracking)
    return HttpResponse(_encode(told), content_type="application/json")


def _start_offset(request: HttpRequest) -> float:
    """Where in the break a player begins that joins late (appendix D.4).

    The list is the whole break all the same: hls.js and shaka-player count the offset over the DURATIONs of the list they are given, and
    would leave out ads once more. Raises Refused.
    """
    named = request.GET.get("_HLS_start_offset", "")
    try:
        offset = float(named or 0)
    except ValueError:
        offset = math.nan
    if not 0 <= offset < math.inf:
        raise Refused(400, "unreadable_request", "_HLS_start_offset: give seconds from the beginning of the break")
    return offset


def _query(name: str, description: str, *, kind: str = "string", required: bool = False) -> Parameter:
    return Parameter(name, "query", {"type": kind}, required=required, description=description)


document(
    Operation(
        "/api/v1/assetlist",
        "get",
        "The ads of one break as an HLS asset list. The same playback and break always get the same list.",
        parameters=(
            _query("_HLS_primary_id", "The playback, as the player names it; `session` or `session_token` go before it"),
            _query("_HLS_start_offset", "Seconds into the break at which the player joins; the list is whole all the same", kind="number"),
            _query("session", "A name of your own for the playback"),
            _query("session_token", "The signed session of our own player"),
            _query("title", "Id or slug of the title that plays"),
            _query("break", "Id of the break, as the playlist has it"),
            _query("position", "pre, mid or post"),
            _query("index", "How many breaks the title may have before this one", kind="integer"),
            _query("duration", "Most seconds of ads", kind="number"),
            _query("max_ads", "Most ads", kind="integer"),
        ),
        responses={
            200: ("ASSETS to play in order, each with its X-AD-CREATIVE-SIGNALING; none where no ad was found", None),
            400: ("A parameter is wrong; the answer says which", None),
            429: ("Too many breaks were asked for from this address", None),
            503: ("Nothing can be reserved now", None),
        },
        tags=("ads",),
    )
)
