"""One version's card as the page draws it: what was kept when it was judged. Nothing is computed anew."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.urls import NoReverseMatch, reverse

from adplatform.learning import training
from adplatform.models import ModelVersion

from .glossary import asked
from .versions import COLUMNS, in_full

MOST_FEATURES = 30
# A smaller rise of the loss is shown as zero by its digits.
LEAST_RISE = 5e-7
# Notes that are drawn, or that only a program reads.
DRAWN = frozenset({"loss_curve", "training_loss_curve", "loss_curve_unit", "progressive_log_loss", "layers", "places", "weights"})


def card_of(pk: int) -> dict[str, Any] | None:
    """None where there is no such version. One query."""
    row = ModelVersion.objects.filter(pk=pk).values(*COLUMNS, "card", "parameters", "lineage", "feature_schema").first()
    if row is None:
        return None
    card, notes = row["card"], row["parameters"].get("notes", {})
    return {
        **in_full(row),
        "kind": row["kind"],
        "name": asked(row["kind"]).name,
        "calibration": card.get("calibration", []),
        "groups": card.get("groups", {}),
        "roc": card.get("roc", []),
        "pr": card.get("pr", []),
        "importance": _importance(row),
        "latency": card.get("latency", []),
        "learning": _learning(card, notes),
        "notes": [[name.replace("_", " "), _said(value)] for name, value in notes.items() if name not in DRAWN],
        "trials": row["parameters"].get("trials"),
        "policies": [one for gate in row["gates"] for one in gate.get("figures", {}).get("policies", [])],
        "features": len(row["feature_schema"].get("features", [])),
        "lineage": [[name.replace("_", " "), _said(value)] for name, value in row["lineage"].items() if len(_said(value)) <= 300],
        "admin": _admin(row["pk"]),
    }


def final(row: Mapping[str, Any], asked_mark: str) -> bool:
    """Whether a card that was asked for under this mark will never change."""
    return bool(row["status"] != ModelVersion.Status.TRAINING and row["mark"] == asked_mark)


def _importance(row: Mapping[str, Any]) -> dict[str, Any]:
    """The rise of the loss when a column is shuffled; of versions without it, the share the fitting itself reported."""
    about = _about(row["kind"])
    measured = row["card"].get("importance")
    if measured:
        told = [one for one in measured if abs(one["loss_rise"]) >= LEAST_RISE]
        told.sort(key=lambda one: -one["loss_rise"])
        bars = [
            {"feature": one["feature"], "value": one["loss_rise"], "low": one.get("low"), "high": one.get("high"), **about.get(one["feature"], {})}
            for one in told[:MOST_FEATURES]
        ]
        return {"measures": "Rise of the loss on later rows when the column is shuffled", "share": False, "of": len(measured), "bars": bars}
    shares = sorted(row["parameters"].get("importance", {}).items(), key=lambda one: -one[1])
    bars = [{"feature": name, "value": share, "low": None, "high": None, **about.get(name, {})} for name, share in shares[:MOST_FEATURES]]
    return {"measures": "Share of what was learned, as the fitting reports it", "share": True, "of": len(shares), "bars": bars}


def _about(kind: str) -> dict[str, dict[str, str]]:
    """What each column is, as the present schema declares it."""
    if kind not in training.kinds():
        return {}
    return {one.name: {"about": one.description, "privacy": one.privacy} for one in training.recipe_for(kind).schema.features}


def _learning(card: Mapping[str, Any], notes: Mapping[str, Any]) -> dict[str, Any] | None:
    """The loss pass by pass, and the layers of a network; None of what is not learned in passes."""
    later = notes.get("loss_curve") or card.get("loss_curve") or []
    if not later and not notes.get("layers"):
        return None
    return {
        "unit": notes.get("loss_curve_unit", "pass"),
        "later": later,
        "training": notes.get("training_loss_curve", []),
        "layers": notes.get("layers"),
        "rounds": notes.get("rounds"),
    }


def _said(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {_said(part)}" for name, part in value.items())
    if isinstance(value, list):
        return ", ".join(map(_said, value)) or "none"
    if isinstance(value, bool) or value is None:
        return {True: "yes", False: "no", None: "-"}[value]
    return f"{value:g}" if isinstance(value, float) else str(value)


def _admin(pk: int) -> str | None:
    try:
        return reverse("admin:adplatform_modelversion_card", args=[pk])
    except NoReverseMatch:
        return None
