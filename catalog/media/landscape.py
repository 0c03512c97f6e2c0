"""Landscapes in layers: a sky, clouds, and three depths of land that fade into the haze, each wide enough to be panned over."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageChops, ImageDraw

from catalog.media.colour import WHITE, Palette, mix
from catalog.media.texture import Floats, Size, below, blurred, clear, glow, gradient, noise, ridge, screen, tint, to_image

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


def draw_landscape(
    size: Size, setting: str, palette: Palette, seed: int, *, spare: tuple[int, int, int, int] = (0, 0, 0, 0), sun_x: float | None = None
) -> Landscape:
    """``spare`` are the extra pixels of clouds, far, middle and near beyond the frame's width, for panning; ``sun_x`` places the sun (0-1)."""
    rng = np.random.default_rng(seed)
    clouds, far, middle, near = (size[0] + extra for extra in spare)
    view = View(size, (clouds, far, middle, near), palette, rng, sun_x=float(rng.uniform(0.28, 0.72)) if sun_x is None else sun_x)
    return PAINTERS[setting](view)


def _sky(view: View) -> Floats:
    p, unit = view.palette, view.unit
    picture = gradient(view.size, [(0, p.zenith), (0.42, p.middle), (HORIZON + 0.04, p.horizon), (1, mix(p.horizon, p.middle, 0.5))])
    if p.stars:
        picture = screen(picture, _stars(view, round(120 * p.stars), HORIZON))
    centre = (view.sun_x * view.size[0], p.sun_at * view.height)
    picture = screen(picture, glow(view.size, centre, 150 * unit + 3 * p.sun_size * unit, p.sun, 0.55 if p.stars < 1 else 0.22))
    return _disc(picture, centre, p.sun_size * unit, view)


def _disc(picture: Floats, centre: tuple[float, float], radius: float, view: View) -> Floats:
    if radius <= 0:
        return picture
    width, height = view.size
    y, x = np.ogrid[0:height, 0:width]
    edge = np.clip(radius - np.sqrt((x - centre[0]) ** 2 + (y - centre[1]) ** 2) + 0.5, 0, 1)[..., None]
    return np.asarray(picture * (1 - edge * 0.94) + np.asarray(view.palette.sun, np.float32) * edge * 0.94, np.float32)


def _stars(view: View, count: int, lowest: float) -> Floats:
    width, height = view.size
    field = Image.new("L", (width, height), 0)
    pen = ImageDraw.Draw(field)
    for _ in range(count):
        x, y = view.rng.uniform(0, width), view.rng.uniform(0, height * lowest)
        size = view.unit * float(view.rng.choice([0.3, 0.42, 0.7], p=[0.66, 0.26, 0.08]))
        pen.ellipse((x - size, y - size, x + size, y + size), fill=int(view.rng.integers(90, 255)))
    bright = np.asarray(ImageChops.lighter(field, blurred(field, 0.7 * view.unit)), np.float32)
    return np.asarray(bright[..., None] * np.asarray(WHITE, np.float32) / 255, np.float32)


def _clouds(view: View, *, lowest: float = 0.55) -> Image.Image:
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


def _land(
    view: View, layer: int, base: float, amplitude: float, wavelength: float, nearness: float, *, sharp: bool = False
) -> tuple[Image.Image, Floats]:
    """One depth of land and its skyline; ``base`` is a share of the height, amplitude and wavelength are in units."""
    unit = view.unit
    line = ridge(view.rng, view.widths[layer], wavelength=wavelength * unit, sharp=sharp, gain=0.48)
    skyline = np.asarray(base * view.height - amplitude * unit * line, np.float32)
    top = view.palette.depth(nearness)
    mist = mix(top, view.palette.haze, 0.42 * (1 - nearness * 0.75))
    return below(skyline, view.height, top, mist, fade=95 * unit), skyline


# Forest and winter


