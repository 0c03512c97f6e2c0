"""What an uploaded video is: its container by its first bytes, its streams as ffmpeg sees them, how long it really plays and how loud it is.

A file is never believed: the demuxer is chosen here by the bytes the file begins with and named to ffmpeg, so a playlist that calls itself
spot.mp4 opens nothing; ffmpeg may open files alone, runs confined (see `catalog.media.confined`), and decodes everything once, since a
header says what a truncated file should have been.
"""

from __future__ import annotations

import math
import re
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from catalog.media import confined
from catalog.media.packaging import ffmpeg
from catalog.media.recipe import FRAMES_PER_SECOND

# What the first bytes of each kind of file look like; the demuxer that reads it.
MOV, MATROSKA = "mov", "matroska"
MOV_BOXES = frozenset({b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot", b"uuid"})
EBML = b"\x1a\x45\xdf\xa3"
# Words of containers that people send and that are not taken, by their first bytes.
OTHERS: tuple[tuple[bytes, str], ...] = (
    (b"RIFF", "AVI or WAV"),
    (b"FLV", "Flash video"),
    (b"OggS", "Ogg"),
    (b"\x00\x00\x01\xba", "MPEG program stream"),
    (b"G@", "MPEG transport stream"),
    (b"0&\xb2u\x8ef\xcf\x11", "Windows Media"),
    (b"\x06\x0e+4", "MXF"),
    (b"GIF8", "GIF picture"),
    (b"\x89PNG", "PNG picture"),
    (b"\xff\xd8\xff", "JPEG picture"),
    (b"#EXTM3U", "playlist"),
    (b"%PDF", "PDF"),
    (b"PK\x03\x04", "ZIP"),
    (b"ID3", "MP3"),
)
# Decoders that ffmpeg may open at all, by the codec's name as it reports it.
VIDEO_DECODERS = {
    "h264": "h264", "hevc": "hevc", "vp8": "vp8", "vp9": "vp9", "av1": "libdav1d,av1", "mpeg4": "mpeg4", "mpeg2video": "mpeg2video",
    "prores": "prores", "mjpeg": "mjpeg", "dnxhd": "dnxhd",
}  # fmt: skip
AUDIO_DECODERS = {
    "aac": "aac", "mp3": "mp3float,mp3", "opus": "opus,libopus", "vorbis": "vorbis,libvorbis", "ac3": "ac3", "eac3": "eac3", "flac": "flac",
    "alac": "alac", "pcm_s16le": "pcm_s16le", "pcm_s16be": "pcm_s16be", "pcm_s24le": "pcm_s24le", "pcm_s24be": "pcm_s24be",
    "pcm_s32le": "pcm_s32le", "pcm_f32le": "pcm_f32le",
}  # fmt: skip
HDR_CURVES = frozenset({"smpte2084", "arib-std-b67"})
HEADER_LIMITS = confined.Limits(cpu_seconds=30, wall_seconds=60.0, output=confined.MEGABYTE)
DECODING_LIMITS = confined.Limits(cpu_seconds=600, wall_seconds=900.0, output=confined.MEGABYTE)
# Quieter than this is no sound that anybody hears; ebur128 says -70 of nothing at all.
NOTHING_LUFS = -70.0
# ffmpeg tells of each packet it cannot decode; a few are what tapes and cameras leave, more show.
MOST_DECODING_ERRORS = 3


class Unfit(ValueError):
    """The file cannot become an ad. ``code`` is one of ``ads.creatives.reasons``, the message says it with this file's figures."""

    def __init__(self, code: str, words: str, facts: Facts | None = None) -> None:
        super().__init__(words)
        self.code = code
        self.facts = facts


@dataclass(frozen=True)
class Facts:
    """Seconds, pixels as shown (turned as the file asks, square), bits a second, LUFS and dBTP; None where the file does not say.

    ``video_index`` and ``audio_index`` are the streams chosen; ``curve`` is the transfer characteristic as ffmpeg names it.
    """

    container: str
    duration: float | None = None
    width: int = 0
    height: int = 0
    frames_per_second: float | None = None
    video_codec: str | None = None
    audio_codec: str | None = None
    audio_channels: int | None = None
    audio_rate: int | None = None
    bit_rate: int | None = None
    loudness_lufs: float | None = None
    true_peak_dbtp: float | None = None
    loudness_range_lu: float | None = None
    loudness_threshold_lufs: float | None = None
    rotation: int = 0
    interlaced: bool = False
    curve: str | None = None
    pixel_format: str | None = None
    video_index: int | None = None
    audio_index: int | None = None

    @property
    def hdr(self) -> bool:
        return self.curve in HDR_CURVES

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def sniff(path: Path) -> str:
    """The demuxer for a file, by the bytes it begins with. Raises Unfit."""
    with path.open("rb") as file:
        first = file.read(64)
    if not first:
        raise Unfit("empty", "The file is empty; it was probably not finished when it was sent.")
    if first[4:8] in MOV_BOXES:
        return MOV
    if first.startswith(EBML):
        return MATROSKA
    for magic, words in OTHERS:
        if first.startswith(magic):
            raise Unfit("unsupported_container", f"This is a {words} file, whatever its name says.")
    raise Unfit("not_a_video", "The first bytes of this file are those of no video container.")


def probe(path: Path, *, longest_seconds: float, told: confined.Told = confined.nobody) -> Facts:
    """Everything about the file: its header first, then one pass over every frame and sample of what is taken of it.

    ``told`` hears seconds of media done, of twice the file's duration. Raises Unfit for whatever cannot become a clip; longer files are
    refused by their header, before anything of them is decoded.
    """
    facts = header(path)
    if facts.duration is not None and facts.duration > longest_seconds:
        return facts
    length = facts.duration or longest_seconds
    facts = measured_picture(path, facts, most_seconds=longest_seconds, told=told)
    if facts.audio_index is None:
        return facts
    return measured_sound(path, facts, most_seconds=longest_seconds, told=lambda seconds: told(length + seconds))


def source(path: Path, facts: Facts) -> list[str]:
    """The words that name a file to ffmpeg: its demuxer, what it may open, and the decoders it may use."""
    decoders = [VIDEO_DECODERS.get(facts.video_codec or "", ""), AUDIO_DECODERS.get(facts.audio_codec or "", "")]
    allowed = ",".join(filter(None, decoders))
    return [
        "-protocol_whitelist", "file", "-threads", "1", "-max_alloc", str(512 * confined.MEGABYTE),
        *(("-codec_whitelist", allowed) if allowed else ()), "-f", facts.container, "-i", str(path.resolve()),
    ]  # fmt: skip


def _ffmpeg(words: Sequence[str], limits: confined.Limits, told: confined.Told = confined.nobody) -> confined.Ended:
    with tempfile.TemporaryDirectory(prefix="probe-") as folder:
        return confined.run([ffmpeg(), "-hide_banner", "-nostdin", "-loglevel", "level+info", *words], folder=Path(folder), limits=limits, told=told)


def header(path: Path) -> Facts:
    """The container and its streams, nothing decoded for long. Raises Unfit."""
    facts = Facts(container=sniff(path))
    ended = _ffmpeg(source(path, facts), HEADER_LIMITS)
    if ended.out_of_time or ended.out_of_memory:
        raise Unfit("damaged", "Reading the beginning of this file takes more time or memory than any video needs.", facts)
    opened = re.search(r"^\[info\] Input #0, ", ended.said, re.MULTILINE)
    if not opened:
        if "moov atom not found" in ended.said:
            raise Unfit("truncated", "The index at the end of the file (its moov atom) is missing: the end of the file was never received.", facts)
        raise Unfit("damaged", f"The file begins like a {_named(facts.container)} file and cannot be read as one.", facts)
    return _streams(ended.said[opened.start() :].split("At least one output file")[0], facts)


def _named(container: str) -> str:
    return "MP4 or MOV" if container == MOV else "WebM or Matroska"


def _streams(said: str, facts: Facts) -> Facts:
    if length := re.search(r"^\[info\]   Duration: (\d+):(\d\d):(\d\d(?:\.\d+)?), .*?(?:bitrate: (\d+) kb/s)?$", said, re.MULTILINE):
        seconds = int(length[1]) * 3600 + int(length[2]) * 60 + float(length[3])
        facts = replace(facts, duration=seconds or None, bit_rate=int(length[4]) * 1000 if length[4] else None)
    blocks = re.split(r"^\[info\]   Stream (?=#0:)", said, flags=re.MULTILINE)[1:]
    video = next((block for block in blocks if _kind(block) == "Video" and "(attached pic)" not in block.splitlines()[0]), None)
    audio = next((block for block in blocks if _kind(block) == "Audio"), None)
    if video is not None:
        facts = _picture_of(video, facts)
    if audio is not None:
        facts = _sound_of(audio, facts)
    return facts


def _kind(block: str) -> str:
    found = re.match(r"#0:\d+[^:]*: (\w+):", block)
    return found[1] if found else ""


def _index(block: str) -> int:
    return int(block[3:].split("[")[0].split("(")[0].split(":")[0])


def _picture_of(block: str, facts: Facts) -> Facts:
    line = block.splitlines()[0]
    codec = re.search(r"Video: (\w+)", line)
    size = re.search(r", (\d{1,6})x(\d{1,6})(?: \[?SAR (\d+):(\d+))?", line)
    rate = re.search(r"([\d.]+)(k?) fps", line) or re.search(r"([\d.]+)(k?) tbr", line)
    colour = re.search(r", (\w+)\(([^)]*)\)", line.split("Video:")[1].split("), ", 1)[-1]) or re.search(r", (\w+?)\(([^)]*)\)", line)
    turned = re.search(r"rotation of (-?[\d.]+) degrees", block)
    width, height = (int(size[1]), int(size[2])) if size else (0, 0)
    if size and size[3] and int(size[3]) and int(size[4]):
        width = round(width * int(size[3]) / int(size[4]))
    rotation = round(float(turned[1])) % 360 if turned else 0
    if rotation in (90, 270):
        width, height = height, width
    words = colour[2] if colour else ""
    return replace(
        facts,
        video_codec=codec[1] if codec else None,
        width=width,
        height=height,
        frames_per_second=float(rate[1]) * (1000 if rate[2] else 1) if rate else None,
        rotation=rotation,
        interlaced="first" in words,
        curve=next((curve for curve in HDR_CURVES if curve in words), None),
        pixel_format=colour[1] if colour else None,
        video_index=_index(block),
    )


CHANNELS = {"mono": 1, "stereo": 2, "2.1": 3, "quad": 4, "4.0": 4, "5.0": 5, "5.1": 6, "5.1(side)": 6, "6.1": 7, "7.1": 8}


def _sound_of(block: str, facts: Facts) -> Facts:
    line = block.splitlines()[0]
    codec = re.search(r"Audio: (\w+)", line)
    shape = re.search(r"(\d+) Hz, ([^,]+)", line)
    layout = shape[2].strip() if shape else ""
    counted = re.match(r"(\d+) channels", layout)
    return replace(
        facts,
        audio_codec=codec[1] if codec else None,
        audio_rate=int(shape[1]) if shape else None,
        audio_channels=int(counted[1]) if counted else CHANNELS.get(layout, CHANNELS.get(layout.split("(")[0])),
        audio_index=_index(block),
    )


def _checked(ended: confined.Ended, facts: Facts, what: str) -> None:
    if ended.out_of_time:
        raise Unfit("too_heavy", f"Decoding the {what} took longer than any ad needs; send it encoded for delivery, not for editing.", facts)
    if ended.out_of_memory:
        raise Unfit("too_heavy", f"Decoding the {what} needs more memory than any ad should; send it encoded for delivery.", facts)
    if ended.code != 0:
        raise Unfit("damaged", f"The {what} cannot be decoded: {last_error(ended.said)}.", facts)


def last_error(said: str) -> str:
    """The last thing that ffmpeg complained of, without its addresses."""
    errors = [line for line in said.splitlines() if re.search(r"\[(error|fatal)\]", line)]
    return re.sub(r"^(\[[^\]]*\] )+", "", errors[-1])[:120].rstrip(".") if errors else "ffmpeg says nothing about why"


def _errors(said: str) -> int:
    return len(re.findall(r"\[(?:error|fatal)\]", said))


def measured_picture(path: Path, facts: Facts, *, most_seconds: float, told: confined.Told = confined.nobody) -> Facts:
    """Decode every frame, at the catalogue's frame rate: the duration is what plays, not what the header says. Raises Unfit."""
    if facts.video_index is None or facts.video_codec not in VIDEO_DECODERS:
        return facts
    ended = _ffmpeg(
        [
            *source(path, facts), "-map", f"0:{facts.video_index}", "-vf", f"fps={FRAMES_PER_SECOND}:start_time=0", "-t", f"{most_seconds + 5:g}",
            "-f", "null", "-progress", "pipe:1", "-nostats", "-",
        ],
        DECODING_LIMITS, told,
    )  # fmt: skip
    _checked(ended, facts, "picture")
    played, promised = ended.seconds_done, facts.duration
    if "File ended prematurely" in ended.said or "partial file" in ended.said or _short(played, promised):
        told_of = f" of {promised:.1f} s" if promised else ""
        raise Unfit("truncated", f"The file breaks off: {played:.1f} s{told_of} can be played.", facts)
    if (errors := _errors(ended.said)) > MOST_DECODING_ERRORS:
        raise Unfit("damaged", f"{errors} places of the picture cannot be decoded, the last: {last_error(ended.said)}.", facts)
    return replace(facts, duration=round(played, 3))


def _short(played: float, promised: float | None) -> bool:
    return promised is not None and played < promised - max(1.0, 0.1 * promised)


def measured_sound(path: Path, facts: Facts, *, most_seconds: float, told: confined.Told = confined.nobody) -> Facts:
    """Loudness by ITU-R BS.1770 of what a viewer hears, the sound brought to two channels. Raises Unfit."""
    if facts.audio_codec not in AUDIO_DECODERS:
        return facts
    hearing = "aresample=48000,aformat=channel_layouts=stereo,ebur128=peak=true:framelog=quiet"
    ended = _ffmpeg(
        [*source(path, facts), "-map", f"0:{facts.audio_index}", "-t", f"{most_seconds + 5:g}", "-af", hearing, "-f", "null",
         "-progress", "pipe:1", "-nostats", "-"],
        DECODING_LIMITS, told,
    )  # fmt: skip
    _checked(ended, facts, "sound")
    if (errors := _errors(ended.said)) > MOST_DECODING_ERRORS:
        raise Unfit("damaged", f"{errors} places of the sound cannot be decoded, the last: {last_error(ended.said)}.", facts)
    return replace(facts, **loudness(ended.said))


def loudness(said: str) -> dict[str, Any]:
    """The figures of an ebur128 summary; nothing measurable is `NOTHING_LUFS`."""
    summary = said.rpartition("Summary:")[2]

    def figure(pattern: str) -> float:
        found = re.search(pattern + r"\s+(-?[\d.]+|-?inf|nan)", summary)
        value = float(found[1]) if found else NOTHING_LUFS
        return max(NOTHING_LUFS, value) if math.isfinite(value) else NOTHING_LUFS

    return {
        "loudness_lufs": figure(r"I:"),
        "loudness_threshold_lufs": figure(r"Integrated loudness:\s+\S*\s*I:\s+\S+ LUFS\s+\S*\s*Threshold:"),
        "loudness_range_lu": max(0.0, figure(r"LRA:")),
        "true_peak_dbtp": figure(r"Peak:"),
    }
