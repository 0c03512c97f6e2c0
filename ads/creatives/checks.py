"""Whether the facts of a file make an ad, and what a reviewer should know of one that does. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from catalog.media.probe import AUDIO_DECODERS, VIDEO_DECODERS, Facts, Unfit
from catalog.media.recipe import HEIGHT, WIDTH

SHORTEST_SECONDS = 2.0
SILENT_LUFS = -60.0
SMALLEST = (256, 144)
LARGEST = (4096, 2304)
WIDEST_SHAPE, NARROWEST_SHAPE = 2.76, 0.45
# Frames rarely end exactly where the seconds do.
SLACK_SECONDS = 0.5


def refuse_header(facts: Facts, *, longest_seconds: float) -> None:
    """What a header tells without decoding. Raises Unfit, worst first."""
    if facts.video_index is None:
        raise Unfit("no_video", "There is no picture in this file." if facts.audio_index is None else "There is sound and no picture.", facts)
    if facts.video_codec not in VIDEO_DECODERS:
        raise Unfit("unsupported_codec", f"The picture is encoded as {facts.video_codec or 'something unknown'}.", facts)
    if facts.duration is not None and facts.duration > longest_seconds + SLACK_SECONDS:
        raise Unfit("too_long", f"It is {facts.duration:.1f} s long; {longest_seconds:.0f} s is the most.", facts)
    _refuse_size(facts)
    if facts.audio_index is None:
        raise Unfit("no_audio", "There is a picture and no sound track.", facts)
    if facts.audio_codec not in AUDIO_DECODERS:
        raise Unfit("unsupported_codec", f"The sound is encoded as {facts.audio_codec or 'something unknown'}.", facts)


def _refuse_size(facts: Facts) -> None:
    long, short = max(facts.width, facts.height), min(facts.width, facts.height)
    if not short:
        raise Unfit("damaged", "The file does not say how large its picture is.", facts)
    size = f"The picture is {facts.width}x{facts.height}"
    if long < SMALLEST[0] or short < SMALLEST[1]:
        raise Unfit("too_small_picture", f"{size}; {SMALLEST[0]}x{SMALLEST[1]} is the least.", facts)
    if long > LARGEST[0] or short > LARGEST[1]:
        raise Unfit("too_large_picture", f"{size}; {LARGEST[0]}x{LARGEST[1]} is the most.", facts)
    if not NARROWEST_SHAPE <= facts.width / facts.height <= WIDEST_SHAPE:
        raise Unfit("odd_shape", f"{size}, {facts.width / facts.height:.2f} times as wide as high; 16:9 is 1.78.", facts)


def refuse_played(facts: Facts, *, longest_seconds: float) -> None:
    """What only decoding tells. Raises Unfit."""
    if not facts.duration:
        raise Unfit("no_such_duration", "Nothing of it can be played.", facts)
    if facts.duration > longest_seconds + SLACK_SECONDS:
        raise Unfit("too_long", f"It plays for more than {longest_seconds:.0f} s, the most.", facts)
    if facts.duration < SHORTEST_SECONDS - 1 / 24:
        raise Unfit("too_short", f"It plays for {facts.duration:.1f} s; {SHORTEST_SECONDS:.0f} s is the least.", facts)
    if (facts.loudness_lufs or 0.0) < SILENT_LUFS:
        raise Unfit("silent", f"Its loudness is {facts.loudness_lufs:.0f} LUFS; what is below {SILENT_LUFS:.0f} LUFS nobody hears.", facts)


def warnings(facts: dict[str, object], *, target_lufs: float) -> Iterator[str]:
    """What a reviewer should know before approving, from the facts as stored."""
    width, height = _number(facts.get("width")), _number(facts.get("height"))
    if width and height and (width < WIDTH and height < HEIGHT):
        yield f"The picture was {width:.0f}x{height:.0f} and is scaled up to {WIDTH}x{HEIGHT}: it will look soft."
    if width and height and abs(width / height - WIDTH / HEIGHT) > 0.03:
        yield f"The picture is {'higher' if width / height < WIDTH / HEIGHT else 'wider'} than 16:9 and plays between black bars."
    loudness = _number(facts.get("loudness_lufs"))
    if loudness is not None and abs(loudness - target_lufs) > 8:
        moved = target_lufs - loudness
        yield f"The sound was {abs(moved):.0f} LU too {'quiet and was turned up: listen for noise' if moved > 0 else 'loud and was turned down'}."
    peak = _number(facts.get("true_peak_dbtp"))
    if peak is not None and peak > 0:
        yield f"The sound reaches {peak:+.1f} dBTP: it was clipped before it was sent."
    after = _number(facts.get("loudness_after_lufs"))
    if after is not None and abs(after - target_lufs) > 1:
        yield f"Packaged, it plays at {after:.1f} LUFS instead of {target_lufs:.0f}: its peaks leave no room for more."
    if facts.get("curve") or facts.get("hdr"):
        yield "The picture was HDR and is shown in standard range: compare the colours."
    rate = _number(facts.get("frames_per_second"))
    if rate and abs(rate - 24) > 0.1:
        yield f"It has {rate:g} frames a second and plays at 24: fast movement may look less smooth."


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) else None
