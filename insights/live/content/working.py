"""What the worker does for the pages of titles and content: each of the names of `worked`, from sessions and decisions."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from django.db.models import Avg, Count, StdDev

from catalog.models import Genre, Title
from engagement import segments
from engagement.models import Rating
from engagement.retention.selectors import Window
from insights.live import store
from insights.live.streams import BadStream, parse

from . import breaks, catalogue, decisions, precede, sessions, who, worked
from .breaks import Boundary, Cost
from .shapes import gap, rounded, share
from .title import MOST_DAYS, names_of, window_of

Z = 1.959964


def watched_names() -> list[str]:
    """What the streams that somebody watches are made of. Raises redis.RedisError."""
    found: dict[str, None] = {}
    for key in store.watched():
        try:
            stream = parse(key)
        except BadStream:
            continue  # Another release watches it.
        if stream.kind == "content":
            found |= dict.fromkeys(catalogue.NAMES)
        elif stream.kind == "title":
            title = Title.objects.filter(slug=stream.get("title")).values_list("pk", flat=True).first()
            if title is not None:
                found |= dict.fromkeys(names_of(title, stream.number("days") or int(MOST_DAYS)))
    return list(found)


def work_out(name: str, *, now: datetime) -> bool:
    """Whether it was done here; not where another worker is at it. Raises ValueError for a name that says nothing."""
    kind, *rest = name.split(":")
    if not worked.claim(name):
        return False
    try:
        worked.keep(name, _figures(kind, [int(one) for one in rest], now), now=now)
    finally:
        worked.done(name)
    return True


def _figures(kind: str, rest: Sequence[int], now: datetime) -> dict[str, Any]:
    match (kind, *rest):
        case ("title", int(title), int(days)):
            return of_title(title, window_of(now, days))
        case ("precursors", int(days)):
            return precede.found(window_of(now, days), now=now)
        case ("content",):
            return catalogue.weighed(now=now)
        case _:
            raise ValueError(f"nothing is called {kind}")


def of_title(title: int, window: Window) -> dict[str, Any]:
    told = sessions.told(title, window)
    names = segments.names(Genre.objects.values_list("slug", "name"))
    return {
        "sessions_told": {"n": len(told), "complete": len(told) < sessions.MOST_SESSIONS},
        "director": decisions.of_title(title, window),
        "breaks": _cost(breaks.costs(breaks.passings(told))),
        "who": who.groups(told, names),
        "ratings": ratings(title),
    }


def ratings(title: int) -> dict[str, Any]:
    """The mean of the newest stars of each viewer, of all time, with the 95 % interval of a mean; None with fewer than two."""
    found = Rating.objects.filter(title_id=title).aggregate(mean=Avg("stars"), spread=StdDev("stars", sample=True), n=Count("pk"))
    mean, n = found["mean"], found["n"]
    half = Z * found["spread"] / math.sqrt(n) if n > 1 else None
    return {
        "n": n, "value": rounded(mean),
        "low": None if half is None else rounded(max(1.0, mean - half)),
        "high": None if half is None else rounded(min(5.0, mean + half)),
    }  # fmt: skip


def _cost(found: Cost) -> dict[str, Any]:
    return {
        "breaks": found.breaks, "with_ads": found.with_ads, "without": found.without, "extra": gap(found.extra), "lost": gap(found.lost),
        "hours": gap(found.hours), "fewest": breaks.FEWEST_EACH, "words": words(found), "boundaries": [_boundary(one) for one in found.boundaries],
    }  # fmt: skip


def _boundary(one: Boundary) -> dict[str, Any]:
    figures = asdict(one)
    return {
        "scene": one.scene, "in_break": share(one.in_break), "with_ads": share(one.with_ads), "without": share(one.without),
        "causes": figures["causes"], "rest_seconds": rounded(one.rest_seconds), "cost": gap(one.cost),
    }  # fmt: skip


def words(found: Cost) -> str:
    """The cost of the breaks in a sentence that says what it is of."""
    if not found.breaks:
        return "No viewer has met a break with ads in this film in these days."
    counted = f"{found.breaks:,} breaks with ads, {found.without:,} passings of the same places without"
    if found.extra is None or found.lost is None or found.hours is None:
        return (
            f"Not enough to compare: {counted}, and {breaks.FEWEST_EACH} of each are needed where both are known."
            " Only the raw share that left is known, and some would have left anyway."
        )
    extra, lost, hours = found.extra, found.lost, found.hours
    of_hundred = f"(95 % {100 * extra.low:+.1f} to {100 * extra.high:+.1f}; {counted})"
    if extra.low <= 0 <= extra.high:
        return f"No clear difference where ads played: {100 * extra.value:+.1f} of 100 viewers gone by the end of the next scene {of_hundred}."
    side = "more" if extra.value > 0 else "fewer"
    return (
        f"Of 100 viewers {100 * abs(extra.value):.1f} {side} were gone by the end of the next scene where ads played than where none did"
        f" {of_hundred}. In these days that is {lost.value:,.0f} viewers ({lost.low:,.0f} to {lost.high:,.0f}), and {hours.value:,.2f} hours"
        f" of film ({hours.low:,.2f} to {hours.high:,.2f}) that they would have watched."
    )
