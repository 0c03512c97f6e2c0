"""WebVTT of one clip on its own timeline: what is heard, and who says what. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

EMPTY = "WEBVTT\n"
LEAST_SECONDS = 0.4

SOUNDS = {
    "ocean": "waves, far gulls",
    "city": "city hum, distant traffic",
    "space": "low engine drone",
    "forest": "wind in the pines",
    "winter": "muffled wind, snow underfoot",
    "desert": "dry wind over sand",
}
MUSIC = {
    "dawn": "soft strings",
    "day": "light guitar",
    "storm": "rain, thunder, uneasy strings",
    "dusk": "slow piano",
    "night": "low notes, far bells",
    "chase": "drums quicken",
    "calm": "quiet chords",
    "finale": "music swells",
}


@dataclass(frozen=True)
class Cue:
    start: float
    end: float
    text: str


def for_scene(setting: str, mood: str, lines: Sequence[str], seconds: float) -> str:
    """Sound first, then the lines; the first is spoken before and the last after the seconds that a tight cut may drop (4 to 6)."""
    cues = [Cue(0.2, 1.6, f"[{SOUNDS.get(setting, 'room tone')}; {MUSIC[mood]}]")]
    if lines:
        cues.append(Cue(1.7, 3.9, f"- {lines[0]}" if len(lines) > 1 else lines[0]))
    if len(lines) > 2:
        cues.append(Cue(4.1, 5.9, f"- {lines[1]}"))
    if len(lines) > 1:
        cues.append(Cue(6.1, min(seconds - 0.2, 8.6), f"- {lines[-1]}"))
    return compose(cues)


def for_ad(brand: str, lines: Sequence[str], seconds: float) -> str:
    share = (seconds - 1.0) / max(1, len(lines))
    spoken = [Cue(0.8 + index * share, 0.8 + (index + 1) * share - 0.2, line) for index, line in enumerate(lines)]
    return compose([Cue(0.1, 0.7, f"[{brand} jingle]"), *spoken])


def compose(cues: Sequence[Cue]) -> str:
    return "\n".join([EMPTY, *(f"{_stamp(cue.start)} --> {_stamp(cue.end)}\n{cue.text}\n" for cue in cues)])


def parse(vtt: str) -> list[Cue]:
    """Cues of a WebVTT text. Settings after the times are dropped, as ours have none."""
    found = re.findall(r"^((?:\d+:)?\d\d:\d\d\.\d{3}) --> ((?:\d+:)?\d\d:\d\d\.\d{3})[^\n]*\n((?:[^\n]+\n?)+)", vtt, re.MULTILINE)
    return [Cue(_seconds(start), _seconds(end), text.strip()) for start, end, text in found]


def for_tight_cut(vtt: str, segments: Sequence[tuple[float, bool]]) -> str:
    """The captions on the tight cut's timeline. ``segments`` are (seconds, kept); cues inside dropped seconds go with them."""
    kept: list[Cue] = []
    for cue in parse(vtt):
        start, end = _position(cue.start, segments), _position(cue.end, segments)
        if end - start >= LEAST_SECONDS:
            kept.append(Cue(start, end, cue.text))
    return compose(kept)


def _position(moment: float, segments: Sequence[tuple[float, bool]]) -> float:
    """Where a moment of the full cut lies in the tight cut; a dropped moment lies at the cut."""
    begins, tight = 0.0, 0.0
    for seconds, keep in segments:
        inside = min(max(moment - begins, 0.0), seconds)
        tight += inside if keep else 0.0
        begins += seconds
    return tight


def _stamp(seconds: float) -> str:
    milliseconds = round(seconds * 1000)
    minutes, rest = divmod(milliseconds, 60_000)
    return f"{minutes:02d}:{rest // 1000:02d}.{rest % 1000:03d}"


def _seconds(stamp: str) -> float:
    parts = [float(part) for part in stamp.split(":")]
    return sum(part * float(60**power) for power, part in enumerate(reversed(parts)))
