"""A film is compared with films of like length, a playback with theirs; below a minimum of evidence nothing is said."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from adplatform.eventlog import ids
from catalog.models import MediaAsset, Scene, Title
from engagement.director import relative
from engagement.director.features import FilmScene, SessionSignals
from engagement.models import PlaybackDay, PlaybackSession

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _nothing_kept() -> Iterator[None]:
    relative.forget()
    yield
    relative.forget()


def make_title(name: str, *, seconds: float, watched: float, sessions: int = 40) -> Title:
    title = Title.objects.create(name=name, slug=name)
    for position in (1, 2):
        asset = MediaAsset.objects.create(kind="scene", key=f"{name}-{position}", segments=[{"uri": "0.m4s", "duration": seconds / 2, "tight": True}])
        Scene.objects.create(title=title, position=position, name=f"Scene {position}", mood="calm", intensity=0.5, asset=asset)
    PlaybackDay.objects.create(bucket=NOW - timedelta(days=2), title_id=title.pk, sessions=sessions)
    PlaybackDay.objects.create(
        bucket=NOW - timedelta(days=2), title_id=title.pk, scene_id=1, watch_milliseconds=round(1000 * watched * seconds * sessions)
    )
    return title


def test_a_title_stands_where_its_share_does_among_titles_of_like_length() -> None:
    films = [make_title(f"film-{number}", seconds=100 + number, watched=0.3 + 0.1 * number) for number in range(5)]
    make_title("long", seconds=400, watched=0.99)
    found = relative.standing(films[3].pk, now=NOW)
    assert found is not None
    assert (found.titles, found.sessions) == (5, 200)
    assert found.share == pytest.approx(0.6)
    assert found.percentile == pytest.approx(0.7)
    assert found.of_playback(0.5) is None


def test_too_few_titles_or_sessions_have_no_percentile() -> None:
    films = [make_title(f"film-{number}", seconds=100, watched=0.5) for number in range(4)]
    assert relative.standing(films[0].pk, now=NOW).percentile is None  # type: ignore[union-attr]
    relative.forget()
    rare = make_title("rare", seconds=100, watched=0.5, sessions=29)
    found = relative.standing(rare.pk, now=NOW)
    assert found is not None
    assert (found.titles, found.share, found.percentile) == (4, None, None)
    assert relative.standing(0, now=NOW) is None


def test_a_playback_is_compared_with_those_that_are_over() -> None:
    title, other = make_title("one", seconds=100, watched=0.5), make_title("two", seconds=110, watched=0.5)
    far = make_title("far", seconds=500, watched=0.5)
    for number in range(120):
        begun = NOW - timedelta(days=1, minutes=number)
        shown = (title, other, far)[number % 3]
        share = 1.0 if shown == far else (0.0, 0.5, 1.0)[number % 3] if number % 2 else 0.5
        PlaybackSession.objects.create(id=ids.new_id(begun), title=shown, device="tv", hour=20, progress=share, started_at=begun, last_seen_at=begun)
    PlaybackSession.objects.create(id=ids.new_id(NOW), title=title, device="tv", hour=20, progress=0.1, started_at=NOW, last_seen_at=NOW)
    few = relative.standing(title.pk, now=NOW)
    assert few is not None
    assert sum(few.progress) == 80
    assert few.of_playback(0.5) is None
    for number in range(40):
        begun = NOW - timedelta(days=2, minutes=number)
        PlaybackSession.objects.create(id=ids.new_id(begun), title=title, device="tv", hour=20, progress=1, started_at=begun, last_seen_at=begun)
    relative.forget()
    found = relative.standing(title.pk, now=NOW)
    assert found is not None
    assert [found.of_playback(share) for share in (0.0, 0.5, 1.0)] == [pytest.approx(value / 120) for value in (10, 50, 100)]


def test_progress_counts_scenes_seen_to_their_end_each_once() -> None:
    film = {1: FilmScene(1, "calm", 0.5, 10, 6), 2: FilmScene(2, "calm", 0.5, 10, 6), 3: FilmScene(3, "calm", 0.5, 10, 6, optional=True)}
    signals = SessionSignals()
    for scene, watched in ((1, 10), (1, 10), (2, 4)):
        signals.update("playback.scene_start", 1000.0, scene=scene, film=film)
        signals.update("playback.scene_end", 1010.0, scene=scene, data={"watched": watched}, film=film)
    assert relative.progress_of(signals, film) == 0.5
