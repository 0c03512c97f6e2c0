"""What an address ``/t/<event>/<token>`` may tell: the events by the names that stand in VAST and VMAP, and what their queries carry."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.http import QueryDict

from .errorcodes import read_code

# VAST 4.2: sections 3.14 (tracking events), 3.9 (in view), 3.16.3 (verification), 3.15 (companions) and 3.11 (icons). `click` leads on to
# the advertiser, `clickTracking` only tells: both are the one click of an ad.
AD_EVENTS = {
    "impression": "ad.impression", "viewable": "ad.viewable", "notViewable": "ad.not_viewable", "viewUndetermined": "ad.view_undetermined",
    "loaded": "ad.loaded", "start": "ad.start", "firstQuartile": "ad.first_quartile", "midpoint": "ad.midpoint",
    "thirdQuartile": "ad.third_quartile", "complete": "ad.complete", "progress": "ad.progress", "skip": "ad.skip", "click": "ad.click",
    "clickTracking": "ad.click", "mute": "ad.mute", "unmute": "ad.unmute", "pause": "ad.pause", "resume": "ad.resume", "rewind": "ad.rewind",
    "playerExpand": "ad.player_expand", "playerCollapse": "ad.player_collapse", "closeLinear": "ad.close_linear",
    "otherAdInteraction": "ad.other_interaction", "interactiveStart": "ad.interactive_start", "notUsed": "ad.not_used",
    "companionView": "ad.companion_view", "companionClick": "ad.companion_click", "iconView": "ad.icon_view", "iconClick": "ad.icon_click",
    "verificationNotExecuted": "ad.verification_not_executed", "error": "ad.error", "heartbeat": "ad.heartbeat",
}  # fmt: skip
# VMAP 1.0.1, section 2.3.4, under names of our own where `error` would be that of an ad. Their tokens name a decision and no ad.
BREAK_EVENTS = {"breakStart": "ad.break_start", "breakEnd": "ad.break_end", "breakError": "ad.break_error"}
PIXEL_EVENTS = AD_EVENTS | BREAK_EVENTS

ERRORS = frozenset({"ad.error", "ad.break_error"})
_PLAYHEAD = re.compile(r"(\d{1,2}):([0-5]\d):([0-5]\d(?:\.\d{1,3})?)")
LONGEST = 40


def sequence(query: QueryDict) -> int:
    number = query.get("seq", "")
    return int(number) if number.isascii() and number.isdigit() and len(number) < 10 else 0


def data(event_type: str, query: QueryDict) -> dict[str, Any]:
    """What is stored beside the event. A macro that the player left as it was tells nothing."""
    told: dict[str, Any] = {}
    if event_type in ERRORS:
        told["code"], raw = read_code(_said(query, "code"))
        told |= {"raw": raw} if raw else {}
    for name, read in _READ.items():
        value = read(_said(query, name))
        if value is not None:
            told[name] = value
    return told


def _said(query: QueryDict, name: str) -> str:
    value = query.get(name, "").strip()
    return "" if value.startswith("[") or "\x00" in value else value[:LONGEST]


def _seconds(text: str) -> float | None:
    match = _PLAYHEAD.fullmatch(text)
    return int(match[1]) * 3600 + int(match[2]) * 60 + float(match[3]) if match else None


def _small_number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 3 else None


def _moment(text: str) -> str | None:
    """ISO 8601, as the player's clock says it; kept as words, since an event's time is that of its receipt."""
    try:
        return datetime.fromisoformat(text).isoformat(timespec="milliseconds") if text else None
    except ValueError:
        return None


# `at` is [ADPLAYHEAD], `content` [MEDIAPLAYHEAD] (HH:MM:SS.mmm), `reason` [REASON] and `sent` [TIMESTAMP] of VAST 4.2.
_READ: dict[str, Callable[[str], Any]] = {"at": _seconds, "content": _seconds, "reason": _small_number, "sent": _moment}
