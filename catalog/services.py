"""Writes of the catalogue: what state a clip is in, and which pictures a title shows."""

from __future__ import annotations

import structlog
from django.db import transaction
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from adplatform.celery import app
from catalog.media.packaged import Packaged
from catalog.models import MediaAsset, Title
from catalog.signals import asset_state_changed
from catalog.story import StoryScene

log = structlog.get_logger(__name__)

REBUILD_TASK = "catalog.tasks.rebuild_media"


def asset_label(asset: MediaAsset) -> str:
    """How people know the clip: the title and scene, or the ad's key."""
    scene = getattr(asset, "scene", None)
    return f"{scene.title.name}, scene {scene.position} ({scene.name})" if scene else asset.key


def asset_mark_building(*, asset: MediaAsset) -> None:
    """Say that a clip without media is being made. One that plays keeps its state until the new one is there."""
    MediaAsset.objects.filter(pk=asset.pk).exclude(state=MediaAsset.State.READY).update(state=MediaAsset.State.BUILDING, problem="")


@transaction.atomic
def asset_mark_ready(*, asset: MediaAsset, packaged: Packaged) -> None:
    MediaAsset.objects.filter(pk=asset.pk).update(
        recipe=packaged.recipe,
        path=packaged.path,
        init_uri=packaged.init_uri,
        segments=packaged.segments,
        files=packaged.files,
        duration=packaged.duration,
        state=MediaAsset.State.READY,
        problem="",
    )
    asset_state_changed.send(MediaAsset, asset=asset)


@transaction.atomic
def asset_mark_broken(*, asset: MediaAsset, problem: str) -> bool:
    """Take a clip out of service with the reason. False when it has been rebuilt elsewhere meanwhile."""
    named = f"{asset_label(asset)}: {problem}"[:300]
    changed = MediaAsset.objects.filter(pk=asset.pk, path=asset.path).update(state=MediaAsset.State.BROKEN, problem=named)
    if changed:
        asset_state_changed.send(MediaAsset, asset=asset)
        log.warning("media_broken", asset=asset.key, problem=named)
    return bool(changed)


def asset_take_out(*, asset: MediaAsset, problem: str) -> None:
    """Take a clip out of service that was met damaged, and have it rebuilt; without a task queue the nightly check does that."""
    if asset_mark_broken(asset=asset, problem=problem):
        transaction.on_commit(lambda: _ask_for_rebuild(asset))


def _ask_for_rebuild(asset: MediaAsset) -> None:
    # By name: the task knows how to draw and encode, which a process that serves viewers never loads.
    try:
        app.send_task(REBUILD_TASK, [[asset.pk]], retry=False)
    except (OperationalError, RedisError) as error:
        log.warning("media_rebuild_not_queued", asset=asset.key, problem=str(error), action="run manage.py build_media")


def asset_mark_failed(*, asset: MediaAsset, problem: str) -> None:
    """Say why a clip could not be made. One that still plays from an earlier build goes on playing."""
    named = f"{asset_label(asset)}: {problem}"[:300]
    MediaAsset.objects.filter(pk=asset.pk).exclude(state=MediaAsset.State.READY).update(state=MediaAsset.State.BROKEN, problem=named)


def title_set_pictures(*, title: Title, folder: str) -> None:
    Title.objects.filter(pk=title.pk).update(poster=f"{folder}/poster.jpg", card=f"{folder}/card.jpg", hero=f"{folder}/hero.jpg")


def story_of(title: Title) -> list[StoryScene]:
    """The title's precedence graph as the database has it, for ``catalog.story``."""
    scenes = title.scenes.prefetch_related("requires")
    return [
        StoryScene(id=s.pk, position=s.position, name=s.name, requires=frozenset(r.pk for r in s.requires.all()), optional=s.optional) for s in scenes
    ]
