"""Noise, gradients, glows and ridges as numpy arrays and Pillow images; every one repeats from its generator. Pure."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from catalog.media.colour import RGB

Floats = NDArray[np.float32]
Size = tuple[int, int]


def clear(size: Size) -> Image.Image:
    return Image.new("RGBA", size, (0, 0, 0, 0))


def gradient(size: Size, stops: Sequence[tuple[float, RGB]]) -> Floats:
    """Vertical gradient [h, w, 3] through (height 0-1, colour) stops."""
    width, height = size
    rows = np.linspace(0, 1, height)
    places = [place for place, _ in stops]
    column = np.stack([np.interp(rows, places, [colour[channel] for _, colour in stops]) for channel in range(3)], axis=1)
    return np.repeat(column[:, None, :], width, axis=1).astype(np.float32)


def noise(rng: np.random.Generator, size: Size, *, cell: tuple[float, float], octaves: int = 4) -> Floats:
    """Smooth noise 0-1 [h, w]; ``cell`` is the size in pixels of its largest features."""
    width, height = size
    total = np.zeros((height, width), dtype=np.float32)
    weight, share = 0.0, 1.0
    for octave in range(octaves):
        across = max(2, round(width / cell[0] * 2**octave) + 1)
        down = max(2, round(height / cell[1] * 2**octave) + 1)
        grid = Image.fromarray(rng.random((down, across), dtype=np.float32))
        total += np.asarray(grid.resize(size, Image.Resampling.BICUBIC)) * share
        weight += share
        share *= 0.5
    return np.asarray(np.clip(total / weight, 0, 1), np.float32)


def ridge(rng: np.random.Generator, width: int, *, wavelength: float, octaves: int = 5, gain: float = 0.5, sharp: bool = False) -> Floats:
    """A skyline [width] around 0 within about -1 to 1; ``sharp`` folds it into peaks."""
    x = np.arange(width, dtype=np.float32)
    total = np.zeros(width, dtype=np.float32)
    amplitude, weight = 1.0, 0.0
    for octave in range(octaves):
        place = x / max(2.0, wavelength / 2**octave)
        knots = rng.random(int(place[-1]) + 3, dtype=np.float32)
        left = place.astype(int)
        share = place - left
        smooth = share * share * (3 - 2 * share)
        level = (knots[left] * (1 - smooth) + knots[left + 1] * smooth) * 2 - 1
        total += amplitude * (1 - 2 * np.abs(level) if sharp else level)
        weight += amplitude
        amplitude *= gain
    return np.asarray(total / weight, dtype=np.float32)


def below(skyline: Floats, height: int, top: RGB, bottom: RGB, *, fade: float, ending: float = 1.0) -> Image.Image:
    """Everything under a skyline (row numbers [width]): ``top`` at its edge, ``bottom`` ``fade`` pixels below; antialiased."""
    rows = np.arange(height, dtype=np.float32)[:, None]
    under = rows - skyline[None, :]
    share = np.clip(under / max(1.0, fade), 0, 1)[..., None]
    picture = np.empty((height, len(skyline), 4), dtype=np.uint8)
    picture[..., :3] = np.asarray(top, np.float32) * (1 - share) + np.asarray(bottom, np.float32) * share
    picture[..., 3] = np.clip(under + 0.5, 0, 1) * 255 * ending
    return Image.fromarray(picture, "RGBA")


def glow(size: Size, centre: tuple[float, float], radius: float, colour: RGB, strength: float) -> Floats:
    """Light to add [h, w, 3]: falls off softly around a centre."""
    width, height = size
    y, x = np.ogrid[0:height, 0:width]
    distance = np.sqrt((x - centre[0]) ** 2 + (y - centre[1]) ** 2) / radius
    return (np.exp(-(distance**1.25) * 1.6)[..., None] * np.asarray(colour, np.float32) * strength).astype(np.float32)


def screen(picture: Floats, light: Floats) -> Floats:
    """Add light the way a screen does: never beyond white."""
    return np.asarray(255 - (255 - picture) * (255 - np.clip(light, 0, 255)) / 255, np.float32)


def to_image(picture: Floats, rng: np.random.Generator | None = None) -> Image.Image:
    """As an RGB image; a little grain from ``rng`` hides the bands of dark gradients."""
    if rng is not None:
        picture = picture + rng.normal(0, 1.1, picture.shape[:2]).astype(np.float32)[..., None]
    return Image.fromarray(np.clip(picture, 0, 255).astype(np.uint8), "RGB")


def tint(mask: Image.Image, colour: RGB, strength: float = 1.0) -> Image.Image:
    """A flat colour seen through a mask (mode L)."""
    layer = Image.new("RGBA", mask.size, (*colour, 0))
    layer.putalpha(mask.point(lambda value: round(value * strength)))
    return layer


def blurred(image: Image.Image, radius: float) -> Image.Image:
    return image.filter(ImageFilter.GaussianBlur(radius))