def _conifers(view: View, layer: int, skyline: Floats, tallest: float, gap: float, nearness: float, *, snow: bool) -> Image.Image:
    """A row of firs along a skyline, drawn three times too large and shrunk for clean edges."""
    scale, unit = 3, view.unit
    width = view.widths[layer]
    mask = Image.new("L", (width * scale, view.height * scale), 0)
    caps = Image.new("L", mask.size, 0) if snow else None
    pen, white = ImageDraw.Draw(mask), ImageDraw.Draw(caps) if caps else None
    x = 0.0
    while x < width:
        tall = unit * tallest * float(view.rng.uniform(0.55, 1.0))
        foot = float(skyline[min(width - 1, int(x))]) + 4 * unit
        _fir(pen, white, x * scale, foot * scale, tall * scale, view.rng)
        x += unit * gap * float(view.rng.uniform(0.55, 1.5))
    small = mask.resize((width, view.height), Image.Resampling.BOX)
    picture = tint(small, view.palette.depth(nearness))
    if caps is not None:
        picture.alpha_composite(tint(caps.resize(small.size, Image.Resampling.BOX), mix(WHITE, view.palette.middle, 0.3), 0.85))
    return picture


def _fir(pen: ImageDraw.ImageDraw, white: ImageDraw.ImageDraw | None, x: float, foot: float, tall: float, rng: np.random.Generator) -> None:
    tiers = 6
    half = tall * float(rng.uniform(0.17, 0.23))
    pen.rectangle((x - tall * 0.02, foot - tall * 0.1, x + tall * 0.02, foot + tall * 0.1), fill=255)
    for tier in range(tiers):
        bottom = foot - tall * (0.06 + 0.145 * tier)
        top = bottom - tall * 0.27
        reach = half * (1 - tier / (tiers + 0.6)) * float(rng.uniform(0.85, 1.1))
        droop = tall * 0.03
        pen.polygon(
            [(x, top), (x + reach, bottom + droop), (x + reach * 0.35, bottom), (x - reach * 0.35, bottom), (x - reach, bottom + droop)], fill=255
        )
        if white is not None:
            white.polygon(
                [(x, top), (x + reach * 0.8, bottom), (x + reach * 0.2, bottom - droop), (x - reach * 0.55, bottom + droop * 0.3)], fill=235
            )


def _woods(view: View, *, snow: bool) -> Landscape:
    sky = to_image(_sky(view), view.rng)
    peaks, line = _land(view, 1, 0.56, 74, 250, 0.16, sharp=True)
    if snow:
        peaks = _snowcaps(view, peaks, line)
    hills, hill = _land(view, 1, 0.68, 26, 320, 0.34)
    peaks.alpha_composite(hills)
    peaks.alpha_composite(_conifers(view, 1, hill, 26, 8, 0.38, snow=False))
    middle, mid = _land(view, 2, 0.79, 18, 380, 0.6)
    middle = Image.alpha_composite(_conifers(view, 2, mid, 62, 19, 0.62, snow=snow), middle)
    near, edge = _land(view, 3, 0.97, 10, 300, 0.95)
    if snow:
        ground = mix(WHITE, view.palette.middle, 0.34)
        middle.alpha_composite(below(mid + 1, view.height, ground, mix(ground, view.palette.zenith, 0.4), fade=90 * view.unit))
        near = below(edge, view.height, mix(ground, view.palette.zenith, 0.16), mix(ground, view.palette.zenith, 0.5), fade=70 * view.unit)
    near = Image.alpha_composite(_conifers(view, 3, edge, 190, 150, 0.97, snow=snow), near)
    return Landscape(sky, _clouds(view), peaks, middle, near, stand=float(np.median(mid)) + 6 * view.unit)


def _snowcaps(view: View, peaks: Image.Image, line: Floats) -> Image.Image:
    ragged = ridge(view.rng, len(line), wavelength=22 * view.unit, octaves=3) * 16 * view.unit
    depth = np.clip(view.height * 0.56 - line, 0, None) * 0.45 + ragged
    caps = below(line, view.height, mix(WHITE, view.palette.haze, 0.2), mix(WHITE, view.palette.haze, 0.5), fade=50 * view.unit)
    rows = np.arange(view.height)[:, None]
    inside = (np.clip((line + depth)[None, :] - rows + 0.5, 0, 1) * 255).astype(np.uint8)
    caps.putalpha(ImageChops.darker(caps.getchannel("A"), Image.fromarray(inside)))
    return Image.alpha_composite(peaks, caps)


