"""What the ads sell, drawn: vehicles, cups, phones, tents, cards, planes and the marks of the demo brands."""

from __future__ import annotations

from collections.abc import Callable
from math import cos, pi, sin

import numpy as np
from PIL import Image, ImageDraw

from catalog.media.colour import RGB, WHITE, mix
from catalog.media.lettering import font, write
from catalog.media.sketch import Sketch
from catalog.media.texture import blurred, clear

BLACK: RGB = (10, 11, 15)
SILVER: RGB = (206, 212, 222)


def car(body: RGB, *, tall: bool, low: bool) -> Image.Image:
    """A car from the side without its wheels, 330x110; they stand at x 72 and 258, their middle 24 above the ground."""
    s = Sketch(330, 110, 1)
    roof = 88 if tall else 62 if low else 74
    dark, light = mix(body, BLACK, 0.45), mix(body, WHITE, 0.45)
    s.glow(0, 8, 120, BLACK, 0.35)
    back = -118 if tall else -96
    s.polygon([(back, 52), (-72, roof), (28 if tall else 10, roof + 2), (88, 54)], dark)
    glass = mix((20, 30, 44), light, 0.22)
    s.polygon([(back + 14, 54), (-64, roof - 5), (-22, roof - 4), (-22, 54)], glass)
    s.polygon([(-16, 54), (-16, roof - 4), (22 if tall else 8, roof - 3), (74, 54)], glass)
    s.polygon([(-52, 54), (-40, roof - 5), (-30, roof - 5), (-42, 54)], mix(glass, WHITE, 0.25))
    s.polygon([(-150, 24), (-152, 44), (-136, 56), (-20, 58), (84, 57), (132, 47), (154, 34), (156, 22)], body)
    s.polygon([(-150, 46), (-136, 56), (84, 57), (132, 47), (60, 50)], light)
    s.polygon([(-150, 18), (-150, 26), (156, 26), (154, 18)], dark)
    for x in (-93, 93):
        s.disc(x, 24, 30, mix(BLACK, dark, 0.3))
    s.line([(-20, 26), (-20, 52)], dark, 1)
    s.line([(38, 26), (42, 52)], dark, 1)
    s.box(-12, 43, 0, 45, dark)
    s.glow(152, 38, 26, (255, 250, 220), 0.8)
    s.polygon([(128, 44), (152, 35), (148, 32), (130, 37)], (255, 252, 235))
    s.polygon([(-152, 44), (-141, 50), (-138, 42), (-151, 39)], (255, 70, 60))
    s.box(-40, 57.5, 40, 58.5, light)
    return s.finish()


def wheel(rim: RGB) -> Image.Image:
    s = Sketch(52, 52, 1)
    s.disc(0, 26, 25, BLACK)
    s.disc(0, 26, 18, SILVER)
    s.disc(0, 26, 16, (44, 48, 56))
    for spoke in range(5):
        angle = spoke * 2 * pi / 5
        s.line([(0, 26), (16 * cos(angle), 26 + 16 * sin(angle))], SILVER, 3.4)
    s.disc(0, 26, 4.5, rim)
    return s.finish()


def road(width: int, asphalt: RGB, line: RGB) -> Image.Image:
    """A strip of road 92 high with a kerb and dashes every 120 pixels."""
    strip = Image.new("RGBA", (width, 92), (*asphalt, 255))
    pen = ImageDraw.Draw(strip)
    pen.rectangle((0, 0, width, 4), fill=(*mix(asphalt, WHITE, 0.35), 255))
    pen.rectangle((0, 5, width, 9), fill=(*mix(asphalt, BLACK, 0.5), 255))
    for x in range(0, width, 120):
        pen.polygon([(x, 58), (x + 62, 58), (x + 56, 64), (x - 6, 64)], fill=(*line, 255))
    return strip


def cup(glaze: RGB, drink: RGB, mark: RGB) -> Image.Image:
    s = Sketch(200, 150, 1)
    s.disc(0, 9, 92, mix(BLACK, drink, 0.3), tall=9)
    s.disc(0, 14, 84, mix(glaze, BLACK, 0.12), tall=11)
    s.disc(0, 17, 60, mix(glaze, BLACK, 0.25), tall=6)
    s.hoop(64, 74, 25, mix(glaze, BLACK, 0.1), 10, tall=27)
    s.polygon([(-66, 118), (-60, 60), (-42, 22), (42, 22), (60, 60), (66, 118)], glaze)
    s.polygon([(30, 22), (42, 22), (60, 60), (66, 118), (48, 118), (46, 62)], mix(glaze, BLACK, 0.14))
    s.polygon([(-56, 112), (-51, 62), (-42, 40), (-38, 40), (-44, 64), (-46, 112)], mix(glaze, WHITE, 0.6))
    s.disc(0, 118, 66, mix(glaze, WHITE, 0.35), tall=15)
    s.disc(0, 117, 59, drink, tall=12)
    s.disc(-4, 116, 34, mix(drink, (236, 200, 150), 0.75), tall=6.5)
    s.polygon([(-16, 116), (-4, 119.5), (12, 116), (-3, 112.6)], drink)
    s.disc(0, 66, 17, mark)
    s.line([(0, 76), (0, 57)], glaze, 2.4)
    s.hoop(0, 63, 9, glaze, 2.4, arc=(0, 180))
    s.line([(-5, 71), (5, 71)], glaze, 2.2)
    return s.finish()


