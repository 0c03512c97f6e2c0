"""Plots as plain geometry: what a template draws as SVG. Pure; nothing here knows of models."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

WIDTH, HEIGHT = 420.0, 300.0
LEFT, RIGHT, TOP, BOTTOM = 52.0, 14.0, 28.0, 42.0
TICKS = 5

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Tick:
    at: float
    label: str


@dataclass(frozen=True, slots=True)
class Mark:
    """A point with its interval, from ``low`` to ``high`` on the vertical axis, and what is said of it."""

    x: float
    y: float
    low: float
    high: float
    words: str


@dataclass(frozen=True, slots=True)
class Plot:
    """Everything in the units of the drawing, y downwards. ``words`` tell the picture to who cannot see it."""

    title: str
    words: str
    x_title: str
    y_title: str
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]
    lines: tuple[str, ...] = ()
    reference: str = ""
    marks: tuple[Mark, ...] = ()
    width: float = WIDTH
    height: float = HEIGHT
    left: float = LEFT
    right: float = WIDTH - RIGHT
    top: float = TOP
    bottom: float = HEIGHT - BOTTOM


@dataclass(frozen=True, slots=True)
class Scale:
    """Maps [low, high] to [start, end] of the drawing; what lies outside is put on the border."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        span = self.high - self.low
        share = (value - self.low) / span if span > 0 else 0.5
        return round(self.start + min(max(share, 0.0), 1.0) * (self.end - self.start), 2)

    def ticks(self, *, percent: bool = False) -> tuple[Tick, ...]:
        step = nice_step(self.high - self.low)
        first = math.ceil(self.low / step - 1e-9)
        values = [number * step for number in range(first, math.floor(self.high / step + 1e-9) + 1)]
        return tuple(Tick(self(value), _label(value, step, percent=percent)) for value in values)


def nice_step(span: float) -> float:
    """1, 2 or 5 times a power of ten, so that about TICKS of them fill the span."""
    if not span > 0:
        return 1.0
    raw = span / TICKS
    power = 10.0 ** math.floor(math.log10(raw))
    return next((times * power for times in (1, 2, 5) if times * power >= raw * 0.999), 10 * power)


def calibration(points: Sequence[tuple[float, float, float, float, int]]) -> Plot | None:
    """``points`` are (predicted, observed, low, high, rows) of bands of the prediction; None when there are none."""
    if not points:
        return None
    most = max(max(predicted, high) for predicted, _, _, high, _ in points) * 1.05 or 1.0
    across, up = _horizontal(0.0, most), _vertical(0.0, most)
    marks = tuple(
        Mark(
            across(predicted), up(observed), up(low), up(high),
            f"predicted {predicted:.2%}, observed {observed:.2%} (95 % {low:.2%} to {high:.2%}), {rows:,} rows",
        )
        for predicted, observed, low, high, rows in points
    )  # fmt: skip
    within = sum(low <= predicted <= high for predicted, _, low, high, _ in points)
    return Plot(
        "Calibration", f"In {within} of {len(points)} bands the mean prediction lies within the interval of the observed rate.",
        "Predicted", "Observed", across.ticks(percent=True), up.ticks(percent=True),
        reference=path([(across(0), up(0)), (across(most), up(most))]), marks=marks,
    )  # fmt: skip


def curve(title: str, words: str, axes: tuple[str, str], points: Sequence[Point], *, diagonal: bool, full: bool = True) -> Plot | None:
    """A line through shares 0-1. ``full``: the vertical axis goes to 1, else only as far as the line does."""
    if len(points) < 2:
        return None
    most = 1.0 if full else max(y for _, y in points) * 1.05 or 1.0
    across, up = _horizontal(0.0, 1.0), _vertical(0.0, most)
    line = path([(across(x), up(y)) for x, y in points])
    reference = path([(across(0), up(0)), (across(1), up(1))]) if diagonal else ""
    return Plot(title, words, *axes, across.ticks(percent=True), up.ticks(percent=True), lines=(line,), reference=reference)


def losses(values: Sequence[float], unit: str) -> Plot | None:
    """A loss that falls, pass by pass."""
    known = [(float(place + 1), value) for place, value in enumerate(values) if math.isfinite(value)]
    if len(known) < 2:
        return None
    lowest, highest = min(value for _, value in known), max(value for _, value in known)
    margin = (highest - lowest) * 0.05 or max(abs(highest) * 0.05, 1e-6)
    across, up = _horizontal(1.0, known[-1][0]), _vertical(lowest - margin, highest + margin)
    words = f"From {known[0][1]:.5f} to {known[-1][1]:.5f} in {len(values)} {unit}s."
    return Plot(
        "Loss while learning", words, unit.capitalize(), "Loss", across.ticks(), up.ticks(), lines=(path([(across(x), up(y)) for x, y in known]),)
    )


def path(points: Iterable[Point]) -> str:
    """The points of an SVG polyline."""
    return " ".join(f"{x:g},{y:g}" for x, y in points)


def _horizontal(low: float, high: float) -> Scale:
    return Scale(low, high, LEFT, WIDTH - RIGHT)


def _vertical(low: float, high: float) -> Scale:
    return Scale(low, high, HEIGHT - BOTTOM, TOP)


def _label(value: float, step: float, *, percent: bool) -> str:
    shown, unit = (value * 100, " %") if percent else (value, "")
    digits = max(0, -math.floor(math.log10(step * (100 if percent else 1)) + 1e-9))
    return f"{shown:.{digits}f}{unit}"