# Desert


def _desert(view: View) -> Landscape:
    sky = to_image(_sky(view), view.rng)
    mesas, line = _land(view, 1, 0.60, 30, 210, 0.22)
    steps = np.asarray(0.615 * view.height - np.where(line < 0.592 * view.height, 24, 0) * view.unit + (line - 0.6 * view.height) * 0.12, np.float32)
    mesas = below(
        _softened(steps, round(3 * view.unit)),
        view.height,
        view.palette.depth(0.24),
        mix(view.palette.haze, view.palette.depth(0.2), 0.5),
        fade=50 * view.unit,
    )
    far, _ = _dunes(view, 1, 0.68, 15, 300, 0.36)
    mesas.alpha_composite(far)
    middle, mid = _dunes(view, 2, 0.79, 22, 420, 0.58)
    near, _ = _dunes(view, 3, 0.94, 24, 520, 0.86)
    return Landscape(sky, _clouds(view, lowest=0.5), mesas, middle, near, stand=float(np.median(mid)))


def _softened(line: Floats, window: int) -> Floats:
    kernel = np.ones(max(1, window), np.float32) / max(1, window)
    return np.convolve(np.pad(line, window, mode="edge"), kernel, mode="same")[window : window + len(line)].astype(np.float32)


def _dunes(view: View, layer: int, base: float, amplitude: float, wavelength: float, nearness: float) -> tuple[Image.Image, Floats]:
    """Sand with a lit and a shaded flank: where the crest falls away from the light it is dark."""
    unit, width = view.unit, view.widths[layer]
    line = ridge(view.rng, width, wavelength=wavelength * unit, octaves=2, gain=0.3, sharp=True)
    skyline = np.asarray(base * view.height - amplitude * unit * line, np.float32)
    body = mix(view.palette.depth(nearness), view.palette.middle, 0.3 * (1 - nearness * 0.6))
    picture = below(skyline, view.height, mix(body, view.palette.horizon, 0.22), mix(body, view.palette.shade, 0.25), fade=80 * unit)
    bend = ridge(view.rng, width, wavelength=wavelength * 0.35 * unit, octaves=2)
    flank = np.asarray(skyline + (5 + 26 * np.clip(bend + 0.25, 0, 1)) * unit, np.float32)
    picture.alpha_composite(below(flank, view.height, mix(body, view.palette.shade, 0.42), mix(body, view.palette.shade, 0.2), fade=120 * unit))
    return picture, skyline


# Ocean


def _ocean(view: View) -> Landscape:
    unit = view.unit
    picture = _sky(view)
    line = round(HORIZON * view.height)
    picture[line:] = _sea(view, line)
    far, _ = _land(view, 1, HORIZON + 0.004, 17, 230, 0.26)
    hills, _ = _land(view, 1, HORIZON + 0.02, 10, 120, 0.4)
    far.alpha_composite(hills)
    far = _cut_below(far, line + 1)
    middle = _headland(view)
    near = _waves(view, 3, 0.84, 0.8)
    near.alpha_composite(_waves(view, 3, 0.93, 0.97))
    return Landscape(to_image(picture, view.rng), _clouds(view, lowest=0.5), far, middle, near, stand=HORIZON * view.height + 30 * unit)


def _sea(view: View, line: int) -> Floats:
    width, height = view.size[0], view.height - line
    p = view.palette
    water = gradient((width, height), [(0, mix(p.horizon, p.zenith, 0.3)), (0.3, mix(p.middle, p.zenith, 0.5)), (1, mix(p.zenith, p.shade, 0.6))])
    ripple = noise(view.rng, (width, height), cell=(46 * view.unit, 3.2 * view.unit), octaves=3)
    x = np.arange(width)[None, :]
    depth = np.linspace(0, 1, height)[:, None]
    column = np.exp(-(((x - view.sun_x * width) / ((18 + 95 * depth) * view.unit)) ** 2))
    sparkle = np.clip((ripple - 0.5) * 7, 0, 1) * column * (1 - 0.45 * depth) * (0.95 if p.sun_size else 0.25)
    water = screen(water, sparkle[..., None] * np.asarray(p.sun, np.float32))
    return np.asarray(water + ((ripple - 0.5) * 26)[..., None], np.float32)


