"""A version's stored figures as the rows and plots its page shows. Nothing is computed anew."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from adplatform.models import ModelVersion

from .. import training
from . import plots

SHOWN_FEATURES = 20
# A smaller rise of the loss is shown as zero by its digits.
LEAST_RISE = 5e-7
VERDICTS = {"pass": "Pass", "fail": "Fail", "not_enough_evidence": "Not enough evidence"}


@dataclass(frozen=True, slots=True)
class Fact:
    name: str
    value: str


@dataclass(frozen=True, slots=True)
class Bar:
    """``share`` of the longest bar, 0-100, for drawing; ``value`` and ``interval`` as said."""

    name: str
    share: float
    value: str
    interval: str = ""
    about: str = ""


@dataclass(frozen=True, slots=True)
class Group:
    name: str
    rows: tuple[dict[str, str], ...]


@dataclass(frozen=True, slots=True)
class Card:
    facts: tuple[Fact, ...]
    metrics: tuple[dict[str, str], ...]
    gates: tuple[dict[str, str], ...]
    policies: tuple[dict[str, str], ...]
    plots: tuple[plots.Plot, ...]
    importance: tuple[Bar, ...]
    importance_means: str
    features: tuple[dict[str, str], ...]
    groups: tuple[Group, ...]
    latency: tuple[dict[str, str], ...]
    lineage: tuple[Fact, ...]


def card_of(version: ModelVersion) -> Card:
    """A version that was never judged has few of these; what is missing is empty."""
    bars, means = importance_of(version)
    return Card(
        facts=tuple(_facts(version)),
        metrics=tuple(_metric(name, metric) for name, metric in version.metrics.items()),
        gates=tuple(_gate(gate) for gate in version.gates),
        policies=tuple(_policies(version.gates)),
        plots=tuple(_plots(version)),
        importance=bars,
        importance_means=means,
        features=tuple(_features(version)),
        groups=tuple(_groups(version.card.get("groups", {}))),
        latency=tuple(_latency(version.card.get("latency", []))),
        lineage=tuple(_lineage(version)),
    )


def _facts(version: ModelVersion) -> list[Fact]:
    window = "-"
    if version.data_from and version.data_to:
        window = f"{version.data_from:%Y-%m-%d %H:%M} to {version.data_to:%Y-%m-%d %H:%M} UTC"
    found = [
        Fact("Estimator", version.estimator.replace("_", " ")),
        Fact("State", f"{version.get_status_display()}{f', serves as {version.alias}' if version.alias else ''}"),
        Fact("Window", window),
        Fact("Rows", f"{version.train_rows:,} to learn from, {version.test_rows:,} later ones to judge by"),
        Fact("Of synthetic viewers", f"{version.synthetic_share:.0%}"),
    ]
    positives = next((gate["figures"].get("positives") for gate in version.gates if gate["name"] == "data"), None)
    if positives is not None:
        found.append(Fact("Positive outcomes", f"{positives:,}"))
    if version.traffic_share:
        found.append(Fact("Share of the traffic", f"{version.traffic_share:.0%}"))
    if trials := version.parameters.get("trials"):
        told = ", ".join(f"{action.replace('_', ' ')} {count:,}" for action, count in sorted(trials.items(), key=lambda one: -one[1]))
        found.append(Fact("Tried by chance", told))
    if version.parameters.get("bootstrap"):
        found.append(Fact("Bootstrap", "promoted on thin evidence, because nothing better founded served before"))
    return found


def _metric(name: str, metric: Mapping[str, Any]) -> dict[str, str]:
    low, high = metric.get("ci_low"), metric.get("ci_high")
    return {
        "name": name.replace("_", " "),
        "value": number(metric.get("value")),
        "interval": f"{number(low)} to {number(high)}" if low is not None and high is not None else "-",
        "baseline": number(metric.get("baseline")),
        "ceiling": number(metric.get("ceiling")),
    }


def _gate(gate: Mapping[str, Any]) -> dict[str, str]:
    return {
        "name": gate["name"].replace("_", " "),
        "verdict": gate["verdict"],
        "said": VERDICTS.get(gate["verdict"], gate["verdict"]),
        "words": gate["words"],
    }


def _policies(judged: Sequence[Mapping[str, Any]]) -> list[dict[str, str]]:
    """What each rule would have earned on the same log, of kinds whose rules are told side by side."""
    return [
        {
            "name": one["name"],
            "value": f"{one['value']:,.2f}",
            "interval": f"{one['low']:,.2f} to {one['high']:,.2f}",
            "evidence": f"{one['ess']:,.0f}",
        }
        for gate in judged
        for one in gate.get("figures", {}).get("policies", [])
    ]


def _plots(version: ModelVersion) -> list[plots.Plot]:
    card = version.card
    points = [(one["predicted"], one["observed"], one["low"], one["high"], one["rows"]) for one in card.get("calibration", [])]
    area = version.metrics.get("auc", {}).get("value")
    roc_words = "" if area is None else f"The area under the curve is {area:.3f}; the diagonal is guessing."
    pr_words = "How many of those predicted highest had the outcome, against how many of all outcomes are among them."
    drawn = [
        plots.calibration(points),
        plots.curve("ROC", roc_words, ("False positives", "True positives"), _pairs(card.get("roc")), diagonal=True),
        plots.curve("Precision and recall", pr_words, ("Recall", "Precision"), _pairs(card.get("pr")), diagonal=False, full=False),
        plots.losses(card.get("loss_curve") or version.parameters.get("notes", {}).get("progressive_log_loss", []), "pass"),
    ]
    return [plot for plot in drawn if plot is not None]


def _pairs(points: Sequence[Sequence[float]] | None) -> list[plots.Point]:
    return [(float(x), float(y)) for x, y in points or ()]


def importance_of(version: ModelVersion) -> tuple[tuple[Bar, ...], str]:
    """The rise of the loss when a column is shuffled; of versions without it, the share the fitting itself reported."""
    measured = version.card.get("importance")
    if measured:
        best = sorted((one for one in measured if abs(one["loss_rise"]) >= LEAST_RISE), key=lambda one: -one["loss_rise"])[:SHOWN_FEATURES]
        most = max((one["loss_rise"] for one in best), default=0.0)
        about = _about(version)
        return tuple(
            Bar(
                one["feature"].replace("_", " "), _share(one["loss_rise"], most), f"{one['loss_rise']:+.6f}",
                f"{one['low']:+.6f} to {one['high']:+.6f}" if one.get("low") is not None else "", about.get(one["feature"], ""),
            )
            for one in best
        ), "Rise of the loss on later rows when the column is shuffled"  # fmt: skip
    shares = sorted(version.parameters.get("importance", {}).items(), key=lambda item: -item[1])[:SHOWN_FEATURES]
    most = max((share for _, share in shares), default=0.0)
    return tuple(
        Bar(name.replace("_", " "), _share(share, most), f"{share:.1%}") for name, share in shares
    ), "Share of what was learned, as the fitting reports it"


def _share(value: float, most: float) -> float:
    return round(max(0.0, value) / most * 100, 1) if most > 0 else 0.0


def _about(version: ModelVersion) -> dict[str, str]:
    """What each column is, as the present schema declares it."""
    if version.kind not in training.kinds():
        return {}
    return {feature.name: feature.description for feature in training.recipe_for(version.kind).schema.features}


def _features(version: ModelVersion) -> list[dict[str, str]]:
    return [
        {
            "name": one["name"].replace("_", " "),
            "owner": one["owner"],
            "privacy": "needs consent" if one["privacy"] == "consent" else "context",
            "holds": _holds(one),
        }
        for one in version.feature_schema.get("features", [])
    ]


def _holds(feature: Mapping[str, Any]) -> str:
    if feature.get("identity"):
        return "an id"
    if feature.get("categories") is not None:
        return ", ".join(feature["categories"])
    return f"{feature['low']:g} to {feature['high']:g}"


def _groups(groups: Mapping[str, Sequence[Mapping[str, Any]]]) -> list[Group]:
    return [
        Group(
            name.replace("_", " "),
            tuple(
                {
                    "name": str(one["name"]),
                    "ratio": number(one.get("ratio")),
                    "interval": f"{number(one.get('low'))} to {number(one.get('high'))}",
                    "rows": f"{one['rows']:,}",
                    "positives": f"{one['positives']:,}",
                }
                for one in rows
            ),
        )
        for name, rows in sorted(groups.items())
    ]


def _latency(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, str]]:
    return [{"rows": f"{one['rows']:,}", "p50": f"{one['p50_ms']:.3f} ms", "p99": f"{one['p99_ms']:.3f} ms"} for one in rows]


def _lineage(version: ModelVersion) -> list[Fact]:
    found = [Fact("Artifact", version.artifact_sha256 or "-")]
    if version.parent_id:
        found.append(Fact("Learned on from", str(version.parent)))
    found.append(Fact("Fitted", "on a Dask cluster" if version.engine == "dask" else "on one machine"))
    return found + [
        Fact(name.replace("_", " ").capitalize(), _said(value))
        for name, value in version.lineage.items()
        if value not in ({}, [], "", None) and _short(value)
    ]


def _short(value: Any) -> bool:
    """What one line can say; larger pieces are for programs."""
    return len(_said(value)) <= 600


def _said(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {_said(part)}" for name, part in value.items())
    if isinstance(value, list):
        return ", ".join(map(_said, value)) or "none"
    if isinstance(value, bool) or value is None:
        return {True: "yes", False: "no", None: "-"}[value]
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:g}" if isinstance(value, float) else str(value)


def number(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"
