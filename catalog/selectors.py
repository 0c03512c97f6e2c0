"""What other rooms read of the catalogue: titles to browse, a title ready to watch, one clip to publish."""

from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings
from django.db.models import Exists, OuterRef, QuerySet

from catalog import hls, services
from catalog.media import integrity
from catalog.media.packaged import CAPTIONS, STILL, TIGHT_CAPTIONS
from catalog.models import MediaAsset, Scene, Title
from catalog.story import StoryScene


class MediaNotReady(LookupError):
    """Media that can't be played now; the message names the title or clip and what to do."""


class TitleNotFound(LookupError):
    """No published title has that slug."""


@dataclass(frozen=True)
class WatchableScene:
    """One scene with its clip; ``requires`` holds ids of scenes of the same title."""

    id: int
    position: int
    name: str
    mood: str
    intensity: float
    tags: tuple[str, ...]
    optional: bool
    break_after: bool
    requires: frozenset[int]
    asset_id: int
    clip: hls.Clip
    captions: str
    captions_url: str
    tight_captions_url: str
    still_url: str

    def duration(self, cut: hls.Cut = "full") -> float:
        return self.clip.duration(cut)


@dataclass(frozen=True)
class WatchableTitle:
    id: int
    slug: str
    name: str
    synopsis: str
    genres: tuple[str, ...]
    change_budget: int
    poster_url: str
    card_url: str
    hero_url: str
    scenes: tuple[WatchableScene, ...]

    @property
    def story(self) -> tuple[StoryScene, ...]:
        """The precedence graph, as ``catalog.story`` reads it."""
        return tuple(StoryScene(id=s.id, position=s.position, name=s.name, requires=s.requires, optional=s.optional) for s in self.scenes)

    @property
    def duration(self) -> float:
        """Seconds of all scenes in the full cut."""
        return sum(scene.duration() for scene in self.scenes)


def browsable_titles() -> QuerySet[Title]:
    """Published titles whose scenes can all be played, in the catalogue's order, with their genres."""
    unready = Scene.objects.filter(title=OuterRef("pk")).exclude(asset__state=MediaAsset.State.READY)
    present = Scene.objects.filter(title=OuterRef("pk"))
    return Title.objects.filter(Exists(present), ~Exists(unready), published=True).prefetch_related("genres")


def title_for_watching(slug: str) -> WatchableTitle:
    """The title with its scenes, graph and clips, its files looked at. Raises TitleNotFound, or MediaNotReady naming the title."""
    title = Title.objects.filter(slug=slug, published=True).prefetch_related("genres").first()
    if title is None:
        raise TitleNotFound(f"there is no title called {slug}")
    rows = list(title.scenes.select_related("asset").prefetch_related("requires").order_by("position"))
    if not rows:
        raise MediaNotReady(f"{title.name} has no scenes yet")
    return WatchableTitle(
        id=title.pk,
        slug=title.slug,
        name=title.name,
        synopsis=title.synopsis,
        genres=tuple(genre.slug for genre in title.genres.all()),
        change_budget=title.change_budget,
        poster_url=poster_url(title),
        card_url=card_url(title),
        hero_url=hero_url(title),
        scenes=tuple(_watchable_scene(row, title) for row in rows),
    )


def _watchable_scene(scene: Scene, title: Title) -> WatchableScene:
    if scene.asset is None:
        raise MediaNotReady(f"{title.name}: {scene.name} has no clip; run manage.py seed_catalogue or choose one in the admin")
    clip = _playable_clip(scene.asset, named=f"{title.name}: {scene.name}")
    return WatchableScene(
        id=scene.pk,
        position=scene.position,
        name=scene.name,
        mood=scene.mood,
        intensity=scene.intensity,
        tags=tuple(scene.tags),
        optional=scene.optional,
        break_after=scene.break_after,
        requires=frozenset(needed.pk for needed in scene.requires.all()),
        asset_id=scene.asset.pk,
        clip=clip,
        captions=scene.asset.captions,
        captions_url=captions_url(scene.asset),
        tight_captions_url=captions_url(scene.asset, "tight"),
        still_url=still_url(scene.asset),
    )


def asset_clip(asset_id: int) -> hls.Clip:
    """The clip of an asset whose files are all there. Raises MediaNotReady."""
    asset = MediaAsset.objects.filter(pk=asset_id).first()
    if asset is None:
        raise MediaNotReady(f"there is no media asset {asset_id}")
    return _playable_clip(asset, named=asset.key)


def _playable_clip(asset: MediaAsset, *, named: str) -> hls.Clip:
    if asset.state != MediaAsset.State.READY:
        why = f" ({asset.problem})" if asset.problem else ""
        raise MediaNotReady(f"{named} is {asset.get_state_display().lower()}{why}; run manage.py build_media")
    problem = integrity.check(asset)
    if problem:
        services.asset_take_out(asset=asset, problem=problem)
        raise MediaNotReady(f"{named} is broken ({problem}); it is being rebuilt")
    return clip_of(asset)


def clip_of(asset: MediaAsset) -> hls.Clip:
    """The clip as recorded, without a look at its files."""
    return hls.Clip(
        key=asset.key,
        init_uri=media_url(f"{asset.path}/{asset.init_uri}"),
        segments=tuple(hls.Segment(media_url(f"{asset.path}/{s['uri']}"), float(s["duration"]), bool(s["tight"])) for s in asset.segments),
    )


def media_url(path: str) -> str:
    """Absolute URI of a file below the media root; empty for an empty path."""
    return f"{settings.MEDIA_URL}{path}" if path else ""


def poster_url(title: Title) -> str:
    return media_url(title.poster)


def card_url(title: Title) -> str:
    return media_url(title.card)


def hero_url(title: Title) -> str:
    return media_url(title.hero)


def captions_url(asset: MediaAsset, cut: hls.Cut = "full") -> str:
    """WebVTT on the timeline of the clip's cut: 0 is the clip's first frame."""
    return media_url(f"{asset.path}/{CAPTIONS if cut == 'full' else TIGHT_CAPTIONS}") if asset.path else ""


def still_url(asset: MediaAsset) -> str:
    return media_url(f"{asset.path}/{STILL}") if asset.path else ""