def _headland(view: View) -> Image.Image:
    """A rocky point rising from the water, islands on and off, with their reflections."""
    unit, width = view.unit, view.widths[2]
    water = (HORIZON + 0.085) * view.height
    rise = ridge(view.rng, width, wavelength=330 * unit, octaves=5, gain=0.45) - 0.16
    line = np.asarray(water - np.clip(rise, -0.05, None) * 96 * unit, np.float32)
    rock = below(line, view.height, view.palette.depth(0.66), view.palette.depth(0.8), fade=60 * unit)
    rock = _cut_below(rock, round(water))
    mirrored = np.asarray(water + np.clip(rise, -0.05, None) * 46 * unit, np.float32)
    shadow = below(np.full(width, water, np.float32), view.height, view.palette.depth(0.7), view.palette.depth(0.7), fade=1)
    rows = np.arange(view.height)[:, None]
    inside = np.clip(mirrored[None, :] - rows, 0, 1) * np.clip(1 - (rows - water) / (70 * unit), 0, 1) * 150
    shadow.putalpha(ImageChops.darker(shadow.getchannel("A"), Image.fromarray(inside.astype(np.uint8))))
    shadow.alpha_composite(rock)
    return shadow


def _waves(view: View, layer: int, base: float, nearness: float) -> Image.Image:
    unit, width, p = view.unit, view.widths[layer], view.palette
    swell = ridge(view.rng, width, wavelength=120 * unit, octaves=3, gain=0.4)
    line = np.asarray(base * view.height - 6 * unit * swell, np.float32)
    crest = mix(mix(p.middle, p.zenith, 0.45), p.shade, 0.15 + 0.35 * nearness)
    layer_picture = below(line, view.height, mix(crest, p.horizon, 0.3), mix(crest, p.shade, 0.55), fade=34 * unit)
    foam = ridge(view.rng, width, wavelength=36 * unit, octaves=3)
    edge = np.asarray(line + 0.4 * unit, np.float32)
    rows = np.arange(view.height)[:, None]
    strength = np.clip(1 - np.abs(rows - edge[None, :]) / (1.1 * unit), 0, 1) * np.clip(foam + 0.35, 0, 1)[None, :] * 190
    layer_picture.alpha_composite(tint(Image.fromarray(strength.astype(np.uint8)), mix(WHITE, p.horizon, 0.4)))
    return layer_picture


def _cut_below(layer: Image.Image, row: int) -> Image.Image:
    layer.paste((0, 0, 0, 0), (0, row, layer.width, layer.height))
    return layer


# City


def _city(view: View) -> Landscape:
    sky = to_image(_sky(view), view.rng)
    far = _blocks(view, 1, 0.74, (40, 120), (18, 40), 0.24, lit=0.10)
    far.alpha_composite(_haze(view, 1, 0.80))
    middle = _blocks(view, 2, 0.86, (50, 150), (26, 58), 0.56, lit=0.30)
    middle.alpha_composite(_haze(view, 2, 0.95))
    near = _rooftops(view)
    return Landscape(sky, _clouds(view, lowest=0.5), far, middle, near, stand=0.80 * view.height)