def steam(colour: RGB) -> Image.Image:
    """Three curling wisps, soft at both ends, 160x170."""
    mask = Image.new("L", (160, 170), 0)
    pen = ImageDraw.Draw(mask)
    for strand, left in enumerate((46, 80, 114)):
        points = [(left + 13 * sin(y / 21 + strand * 1.9) * (0.4 + y / 170), 165 - y) for y in range(0, 160, 3)]
        for index, (x, y) in enumerate(points):
            r = 4 + 7 * index / len(points)
            pen.ellipse((x - r, y - r, x + r, y + r), fill=round(120 * sin(pi * index / len(points))))
    wisps = Image.new("RGBA", mask.size, (*colour, 0))
    wisps.putalpha(blurred(mask, 5))
    return wisps


def iced_glass(drink: RGB, leaf: RGB) -> Image.Image:
    s = Sketch(170, 210, 1)
    s.disc(0, 9, 62, BLACK, tall=7)
    s.line([(22, 80), (46, 206)], (240, 90, 80), 6)
    s.polygon([(-52, 176), (-42, 10), (42, 10), (52, 176)], mix(drink, WHITE, 0.18))
    s.polygon([(-48, 128), (-41, 14), (41, 14), (48, 128)], drink)
    s.polygon([(-48, 128), (-44, 70), (20, 96), (48, 128)], mix(drink, (240, 220, 190), 0.65))
    for x, y, turn in ((-22, 132, 0.2), (14, 140, -0.3), (-6, 112, 0.5), (24, 116, 0.1)):
        corners = [(x + 17 * cos(turn + k * pi / 2), y + 17 * sin(turn + k * pi / 2)) for k in range(4)]
        s.polygon(corners, mix(WHITE, drink, 0.12), 0.62)
        s.line([*corners, corners[0]], WHITE, 1)
    s.polygon([(-44, 168), (-38, 20), (-32, 20), (-37, 168)], WHITE, 0.5)
    s.disc(0, 176, 52, mix(drink, WHITE, 0.5), tall=8)
    for lean in (-26, 2, 24):
        s.polygon([(-20, 176), (-30 + lean, 196), (-20 + lean, 205), (-8 + lean * 0.6, 192)], leaf)
    return s.finish()


def phone(screen: Image.Image, frame: RGB) -> Image.Image:
    """A phone upright around a screen picture of 104x208."""
    s = Sketch(124, 236, 1)
    s.box(-60, 2, 60, 234, mix(frame, BLACK, 0.6), corner=19)
    s.box(-58, 4, 58, 232, (24, 25, 32), corner=17)
    picture = s.finish()
    mask = Image.new("L", (104 * 3, 208 * 3), 0)
    ImageDraw.Draw(mask).rounded_rectangle((0, 0, 104 * 3, 208 * 3), radius=36, fill=255)
    picture.paste(screen.convert("RGBA"), (10, 14), mask.resize((104, 208), Image.Resampling.BOX))
    ImageDraw.Draw(picture).rounded_rectangle((46, 19, 78, 26), radius=4, fill=(24, 25, 32, 255))
    return picture


def app_screen(ground: RGB, accent: RGB, words: str) -> Image.Image:
    """Signal bars, a big figure and tiles, as a telephone company's app would show."""
    picture = Image.new("RGBA", (104, 208), (*mix(ground, WHITE, 0.1), 255))
    pen = ImageDraw.Draw(picture)
    pen.rectangle((0, 0, 104, 84), fill=(*accent, 255))
    for bar in range(5):
        pen.rounded_rectangle((22 + bar * 13, 62 - 8 * (bar + 1), 31 + bar * 13, 66), 2, fill=(255, 255, 255, 255))
    write(picture, (52, 92), words, font("Bold", 15), WHITE, align="centre")
    for row in range(3):
        for column in range(2):
            x, y = 10 + column * 44, 118 + row * 29
            pen.rounded_rectangle((x, y, x + 39, y + 23), 6, fill=(*mix(ground, accent, 0.3 + 0.2 * ((row + column) % 3)), 255))
    return picture


