from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from PIL import Image

from catalog import seeding, selectors, story
from catalog.media import integrity, plans
from catalog.media.building import build_clip
from catalog.media.colour import palette_of
from catalog.media.landscape import PAINTERS, draw_landscape
from catalog.media.packaging import PackagingError, probe, segments_of
from catalog.media.pictures import draw_pictures
from catalog.media.recipe import AdRecipe, DiagnosticRecipe, SceneRecipe, digest
from catalog.models import MediaAsset, Title
from catalog.services import story_of
from catalog.tasks import rebuild_media
from tests.media import LOOKS, Films, RenderedMedia

TINY = DiagnosticRecipe(label="tiny", colour="#123456", tone=500, seconds=2, captions="")


@pytest.fixture
def own_media(films: Films, tmp_path: Path, settings: object) -> Path:
    """A media root of this test alone, with copies it may damage."""
    source = Path(settings.MEDIA_ROOT)  # type: ignore[attr-defined]
    subprocess.run(["cp", "-r", str(source), str(tmp_path / "media")], check=True)
    settings.MEDIA_ROOT = tmp_path / "media"  # type: ignore[attr-defined]
    return tmp_path / "media"


def asset_of(key: str) -> MediaAsset:
    return MediaAsset.objects.get(key=key)


def size_of(path: Path) -> tuple[int, int]:
    with Image.open(path) as picture:
        return picture.size


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:50])


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-1] ^= 255
    path.write_bytes(content)


def remove(path: Path) -> None:
    path.unlink()


def test_every_packaged_clip_has_the_same_codec_parameters(media: RenderedMedia) -> None:
    inits = {(media.root / clip.path / clip.init_uri).read_bytes() for clip in media.clips.values()}
    assert len(inits) == 1


def test_segments_last_two_seconds_and_are_recorded_as_packaged(media: RenderedMedia) -> None:
    for key, clip in media.clips.items():
        assert clip.duration == pytest.approx(LOOKS[key].seconds, abs=0.05)
        recorded = [(s["uri"], s["duration"]) for s in clip.segments]
        assert recorded == [(s.uri, s.duration) for s in segments_of((media.root / clip.path / "index.m3u8").read_text())]
        assert [i for i, s in enumerate(clip.segments) if not s["tight"]] == list(LOOKS[key].tight_drops)


def test_the_patch_of_a_diagnostic_clip_has_its_colour(media: RenderedMedia) -> None:
    with Image.open(media.root / media.clips["test-pattern-s1"].path / "still.jpg") as still:
        red, green, blue = still.convert("RGB").getpixel((8, 8))  # type: ignore[misc]
    assert red > 180
    assert max(green, blue) < 60


def test_a_whole_clip_is_adopted_and_a_changed_recipe_is_another_place(tmp_path: Path) -> None:
    first = build_clip(TINY, tmp_path)
    stamp = (tmp_path / first.path / "s0.m4s").stat().st_mtime_ns
    assert build_clip(TINY, tmp_path) == first
    assert (tmp_path / first.path / "s0.m4s").stat().st_mtime_ns == stamp
    assert digest(replace(TINY, tone=501)) != digest(TINY)


def test_two_processes_building_the_same_clip_make_one(tmp_path: Path) -> None:
    program = (
        "import sys, pathlib, django; django.setup();"
        "from catalog.media.building import build_clip; from catalog.media.recipe import DiagnosticRecipe;"
        "print(build_clip(DiagnosticRecipe(label='tiny', colour='#123456', tone=500, seconds=2, captions=''), pathlib.Path(sys.argv[1])).files)"
    )
    environment = {"DJANGO_SETTINGS_MODULE": "tests.settings", "PATH": "/usr/bin:/bin"}
    running = [
        subprocess.Popen([sys.executable, "-c", program, str(tmp_path)], stdout=subprocess.PIPE, text=True, env=environment, cwd=settings.BASE_DIR)
        for _ in range(2)
    ]
    said = [process.communicate(timeout=60)[0] for process in running]
    assert [process.returncode for process in running] == [0, 0]
    assert said[0] == said[1] != ""
    assert [path.name for path in (tmp_path / "clips").iterdir()] == [digest(TINY)[:32]]
    assert not list(tmp_path.glob(".building-*"))


def test_a_clip_that_cannot_be_made_says_why_and_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(PackagingError, match="ffmpeg failed"):
        build_clip(replace(TINY, colour="no colour"), tmp_path)
    with pytest.raises(PackagingError, match="middle segments"):
        build_clip(replace(TINY, tight_drops=(0,)), tmp_path)
    assert not list(tmp_path.glob("clips/*"))
    assert not list(tmp_path.glob(".building-*"))


def test_a_clip_of_another_length_than_wanted_is_refused(media: RenderedMedia) -> None:
    with pytest.raises(PackagingError, match="instead of 9"):
        probe(media.root / media.clips["ad-test-1"].path, expected_seconds=9)


