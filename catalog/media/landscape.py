"""Landscapes in layers: a sky, clouds, and three depths of land that fade into the haze, each wide enough to be panned over."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from catalog.media.city import city
from catalog.media.colour import Palette
from catalog.media.horizon import Landscape, View
from catalog.media.space import space
from catalog.media.texture import Size
from catalog.media.wilds import desert, ocean, woods

PAINTERS: dict[str, Callable[[View], Landscape]] = {
    "ocean": ocean,
    "city": city,
    "space": space,
    "forest": lambda view: woods(view, snow=False),
    "winter": lambda view: woods(view, snow=True),
    "desert": desert,
}


def draw_landscape(
    size: Size, setting: str, palette: Palette, seed: int, *, spare: tuple[int, int, int, int] = (0, 0, 0, 0), sun_x: float | None = None
) -> Landscape:
    """``spare`` are the extra pixels of clouds, far, middle and near beyond the frame's width, for panning; ``sun_x`` places the sun (0-1)."""
    rng = np.random.default_rng(seed)
    clouds, far, middle, near = (size[0] + extra for extra in spare)
    view = View(size, (clouds, far, middle, near), palette, rng, sun_x=float(rng.uniform(0.28, 0.72)) if sun_x is None else sun_x)
    return PAINTERS[setting](view)
