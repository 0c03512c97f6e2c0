"""What one session leaves behind in a film of three scenes, each of three segments of two seconds."""

from __future__ import annotations

from typing import Any

from engagement.retention.trace import MOMENT_MEASURES, SCENE_MEASURES, WHOLE_FILM, Moments, Told, Trace, trace

FILM = {scene: Moments(((2.0, True), (2.0, False), (2.0, True))) for scene in (1, 2, 3)}


def told(*events: tuple[Any, ...]) -> Trace:
    """(seconds, kind, scene, offset, data)"""
    return trace([Told(at, f"playback.{kind}", scene, offset, data or {}) for at, kind, scene, offset, data in events], FILM)


def scene(found: Trace, number: int) -> dict[str, int]:
    return {name: value for name, value in zip(SCENE_MEASURES, found.scenes[number], strict=True) if value}


def moments(found: Trace, number: int, measure: str) -> list[int]:
    place = MOMENT_MEASURES.index(measure)
    return [found.moments.get((number, segment), [0] * 6)[place] for segment in range(3)]


def whole(at: float, number: int) -> list[tuple[Any, ...]]:
    end = {"completed": True, "duration": 6.0, "watched": 6.0}
    return [(at, "scene_start", number, 0.0, None), (at + 6, "scene_end", number, 6.0, end)]


def test_a_film_watched_through_is_seen_once_everywhere() -> None:
    found = told(*whole(0, 1), *whole(6, 2), *whole(12, 3), (18, "end", None, 0.0, None))
    assert [moments(found, number, "views") for number in (1, 2, 3)] == [[1, 1, 1]] * 3
    assert scene(found, 2) == {"starts": 1, "completed": 1, "seen_milliseconds": 6000, "offered_milliseconds": 6000}
    assert scene(found, WHOLE_FILM) == {"starts": 1, "completed": 1, "seen_milliseconds": 18000, "offered_milliseconds": 18000}


def test_who_leaves_leaves_at_the_moment_on_screen() -> None:
    found = told(*whole(0, 1), (6, "scene_start", 2, 0.0, None), (9.2, "leave", 2, 3.2, None))
    assert moments(found, 2, "views") == [1, 1, 0]
    assert moments(found, 2, "left") == [0, 1, 0]
    assert scene(found, WHOLE_FILM)["left"] == 1
    assert "left" not in scene(found, 1)


def test_who_only_falls_silent_left_at_the_last_heartbeat() -> None:
    found = told((0, "scene_start", 1, 0.0, None), (4.9, "heartbeat", 1, 4.9, None))
    assert moments(found, 1, "left") == [0, 0, 1]
    # The middle of the last segment is at 5 s.
    assert moments(found, 1, "views") == [1, 1, 0]


def test_who_goes_away_in_the_ads_left_after_the_scene_and_not_in_it() -> None:
    found = told(*whole(0, 1), (15, "leave", None, 0.0, None))
    assert scene(found, 1)["left_after"] == 1
    assert "left" not in scene(found, 1)


def test_a_reload_is_no_leaving_and_a_return_after_an_hour_is_one() -> None:
    begun = [(0, "scene_start", 1, 0.0, None), (3.2, "leave", 1, 3.2, None)]
    again = {"completed": True, "duration": 6.0}
    reloaded = told(*begun, (5, "scene_start", 1, 3.2, None), (8, "scene_end", 1, 6.0, again), (9, "end", None, 0.0, None))
    assert moments(reloaded, 1, "left") == [0, 0, 0]
    assert moments(reloaded, 1, "views") == [1, 1, 1]
    returned = told(*begun, (3600, "scene_start", 1, 3.2, None), (3603, "scene_end", 1, 6.0, again), (3604, "end", None, 0.0, None))
    assert moments(returned, 1, "left") == [0, 1, 0]
    assert scene(returned, 1)["completed"] == 1
    assert "left" not in scene(returned, WHOLE_FILM)


def test_a_rewind_inside_a_scene_shows_a_moment_twice_however_the_player_says_it() -> None:
    end = {"completed": True, "duration": 6.0}
    by_both_ends = told(
        (0, "scene_start", 1, 0.0, None), (4, "rewind", 1, 1.8, {"from": 14.0, "to": 11.8}), (8.2, "scene_end", 1, 6.0, end), (9, "end", None, 0.0, None)
    )  # fmt: skip
    by_distance = told(
        (0, "scene_start", 1, 0.0, None), (4, "rewind", 1, 4.0, {"seconds": 2.2}), (8.2, "scene_end", 1, 6.0, end), (9, "end", None, 0.0, None)
    )
    for found in (by_both_ends, by_distance):
        assert moments(found, 1, "views") == [1, 2, 1]
        assert moments(found, 1, "again") == [0, 1, 0]
        assert moments(found, 1, "rewound_to") == [1, 0, 0]
        assert scene(found, 1)["rewound"] == 1
        assert scene(found, 1)["seen_milliseconds"] == 6000


def test_a_skipped_rest_is_passed_over_and_no_leaving() -> None:
    left_early = {"completed": False, "duration": 6.0, "watched": 2.4}
    found = told(
        (0, "scene_start", 1, 0.0, None), (2.4, "skip_scene", 1, 2.4, None), (2.4, "scene_end", 1, 2.4, left_early), *whole(3, 2), *whole(9, 3),
        (15, "end", None, 0.0, None),
    )  # fmt: skip
    assert moments(found, 1, "skipped") == [0, 1, 1]
    assert moments(found, 1, "left") == [0, 0, 0]
    assert scene(found, 1) == {"starts": 1, "skipped": 1, "seen_milliseconds": 2000, "offered_milliseconds": 6000}


def test_a_seek_forward_inside_a_scene_passes_over_what_lies_between_unless_it_is_seen_later() -> None:
    end = {"completed": True, "duration": 6.0}
    passed = [(0, "scene_start", 1, 0.0, None), (1.6, "seek", 1, 4.2, {"from": 1.6, "to": 4.2}), (3.4, "scene_end", 1, 6.0, end)]
    assert moments(told(*passed), 1, "skipped") == [0, 1, 0]
    assert moments(told(*passed, *whole(5, 1)), 1, "skipped") == [0, 0, 0]


def test_a_tight_cut_leaves_moments_out_that_nobody_skipped() -> None:
    end = {"completed": True, "duration": 4.0, "watched": 4.0}
    found = told((0, "scene_start", 2, 0.0, None), (4, "scene_end", 2, 6.0, end), *whole(4, 3), (10, "end", None, 0.0, None))
    assert moments(found, 2, "views") == [1, 0, 1]
    assert moments(found, 2, "left_out") == [0, 1, 0]
    assert scene(found, 2) == {"starts": 1, "completed": 1, "tightened": 1, "seen_milliseconds": 4000, "offered_milliseconds": 4000}


def test_complaints_and_the_wish_for_the_film_as_edited_are_counted_where_they_were_made() -> None:
    found = told((0, "scene_start", 1, 0.0, None), (1, "as_edited", 1, 1.0, {"on": True}), (2, "complaint", 1, 2.0, {"about": "order"}))
    assert (scene(found, 1)["as_edited"], scene(found, 1)["complaints"]) == (1, 1)
    assert scene(found, WHOLE_FILM)["complaints"] == 1


def test_events_of_scenes_that_are_no_more_in_the_film_and_of_no_scene_at_all_change_nothing() -> None:
    assert told((0, "scene_start", 99, 0.0, None), (3, "scene_end", 99, 3.0, None), (4, "pause", None, 0.0, None)).scenes == {}