def _blocks(view: View, layer: int, base: float, tall: tuple[int, int], wide: tuple[int, int], nearness: float, *, lit: float) -> Image.Image:
    unit, width, rng, p = view.unit, view.widths[layer], view.rng, view.palette
    scale = 2
    picture = clear((width * scale, view.height * scale))
    pen = ImageDraw.Draw(picture)
    crowd = ridge(rng, width, wavelength=210 * unit, octaves=2)
    x = -10 * unit
    while x < width:
        w = unit * float(rng.uniform(*wide))
        share = 0.5 + 0.5 * float(crowd[min(width - 1, max(0, int(x)))])
        h = unit * float(rng.uniform(tall[0], tall[0] + (tall[1] - tall[0]) * max(0.15, share)))
        top = base * view.height - h
        body = mix(p.depth(nearness), p.middle, float(rng.uniform(0, 0.12)))
        box = [value * scale for value in (x, top, x + w, view.height)]
        pen.rectangle(box, fill=(*body, 255))
        pen.rectangle((box[0], box[1], box[0] + w * scale * 0.22, box[3]), fill=(*mix(body, p.horizon, 0.14), 255))
        _crown(pen, rng, (x + w / 2) * scale, top * scale, w * scale, unit * scale, body)
        _windows(pen, view, (x, top, w), nearness, lit, scale)
        x += w + unit * float(rng.choice([0, 0, 2, 7]))
    return picture.resize((width, view.height), Image.Resampling.BOX)


def _crown(pen: ImageDraw.ImageDraw, rng: np.random.Generator, x: float, top: float, w: float, unit: float, body: tuple[int, int, int]) -> None:
    kind = int(rng.integers(0, 5))
    if kind == 0:
        pen.line((x, top, x, top - 20 * unit), fill=(*body, 255), width=max(1, round(1.2 * unit)))
    elif kind == 1:
        pen.rectangle((x - w * 0.3, top - 7 * unit, x + w * 0.3, top), fill=(*body, 255))
    elif kind == 2:
        pen.polygon([(x - w / 2, top), (x, top - 13 * unit), (x + w / 2, top)], fill=(*body, 255))


def _windows(pen: ImageDraw.ImageDraw, view: View, block: tuple[float, float, float], nearness: float, lit: float, scale: int) -> None:
    x, top, w = block
    unit, rng, p = view.unit, view.rng, view.palette
    step_x, step_y = 6.5 * unit, 8.5 * unit
    dark = 0.35 if p.zenith[0] + p.zenith[1] + p.zenith[2] < 330 else 0.12
    columns, rows = int((w - 4 * unit) / step_x), int((view.height - top) / step_y)
    glowing = rng.random((max(rows, 0), max(columns, 0))) < lit * (0.4 + 2 * dark)
    warmth = rng.random(glowing.shape)
    for row, column in zip(*np.nonzero(glowing), strict=True):
        left, upper = (x + 3 * unit + column * step_x) * scale, (top + 5 * unit + row * step_y) * scale
        colour = mix(p.light, WHITE if warmth[row, column] > 0.8 else p.horizon, float(warmth[row, column]) * 0.4)
        shade = mix(p.depth(nearness), colour, 0.55 + 0.45 * nearness)
        pen.rectangle((left, upper, left + 3.2 * unit * scale, upper + 4.6 * unit * scale), fill=(*shade, 255))


def _haze(view: View, layer: int, until: float) -> Image.Image:
    """Street light and mist rising between two rows of houses."""
    width, height = view.widths[layer], view.height
    rows = np.linspace(0, 1, height)
    strength = np.clip((rows - (until - 0.28)) / 0.28, 0, 1) ** 1.6 * 0.62
    mask = np.repeat((strength * 255).astype(np.uint8)[:, None], width, axis=1)
    return tint(Image.fromarray(mask), mix(view.palette.haze, view.palette.light, 0.25))


