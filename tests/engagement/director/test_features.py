"""Signals are the same folded live and folded again; without consent nothing is known of the viewer."""

from __future__ import annotations

import dataclasses
import itertools
import json
import random

import msgspec
import numpy as np
import pytest
from django.db import connection
from hypothesis import given, settings
from hypothesis import strategies as st

from engagement.director import story
from engagement.director.features import CHANGES, SCHEMA, FilmScene, SceneContext, SessionSignals, build, build_many, in_scene, on_screen
from engagement.director.signals import COUNTS_SQL, counts
from engagement.director.story import Happened

CONTEXT = SceneContext(
    scenes=8, position=3, mood="storm", intensity=0.6, device="tv", hour=21, consent=True, earlier_sessions=4, earlier_progress=0.7, monthly_hours=12.0,
    days_since_last=2.5, genre_match=0.5,
)  # fmt: skip
FILM = {1: FilmScene(1, "calm", 0.5, 10.0, 6.0), 2: FilmScene(2, "storm", 0.9, 10.0, 6.0)}
KINDS = ["playback.pause", "playback.seek", "playback.rewind", "playback.skip_scene", "playback.rate", "playback.visibility", "playback.stall",
         "playback.scene_start", "playback.scene_end", "playback.heartbeat", "playback.volume", "playback.fullscreen", "playback.play",
         "ad.start", "ad.complete", "ad.skip"]  # fmt: skip
DATA = st.fixed_dictionaries(
    {},
    optional={
        "rate": st.floats(0.25, 4) | st.none(),
        "hidden": st.booleans(),
        "milliseconds": st.integers(0, 60_000) | st.text(max_size=3),
        "watched": st.floats(0, 20),
        "duration": st.floats(0, 20),
        "volume": st.floats(0, 1),
        "muted": st.booleans(),
        "buffer": st.floats(0, 10),
        "dropped": st.integers(0, 90),
        "cut": st.sampled_from(["full", "tight", "other"]),
        "change": st.sampled_from(["", "tighten", "nonsense"]),
    },
)
EVENTS = st.lists(st.tuples(st.sampled_from(KINDS), st.floats(0.1, 90), DATA), max_size=40)


def column(row: np.ndarray, name: str) -> float:
    return float(row[0, SCHEMA.index[name]])


def test_counts_of_the_last_minute_fade_and_those_of_the_session_stay() -> None:
    signals = SessionSignals()
    signals.update("playback.start", 1000.0)
    for at in (1010.0, 1050.0):
        signals.update("playback.pause", at)
    soon, later = build(signals, CONTEXT, 1060.0), build(signals, CONTEXT, 1080.0)
    assert (column(soon, "pauses_last_minute"), column(later, "pauses_last_minute")) == (2, 1)
    assert column(later, "pauses") == 2
    assert column(later, "seconds_since_action") == 30


def test_a_hidden_tab_counts_by_its_seconds() -> None:
    signals = SessionSignals()
    signals.update("playback.visibility", 1000.0, data={"hidden": True})
    assert column(build(signals, CONTEXT, 1020.0), "hidden_seconds_last_minute") == 20
    signals.update("playback.visibility", 1030.0, data={"hidden": False})
    row = build(signals, CONTEXT, 1070.0)
    assert (column(row, "hidden"), column(row, "hidden_seconds_last_minute")) == (0, 20)


def test_watching_is_seconds_watched_over_seconds_shown() -> None:
    signals = SessionSignals()
    signals.update("playback.scene_end", 1010.0, data={"watched": 10, "duration": 10})
    signals.update("playback.scene_end", 1015.0, data={"watched": 5, "duration": 10})
    row = build(signals, CONTEXT, 1015.0)
    assert (column(row, "watched_share"), column(row, "last_scene_share"), column(row, "scenes_seen")) == (0.75, 0.5, 2)


