"""What people really send, and what nobody should: every kind ends as the same clip or as a named reason."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ads.creatives import checks
from catalog.media.probe import Facts, Unfit, header, measured_picture, measured_sound
from catalog.media.uploads import encode, packaged_loudness

from .videos import H264, PICTURE, SOUND, video

LONGEST = 10.0
VP9 = ("-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8", "-c:a", "libopus")
AV1 = ("-c:v", "libsvtav1", "-preset", "12", "-svtav1-params", "lp=1", "-c:a", "libopus")
HEVC10 = (
    "-vf", "setparams=color_primaries=bt2020:color_trc=smpte2084:colorspace=bt2020nc", "-c:v", "libx265", "-preset", "ultrafast",
    "-x265-params", "log-level=none:colorprim=bt2020:transfer=smpte2084:colormatrix=bt2020nc", "-pix_fmt", "yuv420p10le", "-c:a", "ac3", "-ac", "6",
)  # fmt: skip
SILENCE = ("-f", "lavfi", "-i", "anullsrc=r=48000:cl=stereo")


def of(size: str, rate: str = "24") -> tuple[str, ...]:
    return ("-f", "lavfi", "-i", f"testsrc2=s={size}:r={rate}", *SOUND)


def looked_at(path: Path) -> Facts:
    facts = header(path)
    checks.refuse_header(facts, longest_seconds=LONGEST)
    facts = measured_sound(path, measured_picture(path, facts, most_seconds=LONGEST), most_seconds=LONGEST)
    checks.refuse_played(facts, longest_seconds=LONGEST)
    return facts


GOOD: dict[str, dict[str, Any]] = {
    "mono-23976.mp4": {"inputs": of("640x360", "24000/1001"), "words": ("-ac", "1")},
    "sixty.mov": {"inputs": of("427x240", "60")},
    "odd.mp4": {"inputs": of("853x359", "25"), "words": ("-pix_fmt", "yuv444p")},
    "upright.mp4": {"inputs": of("180x320", "30")},
    "changing.mp4": {"words": ("-vf", "select='mod(n,3)'", "-fps_mode", "vfr")},
    "vp9.webm": {"encode": VP9},
    "av1.webm": {"encode": AV1},
    "hdr-five-one.mov": {"encode": HEVC10},
}


# The others are much like these, and a run has not the time for all.
EVERY_RUN = ("mono-23976.mp4", "changing.mp4", "hdr-five-one.mov")


@pytest.mark.parametrize("name", [name if name in EVERY_RUN else pytest.param(name, marks=pytest.mark.soak) for name in GOOD])
def test_whatever_is_sent_becomes_the_clip_that_all_clips_are(name: str, videos: Path, tmp_path: Path) -> None:
    made = GOOD[name]
    sent = video(videos, name, *made.get("words", ()), inputs=made.get("inputs", (*PICTURE, *SOUND)), encode=made.get("encode", H264))
    facts = looked_at(sent)
    segments = encode(sent, facts, tmp_path, loudness_lufs=-23.0)
    assert sum(segment.duration for segment in segments) == pytest.approx(2.0, abs=0.1)
    assert packaged_loudness(tmp_path)["loudness_lufs"] == pytest.approx(-23, abs=1)
    assert facts.hdr is name.startswith("hdr")


def test_a_phone_held_upright_is_turned(videos: Path, spot: Path) -> None:
    turned = video(videos, "turned.mp4", inputs=("-display_rotation", "90", "-i", str(spot)), encode=("-c", "copy"))
    facts = header(turned)
    assert (facts.width, facts.height, facts.rotation) == (180, 320, 90)


def cut(path: Path, to: Path, share: float) -> Path:
    to.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])
    return to


def spoilt(path: Path, to: Path) -> Path:
    content = bytearray(path.read_bytes())
    content[len(content) // 4 : len(content) // 2] = bytes(255 - byte for byte in content[len(content) // 4 : len(content) // 2])
    to.write_bytes(content)
    return to


def reason(path: Path) -> str:
    with pytest.raises(Unfit) as refused:
        looked_at(path)
    return refused.value.code


def test_files_that_cannot_become_an_ad_are_told_why(videos: Path, spot: Path, tmp_path: Path) -> None:
    fast = video(videos, "fast.mp4", inputs=("-i", str(spot)), encode=("-c", "copy", "-movflags", "+faststart"))
    webm = video(videos, "vp9.webm", encode=VP9)
    assert reason(cut(spot, tmp_path / "a.mp4", 0.6)) == "truncated"
    assert reason(cut(fast, tmp_path / "b.mp4", 0.6)) == "truncated"
    assert reason(cut(webm, tmp_path / "c.webm", 0.6)) == "truncated"
    assert reason(spoilt(fast, tmp_path / "d.mp4")) == "damaged"
    assert reason(video(videos, "mute.mp4", inputs=PICTURE, encode=("-c:v", "libx264", "-preset", "ultrafast"))) == "no_audio"
    assert reason(video(videos, "silence.mp4", inputs=(*PICTURE, *SILENCE))) == "silent"
    assert reason(video(videos, "song.m4a", inputs=SOUND, encode=("-c:a", "aac"))) == "no_video"
    assert reason(video(videos, "long.mp4", seconds=12.0)) == "too_long"
    assert reason(video(videos, "short.mp4", seconds=0.5)) == "too_short"
    assert reason(video(videos, "small.mp4", inputs=of("128x72"))) == "too_small_picture"
    assert reason(video(videos, "strip.mp4", inputs=of("640x160"))) == "odd_shape"
    assert reason(video(videos, "old.avi", encode=("-c:v", "mpeg4", "-c:a", "mp3"))) == "unsupported_container"
    assert reason(video(videos, "odd-codec.mkv", encode=("-c:v", "ffv1", "-c:a", "flac"))) == "unsupported_codec"


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "empty"),
        (b"hello, I am a video", "not_a_video"),
        (b"#EXTM3U\n#EXTINF:1,\nhttp://127.0.0.1:1/x.ts\n", "unsupported_container"),
        (b"ffconcat version 1.0\nfile /etc/passwd\n", "not_a_video"),
        (b"v=0\no=- 0 0 IN IP4 127.0.0.1\nm=video 1 RTP/AVP 96\n", "not_a_video"),
        (b"\0\0\0\x18ftypisom" + bytes(4000), "truncated"),
        (b"\x1a\x45\xdf\xa3" + b"\xff" * 4000, "damaged"),
        (b"\0\0\0\x18ftypisom\0\0\0\0isomiso2\x7f\xff\xff\xffmoov" + b"A" * 5000, "no_video"),
    ],
    ids=["empty", "text", "playlist", "concat", "sdp", "zeros", "noise", "lying-length"],
)
def test_a_hostile_file_opens_nothing_and_is_told_why(content: bytes, code: str, tmp_path: Path) -> None:
    path = tmp_path / "spot.mp4"
    path.write_bytes(content)
    assert reason(path) == code
