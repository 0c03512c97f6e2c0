"""Pictures of companions and icons: opened, bounded, drawn anew. What is stored is our own encoding of the pixels; nothing else of the file
that was sent survives, so no script, comment or second file can hide in it."""

from __future__ import annotations

import io
import warnings
from typing import Any

from django.core.exceptions import ValidationError
from django.core.files.base import ContentFile, File
from PIL import Image, ImageOps, ImageSequence, UnidentifiedImageError

FORMATS = {"PNG": ".png", "JPEG": ".jpg", "GIF": ".gif", "WEBP": ".webp"}
MOST_BYTES = 2 * 1024 * 1024
MOST_SIDE = 2000
MOST_FRAMES = 120
# All frames of an animation together.
MOST_PIXELS = 60_000_000
TAKEN = "Send a PNG, JPEG, GIF or WebP picture."


def redrawn(file: File[Any], *, most_side: int = MOST_SIDE) -> ContentFile[bytes]:
    """The picture encoded anew, under a neutral name. Raises ValidationError in words."""
    if (file.size or 0) > MOST_BYTES:
        raise ValidationError(f"The picture has {(file.size or 0) / 1024 / 1024:.1f} MB; {MOST_BYTES // 1024 // 1024} MB is the most.")
    data = file.read()
    if data.lstrip()[:5].lower() in (b"<svg ", b"<?xml", b"<!doc"):
        raise ValidationError(f"SVG pictures can carry scripts and are not taken. {TAKEN}")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(data), formats=tuple(FORMATS)) as picture:
                return _encoded(picture, most_side)
    except (UnidentifiedImageError, Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise ValidationError(f"This is no picture that can be opened. {TAKEN}") from error
    except (OSError, SyntaxError, ValueError, EOFError) as error:
        raise ValidationError(f"The picture is damaged and cannot be opened whole. {TAKEN}") from error


def _encoded(picture: Image.Image, most_side: int) -> ContentFile[bytes]:
    kind, frames = str(picture.format), int(getattr(picture, "n_frames", 1))
    width, height = picture.size
    if max(width, height) > most_side:
        raise ValidationError(f"The picture is {width}x{height}; {most_side} pixels a side is the most.")
    if frames > MOST_FRAMES or frames * width * height > MOST_PIXELS:
        raise ValidationError(f"The animation has {frames} frames of {width}x{height}; send a shorter or smaller one.")
    out = io.BytesIO()
    if frames > 1 and kind in ("GIF", "WEBP"):
        shown = [frame.convert("RGBA") for frame in ImageSequence.Iterator(picture)]
        lasts = [int(frame.info.get("duration", 100)) or 100 for frame in ImageSequence.Iterator(picture)]
        shown[0].save(out, format=kind, save_all=True, append_images=shown[1:], duration=lasts, loop=0)
    else:
        drawn = ImageOps.exif_transpose(picture)
        clean = drawn.convert("RGB" if kind == "JPEG" or not _see_through(drawn) else "RGBA")
        clean.info = {}
        clean.save(out, format=kind, **({"quality": 90} if kind in ("JPEG", "WEBP") else {}))
    return ContentFile(out.getvalue(), name=f"picture{FORMATS[kind]}")


def _see_through(picture: Image.Image) -> bool:
    return picture.mode in ("RGBA", "LA", "PA") or "transparency" in picture.info
