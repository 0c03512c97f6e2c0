"""The city: rows of houses with lit windows, mist between them, rooftops in front."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw

from catalog.media.colour import WHITE, mix
from catalog.media.horizon import Landscape, View, draw_clouds, draw_sky
from catalog.media.texture import clear, ridge, tint, to_image


def city(view: View) -> Landscape:
    sky = to_image(draw_sky(view), view.rng)
    far = _blocks(view, 1, 0.74, (40, 120), (18, 40), 0.24, lit=0.10)
    far.alpha_composite(_haze(view, 1, 0.80))
    middle = _blocks(view, 2, 0.86, (50, 150), (26, 58), 0.56, lit=0.30)
    middle.alpha_composite(_haze(view, 2, 0.95))
    near = _rooftops(view)
    return Landscape(sky, draw_clouds(view, lowest=0.5), far, middle, near, stand=0.80 * view.height)


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
