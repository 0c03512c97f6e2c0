"""Building all media that is wanted: which clips need it, who works on them, and what the database then says."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from shutil import rmtree
from time import time

from catalog import services
from catalog.media import integrity
from catalog.media.building import TEMPORARY, build_clip, build_pictures
from catalog.media.packaged import Packaged
from catalog.media.packaging import PackagingError
from catalog.media.plans import NoRecipe, clip_recipe, picture_recipe, waits_for_its_worker
from catalog.media.recipe import ClipRecipe, PictureRecipe, digest, folder
from catalog.models import MediaAsset, Setting, Title

ABANDONED_SECONDS = 3600


@dataclass(frozen=True)
class Work:
    """One clip or one title's pictures to build; ``label`` is how people know it."""

    label: str
    recipe: ClipRecipe | PictureRecipe
    asset: MediaAsset | None = None
    title: Title | None = None


@dataclass
class Report:
    """What was found and done. ``problems`` are damaged clips that were found, ``failures`` what could not be built."""

    built: int = 0
    kept: int = 0
    problems: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)


Progress = Callable[[int, int, str], None]


def assets_of(*, titles: int | None, ads: bool, only_ads: bool = False) -> list[MediaAsset]:
    """Assets in building order: the first ``titles`` films (all when None), after the first two the ads, then the other films."""
    films = [] if only_ads else list(Title.objects.order_by("position", "name")[:titles])
    scenes = [list(MediaAsset.objects.filter(scene__title=film).select_related("scene__title").order_by("scene__position")) for film in films]
    spots = list(MediaAsset.objects.filter(kind=MediaAsset.Kind.AD).order_by("key")) if ads else []
    return [*(a for s in scenes[:2] for a in s), *spots, *(a for s in scenes[2:] for a in s)]


def plan(assets: Iterable[MediaAsset], titles: Iterable[Title], *, only_missing: bool, report: Report) -> list[Work]:
    """What has to be built. Damaged clips are taken out of service at once and named in the report."""
    works = [work for title in titles if (work := _pictures_work(title))]
    for asset in assets:
        if waits_for_its_worker(asset):
            continue
        label = services.asset_label(asset)
        problem = _damage(asset, thorough=not only_missing)
        if problem:
            services.asset_mark_broken(asset=asset, problem=problem)
            report.problems.append(f"{label}: {problem}")
        elif asset.state == MediaAsset.State.READY and only_missing:
            report.kept += 1
            continue
        try:
            recipe = clip_recipe(asset)
        except NoRecipe as error:
            report.failures.append(str(error))
            continue
        if asset.state == MediaAsset.State.READY and not problem and asset.recipe == digest(recipe):
            report.kept += 1
        else:
            works.append(Work(label=label, recipe=recipe, asset=asset))
    return works


def _damage(asset: MediaAsset, *, thorough: bool) -> str | None:
    return integrity.check(asset, thorough=thorough) if asset.state == MediaAsset.State.READY else None


def _pictures_work(title: Title) -> Work | None:
    if title.setting == Setting.DIAGNOSTIC:
        return None
    recipe = picture_recipe(title)
    where = folder(recipe)
    files = integrity.manifest_files(integrity.media_root() / where)
    whole = files is not None and integrity.problem_in(integrity.media_root() / where, files) is None
    if whole and title.poster.startswith(where):
        return None
    return Work(label=f"{title.name}, pictures", recipe=recipe, title=title)


def build(works: Sequence[Work], *, workers: int, report: Report, progress: Progress) -> None:
    """Build with ``workers`` encoders at a time. Rows are written by the calling thread alone, as each piece is done."""
    root = integrity.media_root()
    root.mkdir(parents=True, exist_ok=True)
    _sweep(root)
    waiting, running, done = list(works), dict[Future[Packaged | str], Work](), 0
    with ThreadPoolExecutor(max_workers=workers) as pool:
        while waiting or running:
            while waiting and len(running) < workers:
                work = waiting.pop(0)
                if work.asset is not None:
                    services.asset_mark_building(asset=work.asset)
                running[pool.submit(_make, work.recipe, root)] = work
            finished, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in finished:
                work = running.pop(future)
                _record(work, future, report)
                done += 1
                progress(done, len(works), work.label)


def _make(recipe: ClipRecipe | PictureRecipe, root: Path) -> Packaged | str:
    return build_pictures(recipe, root) if isinstance(recipe, PictureRecipe) else build_clip(recipe, root)


def _record(work: Work, future: Future[Packaged | str], report: Report) -> None:
    try:
        made = future.result()
    except (PackagingError, OSError) as error:
        report.failures.append(f"{work.label}: {error}")
        if work.asset is not None:
            services.asset_mark_failed(asset=work.asset, problem=str(error))
        return
    report.built += 1
    if work.asset is not None and isinstance(made, Packaged):
        services.asset_mark_ready(asset=work.asset, packaged=made)
    if work.title is not None and isinstance(made, str):
        services.title_set_pictures(title=work.title, folder=made)


def _sweep(root: Path) -> None:
    """Remove what killed builds left; no build that lives takes an hour."""
    for left in root.glob(f"{TEMPORARY}*"):
        with suppress(FileNotFoundError):
            if time() - left.stat().st_mtime > ABANDONED_SECONDS:
                rmtree(left, ignore_errors=True)
