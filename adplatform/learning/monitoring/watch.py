"""Watches the models that serve: reads what they served, window by window, and writes what it finds. Safe to run twice and at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import structlog
from django.conf import settings
from django.db.models import F, Q

from adplatform.models import ModelReading, ModelVersion

from .. import registry, training
from ..delayed import Estimate
from ..estimators import REGRESSION
from ..predictor import ArtifactRefused
from . import faults, quality, shift
from .readings import DAY, ESTIMATES, HOUR, LENGTH, LOSS_OF_TASK, SERVED_ROWS, Reading, Window, windows_until
from .served import Checks, Served, checks_of

log = structlog.get_logger(__name__)

# Windows that were missed, because no worker was there, are made up for within these.
CATCH_UP = {HOUR: timedelta(hours=26), DAY: timedelta(days=3)}
# Events reach the tables some seconds after they happen.
GRACE = timedelta(minutes=2)
RECENT = timedelta(hours=24)
RUNNING_HOURS = timedelta(days=14)
# Figures of an hour are for looking closely; after this the days are enough.
HOURS_KEPT = timedelta(days=60)
# Rows of an hour that are computed again from the log; computing one takes far longer than reading it.
SKEW_ROWS = 50
Alias, Status = ModelVersion.Alias, ModelVersion.Status


def monitor(kind: str, *, as_of: datetime, rng: np.random.Generator | None = None) -> list[ModelReading]:
    """Read every window that is due for the champion and the challenger of a kind; returns what was read, written already.

    Raises NotWatched.
    """
    checks, recipe = checks_of(kind), training.recipe_for(kind)
    found: list[ModelReading] = []
    for version in watched_versions(kind):
        one = _Watched(version, checks, recipe, as_of, rng or np.random.default_rng())
        for due in _due(version, as_of, recipe.label_seconds):
            found += _write(version, one.read(due))
    return found


def watched_versions(kind: str) -> list[ModelVersion]:
    return list(ModelVersion.objects.filter(kind=kind, alias__in=[Alias.CHAMPION, Alias.CHALLENGER]).order_by("alias"))


def nothing_read(kind: str, as_of: datetime) -> str:
    """Why there is no reading of a kind that would tell of ``as_of``, and when there will be, in words."""
    versions = watched_versions(kind)
    if not versions:
        return f"No {kind} model serves yet. Train one: manage.py train {kind}."
    trained = [(version.trained_at, f"{version} (trained {version.trained_at:%Y-%m-%d %H:%M})") for version in versions if version.trained_at]
    names, begins = " and ".join(name for _, name in trained), min((at for at, _ in trained), default=None)
    if begins is not None and as_of < begins:
        return f"At {as_of:%Y-%m-%d %H:%M} none of the models that serve was there: {names}."
    if begins is not None and as_of < (due := _next_hour(begins) + LENGTH[HOUR] + GRACE):
        return f"No whole hour had passed since {names}; the first can be read at {due:%Y-%m-%d %H:%M}."
    return f"No hour or day just before {as_of:%Y-%m-%d %H:%M} was read of {' and '.join(map(str, versions))}."


def _next_hour(moment: datetime) -> datetime:
    begun = moment.replace(minute=0, second=0, microsecond=0)
    return begun if begun == moment else begun + LENGTH[HOUR]


def forget_old_hours(now: datetime) -> int:
    """Hourly readings that nobody looks at any more; days are kept for good."""
    return ModelReading.objects.filter(of_hours(), window_to__lt=now - HOURS_KEPT).delete()[0]


@dataclass(frozen=True, slots=True)
class _Due:
    """A window to be read; ``again`` when it was read before its labels were in."""

    window: Window
    is_mature: bool
    again: bool


def _due(version: ModelVersion, as_of: datetime, label_seconds: float) -> Iterator[_Due]:
    """The oldest first. An hour is read when it ends and once more when its labels are in, a day when they are."""
    begins = version.trained_at
    for span in (HOUR, DAY):
        windows = [one for one in windows_until(as_of - GRACE, span, CATCH_UP[span]) if begins is None or one.since >= begins]
        told = _told(version, windows)
        for window in windows:
            is_mature = as_of >= window.until + timedelta(seconds=label_seconds) + GRACE
            again = (window, False) in told
            if (window, True) not in told and (is_mature or (span == HOUR and not again)):
                yield _Due(window, is_mature, again)


def _told(version: ModelVersion, windows: Sequence[Window]) -> set[tuple[Window, bool]]:
    """What was read already, by the count of rows that every reading of a window begins with."""
    rows = ModelReading.objects.filter(version=version, measure=SERVED_ROWS, window_to__in=[one.until for one in windows])
    ends = {(row.window_from, row.window_to): bool(row.figures.get("mature")) for row in rows}
    return {(one, ends[one.since, one.until]) for one in windows if (one.since, one.until) in ends}


@dataclass
class _Watched:
    """One version at one moment."""

    version: ModelVersion
    checks: Checks
    recipe: training.Recipe
    as_of: datetime
    rng: np.random.Generator
    _recent: Served | None = None

    def read(self, due: _Due) -> list[Reading]:
        window, is_mature = due.window, due.is_mature
        served = self._load(window.since, window.until)
        mine = served.scored_by(self.version.number)
        readings = [self._rows(window, served, mine, is_mature=is_mature)]
        reference = self.version.card.get("reference")
        if reference:
            readings += shift.of_features(window, reference, served, self.recipe.schema)
            readings += shift.of_scores(window, reference, mine)
        if not due.again:
            readings += self._faults(window, mine)
        if not is_mature:
            readings += [] if self.recipe.task == REGRESSION else quality.young(window, mine, self._recent_rows())
            return readings
        labelled = mine.take(~np.isnan(mine.labels))
        after = list(quality.mature(window, labelled, self.recipe.task, benchmark=self._benchmark(), estimates=_estimates(self.version, window)))
        return readings + after + list(self._running(window, after))

    def _load(self, since: datetime, until: datetime) -> Served:
        return self.checks.load_served(since=since, until=until, as_of=self.as_of, most=settings.MONITOR_ROWS)

    def _rows(self, window: Window, served: Served, mine: Served, *, is_mature: bool) -> Reading:
        share = len(mine) / len(served) if len(served) else 0.0
        words = f"{served.seen_rows:,} rows were served, {share:.0%} of them scored by this version."
        if served.seen_rows > len(served):
            words += f" Looked at a sample of {len(served):,}."
        if served.sessions < shift.LEAST_SESSIONS:
            words += f" {served.sessions:,} sessions are not enough evidence of drift, {shift.LEAST_SESSIONS} are."
        figures = {"mature": is_mature, "read": len(served), "scored": len(mine), "sessions": served.sessions, "alias": self.version.alias}
        return Reading(SERVED_ROWS, window, served.seen_rows, words, value=float(served.seen_rows), figures=figures)

    def _faults(self, window: Window, mine: Served) -> Iterator[Reading]:
        if self.checks.replays and len(mine):
            try:
                model = registry.load_version(self.version)
            except ArtifactRefused as error:
                log.error("model cannot be replayed", version=str(self.version), reason=str(error))
            else:
                yield from faults.replay(window, model.predictor, self.recipe.schema, mine)
        if self.checks.skew is not None and self.version.alias == Alias.CHAMPION and window.span == HOUR:
            try:
                yield from faults.skew(window, self.checks.skew(window.since, window.until, SKEW_ROWS, self.rng))
            except (LookupError, ValueError):
                # A day that is gone, a row that cannot be read: the other figures are told all the same.
                log.exception("served features cannot be computed again", version=str(self.version))

    def _recent_rows(self) -> Served:
        """Mature rows of this version from the day before: its calibration and its delays."""
        if self._recent is None:
            until = self.as_of - timedelta(seconds=self.recipe.label_seconds) - GRACE
            mine = self._load(until - RECENT, until).scored_by(self.version.number)
            self._recent = mine.take(~np.isnan(mine.labels))
        return self._recent

    def _benchmark(self) -> float | None:
        metric: dict[str, Any] = self.version.metrics.get(LOSS_OF_TASK[self.recipe.task], {})
        return metric.get("value")

    def _running(self, window: Window, after: Iterable[Reading]) -> Iterator[Reading]:
        measure = LOSS_OF_TASK[self.recipe.task]
        latest = next((one for one in after if one.measure == measure), None)
        if latest is None or window.span != HOUR:
            return
        rows = ModelReading.objects.filter(
            of_hours(), version=self.version, measure=measure, window_to__lt=window.until, window_to__gt=window.until - RUNNING_HOURS
        )
        reading = quality.running(window, list(rows.order_by("window_to").values_list("figures", flat=True)), latest.figures, latest.rows)
        if reading is not None:
            yield reading


def of_hours() -> Q:
    """Readings of one hour, not of a day."""
    return Q(window_to__lt=F("window_from") + timedelta(hours=2))


def _estimates(version: ModelVersion, window: Window) -> dict[str, Estimate]:
    rows = ModelReading.objects.filter(version=version, measure__in=ESTIMATES, window_from=window.since, window_to=window.until)
    return {
        row.measure: Estimate(row.value, row.low, row.high, row.rows)
        for row in rows
        if row.value is not None and row.low is not None and row.high is not None
    }


def _write(version: ModelVersion, readings: Sequence[Reading]) -> list[ModelReading]:
    """One row a figure and window, whoever writes it and however often; an estimate stays as it was first said."""
    rows = [_row(version, one) for one in readings]
    unique = ["version", "measure", "subject", "window_from", "window_to"]
    kept = ["rows", "value", "low", "high", "bound", "alarm", "words", "figures"]
    ModelReading.objects.bulk_create([row for row in rows if row.measure in ESTIMATES], ignore_conflicts=True)
    ModelReading.objects.bulk_create(
        [row for row in rows if row.measure not in ESTIMATES], update_conflicts=True, unique_fields=unique, update_fields=kept
    )
    return rows


def _row(version: ModelVersion, one: Reading) -> ModelReading:
    return ModelReading(
        version=version, measure=one.measure, subject=one.subject, window_from=one.window.since, window_to=one.window.until, rows=one.rows,
        value=one.value, low=one.low, high=one.high, bound=one.bound, alarm=one.alarm, words=one.words, figures=dict(one.figures),
    )  # fmt: skip
