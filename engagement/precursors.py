"""What precedes leaving, as data for dashboards: scenes and titles that lose more viewers than their like, and titles after which viewers
did not come back.

Each is compared with what is usual of others, and ranked by the lower bound of its excess: what may be chance stands below what is not.
Aggregates alone; no row names a viewer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection

from catalog.models import Title

from .retention import likeness
from .retention.intervals import Difference, Share, difference
from .retention.likeness import Figures
from .retention.selectors import NOTHING, FilmScene, Window, of_film, scene_figures, scenes_of

LEAST_VIEWS = 50
MOST_ROWS = 50
# Only of viewers who agreed that what they watch is remembered beyond a session: without that nobody knows who came back.
RETURNS = """
WITH watched AS (
  SELECT id, viewer_id, title_id, synthetic, started_at, last_seen_at,
    lead(started_at) OVER (PARTITION BY viewer_id ORDER BY started_at, id) AS following
  FROM engagement_playbacksession
  WHERE viewer_id IS NOT NULL AND consent AND started_at >= %(since)s AND started_at < %(now)s
), pairs AS (
  SELECT viewer_id, title_id, bool_or(following IS NULL OR following > last_seen_at + %(horizon)s) AS lost
  FROM watched
  WHERE started_at < %(until)s AND last_seen_at <= %(now)s - %(horizon)s AND (%(synthetic)s::boolean IS NULL OR synthetic = %(synthetic)s)
  GROUP BY viewer_id, title_id
)
SELECT title_id, count(*), count(*) FILTER (WHERE lost) FROM pairs GROUP BY title_id
"""


@dataclass(frozen=True, slots=True)
class Precursor:
    """``lost`` is the share that left, ``usual`` that of its like, ``excess`` the difference. ``scene`` None: the title as a whole."""

    title: int
    title_name: str
    scene: int | None
    scene_name: str
    lost: Share
    usual: Share
    excess: Difference

    @property
    def stands_out(self) -> bool:
        """Whether more is lost than usual beyond doubt."""
        return self.excess.low > 0


def scenes_before_leaving(window: Window, *, least_views: int = LEAST_VIEWS, most: int = MOST_ROWS) -> list[Precursor]:
    """Scenes in the middle of which viewers left, against scenes at a like place of titles of like length. Three queries."""
    films, figures = scenes_of(), scene_figures(window)
    return scene_excess(films, figures, _names(films), least_views=least_views)[:most]


def titles_before_leaving(window: Window, *, least_views: int = LEAST_VIEWS, most: int = MOST_ROWS) -> list[Precursor]:
    """Titles that were left before their end, against titles of like length. Three queries."""
    films, figures = scenes_of(), scene_figures(window)
    return title_excess(films, figures, _names(films), least_views=least_views)[:most]


def last_before_not_coming_back(
    *,
    since: datetime,
    until: datetime,
    now: datetime,
    horizon: timedelta,
    synthetic: bool | None = None,
    least_views: int = LEAST_VIEWS,
    most: int = MOST_ROWS,
) -> list[Precursor]:
    """Titles after which viewers began nothing within ``horizon``, against all other titles. A viewer counts once for a title, and only
    where the horizon is over at ``now``. Two queries."""
    asked: dict[str, Any] = {"since": since, "until": until, "now": now, "horizon": horizon, "synthetic": synthetic}
    with connection.cursor() as cursor:
        cursor.execute(RETURNS, asked)
        counts = {title: Share(lost, viewers) for title, viewers, lost in cursor.fetchall()}
    return return_excess(counts, _names(counts), least_views=least_views)[:most]


def scene_excess(
    films: Mapping[int, Sequence[FilmScene]], figures: Figures, names: Mapping[int, str], *, least_views: int = LEAST_VIEWS
) -> list[Precursor]:
    """Pure. Scenes, and what is usual of them, with fewer views than ``least_views`` are left out; the most certain excess first."""
    found = []
    for title, scenes in films.items():
        others = likeness.like_titles(films, title)
        for scene in scenes:
            own, usual = figures.get((title, scene.id), NOTHING), likeness.usual_at(scene, others, films, figures)
            found.append(_compared(own.share("left"), usual.share("left"), title, names, scene))
    return _ranked(found, least_views)


def title_excess(
    films: Mapping[int, Sequence[FilmScene]], figures: Figures, names: Mapping[int, str], *, least_views: int = LEAST_VIEWS
) -> list[Precursor]:
    """Pure; as `scene_excess`, of whole titles."""
    found = []
    for title in films:
        others = [of_film(figures, other) for other in likeness.like_titles(films, title)]
        usual = Share(sum(other.left for other in others), sum(other.starts for other in others))
        found.append(_compared(of_film(figures, title).share("left"), usual, title, names, None))
    return _ranked(found, least_views)


def return_excess(counts: Mapping[int, Share], names: Mapping[int, str], *, least_views: int = LEAST_VIEWS) -> list[Precursor]:
    """Pure. ``counts``: by title, of how many viewers so many did not come back."""
    lost, viewers = sum(one.count for one in counts.values()), sum(one.of for one in counts.values())
    found = [_compared(own, Share(lost - own.count, viewers - own.of), title, names, None) for title, own in counts.items()]
    return _ranked(found, least_views)


def _compared(own: Share, usual: Share, title: int, names: Mapping[int, str], scene: FilmScene | None) -> Precursor | None:
    excess = difference(own, usual)
    if excess is None:
        return None
    return Precursor(title, names.get(title, ""), scene.id if scene else None, scene.name if scene else "", own, usual, excess)


def _ranked(found: Sequence[Precursor | None], least_views: int) -> list[Precursor]:
    known = [one for one in found if one is not None and min(one.lost.of, one.usual.of) >= least_views]
    return sorted(known, key=lambda one: (-one.excess.low, one.title, one.scene or 0))


def _names(titles: Mapping[int, object]) -> dict[int, str]:
    return dict(Title.objects.filter(pk__in=list(titles)).values_list("pk", "name"))