def rings(colour: RGB, radius: int) -> Image.Image:
    s = Sketch(radius * 2 + 8, radius * 2 + 8, 1)
    for share in (1.0, 0.74, 0.48):
        s.hoop(0, radius + 4, radius * share, mix(colour, WHITE, 0.25), 2.5)
    picture = s.finish()
    picture.putalpha(picture.getchannel("A").point(lambda value: round(value * 0.55)))
    return picture


def hiker(ink: RGB, pack: RGB) -> Image.Image:
    s = Sketch(90, 120, 1)
    s.line([(-3, 46), (-12, 22), (-20, 0)], ink, 9)
    s.line([(1, 46), (14, 26), (10, 2)], ink, 9)
    s.polygon([(-24, -1), (-25, 6), (-15, 7), (-10, 0)], pack)
    s.polygon([(5, 0), (5, 7), (14, 7), (22, 0)], pack)
    s.polygon([(-9, 42), (-10, 82), (8, 84), (11, 44)], ink)
    s.box(-27, 50, -9, 86, pack, corner=7)
    s.box(-27, 84, -9, 93, mix(pack, WHITE, 0.35), corner=4)
    s.line([(4, 78), (18, 62), (26, 66)], ink, 6)
    s.line([(27, 78), (31, 0)], mix(ink, WHITE, 0.2), 2)
    s.disc(4, 95, 9.5, ink)
    s.polygon([(-7, 97), (14, 103), (20, 96), (4, 99)], pack)
    return s.finish()


def tent(cloth: RGB, light: RGB) -> Image.Image:
    s = Sketch(260, 140, 1)
    s.glow(0, 34, 122, light, 0.85)
    s.polygon([(-104, 0), (-18, 104), (62, 92), (108, 0)], cloth)
    s.polygon([(-104, 0), (-18, 104), (26, 0)], mix(cloth, light, 0.6))
    s.polygon([(-58, 0), (-18, 84), (2, 0)], mix(light, WHITE, 0.55))
    s.polygon([(-58, 0), (-18, 84), (-34, 0)], mix(cloth, light, 0.35))
    s.line([(-18, 104), (-22, 112)], cloth, 2)
    s.line([(-104, 0), (-126, -2)], cloth, 1.2)
    s.line([(62, 92), (124, 0)], mix(cloth, WHITE, 0.3), 1)
    return s.finish()


def bank_card(ground: RGB, accent: RGB, name: str) -> Image.Image:
    scale = 2
    card = Image.new("RGBA", (290 * scale, 182 * scale), (0, 0, 0, 0))
    x, y = np.meshgrid(np.linspace(0, 1, card.width), np.linspace(0, 1, card.height))
    share = np.clip(0.6 * x + 0.5 * (1 - y) - 0.15, 0, 1)[..., None]
    shine = (np.exp(-(((x + 0.55 * y - 0.85) / 0.09) ** 2)) * 46)[..., None]
    face = np.asarray(mix(ground, WHITE, 0.12)) * (1 - share) + np.asarray(accent) * share + shine
    skin = Image.fromarray(np.clip(face, 0, 255).astype(np.uint8), "RGB").convert("RGBA")
    mask = Image.new("L", card.size, 0)
    ImageDraw.Draw(mask).rounded_rectangle((0, 0, card.width - 1, card.height - 1), 30, fill=255)
    card.paste(skin, (0, 0), mask)
    pen = ImageDraw.Draw(card)
    pen.rounded_rectangle((44, 130, 128, 192), 12, fill=(246, 214, 140, 255))
    for row in (150, 171):
        pen.line((44, row, 128, row), fill=(190, 150, 80, 255), width=3)
    write(card, (44, 40), name, font("Bold", 40), WHITE)
    write(card, (44, 232), "5412  0000  2026  0919", font("Medium", 34), WHITE, tracking=0.03)
    write(card, (44, 292), "A. VIEWER", font("Medium", 26), WHITE, tracking=0.08, opacity=0.85)
    small = card.resize((290, 182), Image.Resampling.LANCZOS)
    return small.rotate(-7, Image.Resampling.BICUBIC, expand=True)


def bar(height: int, colour: RGB) -> Image.Image:
    column = Image.new("RGBA", (44, height), (0, 0, 0, 0))
    pen = ImageDraw.Draw(column)
    pen.rounded_rectangle((0, 0, 43, height + 20), 9, fill=(*colour, 255))
    pen.rounded_rectangle((5, 6, 11, height - 4), 3, fill=(*mix(colour, WHITE, 0.5), 255))
    return column


