"""The graph, the curve and what came of the Director's changes, as plain values."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog.story import StoryScene
from engagement.editors import graph
from engagement.editors.curve import curve, moments_of
from engagement.retention.intervals import Share, difference
from engagement.retention.likeness import like_titles, share_of_film, usual_at
from engagement.retention.peaks import peaks
from engagement.retention.selectors import FilmScene, MomentFigures, SceneFigures


def scene(number: int, *requires: int, optional: bool = False) -> StoryScene:
    return StoryScene(number, number, f"S{number}", frozenset(requires), optional)


def test_a_scene_stands_to_the_right_of_everything_it_requires() -> None:
    drawing = graph.drawn([scene(1), scene(2), scene(3, 2), scene(4, optional=True), scene(5, 3, 4), scene(6)])
    layers = {box.scene.id: box.layer for box in drawing.boxes}
    assert layers == {1: 0, 2: 1, 3: 2, 4: 1, 5: 3, 6: 4}
    assert [box.scene.id for box in drawing.boxes if box.fixed] == [1, 6]
    required = [arrow.words for arrow in drawing.arrows if not arrow.implied]
    assert required == ["S3 requires S2", "S5 requires S3", "S5 requires S4"]
    assert "optional: S4" in drawing.words


def test_a_circle_is_drawn_all_the_same_and_a_film_without_scenes_too() -> None:
    drawing = graph.drawn([scene(1), scene(2, 3), scene(3, 2), scene(4)])
    assert len(drawing.boxes) == 4
    assert graph.drawn([]).boxes == ()
    assert len(graph.drawn([scene(1)]).boxes) == 1


@given(st.lists(st.sets(st.integers(2, 7), max_size=3), min_size=2, max_size=7))
def test_no_two_boxes_lie_on_each_other_and_all_lie_on_the_picture(requirements: list[set[int]]) -> None:
    scenes = [scene(number, *(one for one in needed if one < number)) for number, needed in enumerate(requirements, start=1)]
    drawing = graph.drawn(scenes)
    corners = {(box.x, box.y) for box in drawing.boxes}
    assert len(corners) == len(scenes)
    assert all(0 <= x <= drawing.width - graph.BOX_WIDTH and 0 <= y <= drawing.height - graph.BOX_HEIGHT for x, y in corners)
    for box in drawing.boxes:
        assert all(other.layer < box.layer for other in drawing.boxes if other.scene.id in box.scene.requires)


def flat(views: int, **changes: MomentFigures) -> list[MomentFigures]:
    return [changes.get(f"m{place}", MomentFigures(views=views)) for place in range(10)]


def test_bumps_dips_and_drops_stand_out_of_the_films_own_average() -> None:
    moments = flat(
        1000, m2=MomentFigures(views=1080, again=80, rewound_to=90), m5=MomentFigures(views=880, skipped=120), m6=MomentFigures(views=890, skipped=110),
        m8=MomentFigures(views=1000, left=100),
    )  # fmt: skip
    found = {(peak.kind, peak.first, peak.last): peak for peak in peaks(moments, 1000)}
    assert set(found) == {("bump", 2, 2), ("dip", 5, 6), ("drop", 8, 8)}
    assert found["dip", 5, 6].share == pytest.approx(0.12)
    assert found["drop", 8, 8].usual == pytest.approx(0.0102, abs=3e-4)


def test_what_happened_a_few_times_is_no_bump_and_few_views_have_none() -> None:
    assert peaks(flat(1000, m2=MomentFigures(views=1004, again=4)), 1000) == []
    assert peaks(flat(20, m2=MomentFigures(views=40, again=20)), 20) == []


def film(title: int, *seconds: float, optional: int = 0) -> list[FilmScene]:
    total, at, scenes = sum(seconds), 0.0, []
    for place, length in enumerate(seconds, start=1):
        scenes.append(FilmScene(title * 100 + place, title, place, f"S{place}", place == optional, length, at, (at + length / 2) / total))
        at += length
    return scenes


def test_the_curve_goes_above_the_whole_where_moments_are_seen_again() -> None:
    scenes = film(1, 4.0, 4.0)
    figures = {(101, 0): MomentFigures(views=50), (101, 1): MomentFigures(views=60, again=12), (102, 0): MomentFigures(views=40, left=10)}
    moments = moments_of(scenes, {101: [2.0, 2.0], 102: [2.0, 2.0]}, figures, 50)
    assert [(moment.at, moment.retention) for moment in moments] == [(0.0, 1.0), (2.0, 1.2), (4.0, 0.8), (6.0, 0.0)]
    drawn = curve(scenes, {101: 0.2, 102: 0.9}, moments, 50)
    assert drawn is not None
    assert drawn.top <= min(float(point.split(",")[1]) for point in drawn.line.split()) < drawn.whole
    assert len(drawn.bands) == 2
    assert "50 views" in drawn.words
    assert [bar.words for bar in drawn.leaving] == ["0:04, S2: 10 of 50 left here"]
    assert curve(scenes, {}, moments, 0) is None


def test_a_title_is_compared_with_those_of_like_length_and_its_scenes_with_those_at_a_like_place() -> None:
    films = {1: film(1, 10, 10, 10, 10), 2: film(2, 10, 11, 10, 10), 3: film(3, 90, 90), 4: film(4, 8, 8, 9, 8, 8, optional=3)}
    assert like_titles(films, 1) == [2, 4]
    figures = {
        (2, 202): SceneFigures(starts=100, left=10), (2, 203): SceneFigures(starts=90, left=50), (4, 402): SceneFigures(starts=40, left=4),
        (4, 403): SceneFigures(starts=40, left=40), (2, 0): SceneFigures(starts=100, seen_milliseconds=2_050_000), (4, 0): SceneFigures(starts=29),
    }  # fmt: skip
    usual = usual_at(films[1][1], [2, 4], films, figures)
    assert (usual.titles, usual.starts, usual.left) == (2, 140, 14)
    assert share_of_film(films, figures, 2) == pytest.approx(0.5)
    assert share_of_film(films, figures, 4) is None


def test_the_interval_of_a_difference_is_newcombes() -> None:
    # Newcombe 1998, table II, example (a): 56/70 - 48/80.
    found = difference(Share(56, 70), Share(48, 80))
    assert found is not None
    assert [found.value, found.low, found.high] == pytest.approx([0.2, 0.0524, 0.3339], abs=5e-5)
    assert difference(Share(0, 0), Share(1, 2)) is None
