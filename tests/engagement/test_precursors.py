"""What precedes leaving is told beside what is usual, and chance is not."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from adplatform.eventlog import ids
from catalog.models import Title
from engagement.models import PlaybackSession, SceneDay, Viewer
from engagement.precursors import (
    last_before_not_coming_back,
    return_excess,
    scene_excess,
    scenes_before_leaving,
    title_excess,
    titles_before_leaving,
)
from engagement.retention.intervals import Share
from engagement.retention.selectors import FilmScene, SceneFigures, Window
from tests.media import Films

NOW = datetime(2026, 3, 20, 12, tzinfo=UTC)
NAMES = {1: "One", 2: "Two", 3: "Three"}


def film(title: int, *seconds: float) -> list[FilmScene]:
    total, at, scenes = sum(seconds), 0.0, []
    for place, length in enumerate(seconds, start=1):
        scenes.append(FilmScene(title * 100 + place, title, place, f"S{place}", False, length, at, (at + length / 2) / total))
        at += length
    return scenes


FILMS = {title: film(title, 10, 10, 10, 10) for title in (1, 2, 3)}


def test_a_scene_that_loses_more_than_its_like_comes_first_and_few_views_are_no_evidence() -> None:
    figures = {(title, title * 100 + place): SceneFigures(starts=400, left=20) for title in FILMS for place in (1, 2, 3, 4)}
    figures[1, 102] = SceneFigures(starts=400, left=100)
    figures[2, 203] = SceneFigures(starts=10, left=10)
    ranked = scene_excess(FILMS, figures, NAMES)
    assert (ranked[0].title_name, ranked[0].scene_name, ranked[0].stands_out) == ("One", "S2", True)
    assert (ranked[0].lost.value, ranked[0].usual.value) == (0.25, 0.05)
    assert 0.15 < ranked[0].excess.low < 0.2 < ranked[0].excess.high
    assert [one.scene for one in ranked if one.stands_out] == [102]
    assert 203 not in [one.scene for one in ranked]


def test_of_two_alike_excesses_the_better_known_one_comes_first() -> None:
    figures = {(title, title * 100 + place): SceneFigures(starts=1000, left=50) for title in FILMS for place in (1, 2, 3, 4)}
    figures[1, 102], figures[2, 203] = SceneFigures(starts=60, left=12), SceneFigures(starts=2000, left=400)
    assert [one.scene for one in scene_excess(FILMS, figures, NAMES)][:2] == [203, 102]


def test_titles_are_compared_with_those_of_like_length_alone() -> None:
    films = {**FILMS, 3: film(3, 100, 100)}
    figures = {(1, 0): SceneFigures(starts=200, left=120), (2, 0): SceneFigures(starts=200, left=60), (3, 0): SceneFigures(starts=200, left=0)}
    ranked = title_excess(films, figures, NAMES)
    assert [(one.title, one.usual.count) for one in ranked] == [(1, 60), (2, 120)]
    assert [one.title for one in ranked if one.stands_out] == [1]


def test_titles_after_which_viewers_stay_away_are_compared_with_all_others() -> None:
    ranked = return_excess({1: Share(60, 100), 2: Share(20, 100), 3: Share(3, 3)}, NAMES)
    assert [(one.title, one.stands_out) for one in ranked] == [(1, True), (2, False)]
    assert ranked[0].usual == Share(23, 103)


def session(viewer: Viewer, title: Title, days_ago: float, *, consent: bool = True, synthetic: bool = False) -> None:
    at = NOW - timedelta(days=days_ago)
    PlaybackSession.objects.create(
        id=ids.new_id(at), viewer=viewer, title=title, device="tv", hour=20, started_at=at, last_seen_at=at + timedelta(minutes=5), consent=consent,
        synthetic=synthetic,
    )  # fmt: skip


@pytest.mark.django_db
def test_who_did_not_come_back_is_read_from_sessions_whose_horizon_is_over(films: Films) -> None:
    away, back, late, secret, robot = (Viewer.objects.create(name=name) for name in ("Away", "Back", "Late", "Secret", "Robot"))
    session(away, films.pattern, 20)
    session(back, films.pattern, 20)
    session(back, films.bars, 18)
    session(back, films.pattern, 3)
    session(late, films.bars, 2)
    session(secret, films.pattern, 20, consent=False)
    session(robot, films.bars, 20, synthetic=True)

    def lost(*, synthetic: bool | None = None) -> dict[int, tuple[int, int]]:
        rows = last_before_not_coming_back(
            since=NOW - timedelta(days=28), until=NOW, now=NOW, horizon=timedelta(days=7), synthetic=synthetic, least_views=1
        )
        return {one.title: (one.lost.count, one.lost.of) for one in rows}

    # Back watched Colour Bars last and began nothing for fifteen days; the sessions of the last week are not over yet.
    assert lost() == {films.pattern.pk: (1, 2), films.bars.pk: (2, 2)}
    assert lost(synthetic=False) == {films.pattern.pk: (1, 2), films.bars.pk: (1, 1)}


@pytest.mark.django_db
def test_the_rows_come_from_the_day_tables_in_three_queries(films: Films) -> None:
    day = NOW.date()
    for title, left in ((films.pattern, 10), (films.bars, 60)):
        for scene in (0, *title.scenes.values_list("pk", flat=True)):
            SceneDay.objects.create(day=day, title_id=title.pk, scene_id=scene, device="tv", starts=100, left=left)
    window = Window(day, day)
    with CaptureQueriesContext(connection) as queries:
        titles = titles_before_leaving(window)
        scenes = scenes_before_leaving(window)
    assert len(queries) == 6
    # 28 s and 18 s of film are too far apart to be like each other.
    assert titles == [] and scenes == []
    films.bars.scenes.filter(position__gt=2).update(asset=None)
    films.pattern.scenes.filter(position__gt=2).update(asset=None)
    assert [(one.title_name, one.stands_out) for one in titles_before_leaving(window)] == [("Colour Bars", True), ("Test Pattern", False)]
    assert {one.title_name for one in scenes_before_leaving(window) if one.stands_out} == {"Colour Bars"}