def plane(body: RGB, tail: RGB) -> Image.Image:
    s = Sketch(330, 120, 1)
    shade = mix(body, (70, 84, 110), 0.4)
    s.polygon([(-142, 58), (-166, 104), (-142, 104), (-96, 62)], tail)
    s.polygon([(-20, 56), (-74, 88), (-56, 88), (26, 58)], shade)
    s.polygon([(-160, 58), (-140, 44), (80, 38), (128, 42), (154, 51), (158, 56), (140, 66), (96, 73), (-60, 73), (-130, 66)], body)
    s.polygon([(-160, 58), (-140, 44), (80, 38), (128, 42), (150, 49), (60, 48), (-120, 52)], shade)
    s.polygon([(132, 60), (152, 56), (146, 63), (128, 68)], (40, 52, 76))
    for x in range(-92, 112, 13):
        s.box(x, 58, x + 6, 64, (60, 76, 108), corner=2)
    s.polygon([(-14, 46), (-102, 6), (-76, 4), (44, 45)], mix(shade, BLACK, 0.12))
    s.box(-44, 18, -2, 32, mix(tail, BLACK, 0.15), corner=6)
    s.polygon([(-150, 54), (-184, 36), (-166, 36), (-118, 53)], shade)
    s.polygon([(-134, 66), (-60, 73), (20, 73), (-40, 66)], mix(tail, body, 0.15))
    return s.finish()


# Brand marks, 64 units square.


def _bolt(s: Sketch, c: RGB) -> None:
    s.polygon([(8, 62), (-22, 26), (-3, 26), (-10, 2), (22, 38), (3, 38)], c)


def _anchor(s: Sketch, c: RGB) -> None:
    s.hoop(0, 54, 8, c, 5)
    s.line([(0, 48), (0, 6)], c, 6)
    s.line([(-13, 38), (13, 38)], c, 5)
    s.hoop(0, 26, 24, c, 6, arc=(15, 165))


def _cloud(s: Sketch, c: RGB) -> None:
    s.disc(-13, 26, 14, c)
    s.disc(4, 34, 18, c)
    s.disc(19, 24, 12, c)
    s.box(-18, 12, 22, 26, c, corner=6)


def _peaks(s: Sketch, c: RGB) -> None:
    s.polygon([(-31, 8), (-8, 48), (4, 27), (12, 38), (31, 8)], c)
    s.disc(19, 52, 6.5, c)


def _rays(s: Sketch, c: RGB) -> None:
    s.disc(0, 32, 12, c)
    for ray in range(12):
        angle = ray * pi / 6
        s.line([(18 * cos(angle), 32 + 18 * sin(angle)), (28 * cos(angle), 32 + 28 * sin(angle))], c, 4.2)


def _wing(s: Sketch, c: RGB) -> None:
    s.polygon([(-31, 46), (2, 38), (31, 56), (8, 20), (0, 28), (-12, 10), (-8, 30)], c)


def _pixels(s: Sketch, c: RGB) -> None:
    for x, y in ((0, 3), (-1, 2), (0, 2), (1, 2), (-2, 1), (-1, 1), (1, 1), (2, 1), (-1, 0), (0, 0), (1, 0), (0, -1)):
        s.box(x * 11 - 5, 16 + y * 11, x * 11 + 5, 26 + y * 11, c)


def _lantern(s: Sketch, c: RGB) -> None:
    s.hoop(0, 56, 7, c, 3.4)
    s.polygon([(-13, 44), (-9, 51), (9, 51), (13, 44)], c)
    s.hoop(0, 30, 15, c, 4, tall=15)
    s.disc(0, 29, 6, c, tall=9)
    s.polygon([(-13, 14), (-9, 8), (9, 8), (13, 14)], c)


MARKS: dict[str, Callable[[Sketch, RGB], None]] = {
    "car": _bolt,
    "coffee": _anchor,
    "phone": _cloud,
    "outdoor": _peaks,
    "bank": _rays,
    "plane": _wing,
    "game": _pixels,
    "film": _lantern,
}


def mark(product: str, colour: RGB, size: float) -> Image.Image:
    s = Sketch(64, 64, size / 64)
    MARKS[product](s, colour)
    return s.finish()


def soft_shadow(picture: Image.Image, strength: float = 0.5) -> Image.Image:
    """The picture with a shadow beneath, 24 pixels larger on every side."""
    larger = clear((picture.width + 48, picture.height + 48))
    shade = Image.new("L", larger.size, 0)
    shade.paste(picture.getchannel("A"), (24, 34))
    larger.putalpha(blurred(shade, 11).point(lambda value: round(value * strength)))
    larger.alpha_composite(picture, (24, 24))
    return larger
