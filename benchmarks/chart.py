"""Lines as an SVG file, drawn by hand: no plotting library is installed."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from xml.sax.saxutils import escape

WIDTH, HEIGHT = 760, 380
LEFT, RIGHT, TOP, BOTTOM = 56, 170, 44, 40
# Told apart by those who cannot tell red from green (Okabe and Ito 2008).
COLOURS = ("#999999", "#D55E00", "#0072B2", "#009E73")
STEPS = 5
FONT = 'font-family="system-ui, sans-serif"'


def lines(series: Mapping[str, Sequence[float]], *, title: str, x: str, first: int) -> str:
    """One line a series over whole numbers from ``first``; the vertical axis begins at 0, so that heights compare."""
    count = len(next(iter(series.values())))
    top = _round_up(max(max(values) for values in series.values()))
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(title)}">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>',
        _text(LEFT, 24, title, size=16, weight="600"),
        *_grid(top),
        *(_text(_x(place, count), HEIGHT - BOTTOM + 20, str(first + place), anchor="middle") for place in range(count)),
        _text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 6, x, anchor="middle"),
    ]
    ends = _apart([_y(values[-1], top) for values in series.values()])
    for (name, values), colour, end in zip(series.items(), COLOURS, ends, strict=False):
        points = " ".join(f"{_x(place, count):.1f},{_y(value, top):.1f}" for place, value in enumerate(values))
        parts.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2.5" stroke-linejoin="round"/>')
        parts.append(_text(WIDTH - RIGHT + 10, end + 4, f"{name} {values[-1]:.1f}", colour=colour))
    return "\n".join([*parts, "</svg>", ""])


def _grid(top: float) -> list[str]:
    found = []
    for step in range(STEPS + 1):
        value = top * step / STEPS
        y = _y(value, top)
        found.append(f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}" stroke="#dddddd"/>')
        found.append(_text(LEFT - 8, y + 4, f"{value:g}", anchor="end"))
    return found


def _x(place: int, count: int) -> float:
    return LEFT + (WIDTH - LEFT - RIGHT) * place / max(1, count - 1)


def _y(value: float, top: float) -> float:
    return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * value / top


def _apart(ends: Sequence[float], least: float = 16.0) -> list[float]:
    """The same heights, moved down where two labels would lie on each other."""
    moved = list(ends)
    order = sorted(range(len(ends)), key=lambda place: ends[place])
    for above, below in itertools.pairwise(order):
        moved[below] = max(moved[below], moved[above] + least)
    return moved


def _round_up(value: float) -> float:
    """The next 1, 2 or 5 times a power of ten, or a multiple of it that divides well."""
    unit = 10.0 ** math.floor(math.log10(max(value, 1e-9)))
    return next(unit * factor for factor in (1, 1.5, 2, 2.5, 3, 4, 5, 6, 7.5, 10) if value <= unit * factor)


def _text(x: float, y: float, words: str, *, anchor: str = "start", size: int = 12, weight: str = "400", colour: str = "#333333") -> str:
    style = f'{FONT} font-size="{size}" font-weight="{weight}" fill="{colour}" text-anchor="{anchor}"'
    return f'<text x="{x:.1f}" y="{y:.1f}" {style}>{escape(words)}</text>'