def test_ads_count_until_a_scene_begins_without_any() -> None:
    signals = SessionSignals()
    for kind, at in (("ad.start", 1000.0), ("ad.complete", 1015.0), ("ad.start", 1015.0), ("ad.skip", 1021.0)):
        signals.update(kind, at)
    assert column(build(signals, CONTEXT, 1021.0), "ad_seconds_before") == 21
    signals.update("playback.scene_start", 1021.0, scene=1)
    assert column(build(signals, CONTEXT, 1021.0), "ad_seconds_before") == 21
    signals.update("playback.scene_end", 1040.0, data={"watched": 1, "duration": 1})
    signals.update("playback.scene_start", 1041.0, scene=2)
    row = build(signals, CONTEXT, 1041.0)
    assert (column(row, "ad_seconds_before"), column(row, "ads_seen"), column(row, "ad_seconds")) == (0, 2, 21)


def test_heartbeats_count_only_where_something_is_wrong_with_the_picture() -> None:
    signals = SessionSignals()
    signals.update("playback.session", 900.0)
    signals.update("playback.heartbeat", 1000.0, data={"rate": 2.0, "buffer": 9.5, "dropped": 0})
    assert signals == SessionSignals()
    signals.update("playback.heartbeat", 1001.0, data={"buffer": 1.5, "dropped": 0})
    signals.update("playback.heartbeat", 1002.0, data={"buffer": 9.5, "dropped": 12})
    row = build(signals, CONTEXT, 1003.0)
    assert (column(row, "low_buffer_last_minute"), column(row, "dropped_frames_last_minute"), signals.totals) == (1, 12, {})


def test_scenes_watched_to_their_end_and_broken_ones_make_streaks() -> None:
    signals = SessionSignals()
    for watched in (10, 9.8, 4, 0):
        signals.update("playback.scene_end", 1000.0, scene=1, data={"watched": watched}, film=FILM)
        row = build(signals, CONTEXT, 1000.0)
        if watched == 9.8:
            assert (column(row, "whole_streak"), column(row, "broken_streak")) == (2, 0)
    assert (column(row, "whole_streak"), column(row, "broken_streak")) == (0, 2)
    assert column(row, "last_scenes_share") == pytest.approx((0.98 + 0.4 + 0) / 3)


def test_the_scene_on_screen_is_known_with_its_cut_its_change_and_how_far_it_is() -> None:
    signals = SessionSignals()
    signals.update("playback.scene_start", 1000.0, scene=1, offset=0, film=FILM)
    signals.update("playback.scene_start", 1010.0, scene=2, offset=0, data={"cut": "tight", "change": "tighten"}, film=FILM)
    signals.update("playback.pause", 1012.0, scene=2, offset=2.0, film=FILM)
    context = on_screen(signals, CONTEXT, FILM, 1100.0)
    assert context is not None
    row = build(signals, context, 1100.0)
    values = {
        name: column(row, name) for name in ("seconds_into_scene", "share_into_scene", "tight_cut", "place", "change", "intensity_step", "paused")
    }
    assert values == pytest.approx(
        {"seconds_into_scene": 2, "share_into_scene": 1 / 3, "tight_cut": 1, "place": 2, "change": CHANGES.index("tighten"), "intensity_step": 0.4,
         "paused": 1}
    )  # fmt: skip
    assert on_screen(SessionSignals(), CONTEXT, FILM, 1100.0) is None


def test_several_scenes_at_one_moment_are_the_rows_one_by_one() -> None:
    signals = SessionSignals()
    signals.update("playback.scene_start", 1000.0, scene=1, offset=0, film=FILM)
    contexts = [in_scene(CONTEXT, FILM, scene, place=2, cut=cut) for scene in FILM for cut in ("full", "tight")]
    table = build_many(signals, contexts, 1004.0)
    assert table.flags.c_contiguous
    assert np.array_equal(table, np.vstack([build(signals, one, 1004.0) for one in contexts]), equal_nan=True)


def test_before_the_first_scene_has_ended_watching_is_unknown_and_not_zero() -> None:
    assert np.isnan(column(build(SessionSignals(), CONTEXT, 1000.0), "watched_share"))


