"""The stream of one title's page: how it holds its viewers, scene by scene, what the Director did, and what its breaks cost.

Nothing of it is money, whoever watches: a stream's body is shared by all of its readers, and editors are among them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any

from django.db.models import Q, Sum

from adplatform.eventlog.rollup import truncate
from catalog.models import Title
from engagement.editors.curve import moments_of
from engagement.models import PlaybackDay
from engagement.retention import likeness, selectors
from engagement.retention.selectors import Window
from insights.live.streams import Kind, Stream, one_of

from . import film, worked
from .shapes import ratio, share

DAYS = ("7", "28")
MOST_DAYS = DAYS[-1]
SLUG = re.compile(r"[-a-zA-Z0-9_]{1,120}")


def slug(value: str) -> str:
    """Raises ValueError in words."""
    if not SLUG.fullmatch(value):
        raise ValueError(f"{value!r} is no title's address; it is the last part of its page's, such as ember-coast")
    return value


def window_of(now: datetime, days: int) -> Window:
    """The last so many UTC days, today among them."""
    return Window(now.date() - timedelta(days=days - 1), now.date())


def names_of(title: int, days: int) -> tuple[str, str]:
    """What of the page is worked out beforehand."""
    return f"title:{title}:{days}", f"precursors:{days}"


def build(stream: Stream, now: datetime) -> Mapping[str, Any]:
    days = stream.number("days") or int(MOST_DAYS)
    title = Title.objects.filter(slug=stream.get("title")).first()
    if title is None:
        return {"missing": "There is no such title any more."}
    window = window_of(now, days)
    heavy, precursors = worked.last(names_of(title.pk, days))
    return {
        "title": {"name": title.name, "slug": title.slug, "published": title.published},
        "days": days,
        "first_day": window.first.isoformat(),
        **_watched(title, window),
        "daily": _daily(title, window),
        "worked_at": heavy and heavy["worked_at"],
        **{part: heavy and heavy[part] for part in ("director", "breaks", "who", "ratings", "sessions_told")},
        "precursors": precursors and _own(precursors, title),
    }


def _watched(title: Title, window: Window) -> dict[str, Any]:
    """From the day tables. Five queries."""
    scenes = list(title.scenes.select_related("asset").order_by("position"))
    films = selectors.scenes_of()
    if title.pk not in films:
        films |= selectors.scenes_of([title.pk])
    own, others = films.get(title.pk, []), likeness.like_titles(films, title.pk)
    figures = selectors.scene_figures(window, [title.pk, *others])
    whole = selectors.of_film(figures, title.pk)
    segments = {scene.pk: [float(one["duration"]) for one in scene.asset.segments] if scene.asset else [] for scene in scenes}
    found = moments_of(own, segments, selectors.moment_figures(window, title.pk), whole.starts)
    about = {one.pk: {"mood": one.get_mood_display(), "intensity": one.intensity, "break_after": one.break_after} for one in scenes}
    return {
        "seconds": round(selectors.film_seconds(own), 2),
        "views": whole.starts,
        "film": {name: share(whole.share(name)) for name in ("completed", "left", "skipped", "rewound")} | {"complaints": whole.complaints},
        "half_life": film.half_life(own, figures),
        "like_titles": len(others),
        "moments": film.moments(found, whole.starts, others, films, figures),
        "marks": film.marks(found, whole.starts),
        "scenes": film.scenes(own, about, films, figures),
    }


def _daily(title: Title, window: Window) -> dict[str, Any]:
    """Sessions, endings and hours of each UTC day, none left out, from the rollup that moves with every event. One query."""
    sums = {"sessions_": Sum("sessions"), "finished_": Sum("finished"), "watched_": Sum("watch_milliseconds")}
    sums["synthetic_"] = Sum("sessions", filter=Q(synthetic=True), default=0)
    rows = PlaybackDay.objects.filter(title_id=title.pk, bucket__date__gte=window.first, bucket__date__lte=window.last)
    found: dict[date, dict[str, Any]] = {truncate(row["bucket"], "day").date(): dict(row) for row in rows.values("bucket").annotate(**sums)}
    days = [window.first + timedelta(days=back) for back in range(window.days)]
    told = {name: [found.get(day, {}).get(f"{name}_", 0) for day in days] for name in ("sessions", "finished", "watched", "synthetic")}
    return {
        "days": [day.isoformat() for day in days],
        "sessions": told["sessions"],
        "finished": told["finished"],
        "hours": [round(one / 3_600_000, 4) for one in told["watched"]],
        "total": sum(told["sessions"]),
        "synthetic": ratio(sum(told["synthetic"]), sum(told["sessions"])),
    }


def _own(precursors: Mapping[str, Any], title: Title) -> dict[str, Any]:
    """What of the comparison of all titles is about this one."""

    def first(rows: list[dict[str, Any]]) -> dict[str, Any] | None:
        return next((one for one in rows if one["slug"] == title.slug), None)

    return {
        "worked_at": precursors["worked_at"],
        "horizon_days": precursors["horizon_days"],
        "least_views": precursors["least_views"],
        "scenes": [one for one in precursors["of_scenes"].values() if one["slug"] == title.slug],
        "title": first(precursors["titles"]),
        "not_back": first(precursors["not_back"]),
    }


TITLE = Kind("title", build, every=10.0, takes={"title": slug, "days": one_of(*DAYS)}, needs=("title",), audience="content")
