"""How well a title holds its viewers among titles of like length, and how far a playback has come among theirs.

Shorter films are watched to a larger share, whatever they are worth: the share of a film that is watched says more as a percentile among
films of about its length ("relative engagement", Wu, Rizoiu & Xie 2018, arXiv 1709.02541, section 4). There are bins of equally many
videos by duration; here each title is compared with those no more than a third longer or shorter, so none stands at the edge of its bin.
"""

from __future__ import annotations

import time
from bisect import bisect_left, bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from django.db.models import Sum
from numpy.typing import NDArray

from engagement.models import PlaybackDay, PlaybackSession
from engagement.retention.likeness import of_like_length

from .film import films
from .signals import WHOLE, Film, SessionSignals
from .story import IDLE_SECONDS

HISTORY = timedelta(days=28)
KEPT_SECONDS = 60.0
# With fewer sessions a title's share, with fewer titles a percentile, says more about chance.
FEWEST_SESSIONS = 30
FEWEST_TITLES = 5
FEWEST_PLAYBACKS = 100
# The latest of them stand for all: enough for a percentile, and quickly read.
MOST_PLAYBACKS = 20_000


@dataclass(frozen=True, slots=True)
class Standing:
    """A title of ``seconds`` among ``titles`` of like length, itself included, that have ``sessions`` to their names. ``share`` is how much
    of it is watched in a session on the mean, ``percentile`` 0-1 the part of the titles that are watched less (ties count half); both
    None below the minimum of evidence. ``progress`` [101] counts the playbacks of these titles by the percent of the film they came through."""

    title: int
    seconds: float
    titles: int
    sessions: int
    share: float | None
    percentile: float | None
    progress: tuple[int, ...]

    def of_playback(self, progress: float) -> float | None:
        """The part 0-1 of earlier playbacks of films of like length that came less far than ``progress``; None while too few are known."""
        known, percent = sum(self.progress), round(100 * progress)
        if known < FEWEST_PLAYBACKS:
            return None
        return (sum(self.progress[:percent]) + self.progress[percent] / 2) / known


@dataclass(frozen=True, slots=True)
class _Known:
    seconds: Mapping[int, float]
    shares: Mapping[int, float]
    sessions: Mapping[int, int]
    progress: Mapping[int, NDArray[np.int64]]


_kept: tuple[float, _Known] | None = None


def standing(title_id: int, *, now: datetime) -> Standing | None:
    """None for a title without packaged scenes. Three queries, once a minute for all titles."""
    known = _known(now)
    seconds = known.seconds.get(title_id)
    if not seconds:
        return None
    alike = [title_id, *of_like_length(known.seconds, title_id)]
    told = [other for other in alike if other in known.shares]
    share = known.shares.get(title_id)
    enough = share is not None and len(told) >= FEWEST_TITLES
    return Standing(
        title=title_id,
        seconds=seconds,
        titles=len(told),
        sessions=sum(known.sessions[other] for other in told),
        share=share,
        percentile=_rank(sorted(known.shares[other] for other in told), share) if enough and share is not None else None,
        progress=tuple(sum((known.progress[other] for other in alike if other in known.progress), np.zeros(101, dtype=np.int64)).tolist()),
    )


def progress_of(signals: SessionSignals, film: Film) -> float:
    """Share of the film's scenes that this playback has seen to their end, counted as `PlaybackSession.progress` is."""
    whole = {scene for scene, share in signals.shares if share >= WHOLE}
    return min(1.0, len(whole) / max(1, sum(not scene.optional for scene in film.values())))


def _rank(ordered: list[float], value: float) -> float:
    return (bisect_left(ordered, value) + bisect_right(ordered, value)) / 2 / len(ordered)


def _known(now: datetime) -> _Known:
    global _kept
    if _kept is None or time.monotonic() - _kept[0] > KEPT_SECONDS:
        _kept = (time.monotonic(), _read(now))
    return _kept[1]


def _read(now: datetime) -> _Known:
    seconds = {title: sum(scene.duration for scene in film.values() if not scene.optional) for title, film in films().items()}
    days = PlaybackDay.objects.filter(bucket__gte=now - HISTORY, bucket__lte=now)
    figures = {row["title_id"]: row for row in days.values("title_id").annotate(begun=Sum("sessions"), watched=Sum("watch_milliseconds"))}
    sessions = {title: row["begun"] for title, row in figures.items() if row["begun"] >= FEWEST_SESSIONS}
    shares = {title: min(1.0, figures[title]["watched"] / 1000 / count / seconds[title]) for title, count in sessions.items() if seconds.get(title)}
    progress: dict[int, NDArray[np.int64]] = {}
    silent = PlaybackSession.objects.filter(last_seen_at__lt=now - timedelta(seconds=IDLE_SECONDS), last_seen_at__gte=now - HISTORY)
    for title, share in silent.order_by("-last_seen_at").values_list("title_id", "progress")[:MOST_PLAYBACKS]:
        progress.setdefault(title, np.zeros(101, dtype=np.int64))[round(100 * min(1.0, share))] += 1
    return _Known(seconds, shares, sessions, progress)


def forget() -> None:
    """The next call reads anew; between tests."""
    global _kept
    _kept = None
