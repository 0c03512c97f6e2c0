"""Alarms of a model's monitoring that still stand. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from adplatform.learning.monitoring.readings import DRIFTS, FAULTS
from insights.findings.finding import CRITICAL, WARNING, Action, Finding

KIND = "drift"


@dataclass(frozen=True, slots=True)
class Alarm:
    """The latest reading of one figure of a champion, beyond its bound. How many rows and sessions that takes is asked where it is read
    (`monitoring.shift`, `monitoring.quality`)."""

    measure: str
    subject: str
    words: str
    rows: int
    value: float | None
    bound: float | None
    low: float | None
    high: float | None
    since: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class Champion:
    kind: str
    number: int
    version: int
    has_previous: bool
    is_training: bool
    synthetic: float


def find(alarms: Sequence[tuple[Champion, Alarm]]) -> list[Finding]:
    """One finding a model, however many of its figures moved: they are mended together."""
    by_model: dict[Champion, list[Alarm]] = defaultdict(list)
    for champion, alarm in alarms:
        by_model[champion].append(alarm)
    return [_finding(champion, told) for champion, told in by_model.items()]


def _finding(model: Champion, alarms: list[Alarm]) -> Finding:
    faults = [one for one in alarms if one.measure in FAULTS]
    drifts = [one for one in alarms if one.measure in DRIFTS]
    worst = max(faults or drifts or alarms, key=_beyond)
    name = f"{'CTR' if model.kind == 'ctr' else model.kind.capitalize()} model v{model.number}"
    others = f" and {len(alarms) - 1} more" if len(alarms) > 1 else ""
    return Finding(
        kind=KIND,
        key=f"{KIND}:{model.kind}-v{model.number}",
        subject=name,
        words=f"{name}: {worst.words.rstrip('.')}{others}",
        detail=" ".join(
            f"{one.words.rstrip('.')} ({one.rows:,} rows, {one.since:%d %b %H:%M} to {one.until:%d %b %H:%M} UTC)." for one in alarms[:5]
        ),
        recommend=_recommend(model, faults=bool(faults), drifts=bool(drifts)),
        severity=CRITICAL if faults else WARNING,
        since=min(one.since for one in alarms),
        until=max(one.until for one in alarms),
        link="/live/models/",
        rows=f"adplatform_modelversion/{model.version}",
        action=_action(model, faults=bool(faults), drifts=bool(drifts)),
        evidence={
            "alarms": [
                {"measure": one.measure, "subject": one.subject, "value": one.value, "bound": one.bound, "low": one.low, "high": one.high}
                for one in alarms
            ]
        },
        synthetic=model.synthetic,
    )


def _recommend(model: Champion, *, faults: bool, drifts: bool) -> str:
    if faults:
        return "What is served is not what is learned from: repair that first; until then the version before can serve."
    if model.is_training:
        return "A training is under way; its gates decide whether it takes over."
    return "Train it again on the newer rows; its gates decide whether it takes over." if drifts else "See what it serves and what came of it."


def _action(model: Champion, *, faults: bool, drifts: bool) -> Action | None:
    if faults:
        return Action("model_rollback", {"kind": model.kind, "number": model.number}) if model.has_previous else None
    return Action("model_train", {"kind": model.kind}) if drifts and not model.is_training else None


def _beyond(alarm: Alarm) -> float:
    if alarm.value is None or not alarm.bound:
        return 0.0
    ratio = abs(alarm.value) / abs(alarm.bound)
    return max(ratio, 1 / ratio) if alarm.measure == "calibration" and ratio > 0 else ratio
