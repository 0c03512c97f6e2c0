"""What the churn model sees: one viewer's playbacks of four weeks as they stood at a moment, the same live and for training. Pure."""

from __future__ import annotations

import math
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import fmean, median
from typing import Any

from django.conf import settings

from adplatform.learning.schema import Feature, FeatureSchema, Matrix
from engagement.models import Device

DAY = 86_400.0
HOUR = 3600.0
WINDOW_DAYS = 28
# A playback counts as it ended, so only once it has been silent for so long.
SILENT_SECONDS = 900.0
# How a viewer fared is told by their last playbacks.
RECENT = 5
# Opened within the hour, the next film belongs to the same evening.
SAME_EVENING_SECONDS = HOUR
LEAST_HOURS = 0.05


def _of(name: str, owner: str, **declared: Any) -> Feature:
    """All of it is what one viewer did: used with consent alone."""
    return Feature(name, owner, privacy="consent", **declared)


SCHEMA = FeatureSchema(
    # Another horizon is another question: a model that learned the one must not answer the other.
    name=f"churn_{settings.CHURN_HORIZON_DAYS:g}_days",
    version=1,
    features=(
        _of("sessions_1_day", "engagement", high=50),
        _of("sessions_7_days", "engagement", high=200),
        _of("sessions_28_days", "engagement", high=500),
        _of("days_since_last", "engagement", high=WINDOW_DAYS),
        _of("usual_gap_days", "engagement", high=WINDOW_DAYS, description="Median of the days between evenings with playbacks"),
        _of("overdue", "engagement", high=20, description="Days since the last playback over the usual gap"),
        _of("days_known", "engagement", high=WINDOW_DAYS, description="Since the first playback of the window"),
        _of("progress", "engagement", description="Mean share of the film's scenes seen to their end, last playbacks"),
        _of("progress_trend", "engagement", low=-1, description="Progress of the last three playbacks less that of those before"),
        _of("watched_share", "engagement", description="Seconds watched over the film's length, last playbacks"),
        _of("finished_share", "engagement"),
        _of("skips_per_hour", "engagement", high=120, description="Scenes skipped per hour watched, last playbacks"),
        _of("rewinds_per_hour", "engagement", high=120),
        _of("complaints", "engagement", high=50, description="In the window"),
        _of("stars", "engagement", low=1, high=5, description="Mean of the ratings given in the window"),
        _of("stall_seconds_per_hour", "engagement", high=HOUR, description="Buffering, last playbacks"),
        _of("ads_per_hour", "ads", high=120, description="Ads met per hour watched, last playbacks"),
        _of("ad_skip_share", "ads", description="Of the ads met in the last playbacks"),
        _of("genre_match", "engagement", description="Share of the last films' genres that are favourites"),
        _of("suggestions_taken", "engagement", high=50, description="Films opened on the Director's word, in the window"),
        _of("as_edited_share", "engagement", description="Last playbacks watched as edited"),
        _of("device", "engagement", categories=tuple(Device.values)),
        _of("hour_regularity", "engagement", description="How alike the hours of the playbacks are: 1 for always the same hour"),
    ),
)


@dataclass(frozen=True, slots=True)
class Visit:
    """One playback of a viewer with consent. ``started`` and ``heard`` (the last event's arrival) in Unix seconds, ``hour`` in the
    viewer's zone; ``progress``, ``watched_share`` and ``genre_match`` are shares 0-1, ``genre_match`` None without favourites."""

    session: uuid.UUID
    started: float
    heard: float
    device: str
    hour: int
    progress: float = 0.0
    watched_seconds: float = 0.0
    watched_share: float = 0.0
    finished: bool = False
    skips: int = 0
    rewinds: int = 0
    complaints: int = 0
    stars: float | None = None
    stall_seconds: float = 0.0
    ads: int = 0
    ads_skipped: int = 0
    genre_match: float | None = None
    suggested: bool = False
    as_edited: bool = False


def at_risk(visits: Sequence[Visit], at: float, *, horizon_days: float) -> bool:
    """Whether there is somebody to lose: a viewer who was here within the horizon. Who was not has gone already."""
    return any(at - horizon_days * DAY < visit.started <= at for visit in visits)


