"""From a recipe to a folder of media: built in a folder of its own and renamed into place, so that a reader never meets half a clip."""

from __future__ import annotations

import fcntl
import json
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from catalog.media import captions, integrity, uploads
from catalog.media.adverts import ad_source
from catalog.media.confined import Told, nobody
from catalog.media.diagnostic import diagnostic_source
from catalog.media.packaged import CAPTIONS, STILL, TIGHT_CAPTIONS, Packaged
from catalog.media.packaging import INIT, PLAYLIST, PackagingError, Source, package
from catalog.media.pictures import draw_pictures, still_from
from catalog.media.probe import Facts
from catalog.media.recipe import AdRecipe, ClipRecipe, DiagnosticRecipe, PictureRecipe, SceneRecipe, UploadRecipe, digest, folder
from catalog.media.scenes import scene_source

TEMPORARY = ".building-"


def build_clip(recipe: ClipRecipe, root: Path, told: Told = nobody, facts: Facts | None = None) -> Packaged:
    """Build a clip below ``root`` or adopt the one that is there and whole. Raises PackagingError.

    ``told`` hears how many seconds of an upload are encoded, and may raise to stop it; ``facts`` are those of an upload that was
    looked at a moment ago.
    """
    where = folder(recipe)
    _build_folder(root, where, lambda made, work: _encode(recipe, made, work, told, facts))
    details = json.loads((root / where / integrity.MANIFEST).read_bytes())
    return Packaged(recipe=digest(recipe), path=where, init_uri=INIT, segments=details["segments"], files=details["files"])


def build_pictures(recipe: PictureRecipe, root: Path) -> str:
    """Build a title's pictures below ``root`` or adopt those that are there; returns their folder below the root."""
    where = folder(recipe)
    _build_folder(root, where, lambda made, work: draw_pictures(recipe, made))
    return where


def _encode(recipe: ClipRecipe, made: Path, work: Path, told: Told, facts: Facts | None) -> list[dict[str, Any]]:
    if isinstance(recipe, UploadRecipe):
        segments = uploads.package_upload(recipe, made, facts=facts, told=told)
    else:
        segments = package(_source(recipe, work), made)
    still_from(made / PLAYLIST, made / STILL, at=sum(segment.duration for segment in segments) * 0.45)
    drops = () if isinstance(recipe, AdRecipe | UploadRecipe) else recipe.tight_drops
    if drops and max(drops) >= len(segments) - 1:
        raise PackagingError(f"the tight cut may only drop middle segments; there are {len(segments)}, it names {list(drops)}")
    kept = [(segment.duration, index not in drops) for index, segment in enumerate(segments)]
    (made / CAPTIONS).write_text(recipe.captions or captions.EMPTY)
    (made / TIGHT_CAPTIONS).write_text(captions.for_tight_cut(recipe.captions, kept))
    return [{"uri": s.uri, "duration": s.duration, "tight": keep} for s, (_, keep) in zip(segments, kept, strict=True)]


def _source(recipe: SceneRecipe | DiagnosticRecipe | AdRecipe, work: Path) -> Source:
    if isinstance(recipe, SceneRecipe):
        return scene_source(recipe, work)
    if isinstance(recipe, DiagnosticRecipe):
        return diagnostic_source(recipe)
    return ad_source(recipe, work)


def _build_folder(root: Path, where: str, build: Callable[[Path, Path], list[dict[str, Any]] | None]) -> None:
    final = root / where
    with only_builder(root, final.name):
        files = integrity.manifest_files(final)
        if files is not None and integrity.problem_in(final, files, thorough=True) is None:
            return
        final.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=TEMPORARY, dir=root) as temporary:
            made, work = Path(temporary) / "made", Path(temporary) / "work"
            made.mkdir()
            work.mkdir()
            segments = build(made, work)
            manifest = {"files": integrity.describe(made), **({"segments": segments} if segments is not None else {})}
            (made / integrity.MANIFEST).write_text(json.dumps(manifest))
            if final.exists():
                # A folder can't be replaced in one step; the damaged one is out of the way for the blink in between.
                final.rename(Path(temporary) / "damaged")
            made.rename(final)


@contextmanager
def only_builder(root: Path, name: str) -> Iterator[None]:
    """One builder per recipe, over all processes and threads; the kernel frees the lock of a killed one."""
    locks = root / ".locks"
    locks.mkdir(parents=True, exist_ok=True)
    with (locks / name).open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
