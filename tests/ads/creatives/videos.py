"""Small real videos of every kind people send, made by ffmpeg once for all runs, each by one line of words."""

from __future__ import annotations

import subprocess
from pathlib import Path

from catalog.media.packaging import ffmpeg

PICTURE = ("-f", "lavfi", "-i", "testsrc2=s=320x180:r=24")
SOUND = ("-f", "lavfi", "-i", "sine=440:r=48000")
H264 = ("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-c:a", "aac", "-ac", "2")


def video(
    folder: Path, name: str, *words: str, seconds: float = 2.0, inputs: tuple[str, ...] = (*PICTURE, *SOUND), encode: tuple[str, ...] = H264
) -> Path:
    """The file of this name in ``folder``, made now unless an earlier test or run did."""
    path = folder / name
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        draft = folder / f"draft-{name}"
        command = [ffmpeg(), "-loglevel", "error", "-nostdin", "-y", *inputs, "-t", str(seconds), *encode, *words, "-threads", "1", str(draft)]
        subprocess.run(command, check=True)
        draft.rename(path)
    return path
