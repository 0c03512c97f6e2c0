"""Landscapes without houses: woods in summer and winter, desert, ocean."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageChops, ImageDraw

from catalog.media.colour import WHITE, mix
from catalog.media.horizon import HORIZON, Landscape, View, draw_clouds, draw_land, draw_sky
from catalog.media.texture import Floats, below, gradient, noise, ridge, screen, tint, to_image

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


def woods(view: View, *, snow: bool) -> Landscape:
    sky = to_image(draw_sky(view), view.rng)
    peaks, line = draw_land(view, 1, 0.56, 74, 250, 0.16, sharp=True)
    if snow:
        peaks = _snowcaps(view, peaks, line)
    hills, hill = draw_land(view, 1, 0.68, 26, 320, 0.34)
    peaks.alpha_composite(hills)
    peaks.alpha_composite(_conifers(view, 1, hill, 26, 8, 0.38, snow=False))
    middle, mid = draw_land(view, 2, 0.79, 18, 380, 0.6)
    middle = Image.alpha_composite(_conifers(view, 2, mid, 62, 19, 0.62, snow=snow), middle)
    near, edge = draw_land(view, 3, 0.97, 10, 300, 0.95)
    if snow:
        ground = mix(WHITE, view.palette.middle, 0.34)
        middle.alpha_composite(below(mid + 1, view.height, ground, mix(ground, view.palette.zenith, 0.4), fade=90 * view.unit))
        near = below(edge, view.height, mix(ground, view.palette.zenith, 0.16), mix(ground, view.palette.zenith, 0.5), fade=70 * view.unit)
    near = Image.alpha_composite(_conifers(view, 3, edge, 190, 150, 0.97, snow=snow), near)
    return Landscape(sky, draw_clouds(view), peaks, middle, near, stand=float(np.median(mid)) + 6 * view.unit)


def _snowcaps(view: View, peaks: Image.Image, line: Floats) -> Image.Image:
    ragged = ridge(view.rng, len(line), wavelength=22 * view.unit, octaves=3) * 16 * view.unit
    depth = np.clip(view.height * 0.56 - line, 0, None) * 0.45 + ragged
    caps = below(line, view.height, mix(WHITE, view.palette.haze, 0.2), mix(WHITE, view.palette.haze, 0.5), fade=50 * view.unit)
    rows = np.arange(view.height)[:, None]
    inside = (np.clip((line + depth)[None, :] - rows + 0.5, 0, 1) * 255).astype(np.uint8)
    caps.putalpha(ImageChops.darker(caps.getchannel("A"), Image.fromarray(inside)))
    return Image.alpha_composite(peaks, caps)


# Desert


def desert(view: View) -> Landscape:
    sky = to_image(draw_sky(view), view.rng)
    mesas, line = draw_land(view, 1, 0.60, 30, 210, 0.22)
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
    return Landscape(sky, draw_clouds(view, lowest=0.5), mesas, middle, near, stand=float(np.median(mid)))


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


def ocean(view: View) -> Landscape:
    unit = view.unit
    picture = draw_sky(view)
    line = round(HORIZON * view.height)
    picture[line:] = _sea(view, line)
    far, _ = draw_land(view, 1, HORIZON + 0.004, 17, 230, 0.26)
    hills, _ = draw_land(view, 1, HORIZON + 0.02, 10, 120, 0.4)
    far.alpha_composite(hills)
    far = _cut_below(far, line + 1)
    middle = _headland(view)
    near = _waves(view, 3, 0.84, 0.8)
    near.alpha_composite(_waves(view, 3, 0.93, 0.97))
    return Landscape(to_image(picture, view.rng), draw_clouds(view, lowest=0.5), far, middle, near, stand=HORIZON * view.height + 30 * unit)


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
