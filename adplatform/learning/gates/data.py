"""Whether the rows are fit to learn from: as declared, filled as before, and without the answer among the features."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from ..metrics import Floats, auc
from ..schema import FeatureSchema, Matrix
from .gate import FAIL, PASS, Gate

# Alone, the best column of a click or completion model reaches an AUC of 0.65 to 0.75; whole models end at 0.85.
GIVEAWAY = 0.9
# A column that tells so much more than when the champion was trained holds something it did not hold then. On few positive outcomes
# chance does as much, and the smoothed rates grow from nothing to about 0.7 while they are being counted.
SUDDEN, LEAST_SUDDEN, SUDDEN_POSITIVES = 0.15, 0.75, 200
# A column missing in so much more of the rows than when the champion was trained stopped being filled somewhere.
STOPPED = 0.3
BINS = 32


@dataclass(frozen=True)
class Profile:
    """What training rows looked like, by column; the next candidate's are held against the champion's. ``telling`` is how well the
    column alone predicts rows it was not fitted on: AUC for outcomes of 0 and 1, else the share of the variance explained."""

    rows: int
    positives: int
    missing: Mapping[str, float] = field(default_factory=dict)
    telling: Mapping[str, float] = field(default_factory=dict)
    constant: tuple[str, ...] = ()

    @classmethod
    def of(cls, schema: FeatureSchema, features: Matrix, labels: Floats, learned: int) -> Profile:
        """Of a matrix that has the schema's width. What tells the outcome is asked of the first ``learned`` rows alone: between those
        and the later ones clicks may become rarer, and whatever counts upwards with time would seem to know."""
        missing = np.isnan(features).mean(axis=0) if len(features) else np.zeros(features.shape[1])
        spread = [np.unique(column[~np.isnan(column)]).size for column in features.T]
        return cls(
            rows=len(labels),
            positives=int((labels > 0.5).sum()),
            missing={name: round(float(share), 4) for name, share in zip(schema.names, missing, strict=True)},
            telling={
                f.name: round(_telling(features[:learned, place], labels[:learned]), 4) for place, f in enumerate(schema.features) if not f.identity
            },
            constant=tuple(name for name, values, share in zip(schema.names, spread, missing, strict=True) if values == 1 and share == 0),
        )

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, stored: Mapping[str, Any] | None) -> Profile | None:
        return cls(**{**stored, "constant": tuple(stored["constant"])}) if stored else None


def data(
    schema: FeatureSchema, features: Matrix, labels: Floats, rows: tuple[int, int], champion: Profile | None = None
) -> tuple[Gate, Profile | None]:
    """The matrix keeps its schema, no column stopped being filled since the ``champion`` was trained, and no single one gives the
    label away. ``rows`` are those to learn from, which come first, and the later ones. Also returns the profile, None where the matrix is none."""
    broken = [f"{problem.feature} {problem.words}" if problem.feature != "*" else problem.words for problem in schema.problems(features)]
    if broken:
        return Gate("data", FAIL, "; ".join(broken), {"problems": broken}), None
    profile = Profile.of(schema, features, labels, rows[0])
    figures = {"train_rows": rows[0], "test_rows": rows[1], "positives": profile.positives, "constant": list(profile.constant)}
    problems = _giveaways(profile, champion) + _stopped(schema, profile, champion)
    if problems:
        return Gate("data", FAIL, "; ".join(problems), {**figures, "problems": problems}), profile
    words = f"{rows[0]:,} rows to learn from and {rows[1]:,} later ones to judge by, every column within its declared range"
    if profile.constant:
        words += f"; the same in every row, so nothing to learn from: {', '.join(profile.constant)}"
    return Gate("data", PASS, words, figures), profile


def _giveaways(profile: Profile, champion: Profile | None) -> list[str]:
    before = champion.telling if champion is not None and profile.positives >= SUDDEN_POSITIVES else {}
    problems = []
    for name, strength in profile.telling.items():
        if strength >= GIVEAWAY:
            problems.append(f"{name} alone tells the outcome ({strength:.3f} of 1): it may hold the answer")
        elif name in before and strength >= max(LEAST_SUDDEN, before[name] + SUDDEN):
            problems.append(f"{name} alone tells much more of the outcome ({strength:.3f}) than when the champion was trained ({before[name]:.3f}): "
                            "it may hold part of the answer")  # fmt: skip
    return problems


def _stopped(schema: FeatureSchema, profile: Profile, champion: Profile | None) -> list[str]:
    """Of columns that are always filled: how many viewers consent may well change."""
    if champion is None:
        return []
    always = [feature.name for feature in schema.features if feature.privacy != "consent" and not feature.optional]
    return [
        f"{name} is missing in {profile.missing[name]:.0%} of the rows, {champion.missing[name]:.0%} when the champion was trained: "
        "something stopped filling it"
        for name in always
        if name in champion.missing and profile.missing[name] > champion.missing[name] + STOPPED
    ]


def _telling(column: Matrix, labels: Floats) -> float:
    """Half of the rows give the mean outcome of each bin of the column (missing is a bin of its own), the other half is predicted by
    it: also what rises and falls again, or is missing where it matters, is found."""
    known = column[~np.isnan(column)]
    edges = np.unique(np.quantile(known, np.linspace(0, 1, BINS + 1)[1:-1])) if known.size else np.zeros(0)
    # Between two values, so that whole numbers and categories fall into bins of their own.
    bins = np.where(np.isnan(column), len(edges) + 1, np.searchsorted(edges, np.nan_to_num(column), side="left"))
    fit, rest = np.arange(len(labels)) % 2 == 0, np.arange(len(labels)) % 2 == 1
    count = np.bincount(bins[fit], minlength=len(edges) + 2)
    total = np.bincount(bins[fit], weights=labels[fit], minlength=len(edges) + 2)
    everywhere = float(labels[fit].mean()) if fit.any() else 0.0
    predicted = ((total + everywhere) / (count + 1.0))[bins[rest]]
    outcome = labels[rest]
    if set(np.unique(labels)) == {0.0, 1.0}:
        area = auc(outcome, predicted)
        return area if np.isfinite(area) else 0.5
    variance = float(outcome.var()) if len(outcome) else 0.0
    return max(0.0, 1.0 - float(((outcome - predicted) ** 2).mean()) / variance) if variance > 0 else 0.0
