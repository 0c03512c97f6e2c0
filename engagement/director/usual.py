"""How much of a title is usually watched: what attention is compared with."""

from __future__ import annotations

import time
from datetime import datetime, timedelta

from django.db.models import F, Sum

from catalog.models import Scene
from engagement.models import PlaybackDay

HISTORY = timedelta(days=28)
KEPT_SECONDS = 60.0
# With fewer scenes begun the share says more about chance than about the title.
FEWEST_STARTS = 30
_kept: dict[int, tuple[float, float | None]] = {}


def of_title(title_id: int) -> float | None:
    """Share 0-1 of the scenes begun that was watched, over four weeks, from memory; None while too few were, or nobody has read it."""
    return _kept.get(title_id, (0.0, None))[1]


def keep_fresh(title_id: int, *, now: datetime) -> None:
    """Read the figure where it is a minute old; called where nobody waits for a decision."""
    read_at, _ = _kept.get(title_id, (float("-inf"), None))
    if time.monotonic() - read_at > KEPT_SECONDS:
        _kept[title_id] = (time.monotonic(), _share(title_id, now))


def _share(title_id: int, now: datetime) -> float | None:
    days = PlaybackDay.objects.filter(title_id=title_id, scene_id__gt=0, bucket__gte=now - HISTORY, bucket__lte=now)
    figures = days.values("scene_id").annotate(starts=Sum("scene_starts"), watched=Sum("watch_milliseconds"))
    durations = dict(Scene.objects.filter(title_id=title_id).values_list("id", F("asset__duration")))
    shown = sum(row["starts"] * (durations.get(row["scene_id"]) or 0) for row in figures)
    if not shown or sum(row["starts"] for row in figures) < FEWEST_STARTS:
        return None
    return float(min(1.0, sum(row["watched"] for row in figures) / 1000 / shown))


def forget() -> None:
    """The next `keep_fresh` reads anew; between tests."""
    _kept.clear()
