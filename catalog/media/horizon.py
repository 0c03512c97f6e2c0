"""What every landscape has: a sky with its sun or stars, clouds, and land that fades into the haze."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageChops, ImageDraw

from catalog.media.colour import WHITE, Palette, mix
from catalog.media.texture import Floats, Size, below, blurred, clear, glow, gradient, noise, ridge, screen

HORIZON = 0.60


@dataclass(frozen=True)
class Landscape:
    """``sky`` is RGB of the frame's size; the layers are RGBA and may be wider. ``stand`` is the row on which a thing stands."""

    sky: Image.Image
    clouds: Image.Image
    far: Image.Image
    middle: Image.Image
    near: Image.Image
    stand: float


@dataclass(frozen=True)
class View:
    """What a painter paints on: frame size, widths of the layers, palette, dice; ``unit`` is 1/360 of the height in pixels."""

    size: Size
    widths: tuple[int, int, int, int]
    palette: Palette
    rng: np.random.Generator
    sun_x: float

    @property
    def unit(self) -> float:
        return self.size[1] / 360

    @property
    def height(self) -> int:
        return self.size[1]


def draw_sky(view: View) -> Floats:
    p, unit = view.palette, view.unit
    picture = gradient(view.size, [(0, p.zenith), (0.42, p.middle), (HORIZON + 0.04, p.horizon), (1, mix(p.horizon, p.middle, 0.5))])
    if p.stars:
        picture = screen(picture, draw_stars(view, round(120 * p.stars), HORIZON))
    centre = (view.sun_x * view.size[0], p.sun_at * view.height)
    picture = screen(picture, glow(view.size, centre, 150 * unit + 3 * p.sun_size * unit, p.sun, 0.55 if p.stars < 1 else 0.22))
    return draw_disc(picture, centre, p.sun_size * unit, view)


def draw_disc(picture: Floats, centre: tuple[float, float], radius: float, view: View) -> Floats:
    if radius <= 0:
        return picture
    width, height = view.size
    y, x = np.ogrid[0:height, 0:width]
    edge = np.clip(radius - np.sqrt((x - centre[0]) ** 2 + (y - centre[1]) ** 2) + 0.5, 0, 1)[..., None]
    return np.asarray(picture * (1 - edge * 0.94) + np.asarray(view.palette.sun, np.float32) * edge * 0.94, np.float32)


def draw_stars(view: View, count: int, lowest: float) -> Floats:
    width, height = view.size
    field = Image.new("L", (width, height), 0)
    pen = ImageDraw.Draw(field)
    for _ in range(count):
        x, y = view.rng.uniform(0, width), view.rng.uniform(0, height * lowest)
        size = view.unit * float(view.rng.choice([0.3, 0.42, 0.7], p=[0.66, 0.26, 0.08]))
        pen.ellipse((x - size, y - size, x + size, y + size), fill=int(view.rng.integers(90, 255)))
    bright = np.asarray(ImageChops.lighter(field, blurred(field, 0.7 * view.unit)), np.float32)
    return np.asarray(bright[..., None] * np.asarray(WHITE, np.float32) / 255, np.float32)


def draw_clouds(view: View, *, lowest: float = 0.55) -> Image.Image:
    width, height = view.widths[0], view.height
    if not view.palette.clouds:
        return clear((width, height))
    shape = noise(view.rng, (width, height), cell=(190 * view.unit, 46 * view.unit), octaves=5)
    rows = np.linspace(0, 1, height)[:, None]
    band = np.clip(1 - np.abs(rows - lowest * 0.55) / (lowest * 0.62), 0, 1)
    thick = np.clip((shape - (0.66 - 0.22 * view.palette.clouds)) * 4.2, 0, 1) * band
    lit = np.asarray(mix(view.palette.horizon, WHITE, 0.25), np.float32)
    dark = np.asarray(mix(view.palette.middle, view.palette.zenith, 0.4), np.float32)
    share = np.clip((shape - 0.4) * 2.2, 0, 1)[..., None]
    picture = np.empty((height, width, 4), np.uint8)
    picture[..., :3] = lit * (1 - share) + dark * share if view.palette.clouds == 1.0 else dark * (1 - share) + lit * share
    picture[..., 3] = thick * (200 if view.palette.clouds == 1.0 else 120)
    return Image.fromarray(picture, "RGBA")


def draw_land(
    view: View, layer: int, base: float, amplitude: float, wavelength: float, nearness: float, *, sharp: bool = False
) -> tuple[Image.Image, Floats]:
    """One depth of land and its skyline; ``base`` is a share of the height, amplitude and wavelength are in units."""
    unit = view.unit
    line = ridge(view.rng, view.widths[layer], wavelength=wavelength * unit, sharp=sharp, gain=0.48)
    skyline = np.asarray(base * view.height - amplitude * unit * line, np.float32)
    top = view.palette.depth(nearness)
    mist = mix(top, view.palette.haze, 0.42 * (1 - nearness * 0.75))
    return below(skyline, view.height, top, mist, fade=95 * unit), skyline
