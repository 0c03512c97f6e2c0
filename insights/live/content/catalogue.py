"""The stream of the content page: what is asked for beside what is on offer, by genre and mood, and how each title holds its viewers.

Nothing of it is money, whoever watches. It is worked out whole by a worker (`weighed`); a tick only reads it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
from django.db.models import Avg, Count

from engagement.director import relative
from engagement.models import Rating
from engagement.retention import likeness, selectors
from engagement.retention.intervals import Share, difference
from engagement.retention.likeness import Figures
from engagement.retention.selectors import NOTHING, FilmScene, Window, film_seconds, of_film
from insights.live.streams import Kind, Stream

from . import demand, film, supply, worked
from .demand import Index
from .shapes import gap, ratio, rounded, share
from .supply import Offered
from .title import window_of

DAYS = 28
NAMES = ("content", f"precursors:{DAYS}")
TREND = timedelta(days=7)
PRECURSORS = ("losing", "holding", "titles", "not_back", "scenes", "horizon_days", "least_views")


def build(stream: Stream, now: datetime) -> Mapping[str, Any]:
    weighed, precursors = worked.last(NAMES)
    return {
        "days": DAYS,
        "first_day": window_of(now, DAYS).first.isoformat(),
        "worked_at": weighed and weighed["worked_at"],
        "weighed": weighed,
        "precursors": precursors and {name: precursors[name] for name in PRECURSORS},
    }


CONTENT = Kind("content", build, every=30.0, audience="content")


@dataclass(frozen=True, slots=True)
class Catalogue:
    """What can be watched, and what was done with it in ``window``."""

    titles: Sequence[Offered]
    films: Mapping[int, Sequence[FilmScene]]
    figures: Figures
    window: Window

    def minutes(self, title: int) -> float:
        return film_seconds(self.films.get(title, ())) / 60

    def seen(self, title: int) -> float:
        """Minutes of film, each moment once a session."""
        return of_film(self.figures, title).seen_milliseconds / 60_000


def read(window: Window) -> Catalogue:
    """Titles whose film is packaged. Four queries."""
    films = selectors.scenes_of()
    ready = [one for one in supply.offered() if film_seconds(films.get(one.id, ()))]
    return Catalogue(ready, films, selectors.scene_figures(window), window)


def weighed(*, now: datetime) -> dict[str, Any]:
    """Everything of the page but what precedes leaving, JSON-ready."""
    window = window_of(now, DAYS)
    found, daily = read(window), supply.sessions_by_day(window)
    genres, moods = _genres(found), _moods(found)
    usual = float(np.mean([found.minutes(one.id) for one in found.titles])) if found.titles else 0.0
    return {
        "titles_on_offer": len(found.titles),
        "titles_watched": sum(of_film(found.figures, one.id).starts > 0 for one in found.titles),
        "views": sum(of_film(found.figures, one.id).starts for one in found.titles),
        "hours": rounded(sum(found.seen(one.id) for one in found.titles) / 60),
        "synthetic": _synthetic(found),
        "genres": genres,
        "moods": moods,
        "opportunities": _opportunities(genres, moods, usual, _rate(found)),
        "caveats": _caveats(genres, moods),
        "titles": _titles(found, daily, now),
    }


def _synthetic(found: Catalogue) -> float | None:
    made = selectors.scene_figures(Window(found.window.first, found.window.last, synthetic=True), [one.id for one in found.titles])
    return ratio(sum(of_film(made, one.id).starts for one in found.titles), sum(of_film(found.figures, one.id).starts for one in found.titles))


def _rate(found: Catalogue) -> float:
    """Minutes watched for each minute on offer."""
    offered = sum(found.minutes(one.id) for one in found.titles)
    return sum(found.seen(one.id) for one in found.titles) / offered if offered else 0.0


# By genre


def _genres(found: Catalogue) -> list[dict[str, Any]]:
    """A title counts in each of its genres, so their shares add up to more than one."""
    names, noise = supply.genre_names(), supply.noise(found.window)
    suggested, (favourite, named) = supply.suggested(found.window), supply.favourites()
    ids = np.array([one.id for one in found.titles], dtype=np.int64)
    seen, minutes = (np.array([of(one.id) for one in found.titles], dtype=np.float64) for of in (found.seen, found.minutes))
    spread = np.array([noise.get(one.id, 0.0) for one in found.titles], dtype=np.float64)
    there = sorted({slug for one in found.titles for slug in one.genres})
    rows = []
    for slug in there:
        of = [one for one in found.titles if slug in one.genres]
        member = np.array([slug in one.genres for one in found.titles], dtype=bool)
        weight = demand.index(seen, minutes, member, ids, spread, kinds=len(there))
        taken = [suggested.get(one.id, Share(0, 0)) for one in of]
        rows.append({
            "slug": slug, "name": names.get(slug, slug), **_index(weight), "words": demand.words(names.get(slug, slug), weight, unit="the minutes"),
            "minutes": rounded(float(minutes[member].sum())), "hours": rounded(float(seen[member].sum()) / 60),
            "titles": [{"name": one.name, "slug": one.slug} for one in of], **_completion(found, of),
            "suggested": share(Share(sum(one.count for one in taken), sum(one.of for one in taken))),
            "favourite": {"count": favourite[slug], "of": named} if slug in favourite else None,
        })  # fmt: skip
    return sorted(rows, key=_by_certainty)


def _completion(found: Catalogue, titles: Sequence[Offered]) -> dict[str, Any]:
    """Views that came to the film's end, beside those of titles of like length that are not of the kind."""
    own = {one.id for one in titles}
    alike = {other for one in own for other in likeness.like_titles(found.films, one)} - own
    told, usual = (_pooled(found, ids) for ids in (own, alike))
    return {"completed": share(told), "usual_completed": share(usual), "completed_gap": gap(difference(told, usual))}


