"""A small drawing board: shapes in units from a point on the ground, drawn four times too large and shrunk for clean edges."""

from __future__ import annotations

from collections.abc import Sequence

from PIL import Image, ImageDraw

from catalog.media.colour import RGB
from catalog.media.texture import blurred, clear

SCALE = 4
Point = tuple[float, float]


class Sketch:
    """x runs right from the middle of the ground line, y runs up, both in units of ``unit`` pixels."""

    def __init__(self, width: float, height: float, unit: float) -> None:
        self.unit = unit
        self.width, self.height = width, height
        self._image = clear((max(1, round(width * unit)) * SCALE, max(1, round(height * unit)) * SCALE))
        self._pen = ImageDraw.Draw(self._image)

    def _at(self, x: float, y: float) -> Point:
        scale = self.unit * SCALE
        return (x + self.width / 2) * scale, self._image.height - y * scale

    def polygon(self, points: Sequence[Point], colour: RGB, opacity: float = 1.0) -> None:
        fill = (*colour, round(255 * opacity))
        placed = [self._at(*point) for point in points]
        if opacity == 1.0:
            self._pen.polygon(placed, fill=fill)
            return
        layer = clear(self._image.size)
        ImageDraw.Draw(layer).polygon(placed, fill=fill)
        self._image.alpha_composite(layer)

    def box(self, left: float, bottom: float, right: float, top: float, colour: RGB, *, corner: float = 0) -> None:
        (x0, y1), (x1, y0) = self._at(left, bottom), self._at(right, top)
        self._pen.rounded_rectangle((x0, y0, x1, y1), radius=corner * self.unit * SCALE, fill=(*colour, 255))

    def disc(self, x: float, y: float, radius: float, colour: RGB, *, tall: float | None = None) -> None:
        cx, cy = self._at(x, y)
        r, t = radius * self.unit * SCALE, (radius if tall is None else tall) * self.unit * SCALE
        self._pen.ellipse((cx - r, cy - t, cx + r, cy + t), fill=(*colour, 255))

    def hoop(self, x: float, y: float, radius: float, colour: RGB, width: float, *, tall: float | None = None, arc: Point = (0, 360)) -> None:
        """A ring or, with ``arc`` in degrees clockwise from the right, a part of it."""
        cx, cy = self._at(x, y)
        r, t = radius * self.unit * SCALE, (radius if tall is None else tall) * self.unit * SCALE
        self._pen.arc((cx - r, cy - t, cx + r, cy + t), *arc, fill=(*colour, 255), width=max(1, round(width * self.unit * SCALE)))

    def line(self, points: Sequence[Point], colour: RGB, width: float) -> None:
        placed = [self._at(*point) for point in points]
        self._pen.line(placed, fill=(*colour, 255), width=max(1, round(width * self.unit * SCALE)), joint="curve")

    def glow(self, x: float, y: float, radius: float, colour: RGB, strength: float) -> None:
        """Soft light behind what is drawn next."""
        cx, cy = self._at(x, y)
        r = radius * self.unit * SCALE
        mask = Image.new("L", (round(r * 2), round(r * 2)), 0)
        ImageDraw.Draw(mask).ellipse((r * 0.55, r * 0.55, r * 1.45, r * 1.45), fill=round(255 * strength))
        light = Image.new("RGBA", mask.size, (*colour, 0))
        light.putalpha(blurred(mask.resize((64, 64)), 8).resize(mask.size))
        layer = clear(self._image.size)
        layer.paste(light, (round(cx - r), round(cy - r)))
        self._image.alpha_composite(layer)

    def finish(self) -> Image.Image:
        return self._image.resize((self._image.width // SCALE, self._image.height // SCALE), Image.Resampling.BOX)
