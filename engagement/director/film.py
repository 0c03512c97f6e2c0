"""A film as the models see it, from the plan that plays it and from the catalog: the same durations in the same cuts."""

from __future__ import annotations

from catalog.models import Scene
from engagement.playback.perfilm import PerFilm
from engagement.playback.plan import Plan, PlannedScene

from .signals import Film, FilmScene


def film_of(plan: Plan) -> Film:
    """As the author had it when the session began; asked for with every event of a session."""
    return _of_scenes(plan.film)


def _film_of(scenes: tuple[PlannedScene, ...]) -> Film:
    return {
        scene.id: FilmScene(
            scene.position, scene.mood, scene.intensity, scene.clip.duration(), scene.clip.duration("tight") or scene.clip.duration(), scene.optional
        )
        for scene in scenes
    }


_of_scenes = PerFilm(_film_of)


def films() -> dict[int, Film]:
    """Of every title. A scene that is not packaged has no duration."""
    found: dict[int, dict[int, FilmScene]] = {}
    for scene in Scene.objects.select_related("asset").order_by("title", "position"):
        segments = scene.asset.segments if scene.asset else []
        full = sum(segment["duration"] for segment in segments)
        tight = sum(segment["duration"] for segment in segments if segment["tight"]) or full
        found.setdefault(scene.title_id, {})[scene.pk] = FilmScene(scene.position, scene.mood, scene.intensity, full, tight, scene.optional)
    return dict(found)
