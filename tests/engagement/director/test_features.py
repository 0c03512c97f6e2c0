"""Signals are the same folded live and folded again; without consent nothing is known of the viewer."""

from __future__ import annotations

import dataclasses

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from engagement.director.features import SCHEMA, SceneContext, SessionSignals, build

CONTEXT = SceneContext(
    scenes=8, position=3, mood="storm", intensity=0.6, device="tv", hour=21, consent=True, earlier_sessions=4, earlier_progress=0.7, monthly_hours=12.0,
    genre_match=0.5,
)  # fmt: skip
KINDS = ["playback.pause", "playback.seek", "playback.rewind", "playback.skip_scene", "playback.rate", "playback.visibility", "playback.stall",
         "playback.scene_start", "playback.scene_end", "playback.heartbeat", "ad.start", "ad.complete", "ad.skip"]  # fmt: skip
DATA = st.fixed_dictionaries(
    {},
    optional={
        "rate": st.floats(0.25, 4) | st.none(),
        "hidden": st.booleans(),
        "milliseconds": st.integers(0, 60_000) | st.text(max_size=3),
        "watched": st.floats(0, 20),
        "duration": st.floats(0, 20),
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


def test_ads_count_until_the_next_scene_has_ended() -> None:
    signals = SessionSignals()
    for kind, at in (("ad.start", 1000.0), ("ad.complete", 1015.0), ("ad.start", 1015.0), ("ad.skip", 1021.0)):
        signals.update(kind, at)
    row = build(signals, CONTEXT, 1021.0)
    assert (column(row, "ads_before"), column(row, "ad_seconds_before")) == (2, 21)
    signals.update("playback.scene_end", 1040.0, data={"watched": 1, "duration": 1})
    assert column(build(signals, CONTEXT, 1041.0), "ads_before") == 0


def test_heartbeats_change_nothing() -> None:
    signals = SessionSignals()
    signals.update("playback.session", 900.0)
    signals.update("playback.heartbeat", 1000.0, data={"rate": 2.0})
    assert signals == SessionSignals()


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


@given(EVENTS)
def test_signals_kept_between_events_are_the_signals_folded_at_once(events: list[tuple[str, float, dict[str, object]]]) -> None:
    at_once, kept, at = SessionSignals(), b"", 1_000_000.0
    for kind, gap, data in events:
        at += gap
        at_once.update(kind, at, scene=1, data=data)
        live = SessionSignals.decode(kept)
        live.update(kind, at, scene=1, data=data)
        kept = live.encode()
    assert np.array_equal(build(SessionSignals.decode(kept), CONTEXT, at), build(at_once, CONTEXT, at), equal_nan=True)
