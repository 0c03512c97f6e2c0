from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.media import captions
from catalog.media.captions import Cue


def test_what_is_written_is_read_back() -> None:
    cues = [Cue(0.2, 1.5, "[waves]"), Cue(61.25, 62.0, "Two lines\nof words")]
    assert captions.parse(captions.compose(cues)) == cues


@given(st.sampled_from(list(captions.MUSIC)), st.lists(st.sampled_from(["One.", "Two words."]), max_size=3), st.integers(8, 12))
def test_a_scene_is_captioned_in_order_and_within_its_length(mood: str, lines: list[str], seconds: int) -> None:
    cues = captions.parse(captions.for_scene("ocean", mood, lines, seconds))
    assert len(cues) == 1 + len(lines)
    assert all(cue.start < cue.end <= seconds for cue in cues)
    assert all(earlier.end <= later.start for earlier, later in pairwise(cues))


def test_the_tight_cut_moves_later_words_up_and_loses_those_in_the_gap() -> None:
    vtt = captions.compose([Cue(1, 3, "before"), Cue(4.2, 5.8, "inside"), Cue(6.5, 8, "after"), Cue(3, 7, "across")])
    kept = captions.parse(captions.for_tight_cut(vtt, [(2, True), (2, True), (2, False), (2, True), (2, True)]))
    assert kept == [Cue(1, 3, "before"), Cue(4.5, 6, "after"), Cue(3, 5, "across")]


def test_both_spoken_lines_survive_the_tight_cut() -> None:
    vtt = captions.for_scene("city", "night", ["First.", "Last."], 9)
    kept = captions.parse(captions.for_tight_cut(vtt, [(2, True), (2, True), (2, False), (2, True), (1, True)]))
    assert [cue.text for cue in kept[1:]] == ["- First.", "- Last."]


@pytest.mark.parametrize("seconds", [6, 8, 12, 15])
def test_an_ad_names_its_jingle_and_says_its_lines(seconds: int) -> None:
    cues = captions.parse(captions.for_ad("Volt Motors", ["One.", "Two."], seconds))
    assert [cue.text for cue in cues] == ["[Volt Motors jingle]", "One.", "Two."]
    assert cues[-1].end <= seconds
