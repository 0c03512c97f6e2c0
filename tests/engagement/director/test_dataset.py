"""A row is the session as it stood when a scene began; its label is what was watched of this scene and the next."""

from __future__ import annotations

import numpy as np
import pytest

from engagement.director.dataset import rows_of_session
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
