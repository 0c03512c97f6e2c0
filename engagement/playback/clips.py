"""What the catalogue tells, as a plan keeps it."""

from __future__ import annotations

import structlog

from catalog import hls, selectors
from catalog.selectors import MediaNotReady, WatchableTitle

from .plan import Clip, PlannedScene

log = structlog.get_logger(__name__)


def of_ad(asset_id: int) -> Clip | None:
    """The clip of an ad, None where its media cannot be played: the break then goes without it."""
    try:
        return _kept(asset_id, selectors.asset_clip(asset_id))
    except MediaNotReady as problem:
        log.warning("ad_media_not_ready", asset=asset_id, problem=str(problem))
        return None


def film_of(title: WatchableTitle) -> list[PlannedScene]:
    return [
        PlannedScene(
            id=scene.id,
            position=scene.position,
            name=scene.name,
            mood=scene.mood,
            intensity=scene.intensity,
            clip=_kept(scene.asset_id, scene.clip, captions=scene.captions_url if scene.captions else ""),
            requires=tuple(sorted(scene.requires)),
            tags=scene.tags,
            optional=scene.optional,
            break_after=scene.break_after,
        )
        for scene in title.scenes
    ]


def _kept(asset_id: int, clip: hls.Clip, *, captions: str = "") -> Clip:
    return Clip(asset=asset_id, key=clip.key, init_uri=clip.init_uri, segments=tuple(map(tuple, clip.segments)), captions=captions)  # type: ignore[arg-type]
