"""The demo catalogue from ``catalog/data``: titles, scenes with their graphs, and the clips of scenes and ads, still to be built."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from django.db import transaction

from catalog import story
from catalog.media import captions
from catalog.models import Genre, MediaAsset, Scene, Title
from catalog.services import story_of

DATA = Path(__file__).resolve().parent / "data"
SEEDED_TITLE_FIELDS = ("name", "synopsis", "tagline", "year", "maturity", "accent", "backdrop", "setting", "motif")


@dataclass(frozen=True)
class Seeded:
    titles: int
    scenes: int
    ads: int


@transaction.atomic
def seed_catalogue() -> Seeded:
    """Create or refresh the demo rows; what is built stays built. Raises StoryProblem when the data's graph is wrong."""
    data = yaml.safe_load((DATA / "titles.yaml").read_text())
    genres = {slug: Genre.objects.update_or_create(slug=slug, defaults={"name": name})[0] for slug, name in data["genres"].items()}
    scenes = 0
    for position, entry in enumerate(data["titles"], start=1):
        title, _ = Title.objects.update_or_create(
            slug=entry["slug"], defaults={name: entry[name] for name in SEEDED_TITLE_FIELDS} | {"position": position}
        )
        title.genres.set([genres[slug] for slug in entry["genres"]])
        scenes += _seed_scenes(title, entry["scenes"])
        story.check(story_of(title))
    ads = yaml.safe_load((DATA / "ads.yaml").read_text())["ads"]
    for entry in ads:
        _seed_ad(entry)
    return Seeded(titles=len(data["titles"]), scenes=scenes, ads=len(ads))


def _seed_scenes(title: Title, entries: list[dict[str, Any]]) -> int:
    placed: dict[int, Scene] = {}
    for position, entry in enumerate(entries, start=1):
        words = captions.for_scene(title.setting, entry["mood"], entry.get("lines", []), entry["seconds"])
        asset = _asset(f"{title.slug}-s{position}", MediaAsset.Kind.SCENE, {"seconds": entry["seconds"]}, words)
        placed[position], _ = Scene.objects.update_or_create(
            title=title,
            position=position,
            defaults={
                "name": entry["name"],
                "mood": entry["mood"],
                "intensity": entry["intensity"],
                "tags": entry["tags"],
                "optional": entry.get("optional", False),
                "break_after": entry.get("break", False),
                "asset": asset,
            },
        )
    for position, entry in enumerate(entries, start=1):
        placed[position].requires.set([placed[needed] for needed in entry.get("requires", [])])
    return len(placed)


def _seed_ad(entry: Mapping[str, Any]) -> None:
    look = {name: value for name, value in entry.items() if name not in ("key", "lines")}
    _asset(entry["key"], MediaAsset.Kind.AD, look, captions.for_ad(entry["brand"], entry["lines"], entry["seconds"]))


def _asset(key: str, kind: MediaAsset.Kind, look: dict[str, Any], words: str) -> MediaAsset:
    return MediaAsset.objects.update_or_create(key=key, defaults={"kind": kind, "look": look, "captions": words})[0]
