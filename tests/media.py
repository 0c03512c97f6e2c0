"""Two short diagnostic films and three ads, really packaged, for every room's tests.

``media`` renders them once into the test var folder, where later runs find them by their recipes. ``films`` puts their
rows into the database of the test at hand. On screen every clip shows its own colour in the 48x48 pixels at the top left
and sounds its own tone, both listed in ``LOOKS``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from catalog.media.packaged import Packaged
    from catalog.models import MediaAsset, Title


@dataclass(frozen=True)
class Look:
    """``tone`` in Hz."""

    colour: str
    tone: float
    seconds: float
    tight_drops: tuple[int, ...] = ()


LOOKS = {
    "test-pattern-s1": Look("#e00000", 220.0, 4.0),
    "test-pattern-s2": Look("#00c000", 262.0, 6.0, (1,)),
    "test-pattern-s3": Look("#0000e0", 294.0, 4.0),
    "test-pattern-s4": Look("#e0e000", 330.0, 6.0, (1,)),
    "test-pattern-s5": Look("#00e0e0", 370.0, 4.0),
    "test-pattern-s6": Look("#e000e0", 415.0, 4.0),
    "colour-bars-s1": Look("#804000", 233.0, 4.0),
    "colour-bars-s2": Look("#408000", 277.0, 6.0, (1,)),
    "colour-bars-s3": Look("#004080", 311.0, 4.0),
    "colour-bars-s4": Look("#800040", 349.0, 4.0),
    "ad-test-1": Look("#ffffff", 660.0, 6.0),
    "ad-test-2": Look("#808080", 880.0, 6.0),
    "ad-test-3": Look("#000000", 990.0, 8.0),
}
CAPTIONS = "WEBVTT\n\n00:00.500 --> 00:02.500\nCaption of {key}\n"


@dataclass(frozen=True)
class SceneRow:
    name: str
    mood: str
    intensity: float
    requires: tuple[int, ...] = ()
    optional: bool = False
    break_after: bool = False


# Test Pattern: the opener, four movable scenes of which the third (position 4) needs the second, the finale.
FILMS: dict[str, tuple[str, tuple[SceneRow, ...]]] = {
    "Test Pattern": (
        "drama",
        (
            SceneRow("Opener", "dawn", 0.4),
            SceneRow("Green", "calm", 0.3, break_after=True),
            SceneRow("Blue", "night", 0.5),
            SceneRow("Yellow", "chase", 0.9, requires=(2,), break_after=True),
            SceneRow("Cyan", "day", 0.2),
            SceneRow("Finale", "finale", 0.8),
        ),
    ),
    "Colour Bars": (
        "comedy",
        (
            SceneRow("Opener", "day", 0.3),
            SceneRow("Olive", "storm", 0.7, break_after=True),
            SceneRow("Navy", "dusk", 0.4),
            SceneRow("Finale", "finale", 0.9),
        ),
    ),
}


@dataclass(frozen=True)
class RenderedMedia:
    """The packaged clips by asset key, below ``root`` (the test run's MEDIA_ROOT)."""

    root: Path
    clips: dict[str, Packaged]

    def install(self) -> Films:
        """Create the rows of the films and the ads, all ready to play, in the current database."""
        assets = {key: self._asset(key) for key in self.clips}
        titles = {name: self._title(name, assets) for name in FILMS}
        ads = {key: asset for key, asset in assets.items() if key.startswith("ad-")}
        return Films(pattern=titles["Test Pattern"], bars=titles["Colour Bars"], ads=ads)

    def _asset(self, key: str) -> MediaAsset:
        from catalog.models import MediaAsset
        from catalog.services import asset_mark_ready

        look = LOOKS[key]
        kind = MediaAsset.Kind.AD if key.startswith("ad-") else MediaAsset.Kind.SCENE
        drawn = {"style": "diagnostic", "colour": look.colour, "tone": look.tone, "seconds": look.seconds, "tight_drops": list(look.tight_drops)}
        asset, _ = MediaAsset.objects.update_or_create(key=key, defaults={"kind": kind, "captions": CAPTIONS.format(key=key), "look": drawn})
        asset_mark_ready(asset=asset, packaged=self.clips[key])
        asset.refresh_from_db()
        return asset

    def _title(self, name: str, assets: dict[str, MediaAsset]) -> Title:
        from catalog.models import Genre, Scene, Title

        genre, rows = FILMS[name]
        slug = name.lower().replace(" ", "-")
        title, _ = Title.objects.update_or_create(slug=slug, defaults={"name": name, "setting": "diagnostic", "synopsis": f"{name}, a test film."})
        title.genres.set([Genre.objects.get_or_create(slug=genre, defaults={"name": genre.title()})[0]])
        title.scenes.all().delete()
        scenes: dict[int, Scene] = {}
        for position, row in enumerate(rows, start=1):
            scenes[position] = Scene.objects.create(
                title=title,
                position=position,
                name=row.name,
                mood=row.mood,
                intensity=row.intensity,
                tags=[row.mood],
                optional=row.optional,
                break_after=row.break_after,
                asset=assets[f"{slug}-s{position}"],
            )
            scenes[position].requires.set([scenes[needed] for needed in row.requires])
        return title


@dataclass(frozen=True)
class Films:
    """``pattern`` is Test Pattern (6 scenes, breaks after 2 and 4), ``bars`` is Colour Bars (4 scenes, a break after 2)."""

    pattern: Title
    bars: Title
    ads: dict[str, MediaAsset] = field(default_factory=dict)


@pytest.fixture(scope="session")
def media() -> RenderedMedia:
    from django.conf import settings

    from catalog.media.building import build_clip
    from catalog.media.recipe import DiagnosticRecipe

    root = Path(settings.MEDIA_ROOT)
    root.mkdir(parents=True, exist_ok=True)
    clips = {
        key: build_clip(
            DiagnosticRecipe(
                label=key, colour=look.colour, tone=look.tone, seconds=look.seconds, captions=CAPTIONS.format(key=key), tight_drops=look.tight_drops
            ),
            root,
        )
        for key, look in LOOKS.items()
    }
    return RenderedMedia(root=root, clips=clips)


@pytest.fixture
def films(media: RenderedMedia, db: None) -> Films:
    """The films and ads as rows of this test's database. Works beside ``transactional_db`` and live servers too."""
    return media.install()
