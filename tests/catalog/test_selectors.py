from __future__ import annotations

import pytest

from catalog import selectors, story
from catalog.models import MediaAsset, Title
from tests.media import Films


def test_a_title_ready_to_watch_brings_scenes_clips_graph_and_break_places(films: Films) -> None:
    title = selectors.title_for_watching("test-pattern")
    assert [scene.position for scene in title.scenes] == [1, 2, 3, 4, 5, 6]
    assert [scene.position for scene in title.scenes if scene.break_after] == [2, 4]
    story.check(title.story)
    green = title.scenes[1]
    assert green.clip.init_uri.startswith("/media/clips/")
    assert green.duration("tight") == pytest.approx(4, abs=0.1)
    assert green.duration() == pytest.approx(6, abs=0.1)
    assert title.scenes[3].requires == {green.id}


def test_a_title_with_a_broken_scene_is_neither_browsable_nor_watchable(films: Films) -> None:
    assert {t.slug for t in selectors.browsable_titles()} == {"test-pattern", "colour-bars"}
    MediaAsset.objects.filter(key="test-pattern-s3").update(state="broken", problem="Test Pattern, scene 3: s0.m4s has 0 bytes")
    assert [t.slug for t in selectors.browsable_titles()] == ["colour-bars"]
    with pytest.raises(selectors.MediaNotReady, match=r"Test Pattern: Blue is broken .*s0.m4s has 0 bytes.* build_media"):
        selectors.title_for_watching("test-pattern")


def test_an_unpublished_or_unknown_title_is_not_found(films: Films) -> None:
    Title.objects.filter(pk=films.pattern.pk).update(published=False)
    for slug in ("test-pattern", "nowhere"):
        with pytest.raises(selectors.TitleNotFound):
            selectors.title_for_watching(slug)


def test_an_unknown_clip_is_not_ready(db: None) -> None:
    with pytest.raises(selectors.MediaNotReady):
        selectors.asset_clip(12345)


def test_browsing_reads_the_catalogue_in_two_queries(films: Films, django_assert_num_queries: object) -> None:
    with django_assert_num_queries(2):  # type: ignore[operator]
        assert [(t.slug, [g.slug for g in t.genres.all()]) for t in selectors.browsable_titles()]
