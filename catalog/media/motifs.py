"""What lives in a title's landscape: one silhouette for each title, with its light, and how it moves through the picture."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import cos, pi, sin
from typing import Literal

import numpy as np
from PIL import Image

from catalog.media.colour import WHITE, Palette, mix
from catalog.media.sketch import Sketch

# stand: part of the middle ground; cross: travels by itself; hover: drifts on the spot; rise: goes up and out of the picture.
Movement = Literal["stand", "cross", "hover", "rise"]


@dataclass(frozen=True)
class Motif:
    """``width`` and ``height`` in units, ``rest`` how far above the standing row it is, ``speed`` in units per second when crossing."""

    draw: Callable[[Sketch, Palette], None]
    width: float
    height: float
    movement: Movement
    rest: float = 0
    speed: float = 0

    def picture(self, palette: Palette, unit: float) -> Image.Image:
        sketch = Sketch(self.width, self.height, unit)
        self.draw(sketch, palette)
        return sketch.finish()


def _lighthouse(s: Sketch, p: Palette) -> None:
    body, band = mix(p.shade, p.haze, 0.08), mix(p.shade, p.light, 0.42)
    for step in range(14):
        far, strength = 150 - step * 10, 0.016 + 0.004 * step
        for side in (-1, 1):
            s.polygon([(0, 98), (side * far, 98 + far * 0.19), (side * far, 98 - far * 0.085)], p.light, strength)
    s.glow(0, 98, 46, p.light, 0.9)
    s.polygon([(-40, 0), (-26, 12), (-10, 16), (14, 16), (30, 9), (44, 0)], body)
    s.polygon([(-10, 12), (-6.5, 88), (6.5, 88), (10, 12)], body)
    for low, high in ((26, 42), (58, 74)):
        wide, slim = 10 - 3.5 * (low - 12) / 76, 10 - 3.5 * (high - 12) / 76
        s.polygon([(-wide, low), (-slim, high), (slim, high), (wide, low)], band)
    s.box(-9.5, 88, 9.5, 91, body)
    s.box(-5, 91, 5, 103, mix(p.light, WHITE, 0.5))
    s.line([(0, 91), (0, 103)], body, 1)
    s.polygon([(-7, 103), (0, 111), (7, 103)], body)
    s.box(14, 8, 34, 22, body)
    s.polygon([(12, 22), (24, 31), (36, 22)], body)
    s.box(20, 12, 25, 17, p.light)


def _train(s: Sketch, p: Palette) -> None:
    body, beam = mix(p.shade, p.middle, 0.16), mix(p.shade, (0, 0, 0), 0.2)
    s.box(-190, 18, 190, 24, beam)
    for x in range(-180, 190, 60):
        s.box(x - 4, 0, x + 4, 18, beam)
    s.glow(150, 36, 50, p.light, 0.5)
    for car in range(4):
        left = -148 + car * 72
        s.box(left, 25, left + 69, 50, body, corner=4)
        s.box(left + 2, 46, left + 67, 48, mix(p.middle, WHITE, 0.2))
        for pane in range(5):
            s.box(left + 5 + pane * 13, 33, left + 15 + pane * 13, 43, mix(p.light, WHITE, 0.35), corner=1)
    s.polygon([(136, 25), (150, 25), (145, 48), (136, 50)], body)
    for far in range(155, 191, 7):
        s.polygon([(148, 31), (far, 31 + (far - 148) * 0.26), (far, 31 - (far - 148) * 0.22)], p.light, 0.1)


def _station(s: Sketch, p: Palette) -> None:
    metal, lit, glass = mix(p.middle, (70, 76, 92), 0.55), mix(p.horizon, WHITE, 0.45), mix(p.zenith, (30, 60, 150), 0.5)
    for side in (-1, 1):
        s.line([(0, 40), (side * 92, 40)], metal, 2.4)
        for panel in range(3):
            x = side * (36 + panel * 22)
            s.box(min(x, x + side * 18), 14, max(x, x + side * 18), 37, glass)
            s.box(min(x, x + side * 18), 43, max(x, x + side * 18), 66, glass)
            for y in (20, 26, 32, 49, 55, 61):
                s.line([(x, y), (x + side * 18, y)], mix(glass, WHITE, 0.35), 0.5)
    s.hoop(0, 40, 30, metal, 6, tall=12)
    s.hoop(0, 41, 30, lit, 1.4, tall=12, arc=(180, 360))
    s.box(-9, 16, 9, 64, metal, corner=5)
    s.box(-9, 18, -4, 62, lit, corner=2)
    for y in (26, 33, 47, 54):
        s.box(-1, y, 5, y + 3, p.light)
    s.disc(0, 67, 6, metal)
    s.line([(0, 72), (0, 80)], lit, 0.8)


def _cabin(s: Sketch, p: Palette) -> None:
    wall, roof = mix(p.shade, (60, 36, 22), 0.3), mix(p.shade, (0, 0, 0), 0.25)
    for puff in range(6):
        s.glow(26 + puff * 5 + 3 * sin(puff), 62 + puff * 9, 9 + puff * 2, mix(p.haze, WHITE, 0.3), 0.5 - 0.06 * puff)
    s.glow(-8, 15, 42, p.light, 0.8)
    s.box(-34, 0, 34, 28, wall)
    for y in (6, 12, 18, 24):
        s.line([(-34, y), (34, y)], roof, 0.8)
    s.polygon([(-42, 26), (-2, 54), (2, 54), (42, 26)], roof)
    s.box(20, 34, 28, 58, roof)
    s.box(-18, 9, -2, 21, mix(p.light, WHITE, 0.25))
    s.line([(-10, 9), (-10, 21)], wall, 1.2)
    s.line([(-18, 15), (-2, 15)], wall, 1.2)
    s.box(10, 0, 21, 20, roof)
    s.disc(18.5, 10, 0.9, p.light)


def _caravan(s: Sketch, p: Palette) -> None:
    body = mix(p.shade, (0, 0, 0), 0.12)
    for place, size in ((-96, 0.94), (-48, 1.0), (2, 1.06), (56, 1.0)):
        _camel(s, place, size, body, mix(p.shade, p.light, 0.55))
    s.line([(-80, 22), (-62, 20), (-30, 23), (-12, 21), (22, 24), (40, 21)], body, 0.6)
    s.disc(96, 22, 2.6, body)
    s.polygon([(92, 0), (93, 19), (99, 19), (101, 0)], body)
    s.line([(101, 0), (104, 25)], body, 0.8)


def _camel(s: Sketch, x: float, k: float, body: tuple[int, int, int], cloth: tuple[int, int, int]) -> None:
    def at(dx: float, dy: float) -> tuple[float, float]:
        return x + dx * k, dy * k

    s.polygon([at(-15, 19), at(-12, 27), at(-5, 29), at(0, 36), at(5, 29), at(12, 27), at(15, 20), at(10, 16), at(-11, 16)], body)
    for leg in (-12, -8, 8, 12):
        s.line([at(leg, 18), at(leg + (1.5 if leg in (-8, 12) else -1.5), 8), at(leg, 0)], body, 2.1 * k)
    s.line([at(13, 23), at(20, 25), at(22, 36)], body, 3.2 * k)
    s.polygon([at(20, 34), at(22, 38.5), at(29, 36.5), at(29, 34.5), at(23, 33.5)], body)
    s.polygon([at(-6, 22), at(-7, 30), at(0, 37), at(7, 30), at(6, 22)], cloth)
    s.polygon([at(-3, 34), at(-2.4, 44), at(2.4, 44), at(3, 34)], body)
    s.disc(*at(0, 47), 2.7 * k, body)


def _sailboat(s: Sketch, p: Palette) -> None:
    hull, sail = mix(p.shade, (0, 0, 0), 0.1), mix(p.light, WHITE, 0.45)
    s.polygon([(-36, 10), (38, 12), (27, 0), (-27, 0)], hull)
    s.line([(-34, 8.2), (36, 10)], mix(p.horizon, WHITE, 0.4), 0.9)
    s.line([(0, 10), (0, 92)], hull, 1.5)
    s.polygon([(-2, 15), (-2, 88), (-32, 17)], sail)
    s.polygon([(-2, 15), (-2, 88), (-14, 16)], mix(sail, p.middle, 0.25))
    s.polygon([(3, 15), (2, 80), (32, 16)], mix(sail, p.middle, 0.4))
    s.polygon([(0, 92), (0, 97), (-9, 94.5)], mix(p.light, (255, 80, 60), 0.5))
    s.box(-14, 10, 8, 15, hull, corner=2)
    s.box(-9, 11.5, -4, 13.5, p.light)


def _tower(s: Sketch, p: Palette) -> None:
    steel = mix(p.shade, p.middle, 0.12)
    for radius in (16, 28, 40):
        s.hoop(0, 132, radius, mix(p.light, WHITE, 0.3), 1.3, arc=(-40, 40))
        s.hoop(0, 132, radius, mix(p.light, WHITE, 0.3), 1.3, arc=(140, 220))
    s.polygon([(-46, 0), (-30, 8), (30, 8), (46, 0)], steel)
    for side in (-1, 1):
        s.line([(side * 22, 6), (side * 3, 118)], steel, 2.2)
    for step in range(9):
        low, high = 6 + step * 12.4, 18.4 + step * 12.4
        wide, slim = 22 - 19 * (low - 6) / 112, 22 - 19 * (high - 6) / 112
        s.line([(-wide, low), (slim, high)], steel, 1.1)
        s.line([(wide, low), (-slim, high)], steel, 1.1)
        s.line([(-slim, high), (slim, high)], steel, 1.1)
    s.line([(0, 116), (0, 134)], steel, 1.8)
    for y in (134, 80, 43):
        s.glow(0, y, 10, (255, 70, 60), 0.9)
        s.disc(0, y, 1.8, (255, 120, 100))


def _locomotive(s: Sketch, p: Palette) -> None:
    iron, red, window = mix(p.shade, (10, 12, 20), 0.5), (176, 42, 46), mix(p.light, (255, 200, 110), 0.55)
    for puff in range(9):
        s.glow(66 - puff * 17, 56 + puff * 3 + 3 * sin(puff * 1.7), 15 + puff * 2.4, mix(WHITE, p.haze, 0.25), 0.85 - 0.07 * puff)
    s.line([(-150, 1), (118, 1)], iron, 1.2)
    for car in range(2):
        left = -148 + car * 62
        s.box(left, 8, left + 56, 34, mix(red, iron, 0.28), corner=2)
        s.box(left - 2, 33, left + 58, 37, iron, corner=2)
        for pane in range(4):
            s.box(left + 5 + pane * 12.5, 18, left + 14 + pane * 12.5, 28, window, corner=1)
        for wheel in (10, 22, 34, 46):
            s.disc(left + wheel, 5, 4.6, iron)
    s.box(-24, 10, -2, 30, iron)
    s.box(4, 8, 32, 46, red)
    s.box(1, 45, 36, 49, iron, corner=1)
    s.box(10, 28, 26, 40, window, corner=1)
    s.box(30, 14, 88, 36, iron, corner=9)
    for ring in (46, 62, 78):
        s.box(ring, 14, ring + 1.6, 36, mix(iron, p.light, 0.45))
    s.polygon([(64, 36), (66, 52), (62, 57), (76, 57), (72, 52), (74, 36)], iron)
    s.disc(48, 37, 5, mix(iron, p.light, 0.3))
    s.polygon([(88, 12), (104, 3), (88, 3)], red)
    for wheel, size in ((12, 8), (32, 8), (52, 8), (76, 5)):
        s.disc(wheel, size, size, iron)
        s.disc(wheel, size, size * 0.55, red)
    s.line([(12, 6), (52, 6)], mix(p.light, WHITE, 0.3), 1.6)
    s.glow(92, 30, 22, window, 0.9)
    s.disc(90, 30, 3.4, mix(window, WHITE, 0.6))


def _rover(s: Sketch, p: Palette) -> None:
    hull, dark = mix(WHITE, p.haze, 0.42), mix(p.shade, (0, 0, 0), 0.3)
    for far in range(70, 130, 10):
        s.polygon([(58, 25), (far, 25 + (far - 58) * 0.22), (far, 25 - (far - 58) * 0.3)], p.light, 0.09)
    s.glow(-62, 8, 26, mix(p.haze, WHITE, 0.2), 0.5)
    s.glow(-86, 12, 24, mix(p.haze, WHITE, 0.2), 0.35)
    s.polygon([(-58, 16), (-54, 40), (20, 44), (50, 32), (58, 18)], hull)
    s.polygon([(-58, 16), (-57, 23), (57, 23), (58, 16)], mix(hull, dark, 0.5))
    s.polygon([(20, 42), (47, 32), (40, 25), (16, 25)], mix(p.zenith, p.light, 0.55))
    s.box(-46, 27, -30, 36, mix(p.zenith, p.light, 0.45), corner=2)
    s.box(-24, 27, -8, 36, mix(p.zenith, p.light, 0.45), corner=2)
    s.box(-44, 40, -6, 45, dark, corner=2)
    s.line([(-30, 45), (-34, 68)], dark, 1.2)
    s.hoop(-34, 70, 8, hull, 2.2, arc=(20, 200))
    s.disc(56, 25, 3, mix(p.light, WHITE, 0.6))
    for x in (-44, -15, 15, 44):
        s.disc(x, 11, 11.5, dark)
        s.disc(x, 11, 5, mix(hull, dark, 0.35))


def _ring(s: Sketch, p: Palette) -> None:
    metal, lit = mix(p.shade, p.middle, 0.35), mix(p.horizon, WHITE, 0.4)
    s.glow(0, 62, 84, p.middle, 0.5)
    s.hoop(0, 62, 108, metal, 10, tall=42)
    s.hoop(0, 63.4, 108, lit, 1.8, tall=42, arc=(150, 390))
    s.hoop(0, 61, 99, mix(p.light, WHITE, 0.3), 1.1, tall=34)
    for spoke in range(0, 360, 45):
        angle = spoke * pi / 180
        s.line([(0, 62), (100 * cos(angle), 62 + 35 * sin(angle))], metal, 1.5)
    s.disc(0, 62, 15, metal)
    s.disc(0, 62, 8, mix(p.light, WHITE, 0.5))
    for light in range(0, 360, 15):
        angle = light * pi / 180
        s.disc(104 * cos(angle), 62 + 38.5 * sin(angle), 1.5, mix(p.light, WHITE, 0.55))


def _lanterns(s: Sketch, p: Palette) -> None:
    rng = np.random.default_rng(7)
    for _ in range(46):
        depth = float(rng.uniform(0.25, 1.0)) ** 1.5
        x, y, k = float(rng.uniform(-300, 300)), float(rng.uniform(12, 520)), 3 + 9 * depth
        warm = mix(p.light, (255, 170, 70), 0.55)
        s.glow(x, y, k * 4.2, warm, 0.35 + 0.4 * depth)
        s.polygon(
            [
                (x - k * 0.62, y - k),
                (x - k * 0.9, y + k * 0.7),
                (x - k * 0.4, y + k),
                (x + k * 0.4, y + k),
                (x + k * 0.9, y + k * 0.7),
                (x + k * 0.62, y - k),
            ],
            mix(warm, WHITE, 0.22 * depth),
        )
        s.polygon([(x - k * 0.4, y - k), (x - k * 0.3, y - 0.2 * k), (x + k * 0.3, y - 0.2 * k), (x + k * 0.4, y - k)], mix(warm, WHITE, 0.75))


def _ferris(s: Sketch, p: Palette) -> None:
    steel, bulb = mix(p.shade, p.middle, 0.1), mix(p.light, WHITE, 0.4)
    s.box(-150, 20, 150, 26, steel)
    for x in range(-142, 150, 26):
        s.box(x - 1.6, 0, x + 1.6, 20, steel)
    s.glow(0, 84, 84, p.light, 0.35)
    for side in (-1, 1):
        s.line([(0, 84), (side * 30, 26)], steel, 2.6)
    s.hoop(0, 84, 54, steel, 2.4)
    s.hoop(0, 84, 47, steel, 1.2)
    gondolas = ((255, 99, 88), (255, 209, 102), (91, 192, 190), (244, 162, 97))
    for index in range(16):
        angle = index * pi / 8
        seat, high = 54 * cos(angle), 84 + 54 * sin(angle)
        s.line([(0, 84), (seat, high)], steel, 0.9)
        s.disc(30 * cos(angle), 84 + 30 * sin(angle), 1, bulb)
        s.box(seat - 4.6, high - 9, seat + 4.6, high - 2, mix(gondolas[index % 4], p.shade, 0.22), corner=2)
        s.disc(seat, high, 1.7, bulb)
    s.disc(0, 84, 5, steel)
    for hut, colour in ((-112, gondolas[2]), (92, gondolas[0])):
        s.box(hut - 16, 26, hut + 16, 44, mix(colour, p.shade, 0.45))
        s.polygon([(hut - 20, 43), (hut, 58), (hut + 20, 43)], mix(gondolas[1], p.shade, 0.3))
        s.box(hut - 6, 30, hut + 6, 39, p.light)


MOTIFS: dict[str, Motif] = {
    "lighthouse": Motif(_lighthouse, 300, 134, "stand", rest=0),
    "train": Motif(_train, 380, 66, "cross", rest=4, speed=62),
    "station": Motif(_station, 200, 84, "hover", rest=60),
    "cabin": Motif(_cabin, 110, 130, "stand", rest=-8),
    "caravan": Motif(_caravan, 250, 56, "cross", rest=-2, speed=10),
    "sailboat": Motif(_sailboat, 90, 100, "cross", rest=-40, speed=9),
    "tower": Motif(_tower, 110, 180, "stand", rest=-40),
    "locomotive": Motif(_locomotive, 320, 110, "cross", rest=-16, speed=34),
    "rover": Motif(_rover, 260, 82, "cross", rest=-14, speed=22),
    "ring": Motif(_ring, 230, 124, "hover", rest=30),
    "lanterns": Motif(_lanterns, 640, 540, "rise", speed=16),
    "ferris": Motif(_ferris, 310, 148, "stand", rest=-30),
}
