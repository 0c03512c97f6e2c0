"""Frames and sound into fMP4 HLS: ffmpeg of the imageio-ffmpeg package, with the settings that let clips follow each other without a seam.

Key frames sit on segment edges (fixed GOP of two seconds, no B-frames, no scene cuts) and every clip has the same codec
parameters, so a player switches from one clip to the next by its init segment alone.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from catalog.media.recipe import FRAMES_PER_SECOND, HEIGHT, SEGMENT_SECONDS, WIDTH

PLAYLIST = "index.m3u8"
INIT = "init.mp4"
TIMEOUT_SECONDS = 300.0


class PackagingError(RuntimeError):
    """A clip could not be made; the message carries what ffmpeg said."""


@dataclass(frozen=True)
class Source:
    """Inputs and filter graph of one clip. The graph's picture output is ``[v]``; ``audio`` is the index of the sound's input."""

    inputs: tuple[tuple[str, ...], ...]
    graph: str
    audio: int
    seconds: float


@dataclass(frozen=True)
class PackagedSegment:
    uri: str
    duration: float


@cache
def ffmpeg() -> str:
    # Imported here: the package looks for its binary when imported, and most processes never encode.
    import imageio_ffmpeg

    return str(imageio_ffmpeg.get_ffmpeg_exe())


def package(source: Source, folder: Path) -> list[PackagedSegment]:
    """Encode into ``folder`` and return the segments as packaged. Raises PackagingError."""
    folder.mkdir(parents=True, exist_ok=True)
    command = [
        ffmpeg(), "-hide_banner", "-loglevel", "error", "-nostdin", "-y", "-filter_complex_threads", "1",
        *(word for words in source.inputs for word in words),
        "-filter_complex", source.graph, "-map", "[v]", "-map", f"{source.audio}:a", "-t", f"{source.seconds:g}",
        *profile(folder),
    ]  # fmt: skip
    run(command)
    segments = segments_of((folder / PLAYLIST).read_text())
    probe(folder, expected_seconds=source.seconds)
    return segments


def profile(folder: Path) -> list[str]:
    """What every clip is encoded as, whatever it is made from: ffmpeg's words from the streams chosen to the playlist in ``folder``."""
    gop = str(FRAMES_PER_SECOND * SEGMENT_SECONDS)
    return [
        "-threads", "1", "-r", str(FRAMES_PER_SECOND), "-c:v", "libx264", "-preset", "veryfast", "-crf", "25", "-pix_fmt", "yuv420p",
        "-profile:v", "main", "-level", "3.1", "-g", gop, "-keyint_min", gop, "-sc_threshold", "0", "-bf", "0",
        "-c:a", "aac", "-b:a", "96k", "-ar", "48000", "-ac", "2",
        "-map_metadata", "-1", "-fflags", "+bitexact", "-flags:v", "+bitexact", "-flags:a", "+bitexact",
        "-f", "hls", "-hls_time", str(SEGMENT_SECONDS), "-hls_playlist_type", "vod", "-hls_segment_type", "fmp4",
        "-hls_flags", "independent_segments", "-hls_fmp4_init_filename", INIT, "-hls_segment_filename", str(folder / "s%d.m4s"),
        str(folder / PLAYLIST),
    ]  # fmt: skip


def run(command: Sequence[str]) -> str:
    """Run ffmpeg and return what it wrote to standard error. Raises PackagingError."""
    try:
        done = subprocess.run(command, check=False, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=TIMEOUT_SECONDS)
    except subprocess.TimeoutExpired as error:
        raise PackagingError(f"ffmpeg took longer than {TIMEOUT_SECONDS:.0f} s") from error
    if done.returncode != 0:
        last = done.stderr.strip().splitlines()[-1:] or [f"exit code {done.returncode}"]
        raise PackagingError(f"ffmpeg failed: {last[0]}")
    return done.stderr


def segments_of(playlist: str) -> list[PackagedSegment]:
    """Segments of a packaged playlist in playing order. Raises PackagingError when it has none."""
    found = re.findall(r"^#EXTINF:([\d.]+),[^\n]*\n([^#\s][^\n]*)$", playlist, re.MULTILINE)
    if not found:
        raise PackagingError("ffmpeg wrote a playlist without segments")
    return [PackagedSegment(uri=uri, duration=float(seconds)) for seconds, uri in found]


def probe(folder: Path, *, expected_seconds: float) -> None:
    """Read every packet of a packaged clip back. Raises PackagingError when it isn't what all clips must be."""
    said = run([ffmpeg(), "-hide_banner", "-nostdin", "-i", str(folder / PLAYLIST), "-c", "copy", "-f", "null", "-"])
    video = re.search(r"Video: h264 \(Main\).*?yuv420p.*? (\d+)x(\d+)", said)
    if not video or (int(video[1]), int(video[2])) != (WIDTH, HEIGHT):
        raise PackagingError(f"the packaged picture is not {WIDTH}x{HEIGHT} H.264 main")
    if not re.search(r"Audio: aac .*?48000 Hz, stereo", said):
        raise PackagingError("the packaged sound is not 48 kHz stereo AAC")
    total = sum(segment.duration for segment in segments_of((folder / PLAYLIST).read_text()))
    if abs(total - expected_seconds) > 0.25:
        raise PackagingError(f"the packaged clip lasts {total:.2f} s instead of {expected_seconds:.2f} s")
