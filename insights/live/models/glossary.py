"""What each kind of model predicts and what each figure means, in words for people who run the business."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Asked:
    """``answers_in`` names the decision log whose time it is served within, None where nobody waits for it."""

    name: str
    asks: str
    answers_in: str | None = None
    version_column: str = ""


KINDS = {
    "ctr": Asked("Clicks", "Will an ad that is seen be clicked within ten minutes?", "ads", "model_version"),
    "completion": Asked("Completed views", "Will an ad that is seen be watched to its end?", "ads", "completion_version"),
    "director": Asked("Director", "How much of the coming scenes will be watched with each action?", "director", "policy_version"),
    "engagement": Asked("Engagement", "Which share of this scene and the next one will be watched?", "director", "model_version"),
    "leave": Asked("Leaving", "Will the viewer leave within 15 seconds?", "director", "leave_version"),
    "churn": Asked("Churn", "Will the viewer stay away from now on?"),
}
# The order in which a reader meets them; kinds that a later release adds follow by name.
ORDER = tuple(KINDS)


@dataclass(frozen=True, slots=True)
class Figure:
    """``better``: lower, higher, or the value that is best (one, zero)."""

    label: str
    better: str
    about: str


FIGURES = {
    "normalised_entropy": Figure("Normalised entropy", "lower", "Log loss over the entropy of the observed rate; below 1 beats knowing the rate"),
    "log_loss": Figure("Log loss", "lower", "Mean surprise at what happened"),
    "auc": Figure("AUC", "higher", "How often a row with the outcome is ranked above one without; 0.5 is guessing"),
    "brier": Figure("Brier score", "lower", "Mean squared error of the predicted chance"),
    "calibration": Figure("Predicted over observed", "one", "1 where as much happens as is predicted"),
    "mse": Figure("Mean squared error", "lower", "Of the predicted share"),
    "mae": Figure("Mean absolute error", "lower", "By how much a prediction is off, on average"),
    "r2": Figure("R²", "higher", "Share of the variance that is explained; 0 is predicting the mean"),
    "bias": Figure("Mean error", "zero", "0 where predictions are neither too high nor too low on average"),
}
READINGS = {
    "served_rows": "Rows served",
    "feature_psi": "Drift of a feature",
    "feature_shift": "Shift of a feature",
    "feature_missing": "A feature that goes missing",
    "score_psi": "Drift of the scores",
    "calibration": "Predicted over observed",
    "bias": "Mean error",
    "log_loss": "Log loss",
    "mse": "Mean squared error",
    "expected_log_loss": "Log loss, foretold from the scores",
    "delayed_log_loss": "Log loss, foretold from early outcomes",
    "loss_change": "Loss against what the model expects",
    "replay": "Logged scores that come out otherwise",
    "skew": "Served features that do not follow from the log",
}
# The one that stands for a version where only one is shown: what its gate of quality asks.
HEADLINES = ("normalised_entropy", "mse")


def asked(kind: str) -> Asked:
    return KINDS.get(kind) or Asked(kind.replace("_", " ").capitalize(), "")


def figure(name: str) -> Figure:
    return FIGURES.get(name) or Figure(name.replace("_", " ").capitalize(), "", "")


def reading(measure: str) -> str:
    return READINGS.get(measure) or measure.replace("_", " ").capitalize()


def in_order(kinds: set[str]) -> list[str]:
    return sorted(kinds, key=lambda kind: (ORDER.index(kind) if kind in ORDER else len(ORDER), kind))
