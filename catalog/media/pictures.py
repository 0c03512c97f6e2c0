"""Still pictures of packaged clips."""

from __future__ import annotations

from pathlib import Path

from catalog.media.packaging import ffmpeg, run


def still_from(playlist: Path, target: Path, *, at: float) -> None:
    """One frame of a packaged clip, 320 pixels wide. Raises PackagingError."""
    run([
        ffmpeg(), "-hide_banner", "-loglevel", "error", "-nostdin", "-y", "-ss", f"{at:.2f}", "-i", str(playlist),
        "-frames:v", "1", "-vf", "scale=320:-2", "-q:v", "4", str(target),
    ])  # fmt: skip
