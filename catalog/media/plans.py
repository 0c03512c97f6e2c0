"""From rows to recipes: what a scene's or an ad's clip and a title's pictures are to be made from, as the database says now."""

from __future__ import annotations

import zlib
from math import ceil
from typing import Any

from catalog.media.recipe import SEGMENT_SECONDS, AdRecipe, ClipRecipe, DiagnosticRecipe, PictureRecipe, SceneRecipe, UploadRecipe
from catalog.models import MediaAsset, Scene, Setting, Title

DEFAULT_SECONDS = 9.0
LEAST_SEGMENTS_TO_TIGHTEN = 4
TIGHT_DROP = 2


class NoRecipe(ValueError):
    """The rows don't say what to draw; the message says what is missing."""


def clip_recipe(asset: MediaAsset) -> ClipRecipe:
    """Raises NoRecipe when the asset has neither a scene nor a complete look."""
    look: dict[str, Any] = asset.look
    if is_upload(asset):
        return UploadRecipe(
            file=_need(asset, "file"), sha256=_need(asset, "upload"), loudness=float(_need(asset, "loudness")), captions=asset.captions
        )
    if look.get("style") == "diagnostic":
        return DiagnosticRecipe(
            label=asset.key,
            colour=_need(asset, "colour"),
            tone=float(_need(asset, "tone")),
            seconds=float(_need(asset, "seconds")),
            captions=asset.captions,
            tight_drops=tuple(look.get("tight_drops", ())),
        )
    if asset.kind == MediaAsset.Kind.AD:
        return _ad_recipe(asset)
    scene = Scene.objects.filter(asset=asset).select_related("title").first()
    if scene is None:
        raise NoRecipe(f"{asset.key} belongs to no scene; choose it as a scene's asset in the admin or delete it")
    return _scene_recipe(asset, scene)


def is_upload(asset: MediaAsset) -> bool:
    """Whether the clip is packaged from a file somebody uploaded, and never drawn."""
    return "upload" in asset.look


def waits_for_its_worker(asset: MediaAsset) -> bool:
    """An upload that was never ready is the creatives' worker's alone: it may still be refused, or was."""
    return is_upload(asset) and not asset.path


def _scene_recipe(asset: MediaAsset, scene: Scene) -> SceneRecipe:
    title = scene.title
    if title.setting == Setting.DIAGNOSTIC:
        raise NoRecipe(f"{asset.key} cannot be drawn: {title.name} is a diagnostic film and the clip's look has no style")
    last = title.scenes.order_by("-position").values_list("position", flat=True)[0]
    seconds = float(asset.look.get("seconds", DEFAULT_SECONDS))
    return SceneRecipe(
        title=title.name,
        name=scene.name,
        position=scene.position,
        scenes=last,
        setting=title.setting,
        motif=title.motif,
        accent=title.accent,
        backdrop=title.backdrop,
        mood=scene.mood,
        intensity=scene.intensity,
        seconds=seconds,
        seed=_seed(f"{title.slug}/{scene.position}"),
        captions=asset.captions,
        tight_drops=() if scene.position in (1, last) else tight_drops(seconds),
    )


def tight_drops(seconds: float) -> tuple[int, ...]:
    """Segments that a scene's tight cut leaves out: one of its middle, where no caption of ours is needed to follow the story."""
    return (TIGHT_DROP,) if ceil(seconds / SEGMENT_SECONDS) >= LEAST_SEGMENTS_TO_TIGHTEN else ()


def _ad_recipe(asset: MediaAsset) -> AdRecipe:
    ground, accent, ink = _need(asset, "palette")
    return AdRecipe(
        brand=_need(asset, "brand"),
        headline=_need(asset, "headline"),
        tagline=_need(asset, "tagline"),
        call=_need(asset, "call"),
        product=_need(asset, "product"),
        palette=(ground, accent, ink),
        variant=int(asset.look.get("variant", 1)),
        motion=float(asset.look.get("motion", 1)),
        jingle=_need(asset, "jingle"),
        seconds=float(_need(asset, "seconds")),
        seed=_seed(asset.key),
        captions=asset.captions,
    )


def picture_recipe(title: Title) -> PictureRecipe:
    return PictureRecipe(
        title=title.name,
        tagline=title.tagline,
        setting=title.setting,
        motif=title.motif,
        accent=title.accent,
        backdrop=title.backdrop,
        seed=_seed(title.slug),
    )


def _need(asset: MediaAsset, name: str) -> Any:
    if name not in asset.look:
        raise NoRecipe(f"{asset.key} cannot be drawn: its look says nothing about {name}")
    return asset.look[name]


def _seed(words: str) -> int:
    return zlib.crc32(words.encode())
