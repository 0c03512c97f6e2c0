"""The breaks of a film as HLS interstitials: EXT-X-DATERANGE lines (draft-pantos-hls-rfc8216bis-22, appendix D). Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from ads.placement import PlacedBreak
from catalog.hls import stamp

CLASS = "com.apple.hls.interstitial"
# A break is shown once in a playback, as our own player has it; a pre- or post-roll has no moment of its own on the timeline.
CUES = {"pre": "PRE,ONCE", "mid": "ONCE", "post": "POST,ONCE"}


def date_ranges(breaks: Sequence[PlacedBreak], *, asset_list: Callable[[PlacedBreak], str], program_start: datetime) -> list[str]:
    """One line a break, in playing order. ``asset_list`` gives the address at which a break is decided, when the player comes to it."""
    return [_line(one, asset_list(one), program_start) for one in breaks]


def _line(one: PlacedBreak, uri: str, program_start: datetime) -> str:
    if '"' in uri or "\n" in uri:
        raise ValueError(f"an address in a playlist holds no quotation mark and no line break: {uri!r}")
    return "#EXT-X-DATERANGE:" + ",".join(
        [
            f'ID="{one.id}"',
            f'CLASS="{CLASS}"',
            f'START-DATE="{stamp(program_start + timedelta(seconds=one.offset))}"',
            f'CUE="{CUES[one.position]}"',
            f'X-ASSET-LIST="{uri}"',
            # The film goes on where it was left: ads are put in, none of it is replaced.
            "X-RESUME-OFFSET=0",
            'X-SNAP="OUT,IN"',
            'X-RESTRICT="SKIP,JUMP"',
        ]
    )
