"""Lettering with the fonts that come inside our packages: Inter from django-unfold (OFL), so that every machine draws the same."""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

from PIL import Image, ImageDraw, ImageFont

from catalog.media.colour import RGB
from catalog.media.texture import blurred, clear

Weight = Literal["Regular", "Medium", "SemiBold", "Bold"]
Align = Literal["left", "centre"]


@cache
def font(weight: Weight, size: int) -> ImageFont.FreeTypeFont:
    # Found, not imported: the package is an app of ours and only its files are wanted here.
    package = find_spec("unfold")
    if package is None or not package.submodule_search_locations:
        raise FileNotFoundError("the package django-unfold is missing; run `make install`")
    folder = Path(package.submodule_search_locations[0]) / "static" / "unfold" / "fonts" / "inter"
    return ImageFont.truetype(str(folder / f"Inter-{weight}.woff2"), size)


def width_of(text: str, face: ImageFont.FreeTypeFont, tracking: float = 0) -> float:
    return face.getlength(text) + tracking * max(0, len(text) - 1)


def wrapped(text: str, face: ImageFont.FreeTypeFont, width: float, tracking: float = 0) -> list[str]:
    """The text in lines that fit a width; a single word may stand out."""
    lines: list[str] = []
    for word in text.split():
        if lines and width_of(f"{lines[-1]} {word}", face, tracking) <= width:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return lines


def fitted(text: str, weight: Weight, width: float, largest: int, *, lines: int = 1, tracking: float = 0) -> ImageFont.FreeTypeFont:
    """The largest face in which the text fits the width in so many lines; ``tracking`` is in ems."""
    for size in range(largest, 8, -1):
        face = font(weight, size)
        broken = wrapped(text, face, width, tracking * size)
        if len(broken) <= lines and all(width_of(line, face, tracking * size) <= width for line in broken):
            return face
    return font(weight, 8)


def write(
    image: Image.Image,
    at: tuple[float, float],
    text: str,
    face: ImageFont.FreeTypeFont,
    colour: RGB,
    *,
    tracking: float = 0,
    align: Align = "left",
    opacity: float = 1.0,
    shadow: float = 0.0,
) -> None:
    """Write one line with its top at ``at``; ``tracking`` is in ems, ``shadow`` the strength of a soft dark halo."""
    step = tracking * face.size
    x = at[0] - (width_of(text, face, step) / 2 if align == "centre" else 0)
    layer = clear(image.size)
    pen = ImageDraw.Draw(layer)
    if not step:
        pen.text((x, at[1]), text, font=face, fill=(*colour, round(255 * opacity)))
    else:
        for letter in text:
            pen.text((x, at[1]), letter, font=face, fill=(*colour, round(255 * opacity)))
            x += face.getlength(letter) + step
    if shadow:
        halo = Image.new("RGBA", image.size, (0, 0, 0, 0))
        halo.putalpha(blurred(layer.getchannel("A"), max(2.0, face.size / 9)).point(lambda value: min(255, round(value * shadow))))
        image.alpha_composite(halo)
    image.alpha_composite(layer)


def write_block(
    image: Image.Image,
    at: tuple[float, float],
    lines: list[str],
    face: ImageFont.FreeTypeFont,
    colour: RGB,
    *,
    leading: float = 1.08,
    tracking: float = 0,
    align: Align = "left",
    shadow: float = 0.0,
) -> float:
    """Write lines one below the other; returns the row below the last."""
    y = at[1]
    for line in lines:
        write(image, (at[0], y), line, face, colour, tracking=tracking, align=align, shadow=shadow)
        y += face.size * leading
    return y