def _rooftops(view: View) -> Image.Image:
    unit, width, rng = view.unit, view.widths[3], view.rng
    scale = 2
    mask = Image.new("L", (width * scale, view.height * scale), 0)
    pen, u = ImageDraw.Draw(mask), unit * scale
    x = -30.0 * u
    while x < width * scale:
        w, top = u * float(rng.uniform(80, 170)), (view.height * scale) - u * float(rng.uniform(24, 58))
        pen.rectangle((x, top, x + w, view.height * scale), fill=255)
        pen.rectangle((x - 3 * u, top, x + w + 3 * u, top + 5 * u), fill=255)
        spot = x + w * float(rng.uniform(0.2, 0.7))
        if rng.random() < 0.5:  # a water tank on legs
            pen.rectangle((spot, top - 30 * u, spot + 22 * u, top - 10 * u), fill=255)
            pen.polygon([(spot - 2 * u, top - 30 * u), (spot + 11 * u, top - 40 * u), (spot + 24 * u, top - 30 * u)], fill=255)
            for leg in (2, 19):
                pen.line((spot + leg * u, top - 10 * u, spot + leg * u, top), fill=255, width=round(2 * u))
        else:  # aerials
            for offset in (0, 9):
                pen.line((spot + offset * u, top - (34 - offset) * u, spot + offset * u, top), fill=255, width=max(1, round(1.3 * u)))
                pen.line((spot + (offset - 5) * u, top - 26 * u, spot + (offset + 5) * u, top - 26 * u), fill=255, width=max(1, round(u)))
        x += w + u * float(rng.uniform(10, 60))
    return tint(mask.resize((width, view.height), Image.Resampling.BOX), mix(view.palette.shade, (0, 0, 0), 0.25))


# Space


def _space(view: View) -> Landscape:
    p, unit, size = view.palette, view.unit, view.size
    picture = gradient(size, [(0, mix(p.zenith, (0, 0, 0), 0.5)), (0.6, mix(p.zenith, (0, 0, 0), 0.25)), (1, mix(p.middle, (0, 0, 0), 0.62))])
    cloud = noise(view.rng, size, cell=(260 * unit, 150 * unit), octaves=5)
    second = noise(view.rng, size, cell=(200 * unit, 120 * unit), octaves=5)
    picture = screen(picture, (np.clip(cloud - 0.42, 0, 1) ** 1.4 * 2.3)[..., None] * np.asarray(mix(p.middle, p.horizon, 0.25), np.float32) * 0.8)
    picture = screen(picture, (np.clip(second - 0.5, 0, 1) ** 1.3 * 2.1)[..., None] * np.asarray(mix(p.zenith, p.horizon, 0.5), np.float32) * 0.7)
    picture = screen(picture, _stars(view, 330, 1.0))
    centre = (view.sun_x * size[0], p.sun_at * view.height * 0.8)
    picture = screen(picture, glow(size, centre, 120 * unit, p.sun, 0.75))
    picture = _disc(picture, centre, max(3.0, p.sun_size * 0.3) * unit, view)
    far = clear((view.widths[1], view.height))
    x = float(view.rng.uniform(0.55, 0.85) if view.sun_x < 0.5 else view.rng.uniform(0.12, 0.4)) * size[0]
    _planet(
        far, view, (x, view.height * float(view.rng.uniform(0.34, 0.5))), unit * float(view.rng.uniform(62, 92)), rings=bool(view.rng.random() < 0.6)
    )
    middle = clear((view.widths[2], view.height))
    _planet(
        middle, view, (float(view.rng.uniform(0.1, 0.9)) * view.widths[2], view.height * 0.2), unit * float(view.rng.uniform(10, 20)), rings=False
    )
    near = _rocks(view)
    return Landscape(to_image(picture, view.rng), clear((view.widths[0], view.height)), far, middle, near, stand=0.62 * view.height)


