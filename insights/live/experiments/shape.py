"""An experiment and its last look as JSON-ready values. Pure.

Shares are 0-1, times ISO 8601 in UTC. ``change`` is the difference as a share of the control, above 0 is higher; ``gain`` the same towards
the better side.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from adplatform.experiments.assignment import Arm, parse_arms
from adplatform.experiments.guardrails import parse_guardrails
from adplatform.experiments.metrics import Metric
from adplatform.experiments.readout import wanted
from adplatform.experiments.verdicts import BREACH
from adplatform.models import Experiment, ExperimentReading

from . import words
from .looks import DAYS_SHOWN, Look, Seen

Told = dict[str, Any]


def summary(seen: Seen, metrics: Mapping[str, Metric], synthetic: Mapping[datetime, tuple[int, int]], now: datetime) -> Told:
    """What the list shows of an experiment."""
    one, last = seen.experiment, seen.last
    arms = arms_of(one)
    return {
        "key": one.key,
        "description": one.description,
        "state": one.state,
        "started_at": iso(one.started_at),
        "stopped_at": iso(one.stopped_at),
        "rolled_out": one.rolled_out,
        "alarm": one.alarm,
        "alpha": one.alpha,
        "metric": about(one.metric, metrics),
        "arms": _arms(arms, seen),
        "sizes": _sizes(last),
        "looked_at": iso(last.at) if last else None,
        "looks": words.looks(one, last.at if last else None, now),
        "decided": [row for name, row in _rows(seen, metrics, now) if name == one.metric],
        "guardrails": _guards(seen, metrics, arms),
        "synthetic": _synthetic(one, synthetic),
        "moved": [{"at": iso(move.at), "who": move.who, "words": words.moved(move.words)} for move in seen.moved],
    }


def details(seen: Seen, metrics: Mapping[str, Metric], days: Sequence[tuple[datetime, datetime, Sequence[int]]], now: datetime) -> Told:
    """What the page of one experiment shows beyond its `summary`."""
    one = seen.experiment
    arms = arms_of(one)
    rows = _rows(seen, metrics, now)
    guards = {guard.metric: guard.worst for guard in guards_of(one)}
    biased = next((row["interference"] for _, row in rows if row["interference"]), "")
    units = seen.last.sizes.units if seen.last and seen.last.sizes else None
    decided = {row["arm"]: row["words"] for name, row in rows if name == one.metric}
    return {
        "metrics": [about(name, metrics) | {"deciding": name == one.metric, "worst": guards.get(name)} for name in wanted(one, guards_of(one))],
        "rows": [row | {"metric": name} for name, row in rows],
        "interference": biased,
        "days": _days(arms, days),
        "split_budgets": one.split_budgets,
        "does": words.consequences(one, arms, units, decided),
    }


def arms_of(experiment: Experiment) -> tuple[Arm, ...]:
    """A draft may still be one that cannot be read."""
    try:
        return parse_arms(experiment.arms)
    except ValueError:
        return ()


def guards_of(experiment: Experiment) -> Any:
    try:
        return parse_guardrails(experiment.guardrails)
    except ValueError:
        return ()


def about(name: str, metrics: Mapping[str, Metric]) -> Told:
    known = metrics.get(name)
    return {"name": name, "title": known.title if known else name, "unit": known.unit if known else "", "better": known.better if known else "higher"}


def _arms(arms: Sequence[Arm], seen: Seen) -> list[Told]:
    """``units_a_day`` over the last day, or since the beginning where that is later."""
    counts, expected = _counts(seen.last), _figures(seen.last).get("expected", [])
    before = _counts(seen.before)
    days = _days_between(seen)
    told = []
    for number, arm in enumerate(arms):
        units = counts[number] if number < len(counts) else None
        earlier = before[number] if number < len(before) else 0
        told.append(
            {
                "name": arm.name,
                "share": arm.share,
                "control": number == 0,
                "units": units,
                "expected": expected[number] if number < len(expected) else None,
                "units_a_day": None if units is None or not days else (units - earlier) / days,
            }
        )
    return told


def _days_between(seen: Seen) -> float | None:
    one, last = seen.experiment, seen.last
    if last is None or one.started_at is None:
        return None
    since = seen.before.at if seen.before else one.started_at
    until = min(last.at, one.stopped_at or last.at)
    return max((until - since).total_seconds() / 86_400, 0.0) or None


def _figures(look: Look | None) -> Mapping[str, Any]:
    return look.sizes.figures if look and look.sizes else {}


def _counts(look: Look | None) -> Sequence[int]:
    counts: Sequence[int] = _figures(look).get("counts", [])
    return counts


def _sizes(look: Look | None) -> Told | None:
    if look is None or look.sizes is None:
        return None
    row = look.sizes
    return {"verdict": row.verdict, "words": words.sizes(row), "p": row.figures.get("p"), "in_two_arms": row.figures.get("in_two_arms", 0)}


def _rows(seen: Seen, metrics: Mapping[str, Metric], now: datetime) -> list[tuple[str, Told]]:
    """(metric, row) in the metrics' order, each in the arms' order."""
    one, last = seen.experiment, seen.last
    if last is None:
        return []
    found = ((name, arm.name, last.rows.get((name, arm.name))) for name in wanted(one, guards_of(one)) for arm in arms_of(one)[1:])
    return [(name, _row(row, name, metrics.get(name), seen, now)) for name, _, row in found if row is not None]


def _row(row: ExperimentReading, name: str, metric: Metric | None, seen: Seen, now: datetime) -> Told:
    one, figures = seen.experiment, row.figures
    biased = figures.get("interference", "")
    change = _interval(figures.get("change"), figures.get("change_low"), figures.get("change_high"))
    return {
        "arm": row.arm,
        "verdict": row.verdict,
        "label": words.label(row.verdict, running=one.state == Experiment.State.RUNNING),
        "words": row.words.removesuffix(f". {biased}") if biased else row.words,
        "waits": words.waits(row, metric, one, _pace(row, seen), now),
        "units": row.units,
        "control_units": row.control_units,
        "sessions": figures.get("sessions"),
        "control_sessions": figures.get("control_sessions"),
        "mean": row.mean,
        "control_mean": row.control_mean,
        "effect": _interval(row.effect, row.low, row.high),
        "change": change,
        "gain": _towards_better(change, metric),
        "variance_left": row.variance_left,
        "interference": biased,
    }


def _interval(value: float | None, low: float | None, high: float | None) -> Told | None:
    return None if value is None or low is None or high is None else {"value": value, "low": low, "high": high}


def _towards_better(change: Told | None, metric: Metric | None) -> Told | None:
    if change is None or metric is None or metric.better == "higher":
        return change
    return {"value": -change["value"], "low": -change["high"], "high": -change["low"]}


def _pace(row: ExperimentReading, seen: Seen) -> words.Pace | None:
    """None while nothing can be said of it."""
    days = _days_between(seen)
    if not days or "sessions" not in row.figures:
        return None
    before = seen.before.rows.get((row.metric, row.arm)) if seen.before else None
    now = row.figures["sessions"] + row.figures["control_sessions"]
    earlier = before.figures.get("sessions", 0) + before.figures.get("control_sessions", 0) if before else 0
    return words.Pace(now, (now - earlier) / days)


def _guards(seen: Seen, metrics: Mapping[str, Metric], arms: Sequence[Arm]) -> list[Told]:
    told = []
    for guard in guards_of(seen.experiment):
        metric = about(guard.metric, metrics)
        sign = 1 if metric["better"] == "higher" else -1
        for arm in arms[1:]:
            row = seen.last.rows.get((guard.metric, arm.name)) if seen.last else None
            known = (row.figures.get("guard") if row else None) or {}
            change, best = (None if known.get(name) is None else sign * known[name] for name in ("change", "best"))
            told.append(
                {
                    "metric": metric,
                    "arm": arm.name,
                    "worst": guard.worst,
                    "gain": change,
                    "best_gain": best,
                    "broken": row is not None and row.verdict == BREACH,
                    "words": words.guard(metric["title"], guard.worst, change, best),
                }
            )
    return told


def _synthetic(experiment: Experiment, days: Mapping[datetime, tuple[int, int]]) -> float | None:
    """Of all sessions in the days of the experiment the share of synthetic ones."""
    if experiment.started_at is None:
        return None
    first = experiment.started_at.replace(hour=0, minute=0, second=0, microsecond=0)
    among = [counts for day, counts in days.items() if day >= first and (experiment.stopped_at is None or day <= experiment.stopped_at)]
    everybody = sum(count for count, _ in among)
    return round(sum(made for _, made in among) / everybody, 4) if everybody else None


def _days(arms: Sequence[Arm], days: Sequence[tuple[datetime, datetime, Sequence[int]]]) -> list[Told]:
    """New units of each day by arm, as of its last look; None for a day without any, whose units fall to the next."""
    told: list[Told] = []
    before: Sequence[int] = [0] * len(arms)
    for day, at, counts in days:
        units = [max(count - earlier, 0) for count, earlier in zip(counts, before, strict=False)]
        told.append({"day": iso(day), "at": iso(at), "units": units if at >= day else None})
        before = counts
    # The day before those shown is there for the difference alone.
    return told[-DAYS_SHOWN:]


def iso(at: datetime | None) -> str | None:
    return at.isoformat() if at else None