def test_without_consent_nothing_is_known_of_the_viewer() -> None:
    columns = [SCHEMA.index[feature.name] for feature in SCHEMA.features if feature.privacy == "consent"]
    withheld = build(SessionSignals(), dataclasses.replace(CONTEXT, consent=False), 1000.0)
    assert np.isnan(withheld[0, columns]).all()
    assert not np.isnan(build(SessionSignals(), CONTEXT, 1000.0)[0, columns]).any()


@given(EVENTS)
def test_no_sequence_of_events_leaves_the_declared_ranges(events: list[tuple[str, float, dict[str, object]]]) -> None:
    signals, at = SessionSignals(), 1_000_000.0
    for kind, gap, data in events:
        at += gap
        signals.update(kind, at, scene=1, data=data)
    problems = [problem for problem in SCHEMA.problems(build(signals, CONTEXT, at)) if "no value" not in problem.words]
    assert problems == []


def sent(events: list[tuple[str, float, dict[str, object]]]) -> list[tuple[int, str, float, int, float, dict[str, object]]]:
    """Numbered as a player does: (seq, type, time, scene, offset, data)."""
    at, numbered = 1_000_000.0, []
    for seq, (kind, gap, data) in enumerate(events, start=1):
        at += gap
        numbered.append((seq, kind, at, 1 + seq % 2, gap % 7, data))
    return numbered


@given(EVENTS, st.lists(st.integers(1, 6), min_size=1, max_size=60), st.randoms(use_true_random=False))
def test_signals_kept_between_batches_with_some_sent_again_are_the_signals_of_the_table(
    events: list[tuple[str, float, dict[str, object]]], sizes: list[int], rng: random.Random
) -> None:
    """A lost connection sends what was not acknowledged again: from any earlier event on, everything up to now."""
    log = sent(events)
    kept, done = b"", 0
    for size in itertools.cycle(sizes):
        if done == len(log):
            break
        again = rng.randint(0, done)
        live = SessionSignals.decode(kept)
        for seq, kind, at, scene, offset, data in log[again : done + size]:
            live.update(kind, at, scene=scene, offset=offset, data=data, film=FILM, seq=seq)
        kept, done = live.encode(), min(len(log), done + size)
    table = story.told([Happened(at, kind, scene, offset, data) for _, kind, at, scene, offset, data in log], FILM, CONTEXT).signals
    end = log[-1][2] + 5 if log else 1.0
    assert msgspec.structs.replace(SessionSignals.decode(kept), seq=0) == table
    contexts = [on_screen(signals, CONTEXT, FILM, end) or CONTEXT for signals in (SessionSignals.decode(kept), table)]
    assert np.array_equal(build(SessionSignals.decode(kept), contexts[0], end), build(table, contexts[1], end), equal_nan=True)


def test_events_of_one_moment_from_two_tables_fold_the_same_whichever_comes_first() -> None:
    """Ads have no sequence number in their table: the end of a scene and the start of its break share a millisecond."""
    first, second = SessionSignals(), SessionSignals()
    for signals, order in ((first, ("playback.scene_end", "ad.start")), (second, ("ad.start", "playback.scene_end"))):
        signals.update("playback.scene_start", 1000.0, scene=1)
        for kind in order:
            signals.update(kind, 1010.0, data={"watched": 8, "duration": 10})
        signals.update("ad.complete", 1025.0)
    assert np.array_equal(build(first, CONTEXT, 1025.0), build(second, CONTEXT, 1025.0), equal_nan=True)
    assert column(build(first, CONTEXT, 1025.0), "ad_seconds_before") == 15


@pytest.mark.django_db
@settings(max_examples=60)
@given(
    st.dictionaries(
        st.sampled_from(["buffer", "dropped", "rate"]), st.floats(-5, 5) | st.booleans() | st.none() | st.text(max_size=2) | st.integers(-2, 2)
    )
)
def test_the_table_is_asked_for_the_events_that_count(data: dict[str, object]) -> None:
    with connection.cursor() as cursor:
        told = "SELECT type FROM (SELECT 'playback.heartbeat' AS type, %(data)s::jsonb AS data) AS one WHERE "
        cursor.execute(told + COUNTS_SQL, {"data": json.dumps(data), "ignored": []})
        assert bool(cursor.fetchall()) == counts("playback.heartbeat", data)