def _pooled(found: Catalogue, titles: set[int]) -> Share:
    whole = [of_film(found.figures, one) for one in titles]
    return Share(sum(one.completed for one in whole), sum(one.starts for one in whole))


# By mood


def _moods(found: Catalogue) -> list[dict[str, Any]]:
    """Of scenes, against what was put before viewers who were still there: a scene late in a film is not held against its mood."""
    of_scene = supply.moods()
    scenes = [scene for one in found.titles for scene in found.films[one.id]]
    told = [found.figures.get((scene.title, scene.id), NOTHING) for scene in scenes]
    seen = np.array([one.seen_milliseconds / 60_000 for one in told], dtype=np.float64)
    offered = np.array([one.offered_milliseconds / 60_000 for one in told], dtype=np.float64)
    starts = np.array([one.starts for one in told], dtype=np.float64)
    # The most that the watching of a scene can vary, given how much of it was watched in all: whole or not at all.
    part = np.divide(seen, offered, out=np.zeros(len(seen)), where=offered > 0)
    spread = np.divide(part * (1 - part) * offered**2, starts, out=np.zeros(len(seen)), where=starts > 0)
    group = np.array([scene.title for scene in scenes], dtype=np.int64)
    length = sum(scene.seconds for scene in scenes)
    there = sorted({of_scene[scene.id] for scene in scenes})
    rows = []
    for mood in there:
        member = np.array([of_scene[scene.id] == mood for scene in scenes], dtype=bool)
        weight = demand.index(seen, offered, member, group, spread, kinds=len(there))
        of = sum(scene.seconds for scene in scenes if of_scene[scene.id] == mood)
        rows.append({
            "slug": mood.lower(), "name": mood, **_index(weight), "catalogue": ratio(of, length),
            "words": demand.words(f"{mood.lower()} scenes", weight, unit="the minutes put before viewers"),
            "minutes": rounded(of / 60), "hours": rounded(float(seen[member].sum()) / 60),
            "watched": ratio(float(seen[member].sum()), float(offered[member].sum())), "starts": int(starts[member].sum()),
        })  # fmt: skip
    return sorted(rows, key=_by_certainty)