def stayed_away(visits: Sequence[Visit], at: float, *, horizon_days: float) -> float:
    """The label: 1 when no playback began within the horizon after ``at``, else 0."""
    return 0.0 if any(at < visit.started <= at + horizon_days * DAY for visit in visits) else 1.0


def build(visits: Sequence[Visit], at: float) -> Matrix:
    """One row, float32 [1, f], from a viewer's playbacks in order of their start, as known at ``at`` (Unix seconds).

    Playbacks that began later, or before the window, are not looked at; of one that still goes on only that it began.
    """
    begun = [visit for visit in visits if at - WINDOW_DAYS * DAY < visit.started <= at]
    over = [visit for visit in begun if visit.heard <= at - SILENT_SECONDS]
    return SCHEMA.row({**_rhythm(begun, at), **_fared(over), **_habits(over[-RECENT:])}, consent=True).reshape(1, -1)


def _rhythm(begun: Sequence[Visit], at: float) -> dict[str, object]:
    if not begun:
        return {}
    evenings = [begun[0].started]
    for visit in begun[1:]:
        if visit.started - evenings[-1] > SAME_EVENING_SECONDS:
            evenings.append(visit.started)
    since = (at - begun[-1].started) / DAY
    gap = median(later - earlier for earlier, later in pairwise(evenings)) / DAY if len(evenings) > 1 else None
    return {
        "sessions_1_day": _since(begun, at - DAY),
        "sessions_7_days": _since(begun, at - 7 * DAY),
        "sessions_28_days": len(begun),
        "days_since_last": since,
        "usual_gap_days": gap,
        "overdue": since / gap if gap else None,
        "days_known": (at - begun[0].started) / DAY,
        "device": begun[-1].device,
        "hour_regularity": _regularity([visit.hour for visit in begun]),
    }


def _fared(over: Sequence[Visit]) -> dict[str, object]:
    stars = [visit.stars for visit in over if visit.stars is not None]
    before, last = [visit.progress for visit in over[:-3]], [visit.progress for visit in over[-3:]]
    return {
        "complaints": sum(visit.complaints for visit in over),
        "suggestions_taken": sum(visit.suggested for visit in over),
        "stars": fmean(stars) if stars else None,
        "progress_trend": fmean(last) - fmean(before) if before else None,
    }


def _habits(recent: Sequence[Visit]) -> dict[str, object]:
    if not recent:
        return {}
    ads = sum(visit.ads for visit in recent)
    matches = [visit.genre_match for visit in recent if visit.genre_match is not None]
    per_hour = _per_hour(recent)
    return {
        "progress": fmean(visit.progress for visit in recent),
        "watched_share": fmean(visit.watched_share for visit in recent),
        "finished_share": fmean(visit.finished for visit in recent),
        "skips_per_hour": per_hour(lambda visit: visit.skips),
        "rewinds_per_hour": per_hour(lambda visit: visit.rewinds),
        "stall_seconds_per_hour": per_hour(lambda visit: visit.stall_seconds),
        "ads_per_hour": per_hour(lambda visit: visit.ads),
        "ad_skip_share": min(1.0, sum(visit.ads_skipped for visit in recent) / ads) if ads else None,
        "genre_match": fmean(matches) if matches else None,
        "as_edited_share": fmean(visit.as_edited for visit in recent),
    }


def _per_hour(recent: Sequence[Visit]) -> Callable[[Callable[[Visit], float]], float]:
    hours = max(LEAST_HOURS, sum(visit.watched_seconds for visit in recent) / HOUR)
    return lambda of: sum(of(visit) for visit in recent) / hours


def _since(begun: Sequence[Visit], moment: float) -> int:
    return sum(visit.started > moment for visit in begun)


def _regularity(hours: Sequence[int]) -> float:
    """Length of the mean of the hours as directions on a clock of 24 (mean resultant length)."""
    turns = [2 * math.pi * hour / 24 for hour in hours]
    return min(1.0, math.hypot(fmean(map(math.cos, turns)), fmean(map(math.sin, turns))))
