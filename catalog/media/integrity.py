"""Knows a damaged clip: every folder of packaged media carries a manifest of sizes and hashes, and every asset a copy of it."""

from __future__ import annotations

import hashlib
import json
from functools import lru_cache
from pathlib import Path
from typing import TypedDict

from django.conf import settings

from catalog.models import MediaAsset

MANIFEST = "manifest.json"


class FileFacts(TypedDict):
    size: int
    sha256: str


Files = dict[str, FileFacts]


def media_root() -> Path:
    return Path(settings.MEDIA_ROOT)


def describe(folder: Path) -> Files:
    """Sizes and hashes of all files in a folder, the manifest excepted."""
    return {path.name: facts_of(path) for path in sorted(folder.iterdir()) if path.name != MANIFEST}


def facts_of(path: Path) -> FileFacts:
    content = path.read_bytes()
    return {"size": len(content), "sha256": hashlib.sha256(content).hexdigest()}


def problem_in(folder: Path, files: Files, *, thorough: bool = False) -> str | None:
    """What is wrong with the files of a folder, in words, or None. ``thorough`` reads and hashes; else sizes are compared."""
    if not files:
        return "nothing is recorded about its files"
    for name, facts in files.items():
        path = folder / name
        try:
            size = path.stat().st_size
        except OSError as error:
            return f"{name} cannot be read: {error.strerror}"
        if size != facts["size"]:
            return f"{name} has {size} bytes instead of {facts['size']}"
        if thorough and facts_of(path)["sha256"] != facts["sha256"]:
            return f"the content of {name} has changed"
    return None


def check(asset: MediaAsset, *, thorough: bool = False) -> str | None:
    """What is wrong with an asset's media, in words, or None when it can be played. Reads no database."""
    if not asset.path or not asset.segments:
        return "it was never built"
    return problem_in(media_root() / asset.path, asset.files, thorough=thorough)


def manifest_files(folder: Path) -> Files | None:
    """The manifest's files, or None when there is no readable manifest: such a folder isn't served."""
    try:
        stamp = (folder / MANIFEST).stat().st_mtime_ns
    except OSError:
        return None
    return _manifest_files(folder, stamp)


@lru_cache(maxsize=4096)
def _manifest_files(folder: Path, _stamp: int) -> Files | None:
    try:
        files: Files = json.loads((folder / MANIFEST).read_bytes())["files"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return files
