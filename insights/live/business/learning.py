"""How good the models in use are, always beside what a constant prediction comes to."""

from __future__ import annotations

from typing import Any

from adplatform.models import ModelVersion

from .evidence import evidence
from .scope import Scope

# The figure each kind of model is judged by, and its name on the page. Lower is better in all of them.
JUDGED_BY = {"normalised_entropy": "normalised entropy", "mse": "mean squared error", "mae": "mean absolute error"}
ACCURACY = "normalised_entropy"


def champions() -> list[dict[str, Any]]:
    """The models in use, each with its figure on later data beside that of the constant prediction. One query."""
    rows = ModelVersion.objects.filter(alias=ModelVersion.Alias.CHAMPION).order_by("kind")
    return [
        {
            "name": f"{kind_name(row.kind)} v{row.number}",
            "estimator": row.estimator.replace("_", " "),
            "trained_at": row.trained_at.isoformat() if row.trained_at else None,
            "synthetic": row.synthetic_share,
            "figure": _judged(row),
            "link": evidence("adplatform_modelversion", row.pk),
        }
        for row in rows
    ]


def kind_name(kind: str) -> str:
    return "CTR" if kind == "ctr" else kind.capitalize()


def _judged(row: ModelVersion) -> dict[str, Any] | None:
    for name, words in JUDGED_BY.items():
        if found := row.metrics.get(name):
            return {"name": words, **{part: found.get(part) for part in ("value", "baseline", "ci_low", "ci_high")}}
    return None


def accuracy(scope: Scope) -> dict[str, Any]:
    """The CTR champion's normalised entropy on data later than it learned from: its log loss over that of always predicting the mean
    rate, which is 1 (He et al. 2014, section 3). Lower is better. At most one query."""
    found: dict[str, Any] = {"value": None, "before": None, "spark": [], "note": "", "ci": None, "n": None, "baseline": "always predicting the mean"}
    if not scope.whole:
        return found | {"note": "judged over all traffic alone"}
    row = ModelVersion.objects.filter(kind="ctr", alias=ModelVersion.Alias.CHAMPION).first()
    figure = row.metrics.get(ACCURACY) if row else None
    if row is None or not figure or figure.get("value") is None:
        return found | {"note": "no CTR model is judged yet: ads are ranked by the prior"}
    low, high = figure.get("ci_low"), figure.get("ci_high")
    ceiling = f", {figure['ceiling']:.3f} at best" if figure.get("ceiling") is not None else ""
    return found | {
        "value": figure["value"],
        "before": figure.get("baseline"),
        "note": f"{kind_name(row.kind)} v{row.number}, normalised entropy on {row.test_rows:,} later rows; lower is better{ceiling}",
        "ci": None if low is None or high is None else [low, high],
        "n": row.test_rows,
        "synthetic": row.synthetic_share,
    }
