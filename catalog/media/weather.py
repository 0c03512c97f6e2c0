"""Rain, snow, dust and sparks as one tile that repeats in both directions, so that it can fall for ever. Also the vignette."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw

from catalog.media.colour import WHITE, Palette, mix
from catalog.media.sketch import Sketch
from catalog.media.texture import Size, blurred, clear


@dataclass(frozen=True)
class Weather:
    """A tile laid out two by two, and its speed in pixels per second (right and down)."""

    picture: Image.Image
    across: float
    down: float

    def x(self) -> str:
        return _endless(self.across, self.picture.width // 2)

    def y(self) -> str:
        return _endless(self.down, self.picture.height // 2)


def _endless(speed: float, tile: int) -> str:
    return f"mod({speed:g}*t,{tile})-{tile}" if speed >= 0 else f"-mod({-speed:g}*t,{tile})"


def weather_of(setting: str, mood: str, palette: Palette, size: Size, seed: int) -> Weather | None:
    """What falls or drifts through a scene, or None."""
    rng = np.random.default_rng(seed)
    pale = mix(WHITE, palette.horizon, 0.35)
    if setting == "winter":
        heavy = mood in ("storm", "chase")
        return Weather(_flakes(size, rng, 190 if heavy else 80, (0.6, 1.9), WHITE, 235), 130 if heavy else 16, 150 if heavy else 42)
    if setting == "desert" and mood in ("storm", "chase"):
        return Weather(_streaks(size, rng, 130, (26, 4), mix(palette.light, palette.middle, 0.4), 70), 520, 60)
    if setting == "space":
        return Weather(_streaks(size, rng, 46, (34, 0), WHITE, 90), -900, 0) if mood in ("chase", "storm") else None
    if mood == "storm":
        return Weather(_streaks(size, rng, 240, (4, 17), pale, 105), 110, 620)
    if setting == "forest" and mood in ("night", "dusk"):
        return Weather(_flakes(size, rng, 26, (0.9, 1.6), (236, 255, 150), 220, glow=True), 9, -12)
    if mood == "finale":
        return Weather(_flakes(size, rng, 44, (0.6, 1.5), mix(palette.light, WHITE, 0.3), 190, glow=True), 12, -26)
    return None


def _tiled(tile: Image.Image) -> Image.Image:
    both = clear((tile.width * 2, tile.height * 2))
    for x in (0, tile.width):
        for y in (0, tile.height):
            both.paste(tile, (x, y))
    return both


def _flakes(
    size: Size, rng: np.random.Generator, count: int, radii: tuple[float, float], colour: tuple[int, int, int], alpha: int, *, glow: bool = False
) -> Image.Image:
    scale = 3
    mask = Image.new("L", (size[0] * scale, size[1] * scale), 0)
    pen = ImageDraw.Draw(mask)
    for _ in range(count):
        r = float(rng.uniform(*radii)) * scale
        # Kept inside the tile, so that none is cut where tiles meet.
        x, y = rng.uniform(4 * r, mask.width - 4 * r), rng.uniform(4 * r, mask.height - 4 * r)
        pen.ellipse((x - r, y - r, x + r, y + r), fill=int(alpha * rng.uniform(0.4, 1)))
    small = mask.resize(size, Image.Resampling.BOX)
    tile = Image.new("RGBA", size, (*colour, 0))
    tile.putalpha(small)
    if glow:
        halo = Image.new("RGBA", size, (*colour, 0))
        halo.putalpha(blurred(small, 3.2).point(lambda value: min(255, value * 4)))
        halo.alpha_composite(tile)
        tile = halo
    return _tiled(tile)


def _streaks(size: Size, rng: np.random.Generator, count: int, slant: tuple[float, float], colour: tuple[int, int, int], alpha: int) -> Image.Image:
    scale = 2
    mask = Image.new("L", (size[0] * scale, size[1] * scale), 0)
    pen = ImageDraw.Draw(mask)
    for _ in range(count):
        long = float(rng.uniform(0.5, 1.3))
        dx, dy = slant[0] * long * scale, slant[1] * long * scale
        x, y = rng.uniform(0, mask.width - dx), rng.uniform(0, mask.height - dy)
        pen.line((x, y, x + dx, y + dy), fill=int(alpha * rng.uniform(0.35, 1)), width=2)
    tile = Image.new("RGBA", size, (*colour, 0))
    tile.putalpha(mask.resize(size, Image.Resampling.BOX))
    return _tiled(tile)


def birds(palette: Palette, seed: int) -> Image.Image:
    """A loose flock far away."""
    rng = np.random.default_rng(seed)
    s = Sketch(150, 60, 1)
    for _ in range(9):
        x, y, k = float(rng.uniform(-66, 66)), float(rng.uniform(8, 52)), float(rng.uniform(1.6, 3.6))
        lift = float(rng.uniform(0.5, 1.0))
        s.line(
            [(x - 2 * k, y + lift * k), (x - k, y + 1.2 * lift * k), (x, y), (x + k, y + 1.2 * lift * k), (x + 2 * k, y + lift * k)],
            palette.shade,
            0.9,
        )
    return s.finish()


def vignette(size: Size, *, strength: float = 0.5, foot: float = 0.35) -> Image.Image:
    """Darker corners, and a darker foot on which captions can be read."""
    width, height = size
    x = np.linspace(-1, 1, width)[None, :]
    y = np.linspace(-1, 1, height)[:, None]
    corners = np.clip((x**2 + y**2 - 0.55) / 1.45, 0, 1) ** 1.3 * strength
    bottom = np.clip((y - 0.35) / 0.65, 0, 1) ** 1.5 * foot
    layer = Image.new("RGBA", size, (0, 0, 0, 0))
    layer.putalpha(Image.fromarray((np.clip(np.maximum(corners, bottom), 0, 1) * 255).astype(np.uint8)))
    return layer
