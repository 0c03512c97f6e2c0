"""HLS playlists: the clips of one playback joined into an append-only EVENT playlist, or a whole film as a VOD one, and the master.

Pure. Every EVENT playlist composed from more clips of the same plan begins with the one composed from fewer, as RFC 8216
section 4.3.3.5 wants; a player that reloads it only ever finds more.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal, NamedTuple

Cut = Literal["full", "tight"]
Kind = Literal["EVENT", "VOD"]

# Segments are cut every two seconds; one whole second of room keeps the constant true for any clip we package.
TARGET_DURATION = 3
CODECS = "avc1.4D401F,mp4a.40.2"
EPOCH = datetime(2026, 1, 1, tzinfo=UTC)


class Segment(NamedTuple):
    uri: str
    duration: float
    tight_keep: bool


@dataclass(frozen=True)
class Clip:
    """One packaged clip. URIs are absolute paths; durations are seconds as packaged; ``tight_keep`` says what the tight cut plays."""

    key: str
    init_uri: str
    segments: tuple[tuple[str, float, bool], ...]

    def duration(self, cut: Cut = "full") -> float:
        """Seconds that the cut plays, the sum of its EXTINF values."""
        return sum(length for _, length, keep in self.segments if keep or cut == "full")


@dataclass(frozen=True)
class PlacedClip:
    clip: Clip
    cut: Cut = "full"

    @property
    def duration(self) -> float:
        return self.clip.duration(self.cut)


def compose(
    clips: Sequence[PlacedClip],
    *,
    ended: bool,
    target_duration: int = TARGET_DURATION,
    program_start: datetime = EPOCH,
    kind: Kind = "EVENT",
    ranges: Sequence[str] = (),
) -> str:
    """The media playlist of all clips published so far.

    ``target_duration`` and ``program_start`` must stay the same for the life of the playlist; so must ``ranges``, whole
    EXT-X-DATERANGE lines. Raises ValueError when a segment is longer than the target allows, when a clip's cut plays nothing, or for
    a VOD playlist that has not ended.
    """
    if kind == "VOD" and not ended:
        raise ValueError("a VOD playlist is whole from the start (RFC 8216, section 4.3.3.5)")
    lines = [*_header(target_duration, kind), *ranges, *_body(clips, target_duration, program_start), *(["#EXT-X-ENDLIST"] if ended else [])]
    return "\n".join(lines) + "\n"


def target_of(clips: Iterable[Clip]) -> int:
    """EXT-X-TARGETDURATION for a playlist of these clips."""
    return max(TARGET_DURATION, *(math.ceil(length) for clip in clips for _, length, _ in clip.segments))


def _header(target_duration: int, kind: Kind) -> list[str]:
    return [
        "#EXTM3U",
        "#EXT-X-VERSION:7",
        f"#EXT-X-TARGETDURATION:{target_duration}",
        "#EXT-X-MEDIA-SEQUENCE:0",
        "#EXT-X-INDEPENDENT-SEGMENTS",
        f"#EXT-X-PLAYLIST-TYPE:{kind}",
        # Without it a player takes a long EVENT playlist for live and starts near its end.
        *(["#EXT-X-START:TIME-OFFSET=0,PRECISE=YES"] if kind == "EVENT" else []),
    ]


def _body(clips: Sequence[PlacedClip], target_duration: int, program_start: datetime) -> Iterator[str]:
    elapsed = 0.0
    for index, placed in enumerate(clips):
        if placed.duration <= 0:
            raise ValueError(f"the {placed.cut} cut of {placed.clip.key} has no segment to play")
        if index:
            yield "#EXT-X-DISCONTINUITY"
        yield f'#EXT-X-MAP:URI="{placed.clip.init_uri}"'
        yield f"#EXT-X-PROGRAM-DATE-TIME:{stamp(program_start + timedelta(seconds=elapsed))}"
        yield from _segments(placed, target_duration)
        elapsed += placed.duration


def _segments(placed: PlacedClip, target_duration: int) -> Iterator[str]:
    played, dropped = False, False
    for uri, duration, keep in placed.clip.segments:
        if not keep and placed.cut == "tight":
            dropped = True
            continue
        if duration >= target_duration + 0.5:
            raise ValueError(f"segment {uri} of {duration} s is too long for a target duration of {target_duration} s")
        if dropped and played:
            yield "#EXT-X-DISCONTINUITY"
        played, dropped = True, False
        yield f"#EXTINF:{duration:.6f},"
        yield uri


def stamp(moment: datetime) -> str:
    """A moment as PROGRAM-DATE-TIME and START-DATE have it: UTC, to the millisecond."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def master(media_uri: str, *, bandwidth: int = 900_000, average: int | None = None, width: int = 640, height: int = 360) -> str:
    """The master playlist of the one rendition there is; ``bandwidth`` is its peak and ``average`` its mean in bits per second."""
    mean = f"AVERAGE-BANDWIDTH={average}," if average else ""
    stream = f'BANDWIDTH={bandwidth},{mean}CODECS="{CODECS}",RESOLUTION={width}x{height},FRAME-RATE=24.000'
    return f"#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-INDEPENDENT-SEGMENTS\n#EXT-X-STREAM-INF:{stream}\n{media_uri}\n"
