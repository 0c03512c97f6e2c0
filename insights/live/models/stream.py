"""The stream behind the models' page: of every kind who serves, how it stands, what is in training. Cards, drift over time and single
decisions are fetched when somebody looks at them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from adplatform.learning import estimators, training
from insights.live.streams import Kind, Stream

from . import health, outcomes, runs, served, versions
from .glossary import asked

EVERY = 5.0
OK, THIN, ALARM, WAITS, NONE = "ok", "thin", "alarm", "waits", "none"


def build(stream: Stream, now: datetime) -> Mapping[str, Any]:
    readings, training_runs, times, came = health.in_short(now), runs.by_kind(now), served.last(), outcomes.last()
    unloadable = came["cannot_be_loaded"] if came else {}
    told = [_kind(kind, readings.get(kind.name), training_runs.get(kind.name, []), unloadable) for kind in versions.kinds()]
    return {
        "kinds": told,
        "served": times,
        "success": None if came is None else came["success"] | {"at": came["at"], "days": came["days"]},
        "rating": None if came is None else came["rating"],
    }


def _kind(kind: versions.Kind, read: dict[str, Any] | None, of_kind: list[dict[str, Any]], unloadable: Mapping[str, str]) -> dict[str, Any]:
    about, told = asked(kind.name), versions.told(kind)
    state, words = _state(told, read, unloadable)
    return {
        "kind": kind.name,
        "name": about.name,
        "asks": about.asks,
        "log": about.answers_in,
        "column": about.version_column,
        "state": state,
        "words": words,
        "health": read,
        "runs": of_kind,
        "estimators": _estimators(kind.name),
        **told,
    }


def _estimators(kind: str) -> list[str]:
    """What can be trained of it, the usual one first."""
    if kind not in training.kinds():
        return []
    recipe = training.recipe_for(kind)
    return sorted(estimators.of_task(recipe.task), key=lambda name: (name != recipe.default_estimator, name))


def _state(told: Mapping[str, Any], read: Mapping[str, Any] | None, unloadable: Mapping[str, str]) -> tuple[str, str]:
    """The dot beside the kind, and why, in words."""
    champion = told["champion"]
    if champion is None:
        newest = told["history"][0]["verdict"] if told["history"] else ""
        return NONE, f"No model serves. {newest}".strip()
    if trouble := unloadable.get(str(champion["id"])):
        return ALARM, trouble
    if read and read["alarms"]:
        one = read["alarms"] == 1
        return ALARM, f"{read['alarms']} {'figure is beyond its bound' if one else 'figures are beyond their bounds'}."
    if champion["bootstrap"]:
        return THIN, "Serves on thin evidence: nothing better founded was there before it."
    if read is not None and read["read_to"] is None:
        return WAITS, "Serves; no whole hour of it was read yet."
    return OK, "Serves, and no figure is beyond its bound."


MODELS = Kind("models", build, every=EVERY)
