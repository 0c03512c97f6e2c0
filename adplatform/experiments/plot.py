"""How an effect and its interval moved from look to look, as an SVG without script or style of its own. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.utils.html import format_html
from django.utils.safestring import SafeString

WIDTH, HEIGHT = 720, 220
LEFT, RIGHT, TOP, BOTTOM = 74, 12, 14, 26
MOST_POINTS = 240
# Early intervals are so wide that nothing else could be seen: the axis reaches this many times as far as the last interval.
REACH = 2.5


@dataclass(frozen=True, slots=True)
class Point:
    at: datetime
    effect: float
    low: float
    high: float


def sequence_svg(points: Sequence[Point], *, label: str, unit: str) -> SafeString | str:
    """The band of all intervals, the line of the effects and the line of no difference; "-" without points."""
    if not points:
        return "-"
    shown = thinned(points)
    bottom, top = _reach(shown[-1])
    begins, ends = shown[0].at, shown[-1].at
    span = max((ends - begins).total_seconds(), 1.0)

    def x(at: datetime) -> float:
        share = (at - begins).total_seconds() / span if len(shown) > 1 else 0.5
        return round(LEFT + share * (WIDTH - LEFT - RIGHT), 1)

    def y(value: float) -> float:
        inside = min(max(value, bottom), top)
        return round(TOP + (top - inside) / (top - bottom) * (HEIGHT - TOP - BOTTOM), 1)

    upper = [f"{x(point.at)},{y(point.high)}" for point in shown]
    lower = [f"{x(point.at)},{y(point.low)}" for point in reversed(shown)]
    line = " ".join(f"{x(point.at)},{y(point.effect)}" for point in shown)
    last = shown[-1]
    return format_html(
        '<svg class="sequence" viewBox="0 0 {} {}" role="img" aria-label="{}"><title>{}</title>'
        '<polygon class="sequence-band" points="{}"/><line class="sequence-zero" x1="{}" x2="{}" y1="{}" y2="{}"/>'
        '<polyline class="sequence-line" points="{}"/><circle class="sequence-last" cx="{}" cy="{}" r="4"/>'
        '<text class="sequence-axis" x="{}" y="{}" text-anchor="end">{}</text><text class="sequence-axis" x="{}" y="{}" text-anchor="end">{}</text>'
        '<text class="sequence-axis" x="{}" y="{}" text-anchor="end">0</text>'
        '<text class="sequence-axis" x="{}" y="{}">{}</text><text class="sequence-axis" x="{}" y="{}" text-anchor="end">{}</text></svg>',
        WIDTH, HEIGHT, label, f"{label}: {last.effect:.4g} {unit}, between {last.low:.4g} and {last.high:.4g}",
        " ".join([*upper, *lower]), LEFT, WIDTH - RIGHT, y(0), y(0), line, x(last.at), y(last.effect),
        LEFT - 8, TOP + 4, _number(top), LEFT - 8, HEIGHT - BOTTOM + 4, _number(bottom), LEFT - 8, y(0) + 4,
        LEFT, HEIGHT - 6, f"{begins:%d %b %H:%M}", WIDTH - RIGHT, HEIGHT - 6, f"{ends:%d %b %H:%M} UTC",
    )  # fmt: skip


def thinned(points: Sequence[Point]) -> Sequence[Point]:
    """At most `MOST_POINTS`, evenly, the last one among them."""
    if len(points) <= MOST_POINTS:
        return points
    step = (len(points) - 1) / (MOST_POINTS - 1)
    return [points[round(number * step)] for number in range(MOST_POINTS)]


def _reach(last: Point) -> tuple[float, float]:
    half = max(last.high - last.effect, last.effect - last.low, abs(last.effect) * 1e-6, 1e-12) * REACH
    # Without the zero nobody sees whether the interval leaves it out.
    low, high = min(last.effect - half, 0.0), max(last.effect + half, 0.0)
    room = (high - low) * 0.05
    return low - room, high + room


def _number(value: float) -> str:
    return f"{value:+.2g}"
