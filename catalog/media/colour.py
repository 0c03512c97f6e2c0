"""Colours of a scene: a title's two colours seen in the light of a mood. Pure."""

from __future__ import annotations

from dataclasses import dataclass

RGB = tuple[int, int, int]

WHITE: RGB = (255, 251, 244)
SAND: RGB = (255, 226, 190)
AMBER: RGB = (255, 186, 104)
INK: RGB = (5, 6, 12)
CLOUD: RGB = (78, 86, 102)


def rgb(text: str) -> RGB:
    """``#RRGGBB`` as three bytes. Raises ValueError for anything else."""
    digits = text.removeprefix("#")
    if len(digits) != 6:
        raise ValueError(f"{text!r} is not a colour; write #RRGGBB")
    return int(digits[0:2], 16), int(digits[2:4], 16), int(digits[4:6], 16)


def mix(a: RGB, b: RGB, share: float) -> RGB:
    """``a`` with a share (0-1) of ``b``."""
    red, green, blue = (round(x + (y - x) * share) for x, y in zip(a, b, strict=True))
    return red, green, blue


@dataclass(frozen=True)
class Palette:
    """Sky from zenith to horizon, the sun or moon, the haze that far things fade into and the shade of near ones.

    ``sun_at`` is its height in the frame (0 top, 1 bottom), ``sun_size`` its radius in units of 1/360 of the height;
    ``stars`` and ``clouds`` are densities 0-1.
    """

    zenith: RGB
    middle: RGB
    horizon: RGB
    sun: RGB
    haze: RGB
    shade: RGB
    light: RGB
    sun_at: float
    sun_size: float
    stars: float
    clouds: float

    def depth(self, nearness: float) -> RGB:
        """Colour of a thing between the haze (0) and right here (1)."""
        return mix(self.haze, self.shade, nearness)


def palette_of(accent: str, backdrop: str, mood: str) -> Palette:
    a, b = rgb(accent), rgb(backdrop)
    dark = mix(b, INK, 0.72)
    grey = mix(mix(b, CLOUD, 0.55), a, 0.08)
    zenith, middle, horizon, sun, at, size, stars, clouds = {
        "dawn": (mix(mix(b, a, 0.34), SAND, 0.12), mix(a, SAND, 0.38), mix(SAND, a, 0.14), WHITE, 0.50, 24.0, 0.0, 0.5),
        "day": (mix(mix(b, a, 0.62), WHITE, 0.16), mix(a, WHITE, 0.46), mix(a, WHITE, 0.78), WHITE, 0.22, 22.0, 0.0, 0.7),
        "storm": (mix(grey, INK, 0.48), grey, mix(grey, (196, 202, 212), 0.42), mix(grey, WHITE, 0.5), 0.30, 0.0, 0.0, 1.0),
        "dusk": (mix(b, INK, 0.12), mix(b, a, 0.62), mix(a, AMBER, 0.55), mix(AMBER, WHITE, 0.55), 0.54, 38.0, 0.15, 0.6),
        "night": (mix(b, INK, 0.62), mix(b, INK, 0.22), mix(mix(b, a, 0.34), CLOUD, 0.1), mix(WHITE, a, 0.08), 0.22, 17.0, 1.0, 0.25),
        "chase": (mix(b, INK, 0.38), mix(a, b, 0.46), mix(a, (255, 128, 64), 0.32), mix(a, WHITE, 0.6), 0.50, 30.0, 0.1, 0.55),
        "calm": (mix(mix(a, b, 0.28), WHITE, 0.30), mix(a, WHITE, 0.56), mix((255, 244, 230), a, 0.14), WHITE, 0.36, 28.0, 0.0, 0.35),
        "finale": (mix(b, a, 0.46), mix(a, AMBER, 0.46), (255, 238, 204), (255, 252, 240), 0.46, 56.0, 0.1, 0.5),
    }[mood]
    return Palette(
        zenith=zenith,
        middle=middle,
        horizon=horizon,
        sun=sun,
        haze=mix(horizon, middle, 0.45),
        shade=mix(dark, middle, 0.05),
        light=mix(mix(a, AMBER, 0.45), WHITE, 0.35),
        sun_at=at,
        sun_size=size,
        stars=stars,
        clouds=clouds,
    )
