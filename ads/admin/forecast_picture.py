"""A forecast as pictures and words: delivery against the goal as a curve, who takes what, and whom it reaches."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings

from ads.forecast import words
from ads.forecast.foresight import Told
from ads.terms import MICROS

# The picture's size and margins, in its own units.
WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 720, 260, 88, 12, 12, 30
WHERE = {
    "won": ("It wins", "good"), "lost": ("Other flights win", "bad"), "paced": ("Left out to last until its end", "calm"),
    "capped": ("Stopped by its caps", "mind"), "finished": ("After its goal or budget is reached", "calm"),
    "waited": ("Another sponsor's turn", "calm"), "below_reserve": ("Worth less than the reserve price", "bad"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Curve:
    """An SVG: points of the expected line, of the band around it and of the goal line, with marks of both axes (place, words)."""

    line: str
    band: str
    goal: float | None
    goal_words: str
    across: tuple[tuple[float, str], ...]
    up: tuple[tuple[float, str], ...]
    words: str


def amount(told: Told, value: float, *, unit: bool = False) -> str:
    return words.amount(told.goal_type, value, settings.CURRENCY, unit=unit)


def curve(told: Told) -> Curve | None:
    """Delivery from today to the flight's end; None where nothing is expected of it."""
    if len(told.days) < 2 or told.expected is None:
        return None
    first, last = told.days[0].at, told.days[-1].at
    most = max(told.goal or 0, *(day.high for day in told.days), 1e-9)
    top = _round(most, told.goal_type)

    def x(at: datetime) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * ((at - first) / max(last - first, timedelta(seconds=1)))

    def y(value: float) -> float:
        return HEIGHT - BOTTOM - (HEIGHT - BOTTOM - TOP) * min(value / top, 1.0)

    def points(pairs: Sequence[tuple[datetime, float]]) -> str:
        return " ".join(f"{x(at):.1f},{y(value):.1f}" for at, value in pairs)

    return Curve(
        line=points([(day.at, day.expected) for day in told.days]),
        band=points([*((day.at, day.high) for day in told.days), *((day.at, day.low) for day in reversed(told.days))]),
        goal=None if told.goal is None else y(told.goal),
        goal_words="" if told.goal is None else f"Goal {amount(told, told.goal)}",
        across=tuple((x(at), f"{at:%d %b}") for at in _moments(first, last)),
        up=tuple((y(top * part), amount(told, top * part)) for part in (0.0, 0.5, 1.0)),
        words=f"Expected delivery from {first:%d %b} to {last:%d %b %Y}: {amount(told, told.expected, unit=True)}, "
        f"between {amount(told, told.low or 0)} and {amount(told, told.high or 0)} in nine cases of ten.",
    )


def _round(most: float, goal_type: str) -> float:
    """The next figure that is easy to read."""
    unit = MICROS if goal_type == "spend" else 1
    most = max(most / unit, 1e-3 if goal_type == "spend" else 1.0)
    scale = 10.0 ** math.floor(math.log10(most))
    return unit * scale * next(step for step in (1, 2, 2.5, 4, 5, 8, 10) if step * scale >= most)


def _moments(first: datetime, last: datetime) -> list[datetime]:
    """About five moments, from the first to the last."""
    length = last - first
    return [first + length * part / 4 for part in range(5)] if length >= timedelta(days=4) else [first, last]


def figures(told: Told) -> list[tuple[str, str, str]]:
    """(name, figure, what it is beside) of what is expected."""
    if told.expected is None:
        return []
    low, high = amount(told, told.low or 0), amount(told, told.high or 0)
    between = f"{low} to {high} in nine cases of ten" if low != high else "as good as certain"
    goal = f" of {amount(told, told.goal, unit=True)}" if told.goal else ""
    found = [("Expected at its end", amount(told, told.expected, unit=not goal) + goal, between)]
    if told.reaches is not None:
        found.append(("Of its goal", f"{min(told.reaches, 1.0):.0%}", f"{amount(told, told.delivered)} delivered so far" if told.delivered else ""))
    found += [
        ("It would spend", f"{told.spend / MICROS:,.2f} {settings.CURRENCY}", "from now on"),
        ("Available impressions", _about(told.available), "with no other flight in its way, within its caps"),
        ("Unique viewers available", _about(told.available_viewers), _playbacks(told.available_sessions)),
        ("It would reach", f"{_about(told.viewers)} viewers", _playbacks(told.sessions)),
        ("Average frequency", f"{told.mean_frequency:.1f}", "impressions for each of them"),
    ]
    return found


def _about(value: float) -> str:
    """Three figures are more than a sample tells."""
    return f"{float(f'{value:.3g}'):,.0f}"


def _playbacks(sessions: float) -> str:
    return f"and {_about(sessions)} playbacks without consent" if sessions >= 1 else "all of them known by consent"


def frequency(told: Told) -> list[dict[str, Any]]:
    """How many viewers are served how often, as bars."""
    most = max(told.frequency, default=0.0)
    if not most:
        return []
    return [
        {"times": f"{times}" if times < len(told.frequency) else f"{times} or more", "viewers": _about(value), "width": round(100 * value / most)}
        for times, value in enumerate(told.frequency, 1)
        if value >= 0.5
    ]


def where(told: Told) -> list[dict[str, Any]]:
    """What becomes of the breaks it matches, as parts of one bar."""
    begins, found = 0.0, []
    for name, share in told.where:
        if share >= 0.002:
            words_, kind = WHERE[name]
            found.append(
                {"words": words_, "kind": kind, "share": f"{share:.1%}" if share < 0.1 else f"{share:.0%}", "x": begins * 1000, "width": share * 1000}
            )
            begins += share
    return found