def _index(found: Index) -> dict[str, Any]:
    return {
        "units": found.units, "groups": found.groups, "demand": rounded(found.demand), "supply": rounded(found.supply),
        "index": rounded(found.value), "low": rounded(found.low), "high": rounded(found.high), "basis": found.basis, "verdict": found.verdict,
    }  # fmt: skip


def _by_certainty(row: Mapping[str, Any]) -> tuple[bool, float, str]:
    """What is surely asked for first; what cannot be told last."""
    return row["verdict"] == "not enough evidence", -(row["low"] or 0.0), row["name"]


def _opportunities(genres: Sequence[Mapping[str, Any]], moods: Sequence[Mapping[str, Any]], usual: float, rate: float) -> list[dict[str, Any]]:
    """What is asked for more than it is offered beyond doubt, the surest first. ``hours``: what a film of the usual length would draw in the
    window at the rate of its genre."""
    found = []
    for kind, rows in (("genre", genres), ("mood", moods)):
        for row in rows:
            if row["verdict"] != "more":
                continue
            hours = [rounded(row[name] * rate * usual / 60) for name in ("index", "low", "high")] if kind == "genre" else None
            found.append({"kind": kind, "name": row["name"], "slug": row["slug"], "low": row["low"], "words": row["words"], "hours": hours})
    return sorted(found, key=lambda one: (-one["low"], one["name"]))


def _caveats(genres: Sequence[Mapping[str, Any]], moods: Sequence[Mapping[str, Any]]) -> list[str]:
    told = []
    for kind, rows in (("genre", genres), ("mood", moods)):
        if few := [row["name"] for row in rows if row["groups"] < demand.FEWEST_TITLES]:
            told.append(
                f"Fewer than {demand.FEWEST_TITLES} titles hold the {kind if len(few) == 1 else kind + 's'} {', '.join(few)}."
                " What looks like a taste for such a kind may be a taste for these titles alone."
            )
    return told


# Title by title


def _titles(found: Catalogue, daily: Mapping[int, Mapping[date, int]], now: datetime) -> list[dict[str, Any]]:
    stars = {title: (mean, n) for title, mean, n in Rating.objects.values_list("title_id").annotate(mean=Avg("stars"), n=Count("pk")).order_by()}
    rows = [_title(one, found, daily.get(one.id, {}), stars.get(one.id, (None, 0)), now) for one in found.titles]
    return sorted(rows, key=lambda row: (-row["hours"], row["name"]))


def _title(one: Offered, found: Catalogue, daily: Mapping[date, int], stars: tuple[float | None, int], now: datetime) -> dict[str, Any]:
    whole, scenes = of_film(found.figures, one.id), found.films[one.id]
    standing = relative.standing(one.id, now=now)
    days = [found.window.first + timedelta(days=back) for back in range(found.window.days)]
    return {
        "name": one.name, "slug": one.slug, "genres": sorted(one.genres), "minutes": rounded(found.minutes(one.id)),
        "views": whole.starts, "hours": rounded(found.seen(one.id) / 60), "completed": share(whole.share("completed")),
        "watched": rounded(likeness.share_of_film(found.films, found.figures, one.id)),
        "percentile": rounded(standing.percentile) if standing else None, "alike": standing.titles if standing else 0,
        "half_life": film.half_life(scenes, found.figures), "stars": rounded(stars[0]), "ratings": stars[1],
        "daily": [daily.get(day, 0) for day in days], "trend": trend(daily, now.date()),
    }  # fmt: skip


def trend(daily: Mapping[date, int], today: date) -> dict[str, Any] | None:
    """Sessions of the seven whole days before ``today`` over those of the seven before, with a 95 % interval: given their sum, the count of
    the later week is binomial (Przyborowski and Wilenski 1940). None where either week has none."""
    weeks = [sum(daily.get(today - timedelta(days=back), 0) for back in days) for days in (range(1, 8), range(8, 15))]
    if not all(weeks):
        return None
    of = Share(weeks[0], sum(weeks))
    return {"value": rounded(weeks[0] / weeks[1]), "low": rounded(of.low / (1 - of.low)), "high": rounded(of.high / (1 - of.high)), "weeks": weeks}