@pytest.mark.parametrize("damage", [truncate, remove])
def test_a_damaged_clip_is_never_published_its_title_is_named_and_it_is_rebuilt(
    own_media: Path, damage: Callable[[Path], None], django_capture_on_commit_callbacks: Any
) -> None:
    asset = asset_of("test-pattern-s3")
    damage(own_media / asset.path / "s1.m4s")
    with django_capture_on_commit_callbacks() as queued, pytest.raises(selectors.MediaNotReady, match=r"Test Pattern: Blue is broken"):
        selectors.title_for_watching("test-pattern")
    assert any("asset_take_out" in callback.__qualname__ for callback in queued)
    asset.refresh_from_db()
    assert asset.state == MediaAsset.State.BROKEN
    assert asset.problem.startswith("Test Pattern, scene 3 (Blue): s1.m4s")
    assert [t.slug for t in selectors.browsable_titles()] == ["colour-bars"]
    with pytest.raises(selectors.MediaNotReady):
        selectors.asset_clip(asset.pk)


@pytest.mark.parametrize("damage", [truncate, remove, flip])
def test_build_media_names_a_damaged_clip_and_rebuilds_it(
    own_media: Path, damage: Callable[[Path], None], capsys: pytest.CaptureFixture[str]
) -> None:
    Title.objects.exclude(slug="test-pattern").delete()
    asset = asset_of("test-pattern-s2")
    damage(own_media / asset.path / "init.mp4")
    call_command("build_media", "--workers", "1")
    said = capsys.readouterr()
    assert "damaged, rebuilding: Test Pattern, scene 2 (Green): " in said.err
    asset.refresh_from_db()
    assert (asset.state, asset.problem) == ("ready", "")
    assert integrity.check(asset, thorough=True) is None
    assert selectors.title_for_watching("test-pattern").scenes[1].asset_id == asset.pk


def test_check_media_finds_what_only_reading_shows(own_media: Path) -> None:
    flip(own_media / asset_of("ad-test-2").path / "s0.m4s")
    call_command("check_media", "--quick")
    with pytest.raises(CommandError, match=r"ad-test-2: the content of s0.m4s has changed"):
        call_command("check_media")
    assert asset_of("ad-test-2").state == MediaAsset.State.BROKEN


def test_the_rebuild_task_may_run_twice(own_media: Path) -> None:
    asset = asset_of("ad-test-3")
    remove(own_media / asset.path / "s0.m4s")
    assert rebuild_media.delay([asset.pk]).get() == {"built": 1, "kept": 0, "failures": []}
    assert rebuild_media.delay([asset.pk]).get() == {"built": 0, "kept": 1, "failures": []}


def test_an_asset_that_says_nothing_of_its_look_is_reported(db: None) -> None:
    MediaAsset.objects.create(key="ad-nameless", kind=MediaAsset.Kind.AD)
    with pytest.raises(CommandError, match="ad-nameless cannot be drawn: its look says nothing about palette"):
        call_command("build_media", "--ads")


def test_seeding_twice_leaves_one_catalogue_with_tellable_films(db: None) -> None:
    assert seeding.seed_catalogue() == seeding.seed_catalogue() == seeding.Seeded(titles=12, scenes=96, ads=20)
    assert (Title.objects.count(), MediaAsset.objects.count()) == (12, 116)
    for title in Title.objects.all():
        scenes = story_of(title)
        story.check(scenes)
        assert sum(1 for _ in zip(range(50), story.legal_orders(scenes), strict=False)) == 50, f"{title} has hardly anything to reorder"
        assert title.scenes.filter(break_after=True).count() == 2
        assert title.scenes.filter(optional=True).exists()


def test_all_scenes_but_opener_and_finale_have_something_to_tighten(db: None) -> None:
    seeding.seed_catalogue()
    for asset in MediaAsset.objects.filter(kind=MediaAsset.Kind.SCENE).select_related("scene"):
        recipe = plans.clip_recipe(asset)
        assert isinstance(recipe, SceneRecipe)
        assert bool(recipe.tight_drops) == (1 < asset.scene.position < 8)


@pytest.mark.parametrize("key", ["winterline-s7", "ad-pixelforge-games-1"])
def test_drawn_clips_are_packaged_like_any_other(db: None, tmp_path: Path, key: str) -> None:
    seeding.seed_catalogue()
    recipe = plans.clip_recipe(asset_of(key))
    assert isinstance(recipe, SceneRecipe | AdRecipe)
    short = replace(recipe, seconds=4.0, tight_drops=()) if isinstance(recipe, SceneRecipe) else replace(recipe, seconds=4.0)
    packaged = build_clip(short, tmp_path)
    assert packaged.duration == pytest.approx(4, abs=0.05)


@pytest.mark.parametrize("setting", PAINTERS)
def test_a_landscape_repeats_pixel_for_pixel_from_its_seed(setting: str) -> None:
    palette = palette_of("#F25C54", "#2B2D42", "storm")
    drawn = [draw_landscape((160, 90), setting, palette, seed, spare=(4, 8, 20, 40)) for seed in (7, 7, 8)]
    views = [b"".join(layer.tobytes() for layer in (land.sky, land.clouds, land.far, land.middle, land.near)) for land in drawn]
    assert views[0] == views[1] != views[2]
    assert [layer.width for layer in (drawn[0].clouds, drawn[0].far, drawn[0].middle, drawn[0].near)] == [164, 168, 180, 200]


def test_a_title_gets_its_three_pictures(tmp_path: Path, db: None) -> None:
    seeding.seed_catalogue()
    draw_pictures(plans.picture_recipe(Title.objects.get(slug="ember-coast")), tmp_path)
    assert [size_of(tmp_path / f"{name}.jpg") for name in ("poster", "card", "hero")] == [(600, 900), (960, 540), (1440, 614)]
