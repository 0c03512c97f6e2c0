from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise

import m3u8
import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog import hls

durations = st.integers(40_000, 2_100_000).map(lambda micros: micros / 1_000_000)


@st.composite
def clips(draw: st.DrawFn) -> hls.Clip:
    key = draw(st.text("abcdef0123456789", min_size=4, max_size=8))
    lengths = draw(st.lists(durations, min_size=1, max_size=6))
    kept = [draw(st.booleans()) for _ in lengths]
    kept[0] = True
    return hls.Clip(
        key=key,
        init_uri=f"/media/clips/{key}/init.mp4",
        segments=tuple(hls.Segment(f"/media/clips/{key}/s{i}.m4s", d, k) for i, (d, k) in enumerate(zip(lengths, kept, strict=True))),
    )


placed_clips = st.builds(hls.PlacedClip, clip=clips(), cut=st.sampled_from(["full", "tight"]))
plans = st.lists(placed_clips, max_size=8)


@given(plans)
def test_every_playlist_is_a_prefix_of_the_next(plan: list[hls.PlacedClip]) -> None:
    grown = [hls.compose(plan[:n], ended=False) for n in range(len(plan) + 1)] + [hls.compose(plan, ended=True)]
    for earlier, later in pairwise(grown):
        assert later.startswith(earlier)


@given(plans)
def test_the_segments_listed_last_as_long_as_the_clips_placed(plan: list[hls.PlacedClip]) -> None:
    parsed = m3u8.loads(hls.compose(plan, ended=True))
    assert sum(s.duration for s in parsed.segments) == pytest.approx(sum(p.duration for p in plan), abs=1e-6 * 60)
    played = [uri for p in plan for uri, _, keep in p.clip.segments if keep or p.cut == "full"]
    assert [s.uri for s in parsed.segments] == played


@given(st.lists(placed_clips, min_size=1, max_size=8))
def test_every_join_has_a_discontinuity_a_map_and_its_wall_clock(plan: list[hls.PlacedClip]) -> None:
    lines = hls.compose(plan, ended=True).splitlines()
    maps = [i for i, line in enumerate(lines) if line.startswith("#EXT-X-MAP")]
    assert [lines[i].split('"')[1] for i in maps] == [p.clip.init_uri for p in plan]
    assert all(lines[i - 1] == "#EXT-X-DISCONTINUITY" for i in maps[1:])
    assert lines[maps[0] - 1].startswith("#EXT-X-START")
    moments = [datetime.fromisoformat(lines[i + 1].split(":", 1)[1]) for i in maps]
    elapsed = 0.0
    for moment, placed in zip(moments, plan, strict=True):
        assert abs(moment - hls.EPOCH - timedelta(seconds=elapsed)) <= timedelta(milliseconds=1)
        elapsed += placed.duration


@given(plans)
def test_the_target_duration_never_changes_and_is_never_too_small(plan: list[hls.PlacedClip]) -> None:
    for count in range(len(plan) + 1):
        parsed = m3u8.loads(hls.compose(plan[:count], ended=False))
        assert parsed.target_duration == hls.TARGET_DURATION
        assert all(round(s.duration) <= hls.TARGET_DURATION for s in parsed.segments)


@given(plans)
def test_nothing_follows_the_end(plan: list[hls.PlacedClip]) -> None:
    assert hls.compose(plan, ended=True).endswith("#EXT-X-ENDLIST\n")
    assert "#EXT-X-ENDLIST" not in hls.compose(plan, ended=False)


@given(plans)
def test_another_parser_reads_it_as_an_event_playlist(plan: list[hls.PlacedClip]) -> None:
    parsed = m3u8.loads(hls.compose(plan, ended=True))
    assert (parsed.version, parsed.media_sequence, parsed.playlist_type) == (7, 0, "event")
    assert parsed.is_independent_segments
    assert parsed.start.time_offset == 0
    assert parsed.is_endlist


def test_the_tight_cut_leaves_a_discontinuity_where_it_drops_a_segment(clip: hls.Clip) -> None:
    body = hls.compose([hls.PlacedClip(clip, "tight")], ended=False).splitlines()
    at = body.index("/media/clips/a/s0.m4s")
    assert body[at + 1 : at + 4] == ["#EXT-X-DISCONTINUITY", "#EXTINF:1.500000,", "/media/clips/a/s2.m4s"]
    assert clip.duration("tight") == 3.5
    assert clip.duration() == 5.5


def test_a_segment_longer_than_the_target_is_refused(clip: hls.Clip) -> None:
    with pytest.raises(ValueError, match="too long"):
        hls.compose([hls.PlacedClip(clip)], ended=False, target_duration=1)


def test_a_cut_that_plays_nothing_is_refused(clip: hls.Clip) -> None:
    nothing = replace(clip, segments=tuple(hls.Segment(uri, duration, False) for uri, duration, _ in clip.segments))
    with pytest.raises(ValueError, match="no segment"):
        hls.compose([hls.PlacedClip(nothing, "tight")], ended=False)


def test_the_master_playlist_names_one_rendition_and_its_codecs() -> None:
    parsed = m3u8.loads(hls.master("media.m3u8"))
    assert parsed.is_variant
    (only,) = parsed.playlists
    assert only.uri == "media.m3u8"
    assert (only.stream_info.codecs, only.stream_info.resolution) == (hls.CODECS, (640, 360))


@pytest.fixture
def clip() -> hls.Clip:
    kept = ((2.0, True), (2.0, False), (1.5, True))
    return hls.Clip("a", "/media/clips/a/init.mp4", tuple(hls.Segment(f"/media/clips/a/s{i}.m4s", d, k) for i, (d, k) in enumerate(kept)))


@given(st.lists(placed_clips, min_size=1, max_size=8))
def test_a_whole_film_is_a_vod_playlist_with_its_date_ranges_ahead_of_the_segments(plan: list[hls.PlacedClip]) -> None:
    line = '#EXT-X-DATERANGE:ID="b1",CLASS="com.apple.hls.interstitial",START-DATE="2026-01-01T00:00:04.000Z",X-ASSET-LIST="/x"'
    parsed = m3u8.loads(hls.compose(plan, ended=True, kind="VOD", ranges=[line], target_duration=hls.target_of(one.clip for one in plan)))
    assert (parsed.playlist_type, parsed.is_endlist, parsed.start) == ("vod", True, None)
    assert parsed.segments[0].dateranges[0].id == "b1"
    assert [s.uri for s in parsed.segments] == [uri for p in plan for uri, _, keep in p.clip.segments if keep or p.cut == "full"]
    with pytest.raises(ValueError, match="whole from the start"):
        hls.compose(plan, ended=False, kind="VOD")
