"""A title's curve and its scenes as the page shows them, beside what is usual of titles of like length. Pure."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from engagement.editors.curve import PEAK_WORDS, Moment, clock
from engagement.retention import likeness
from engagement.retention.intervals import Share
from engagement.retention.likeness import FEWEST_VIEWS, Figures
from engagement.retention.peaks import peaks
from engagement.retention.selectors import NOTHING, FilmScene, of_film

from .shapes import PLACES, rounded, share

MEASURES = ("completed", "skipped", "rewound", "left", "left_after", "tightened")
# What can be compared with scenes at a like place: what follows a scene, and what the Director cut, are no habit of viewers.
COMPARED = ("completed", "skipped", "rewound", "left")
Films = Mapping[int, Sequence[FilmScene]]


def moments(found: Sequence[Moment], viewings: int, others: Sequence[int], films: Films, figures: Figures) -> list[dict[str, Any]]:
    """``saw`` counts sessions once, with its interval; ``retention`` counts every view, so that it exceeds 1 where viewers go back;
    ``usual`` is what is usual of titles of like length, between the beginnings of their scenes."""
    end = found[-1].at + found[-1].seconds if found else 0.0
    usual = usual_reach([(one.at + one.seconds / 2) / end for one in found], others, films, figures)
    return [
        {
            "scene": one.scene.id, "at": round(one.at, 2), "seconds": round(one.seconds, 2), "retention": rounded(one.retention),
            "saw": share(Share(max(0, one.figures.views - one.figures.again), viewings)), "left": one.figures.left,
            "skipped": one.figures.skipped, "rewound_to": one.figures.rewound_to, "left_out": one.figures.left_out, "usual": reach,
        }
        for one, reach in zip(found, usual, strict=True)
    ]  # fmt: skip


def marks(found: Sequence[Moment], viewings: int) -> list[dict[str, Any]]:
    """Bumps, dips and drops beyond what chance makes of the film's average; see `engagement.retention.peaks`."""
    told = []
    for peak in peaks([one.figures for one in found], viewings):
        first, last = found[peak.first], found[peak.last]
        told.append({
            "kind": peak.kind, "scene": first.scene.id, "from": round(first.at, 2), "to": round(last.at + last.seconds, 2), "count": peak.count,
            "share": rounded(peak.share), "usual": rounded(peak.usual),
            "words": f"{clock(first.at)} to {clock(last.at + last.seconds)}, {first.scene.name}: {peak.share:.1%} {PEAK_WORDS[peak.kind]},"
            f" {peak.usual:.1%} is usual in this film ({peak.count} times)",
        })  # fmt: skip
    return told


def scenes(film: Sequence[FilmScene], about: Mapping[int, Mapping[str, Any]], films: Films, figures: Figures) -> list[dict[str, Any]]:
    """``about``: mood, intensity and whether a break may follow, by scene."""
    if not film:
        return []
    title = film[0].title
    others, whole = likeness.like_titles(films, title), of_film(figures, title).starts
    return [
        {
            "id": one.id, "position": one.position, "name": one.name, "optional": one.optional, "seconds": round(one.seconds, 2),
            "at": round(one.at, 2), **about[one.id], **_figures(one, whole, others, films, figures),
        }
        for one in film
    ]  # fmt: skip


def _figures(scene: FilmScene, whole: int, others: Sequence[int], films: Films, figures: Figures) -> dict[str, Any]:
    own, usual = figures.get((scene.title, scene.id), NOTHING), likeness.usual_at(scene, others, films, figures)
    known = usual.starts >= FEWEST_VIEWS
    return {
        # A scene that the Director brings forward may begin before one that is before it: reach is of the film, not of the scene before.
        "reached": share(Share(own.starts, whole)),
        "measures": {name: share(own.share(name)) for name in MEASURES},
        "usual": {name: rounded(usual.share(name).value) for name in COMPARED} if known else None,
        "apart": {name: _apart(own.share(name), usual.share(name)) for name in COMPARED} if known else {},
        "watched": rounded(own.watched),
        "usual_watched": rounded(usual.watched) if known else None,
        "usual_of": usual.starts,
    }


def _apart(own: Share, usual: Share) -> str:
    """On which side of what is usual the interval lies wholly; empty where it holds it."""
    if own.value is None or usual.value is None:
        return ""
    return "more" if own.low > usual.value else "less" if own.high < usual.value else ""


def usual_reach(places: Sequence[float], others: Sequence[int], films: Films, figures: Figures) -> list[float | None]:
    """Which share of who began a title of like length was still there at these parts 0-1 of its length, each title weighted by its views;
    None where no such title has `FEWEST_VIEWS`."""
    total, weights = np.zeros(len(places)), 0
    for other in others:
        begun = of_film(figures, other).starts
        required = [scene for scene in films[other] if not scene.optional]
        length = sum(scene.seconds for scene in films[other])
        if begun < FEWEST_VIEWS or not length or not required:
            continue
        at = [*(scene.at / length for scene in required), 1.0]
        reach = [*(figures.get((other, scene.id), NOTHING).starts / begun for scene in required), of_film(figures, other).completed / begun]
        total += begun * np.interp(places, at, reach)
        weights += begun
    return [round(float(value), PLACES) for value in total / weights] if weights else [None] * len(places)


def half_life(film: Sequence[FilmScene], figures: Figures) -> float | None:
    """The part 0-1 of the film at which half of who began it had gone, between the beginnings of its scenes and its end; None where more
    than half see the end, or fewer than `FEWEST_VIEWS` began."""
    whole = of_film(figures, film[0].title) if film else NOTHING
    required = [scene for scene in film if not scene.optional]
    if whole.starts < FEWEST_VIEWS or not required:
        return None
    length = sum(scene.seconds for scene in film)
    points = [(scene.at / length if length else 0.0, figures.get((scene.title, scene.id), NOTHING).starts / whole.starts) for scene in required]
    points.append((1.0, whole.completed / whole.starts))
    for (a, before), (b, after) in itertools.pairwise(points):
        if before >= 0.5 > after:
            return round(a + (b - a) * (before - 0.5) / (before - after), 6)
    return None
