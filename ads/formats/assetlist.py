"""An HLS asset list: the ads of one break as clips to play, each with what to report of it. Pure: creatives in, JSON out.

The list is that of draft-pantos-hls-rfc8216bis-22, appendix D.2; what is reported is SVTA2053, payload version 2 (section 5.2): a slot for each
ad, a pod for the break.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from .creative import Creative
from .vast import PROGRESS_SECONDS

SIGNALING = "X-AD-CREATIVE-SIGNALING"
VERSION = 2
# Ad-ID's own name as an identifier of creatives (SMPTE RP 2092-1); other registries go by the name they have in VAST.
SCHEMES = {"ad-id.org": "urn:smpte:ul:060E2B34.01040101.01200900.00000000"}
SERVING_ID = "urn:intermission:ad-serving-id"
# Seconds into an ad, as a share of it.
TIMED = {"start": 0.0, "firstQuartile": 0.25, "midpoint": 0.5, "thirdQuartile": 0.75, "complete": 1.0}
UNTIMED = ("impression", "clickTracking", "error", "loaded", "mute", "unmute", "pause", "resume", "playerExpand", "playerCollapse")


def asset_list(creatives: Sequence[Creative], *, seconds: float, break_tracking: Mapping[str, str]) -> dict[str, Any]:
    """The answer to a player that has come to a break of ``seconds``; a break without ads is a list without assets."""
    lasting = sum(creative.duration for creative in creatives)
    answer: dict[str, Any] = {"ASSETS": [_asset(creative, start) for creative, start in _in_turn(creatives)]}
    after = creatives[0].skip_after if len(creatives) == 1 else None
    if after is not None:
        # The button ends the whole break, so that a break of several ads has none: those behind the first would go with it.
        answer["SKIP-CONTROL"] = {"OFFSET": math.ceil(after)}
    return answer | {SIGNALING: _envelope("pod", _pod(lasting or seconds, break_tracking, filled=bool(creatives)))}


def _in_turn(creatives: Sequence[Creative]) -> Iterator[tuple[Creative, float]]:
    start = 0.0
    for creative in creatives:
        yield creative, start
        start += creative.duration


def _asset(creative: Creative, start: float) -> dict[str, Any]:
    return {"URI": creative.media.url, "DURATION": round(creative.duration, 3), SIGNALING: _envelope("slot", _slot(creative, start))}


def _envelope(kind: str, payload: Mapping[str, Any]) -> dict[str, Any]:
    return {"version": VERSION, "type": kind, "payload": [payload]}


def _slot(creative: Creative, start: float) -> dict[str, Any]:
    slot: dict[str, Any] = {
        "type": "linear",
        "start": round(start, 3),
        "duration": round(creative.duration, 3),
        "identifiers": [
            {"scheme": SCHEMES.get(creative.registry, creative.registry), "value": creative.universal_ad_id},
            {"scheme": SERVING_ID, "value": creative.serving_id},
        ],
        "tracking": list(_tracking(creative)),
        "clickThrough": creative.tracking["click"],
    }
    if creative.skip_after is not None:
        slot["skipOffset"] = creative.skip_after
    if creative.verifications:
        slot["verifications"] = [{"vendor": one.vendor, "resource": one.script, "parameters": one.parameters} for one in creative.verifications]
    return slot


def _tracking(creative: Creative) -> Iterator[dict[str, Any]]:
    told = creative.tracking
    for event in UNTIMED:
        yield {"type": event, "urls": [told[event]]}
    for event, share in TIMED.items():
        yield {"type": event, "offset": round(share * creative.duration, 3), "urls": [told[event]]}
    for seconds in PROGRESS_SECONDS:
        if seconds < creative.duration:
            yield {"type": "progress", "offset": seconds, "urls": [f"{told['progress']}?seq={seconds}"]}
    if creative.skip_after is not None:
        yield {"type": "skip", "urls": [told["skip"]]}


def _pod(seconds: float, told: Mapping[str, str], *, filled: bool) -> dict[str, Any]:
    events = {"podStart": told["breakStart"], "podEnd": told["breakEnd"]} if filled else {"error": told["breakError"]}
    return {"start": 0, "duration": round(seconds, 3), "tracking": [{"type": event, "urls": [url]} for event, url in events.items()]}
