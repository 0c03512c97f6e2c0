"""What monitoring read of the models that serve: in short for every kind, and over time for the one that is looked at."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from adplatform.learning.monitoring import watched_kinds
from adplatform.learning.monitoring.latest import STALE
from adplatform.learning.monitoring.readings import (
    BIAS,
    CALIBRATION,
    DAY,
    DELAYED_LOSS,
    EXPECTED_LOSS,
    FEATURE_PSI,
    FEATURE_SHIFT,
    HOUR,
    LOSS,
    LOSS_CHANGE,
    LOSS_OF_TASK,
    REPLAY,
    SCORE_PSI,
    SERVED_ROWS,
    SKEW,
    beyond,
)
from adplatform.learning.monitoring.watch import of_hours
from adplatform.models import ModelReading, ModelVersion

from .glossary import reading
from .versions import stamp

Alias = ModelVersion.Alias
# How far back the charts go, by the length of their windows.
BACK = {HOUR: timedelta(hours=48), DAY: timedelta(days=60)}
DRIFT_MEASURES = {HOUR: (FEATURE_PSI,), DAY: (FEATURE_PSI, FEATURE_SHIFT)}
QUALITY = (SCORE_PSI, CALIBRATION, BIAS, LOSS, LOSS_OF_TASK["regression"], EXPECTED_LOSS, DELAYED_LOSS, LOSS_CHANGE, REPLAY, SKEW, SERVED_ROWS)
# Features are drawn those nearest to their bound first; more rows than this nobody reads.
MOST_FEATURES = 40
MOST_ALARMS = 6
ALARM, UNCERTAIN, WITHIN, NOT_JUDGED = "alarm", "uncertain", "within", "not_judged"
FIELDS = ("version", "measure", "subject", "window_from", "window_to", "rows", "value", "low", "high", "bound", "alarm", "words")


def in_short(now: datetime) -> dict[str, dict[str, Any]]:
    """For each kind that is watched: when its champion was last read, how many figures are judged, and the alarms in words. Two queries."""
    of_kind: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
    for span in BACK:
        for row in _latest(span, now):
            of_kind[row["version__kind"]].append({**row})
    return {kind: _short(of_kind.get(kind, [])) for kind in watched_kinds()}


def _latest(span: str, now: datetime) -> Iterable[Mapping[str, Any]]:
    """Of each champion and figure the last reading of such a window; one that is too old says nothing of now."""
    rows = ModelReading.objects.filter(version__alias=Alias.CHAMPION, window_to__gt=now - STALE[span], window_to__lte=now)
    rows = rows.filter(of_hours()) if span == HOUR else rows.exclude(of_hours())
    once = ("version_id", "measure", "subject")
    shown = ("version__kind", "measure", "subject", "window_from", "window_to", "value", "bound", "alarm", "words")
    found: Iterable[Mapping[str, Any]] = rows.order_by(*once, "-window_to").distinct(*once).values(*shown)
    return found


def _short(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    latest = sorted(rows, key=lambda row: (row["measure"], row["subject"], _span(row)))
    alarms = [row for row in latest if row["alarm"]]
    return {
        "read_to": stamp(max((row["window_to"] for row in rows), default=None)),
        "figures": len(latest),
        "judged": sum(row["bound"] is not None and row["value"] is not None for row in latest),
        "alarms": len(alarms),
        "drawn": {span: sum(row["measure"] == FEATURE_PSI and _span(row) == span for row in latest) for span in BACK},
        "told": [_reading(row) for row in alarms[:MOST_ALARMS]],
        "latest": [_reading(row) for row in latest if row["measure"] in QUALITY and not row["subject"]],
    }


def _reading(row: dict[str, Any]) -> dict[str, Any]:
    kept = {name: row[name] for name in ("measure", "subject", "value", "bound", "alarm", "words")}
    return kept | {"label": reading(row["measure"]), "state": _state(row), "span": _span(row), "to": stamp(row["window_to"])}


def _state(row: dict[str, Any]) -> str:
    if row["alarm"]:
        return ALARM
    if row["bound"] is None or row["value"] is None:
        return NOT_JUDGED
    return UNCERTAIN if beyond(row["measure"], row["value"], row["bound"]) else WITHIN


def over_time(kind: str, span: str, now: datetime) -> dict[str, Any]:
    """Every reading of a kind's versions within the charts' reach, by hour or by day. Three queries."""
    rows = ModelReading.objects.filter(version__kind=kind, window_to__gt=now - BACK[span], window_to__lte=now)
    rows = rows.filter(of_hours()) if span == HOUR else rows.exclude(of_hours())
    versions = dict(ModelVersion.objects.filter(kind=kind).values_list("pk", "number"))
    drifts = list(rows.filter(measure__in=DRIFT_MEASURES[span], version__alias=Alias.CHAMPION).order_by("window_to").values(*FIELDS))
    quality = list(rows.filter(measure__in=QUALITY).order_by("window_to", "version_id").values(*FIELDS))
    return {
        "kind": kind,
        "span": span,
        "since": stamp(now - BACK[span]),
        "drift": _drift([row for row in drifts if row["measure"] == FEATURE_PSI]),
        "shift": _latest_shift([row for row in drifts if row["measure"] == FEATURE_SHIFT]),
        "quality": _by_measure(quality, versions),
    }


def _drift(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """A row a feature, a column a window: the index, its bound and whether it was an alarm."""
    windows = sorted({row["window_to"] for row in rows})
    by_feature: defaultdict[str, dict[datetime, dict[str, Any]]] = defaultdict(dict)
    for row in rows:
        by_feature[row["subject"]][row["window_to"]] = row
    ranked = sorted(by_feature.items(), key=lambda one: (-_nearest(one[1].values()), one[0]))
    return {
        "windows": [stamp(at) for at in windows],
        "of": len(ranked),
        "features": [
            {
                "name": name,
                "values": [cells[at]["value"] if at in cells else None for at in windows],
                "bounds": [cells[at]["bound"] if at in cells else None for at in windows],
                "alarms": [at in cells and cells[at]["alarm"] for at in windows],
                "words": max(cells.values(), key=lambda row: row["window_to"])["words"],
            }
            for name, cells in ranked[:MOST_FEATURES]
        ],
    }


def _nearest(cells: Iterable[dict[str, Any]]) -> float:
    """How near the feature came to its bound, alarms before all."""
    return max(((1000.0 if row["alarm"] else 0.0) + (row["value"] or 0.0) / (row["bound"] or 1.0) for row in cells), default=0.0)


def _latest_shift(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    latest = {row["subject"]: row for row in rows}
    return [
        {"name": name, "value": row["value"], "to": stamp(row["window_to"]), "words": row["words"]}
        for name, row in sorted(latest.items(), key=lambda one: -abs(one[1]["value"] or 0.0))
    ]


def _by_measure(rows: Iterable[dict[str, Any]], versions: dict[int, int]) -> dict[str, list[dict[str, Any]]]:
    found: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        name = f"{row['measure']}:{row['subject']}" if row["subject"] else row["measure"]
        found[name].append(
            {
                "to": stamp(row["window_to"]), "version": versions.get(row["version"]), "rows": row["rows"], "value": row["value"], "low": row["low"],
                "high": row["high"], "bound": row["bound"], "alarm": row["alarm"], "words": row["words"],
            }
        )  # fmt: skip
    return dict(found)


def _span(row: dict[str, Any]) -> str:
    return HOUR if row["window_to"] - row["window_from"] < timedelta(hours=2) else DAY
