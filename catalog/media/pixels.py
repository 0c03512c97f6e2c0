"""A world of big pixels for the games company: drawn at a quarter of the size and enlarged without smoothing."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw

from catalog.media.colour import RGB, WHITE, mix
from catalog.media.recipe import HEIGHT, WIDTH
from catalog.media.texture import clear

PIXEL = 4
HERO = ("..aaaa..", ".aaaaaa.", ".wkwwkw.", ".wwwwww.", "..bbbb..", ".bbbbbb.", "wbbbbbbw", "..bbbb..", "..k..k..", ".kk..kk.")
SLIME = ("...gggg...", ".gggggggg.", "ggwkggwkgg", "gggggggggg", "gggkkkkggg", "gggggggggg")
DRAGON = ("rr......rr..", "rrr....rrr..", ".rrrrrrrrr..", ".rwkrrrrrrr.", "rrrrrrrrrrrr", "oorrrrrrrrr.", "..rrr..rrr..")


@dataclass(frozen=True)
class PixelWorld:
    """Layers that repeat after half of their width, and two sprites."""

    sky: Image.Image
    hills: Image.Image
    ground: Image.Image
    coins: Image.Image
    hero: Image.Image
    foe: Image.Image


def pixel_world(ground: RGB, accent: RGB, variant: int, seed: int) -> PixelWorld:
    rng = np.random.default_rng(seed)
    colours = {
        "a": accent,
        "b": mix(accent, (60, 90, 220), 0.6),
        "w": WHITE,
        "k": (18, 16, 30),
        "g": (110, 220, 110),
        "r": (226, 74, 74),
        "o": (255, 180, 60),
    }
    return PixelWorld(
        sky=_sky(ground, accent, rng),
        hills=_hills(mix(ground, accent, 0.26), mix(ground, accent, 0.42), rng),
        ground=_ground(accent, ground, variant),
        coins=_coins(),
        hero=_sprite(HERO, colours, 6),
        foe=_sprite(DRAGON if variant == 1 else SLIME, colours, 7),
    )


def _large(small: Image.Image, factor: int = PIXEL) -> Image.Image:
    return small.resize((small.width * factor, small.height * factor), Image.Resampling.NEAREST)


def _sprite(rows: tuple[str, ...], colours: dict[str, RGB], factor: int) -> Image.Image:
    small = clear((len(rows[0]), len(rows)))
    for y, row in enumerate(rows):
        for x, letter in enumerate(row):
            if letter in colours:
                small.putpixel((x, y), (*colours[letter], 255))
    return _large(small, factor)


def _sky(ground: RGB, accent: RGB, rng: np.random.Generator) -> Image.Image:
    small = Image.new("RGB", (WIDTH // PIXEL, HEIGHT // PIXEL))
    pen = ImageDraw.Draw(small)
    bands = 9
    for band in range(bands):
        top = band * small.height // bands
        pen.rectangle((0, top, small.width, small.height), fill=mix(ground, accent, 0.32 * band / bands))
    for _ in range(60):
        small.putpixel(
            (int(rng.integers(0, small.width)), int(rng.integers(0, small.height * 2 // 3))), mix(WHITE, accent, float(rng.uniform(0, 0.6)))
        )
    pen.ellipse((118, 12, 138, 32), fill=mix(accent, WHITE, 0.5))
    return _large(small)


def _hills(far: RGB, near: RGB, rng: np.random.Generator) -> Image.Image:
    half = WIDTH // PIXEL
    small = clear((half * 2, HEIGHT // PIXEL))
    for colour, base, tall, waves in ((far, 62, 15, 3), (near, 72, 9, 5)):
        phase = float(rng.uniform(0, 6))
        for x in range(half * 2):
            # Whole waves on a half make both ends meet.
            top = base - round(tall * np.sin(2 * np.pi * waves * x / half + phase) ** 2)
            ImageDraw.Draw(small).line((x, top, x, small.height), fill=(*colour, 255))
    return _large(small)


def _ground(accent: RGB, ground: RGB, variant: int) -> Image.Image:
    half, tall = WIDTH // PIXEL, 18
    earth = mix((120, 72, 44) if variant == 1 else (240, 244, 255), ground, 0.35)
    small = Image.new("RGBA", (half * 2, tall), (*earth, 255))
    pen = ImageDraw.Draw(small)
    pen.rectangle((0, 0, half * 2, 3), fill=(*accent, 255))
    for x in range(0, half * 2, 8):
        pen.line((x, 4, x + 3, 4), fill=(*accent, 255))
        pen.rectangle((x + 2, 8, x + 4, 9), fill=(*mix(earth, (0, 0, 0), 0.25), 255))
        pen.rectangle((x + 6, 13, x + 8, 14), fill=(*mix(earth, (0, 0, 0), 0.25), 255))
    return _large(small)


def _coins() -> Image.Image:
    half = WIDTH // PIXEL
    small = clear((half * 2, 8))
    pen = ImageDraw.Draw(small)
    for x in range(12, half * 2, 20):
        pen.ellipse((x, 0, x + 6, 7), fill=(255, 214, 64, 255))
        pen.line((x + 3, 2, x + 3, 5), fill=(200, 140, 20, 255))
    return _large(small)
