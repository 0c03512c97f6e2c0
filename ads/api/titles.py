"""A title as a standard player asks for it: by slug or id, with the places of its breaks and an address for each of them."""

from __future__ import annotations

import math
import uuid
from collections.abc import Mapping, Sequence
from urllib.parse import urlencode

from django.http import HttpRequest
from django.urls import reverse

from ads.placement import FilmScene, PlacedBreak, placed
from ads.policy import policy_for
from catalog import hls
from catalog.models import MediaAsset, Title
from catalog.selectors import MediaNotReady, TitleNotFound, WatchableScene, WatchableTitle, title_for_watching

from .answering import Refused

WHO = ("session_token", "session", "_HLS_primary_id")
# What the player says of itself and its viewer, handed on to every break of the title.
ABOUT = (
    "device", "country", "hour", "weekday", "consent", "gdpr", "gdpr_consent", "gpp", "gpp_sid", "us_privacy", "coppa", "lmt", "dnt", "npa",
    "opt_out", "gpc", "regulations",
)  # fmt: skip
# How the VAST of its breaks is to be written.
FORMS = ("version", "macros", "buffet")
LONGEST_PASSED = 4096


def found(name: str) -> WatchableTitle:
    """The published title of that slug, else of that id. Raises Refused."""
    try:
        return _watchable(name)
    except TitleNotFound as error:
        raise Refused(404, "unknown_title", str(error)) from error
    except MediaNotReady as error:
        raise Refused(503, "title_not_ready", str(error), {"Retry-After": "30"}) from error


def _watchable(name: str) -> WatchableTitle:
    if "\x00" in name:
        raise TitleNotFound("the name of a title is text")  # PostgreSQL has no character for NUL
    try:
        return title_for_watching(name)
    except TitleNotFound:
        slug = None
        if name.isascii() and name.isdigit() and len(name) < 19:
            slug = Title.objects.filter(pk=int(name)).values_list("slug", flat=True).first()
        if slug is None:
            raise
        return title_for_watching(slug)


def film(title: WatchableTitle) -> list[WatchableScene]:
    """The scenes that are played where nobody directs: all but the optional ones, in the author's order."""
    return [scene for scene in title.scenes if not scene.optional]


def film_clips(title: WatchableTitle) -> list[hls.PlacedClip]:
    return [hls.PlacedClip(scene.clip) for scene in film(title)]


def bit_rates(title: WatchableTitle) -> dict[str, int]:
    """``bandwidth`` of the densest segment and ``average`` of the film, in bits per second, as packaged; empty where sizes are not recorded."""
    assets = MediaAsset.objects.filter(pk__in=[scene.asset_id for scene in film(title)]).values_list("files", "segments")
    spans = [(files.get(one["uri"], {}).get("size", 0) * 8, one["duration"]) for files, segments in assets for one in segments]
    if not all(bits and seconds > 0 for bits, seconds in spans):
        return {}
    seconds = sum(length for _, length in spans)
    return {"bandwidth": math.ceil(max(bits / length for bits, length in spans)), "average": round(sum(bits for bits, _ in spans) / seconds)}


def breaks_of(title: WatchableTitle) -> tuple[PlacedBreak, ...]:
    scenes = [FilmScene(scene.duration(), scene.optional, scene.break_after) for scene in title.scenes]
    return placed(scenes, policy_for(title.id))


def handed_on(request: HttpRequest, *, also: Sequence[str] = ()) -> dict[str, str]:
    """The parameters of this request that its breaks are asked for with. Raises Refused for one too long to be handed on."""
    given = {name: request.GET[name] for name in (*WHO, *ABOUT, *also) if request.GET.get(name)}
    too_long = [name for name, value in given.items() if len(value) > LONGEST_PASSED]
    if too_long:
        raise Refused(400, "unreadable_request", f"{too_long[0]}: at most {LONGEST_PASSED} characters")
    return given


def with_session(given: Mapping[str, str]) -> dict[str, str]:
    """A session of its own for whoever named none: two playbacks share neither breaks nor caps."""
    return dict(given) if any(name in given for name in WHO) else {"session": str(uuid.uuid4()), **given}


def break_query(title: WatchableTitle, one: PlacedBreak, given: Mapping[str, str]) -> dict[str, str]:
    """The parameters that `ads.api.breaks.read_break` reads."""
    return {
        "title": str(title.id),
        "break": one.id,
        "position": one.position,
        "index": str(one.index),
        "duration": f"{one.seconds:g}",
        "max_ads": str(one.ads),
        **given,
    }


def address(request: HttpRequest, door: str, query: Mapping[str, str]) -> str:
    return f"{request.build_absolute_uri(reverse(door))}?{urlencode(query)}"
