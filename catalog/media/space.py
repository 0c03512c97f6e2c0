"""Space: nebulae, planets with rings, drifting boulders."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw

from catalog.media.colour import WHITE, mix
from catalog.media.horizon import Landscape, View, draw_disc, draw_stars
from catalog.media.texture import clear, glow, gradient, noise, screen, to_image


def space(view: View) -> Landscape:
    p, unit, size = view.palette, view.unit, view.size
    picture = gradient(size, [(0, mix(p.zenith, (0, 0, 0), 0.5)), (0.6, mix(p.zenith, (0, 0, 0), 0.25)), (1, mix(p.middle, (0, 0, 0), 0.62))])
    cloud = noise(view.rng, size, cell=(260 * unit, 150 * unit), octaves=5)
    second = noise(view.rng, size, cell=(200 * unit, 120 * unit), octaves=5)
    picture = screen(picture, (np.clip(cloud - 0.42, 0, 1) ** 1.4 * 2.3)[..., None] * np.asarray(mix(p.middle, p.horizon, 0.25), np.float32) * 0.8)
    picture = screen(picture, (np.clip(second - 0.5, 0, 1) ** 1.3 * 2.1)[..., None] * np.asarray(mix(p.zenith, p.horizon, 0.5), np.float32) * 0.7)
    picture = screen(picture, draw_stars(view, 330, 1.0))
    centre = (view.sun_x * size[0], p.sun_at * view.height * 0.8)
    picture = screen(picture, glow(size, centre, 120 * unit, p.sun, 0.75))
    picture = draw_disc(picture, centre, max(3.0, p.sun_size * 0.3) * unit, view)
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