def _planet(layer: Image.Image, view: View, centre: tuple[float, float], radius: float, *, rings: bool) -> None:
    """A shaded ball with bands, lit from the sun's side; its rings pass behind and before it."""
    p, reach = view.palette, round(radius * 1.08)
    axis = np.linspace(-1.08, 1.08, 2 * reach, dtype=np.float32)
    x, y = np.meshgrid(axis, axis)
    distance = np.sqrt(x**2 + y**2)
    z = np.sqrt(np.clip(1 - distance**2, 0, 1))
    side = -0.75 if view.sun_x * view.size[0] < centre[0] else 0.75
    lit = np.clip(x * side - 0.35 * y + 0.5 * z, 0.0, 1) ** 0.8
    bands = noise(view.rng, (2 * reach, 2 * reach), cell=(2.6 * radius, 0.22 * radius), octaves=3)[..., None]
    skin = np.asarray(p.middle, np.float32) * (1 - bands) + np.asarray(mix(p.horizon, p.light, 0.4), np.float32) * bands
    ball = skin * (0.06 + 0.94 * lit[..., None])
    rim = np.clip(1 - np.abs(distance - 1.0) / 0.07, 0, 1) * np.clip(lit + 0.1, 0, 1)
    picture = np.empty((2 * reach, 2 * reach, 4), np.uint8)
    picture[..., :3] = np.clip(ball + rim[..., None] * 60, 0, 255)
    picture[..., 3] = np.maximum(np.clip((1 - distance) * radius + 0.5, 0, 1), rim * 0.5) * 255
    globe = Image.fromarray(picture, "RGBA")
    hoop = _hoop(view, radius) if rings else None
    corner = (round(centre[0] - reach), round(centre[1] - reach))
    if hoop is not None:
        _place(layer, hoop, centre)
    _place(layer, globe, (corner[0] + reach, corner[1] + reach))
    if hoop is not None:
        front = hoop.copy()
        front.paste((0, 0, 0, 0), (0, 0, hoop.width, hoop.height // 2))
        _place(layer, front, centre)


def _hoop(view: View, radius: float) -> Image.Image:
    wide, tall = round(radius * 4.4), round(radius * 1.3)
    scale = 2
    ring = clear((wide * scale, tall * scale))
    pen = ImageDraw.Draw(ring)
    for share, strength in ((0.98, 60), (0.92, 150), (0.86, 110), (0.8, 170), (0.7, 90)):
        half_w, half_h = wide * scale / 2 * share, tall * scale / 2 * share * 0.8
        box = (wide * scale / 2 - half_w, tall * scale / 2 - half_h, wide * scale / 2 + half_w, tall * scale / 2 + half_h)
        pen.ellipse(box, outline=(*mix(view.palette.horizon, WHITE, 0.3), strength), width=max(1, round(radius * scale * 0.045)))
    return ring.resize((wide, tall), Image.Resampling.BOX)


def _place(layer: Image.Image, piece: Image.Image, centre: tuple[float, float]) -> None:
    """Composite a piece around a centre, cut at the layer's edges."""
    left, top = round(centre[0] - piece.width / 2), round(centre[1] - piece.height / 2)
    box = (max(0, -left), max(0, -top), min(piece.width, layer.width - left), min(piece.height, layer.height - top))
    if box[0] < box[2] and box[1] < box[3]:
        layer.alpha_composite(piece.crop(box), (left + box[0], top + box[1]))


def _rocks(view: View) -> Image.Image:
    """Drifting boulders in the foreground, lit at one edge."""
    unit, width, rng, p = view.unit, view.widths[3], view.rng, view.palette
    scale = 2
    picture = clear((width * scale, view.height * scale))
    pen = ImageDraw.Draw(picture)
    for _ in range(max(5, round(width / (95 * unit)))):
        x, y = rng.uniform(0, width) * scale, view.height * scale * float(rng.choice([rng.uniform(0.02, 0.16), rng.uniform(0.82, 1.0)]))
        r = unit * scale * float(rng.choice([4, 8, 15, 30], p=[0.35, 0.35, 0.2, 0.1]))
        angles = np.linspace(0, 2 * np.pi, 11)[:-1]
        reach = r * rng.uniform(0.72, 1.1, 10)
        shape = [(x + float(k * np.cos(a)) * 1.25, y + float(k * np.sin(a))) for a, k in zip(angles, reach, strict=True)]
        pen.polygon(shape, fill=(*mix(p.shade, p.middle, 0.3), 255))
        inner = [(px * 0.78 + (x + r * 0.25) * 0.22, py * 0.78 + (y + r * 0.3) * 0.22) for px, py in shape]
        pen.polygon(inner, fill=(*mix(p.shade, (0, 0, 0), 0.2), 255))
    return picture.resize((width, view.height), Image.Resampling.BOX)


PAINTERS: dict[str, Callable[[View], Landscape]] = {
    "ocean": _ocean,
    "city": _city,
    "space": _space,
    "forest": lambda view: _woods(view, snow=False),
    "winter": lambda view: _woods(view, snow=True),
    "desert": _desert,
}
