"""What fitting an estimator returns, and what a registry line holds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..predictor import Predictions
from ..schema import FeatureSchema, Matrix

CLASSIFICATION, REGRESSION = "classification", "regression"
# Threads of one fit: more would make the sums of the boosted trees depend on the machine.
FIT_JOBS = 2


class UnknownEstimator(ValueError):
    """No estimator of that name for that task; the message lists those there are."""


@dataclass(frozen=True)
class Fitted:
    """``native`` predicts with the library that was fitted; only the parity check calls it. ``notes`` say how the fitting went.

    ``state`` is what learning needs to go on from here, where the estimator can. ``foretold`` float64 [n], where rows were learned
    one after the other, says of each what was predicted before it was learned from.
    """

    artifact: bytes
    suffix: str
    native: Callable[[Matrix], Predictions]
    importance: Mapping[str, float] = field(default_factory=dict)
    notes: Mapping[str, Any] = field(default_factory=dict)
    state: bytes = b""
    foretold: Predictions | None = None


Fit = Callable[[Matrix, Predictions, FeatureSchema, dict[str, Any]], Fitted]


@dataclass(frozen=True)
class Estimator:
    fit: Fit
    tasks: tuple[str, ...]
    parameters: Mapping[str, Any] = field(default_factory=dict)
