"""A packaged clip as one MP4, for buyers and players that take no HLS: its own segments put together, nothing encoded anew."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from catalog.media import integrity
from catalog.media.building import only_builder
from catalog.media.packaging import PLAYLIST, ffmpeg, run

FOLDER = "whole"


def whole_path(asset_path: str) -> str:
    """Below the media root, from the folder of a clip."""
    return f"{FOLDER}/{Path(asset_path).name}.mp4"


def whole_clip(name: str) -> Path | None:
    """The file of the clip whose folder has this ``name``, made when it is first asked for; None when there is no such clip.

    Raises PackagingError when it cannot be made.
    """
    root = integrity.media_root()
    made = root / FOLDER / f"{name}.mp4"
    if made.exists():
        return made
    clip = root / "clips" / name
    files = integrity.manifest_files(clip)
    if files is None or integrity.problem_in(clip, files) is not None:
        return None
    with only_builder(root, f"whole-{name}"):
        if not made.exists():
            _put_together(clip, made)
    return made


def _put_together(clip: Path, made: Path) -> None:
    made.parent.mkdir(parents=True, exist_ok=True)
    handle, draft = tempfile.mkstemp(suffix=".mp4", dir=made.parent)
    os.close(handle)
    try:
        # The index comes first, so that a player may begin before the file is there.
        run([ffmpeg(), "-hide_banner", "-loglevel", "error", "-nostdin", "-y", "-i", str(clip / PLAYLIST), "-c", "copy", "-map_metadata", "-1",
             "-movflags", "+faststart", "-f", "mp4", draft])  # fmt: skip
        Path(draft).chmod(0o644)
        Path(draft).rename(made)
    finally:
        Path(draft).unlink(missing_ok=True)
