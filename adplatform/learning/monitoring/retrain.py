"""A drift alarm asks for a training: once an alarm, and not again while it lasts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import structlog
from django.db import connection, transaction

from adplatform.models import ModelReading, ModelVersion, TrainingRun

from .. import registry, runs
from .readings import DRIFTS, FAULTS

log = structlog.get_logger(__name__)

# A shift that lasts is in the training rows only bit by bit; training more often than this would change nothing.
COOL_DOWN = timedelta(hours=20)
LOOK_BACK = timedelta(hours=26)
PREFIX = "drift"
REASON_LENGTH = TrainingRun._meta.get_field("reason").max_length or 200


@transaction.atomic
def retrain_on_alarm(kind: str, *, now: datetime) -> TrainingRun | None:
    """The run asked for, None when nothing drifted, when the last one is too recent, or when a fault has to be repaired first.

    Reads the alarms from the tables, so that one whose worker died is not lost. Only those about the champion count: a challenger
    has its own gates. Workers that ask at once wait for each other.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"{PREFIX}/{kind}"])
    champion = registry.champion_row(kind)
    last = TrainingRun.objects.filter(kind=kind, key__startswith=f"{PREFIX}/{kind}/").order_by("-as_of").first()
    if champion is None or (last is not None and last.as_of > now - COOL_DOWN):
        return None
    told = ModelReading.objects.filter(version=champion, alarm=True, window_to__gt=now - LOOK_BACK, window_to__lte=now)
    drifts = list(told.filter(measure__in=DRIFTS).order_by("window_to", "window_from", "measure", "subject"))
    if not drifts:
        return None
    if fault := told.filter(measure__in=FAULTS).order_by("-window_to").first():
        log.warning("drift without retraining: a fault comes first", kind=kind, fault=fault.words)
        return None
    reason, key = reason_of(drifts), key_of(kind, drifts[0], champion)
    log.info("drift alarm", kind=kind, version=champion.number, alarms=len(drifts), reason=reason)
    return runs.run_request(kind=kind, estimator=champion.estimator, engine=champion.engine, key=key, reason=reason, actor=None, now=now)


def key_of(kind: str, alarm: ModelReading, version: ModelVersion) -> str:
    return f"{PREFIX}/{kind}/v{version.number}/{alarm.window_from:%Y%m%dT%H}-{alarm.window_to:%Y%m%dT%H}"


def reason_of(alarms: Sequence[ModelReading]) -> str:
    """The figure that is furthest beyond its bound, in words."""
    worst = max(alarms, key=_beyond)
    words = _short(worst)
    if len(alarms) > 1:
        words += f" ({len(alarms)} alarms)"
    return f"Drift alarm: {words}"[:REASON_LENGTH]


def _short(alarm: ModelReading) -> str:
    if not alarm.figures.get("moved") or alarm.value is None or alarm.bound is None:
        return alarm.words.rstrip(".")
    label, before, now = alarm.figures["moved"]
    what = f"{alarm.subject.replace('_', ' ')} is" if alarm.subject else "scores are"
    figures = f"stability index {alarm.value:.2f}, the bound is {alarm.bound:.2f}"
    return f"{what} no longer as in training: {label} went from {before:.1%} to {now:.1%} of the rows, {figures}"


def _beyond(alarm: ModelReading) -> float:
    if alarm.value is None or not alarm.bound:
        return 0.0
    ratio = abs(alarm.value) / abs(alarm.bound)
    return max(ratio, 1 / ratio) if alarm.measure == "calibration" and ratio > 0 else ratio
