"""A row is the session as it stood when a scene began; its label is what was watched of this scene and the next."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from engagement.director import archived, dataset
from engagement.director.dataset import leaving_rows, rows_of_session
from engagement.director.features import SCHEMA, FilmScene, SceneContext
from engagement.director.story import Happened

FILM = {number: FilmScene(number, "calm", 0.5, 10.0, 6.0) for number in range(1, 5)}
SURROUNDINGS = SceneContext(scenes=1, position=1, mood="", intensity=0.5, device="tv", hour=20)
START, END = "playback.scene_start", "playback.scene_end"


def watched(*seconds: float, at: float = 0.0) -> list[Happened]:
    """Scenes 1, 2, ... each watched for so many seconds."""
    events = [Happened(at, "playback.start", 1)]
    for number, length in enumerate(seconds, start=1):
        events.append(Happened(at, START, number))
        at += length
        events.append(Happened(at, END, number, length, {"watched": length, "duration": 10.0}))
    return events


def labels(events: list[Happened]) -> list[float]:
    return [round(label, 9) for _, label in rows_of_session(events, FILM, SURROUNDINGS)]


def test_a_film_watched_whole_has_full_labels_also_at_its_last_scene() -> None:
    assert labels([*watched(10, 10, 10, 10), Happened(40, "playback.end", 4)]) == [1, 1, 1, 1]


def test_what_was_left_before_counts_as_nothing() -> None:
    assert labels(watched(10, 5)) == [0.75, 0.25]


def test_the_last_scene_of_a_film_stands_alone() -> None:
    assert labels(watched(10, 10, 10, 4)) == [1, 1, 0.7, 0.4]


def test_watching_at_another_speed_is_not_watching_at_normal_speed() -> None:
    events = watched(10, 10)
    events.insert(-1, Happened(15.0, "playback.rate", 2, 5.0, {"rate": 2.0}))
    assert labels(events) == [0.75, 0.25]


def test_a_tight_cut_watched_to_its_end_is_watched_whole() -> None:
    events = [Happened(0, START, 1), Happened(6, END, 1, 6.0, {"watched": 6.0, "cut": "tight"}), Happened(6, "playback.end", 1)]
    assert labels(events) == [1]


def test_a_scene_that_never_ended_counts_as_far_as_it_was_seen() -> None:
    assert labels([Happened(0, START, 1), Happened(4, "playback.pause", 1, 4.0)]) == [0.2]


def test_coming_back_after_a_quarter_of_an_hour_does_not_undo_leaving() -> None:
    events = [*watched(10), Happened(5000, START, 2), Happened(5010, END, 2, 10.0, {"watched": 10.0, "duration": 10.0})]
    assert labels(events) == [0.5, 0.5]


def test_a_scene_seen_again_gives_no_second_row() -> None:
    again = [Happened(20, "playback.rewind", 2, 0.0), Happened(20, START, 1), Happened(30, END, 1, 10.0, {"watched": 10.0, "duration": 10.0})]
    assert len(labels([*watched(10, 10), *again])) == 2


def test_features_hold_nothing_of_what_came_after() -> None:
    whole = watched(10, 10, 10, 10)
    for place, (moment, _) in enumerate(rows_of_session(whole, FILM, SURROUNDINGS)):
        at = moment.at
        until_then = [
            event for event in whole if event.at < at or (event.at == at and event.kind != END) or (event.at == at and event.scene == place)
        ]
        again, _ = rows_of_session(until_then, FILM, SURROUNDINGS)[place]
        assert np.array_equal(moment.features, again.features, equal_nan=True)


def test_a_row_knows_the_scene_that_begins() -> None:
    rows = rows_of_session(watched(10, 10), FILM, SURROUNDINGS)
    positions = [float(moment.features[0, SCHEMA.index["position"]]) for moment, _ in rows]
    assert positions == pytest.approx([0, 1 / 3])


# Leaving


def leaving(events: list[Happened], *, heard: float | None = None) -> list[tuple[int, float, float]]:
    """(place, seconds into the scene, label) of each row."""
    return [(moment.place, moment.into, label) for moment, label in leaving_rows(events, FILM, SURROUNDINGS, heard=heard)]


def test_rows_of_leaving_stand_at_scene_starts_and_every_five_seconds_of_film() -> None:
    events = [
        Happened(0, START, 1),
        Happened(3, "playback.pause", 1, 3.0),
        Happened(33, "playback.play", 1, 3.0),
        Happened(37, END, 1, 7.0, {"watched": 7}),
    ]
    found = leaving_rows([*events, Happened(40, START, 2), Happened(46, END, 2, 6.0, {"watched": 6.0})], FILM, SURROUNDINGS)
    assert [(moment.place, moment.into, moment.at) for moment, _ in found] == [(1, 0, 0), (1, 5, 35), (2, 0, 40), (2, 5, 45)]


def test_who_leaves_within_fifteen_seconds_is_told_before_and_not_earlier() -> None:
    events = [*watched(10, 10), Happened(20, START, 3), Happened(22, "playback.leave", 3, 2.0)]
    assert leaving(events) == [(1, 0, 0), (1, 5, 0), (2, 0, 1), (2, 5, 1), (3, 0, 1)]


def test_the_end_of_the_film_is_not_leaving() -> None:
    events = [*watched(10, 10, 10, 10), Happened(40, "playback.end", 4), Happened(41, "playback.leave", 4)]
    assert {label for _, _, label in leaving(events)} == {0}


def test_silence_is_leaving_from_when_a_heartbeat_was_heard_last() -> None:
    events = watched(10, 10)
    assert [label for _, _, label in leaving(events)] == [0, 1, 1, 1]
    assert [label for _, _, label in leaving(events, heard=30.0)] == [0, 0, 0, 1]


def test_a_page_loaded_again_was_not_left() -> None:
    back = [Happened(11, "playback.leave", 2, 1.0), Happened(14, START, 2, 1.0), Happened(23, END, 2, 10.0, {"watched": 9})]
    events = [*watched(10), Happened(10, START, 2), *back, Happened(23, START, 3), Happened(100, END, 3, 10.0, {"watched": 10})]
    assert leaving(events)[:3] == [(1, 0, 0), (1, 5, 0), (2, 0, 0)]


def test_a_long_scene_that_plays_is_no_silence() -> None:
    film = {1: FilmScene(1, "calm", 0.5, 3000.0, 3000.0), 2: FilmScene(2, "calm", 0.5, 10.0, 10.0)}
    events = [Happened(0, START, 1), Happened(3000, END, 1, 3000.0, {"watched": 3000.0}), Happened(3000, START, 2), Happened(3010, "playback.end", 2)]
    assert rows_of_session(events, film, SURROUNDINGS)[0][1] == pytest.approx(0.5)
    assert len(leaving_rows(events, film, SURROUNDINGS)) == 600 + 2


# What the Director changed


def test_nobody_misses_an_optional_scene_and_who_gets_one_watches_it_as_any_other() -> None:
    film = {**FILM, 4: FilmScene(4, "calm", 0.5, 10.0, 6.0, optional=True)}
    assert [round(label, 3) for _, label in rows_of_session(watched(10, 10, 10), film, SURROUNDINGS)] == [1, 1, 1]
    lingered = [*watched(10), Happened(10, START, 4, 0.0, {"change": "linger"}), Happened(20, END, 4, 10.0, {"watched": 10.0})]
    assert [round(label, 3) for _, label in rows_of_session(lingered, film, SURROUNDINGS)] == [1, 0.5]


def test_a_scene_left_in_its_tight_cut_is_judged_by_the_length_of_that_cut() -> None:
    events = [Happened(0, START, 1, 0.0, {"cut": "tight", "change": "tighten"}), Happened(3, "playback.leave", 1, 3.0)]
    (moment, label), = rows_of_session(events, FILM, SURROUNDINGS)  # fmt: skip
    assert label == 0.25
    assert moment.features[0, SCHEMA.index["tight_cut"]] == 1


def test_events_come_in_the_order_of_their_numbers_where_the_players_clock_was_set_back() -> None:
    base = datetime(2026, 11, 20, tzinfo=UTC)
    rows = [
        (1, base + timedelta(seconds=at), kind, 1, 0.0, "{}", seq, seq) for at, kind, seq in ((5, "playback.pause", 2), (0, "playback.start", 1), (4, "playback.play", 3))
    ]  # fmt: skip
    (_, events), = dataset._sessions(sorted(rows, key=archived.order))  # fmt: skip
    assert [(event.kind, event.at - base.timestamp()) for event in events] == [("playback.start", 0), ("playback.pause", 5), ("playback.play", 5)]
