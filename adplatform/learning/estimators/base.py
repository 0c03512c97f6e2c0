"""What fitting an estimator returns, and what a registry line holds."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..ensemble import Ints
from ..predictor import Predictions
from ..schema import FeatureSchema, Matrix

CLASSIFICATION, REGRESSION = "classification", "regression"
# Threads of one fit: more would make the sums of the boosted trees depend on the machine.
FIT_JOBS = 2
LEAST_LEAF = 25


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


@dataclass(frozen=True)
class Sample:
    """Where training rows come from: ``session`` [n] says which of them belong together, ``weight`` float64 [n] how much each counts;
    None: each stands alone, all count alike."""

    session: NDArray[Any] | None = None
    weight: Predictions | None = None


Fit = Callable[[Matrix, Predictions, FeatureSchema, dict[str, Any]], Fitted]
FitSample = Callable[[Matrix, Predictions, FeatureSchema, dict[str, Any], Sample], Fitted]


@dataclass(frozen=True)
class Estimator:
    """How one task is fitted, the parameters it has unless told, and a check of what has to be installed (raises UnknownEstimator).
    ``fit_sample`` is for those that heed weights and sessions, and takes the place of ``fit`` there."""

    fit: Fit
    parameters: Mapping[str, Any] = field(default_factory=dict)
    needs: Callable[[], None] = lambda: None
    fit_sample: FitSample | None = None


def appeal_columns(schema: FeatureSchema) -> Ints:
    """What a model without embeddings reads: neither ids, whose codes are hashes without an order, nor what was decided after
    scoring, which is corrected for apart from the ad's appeal."""
    return np.array([place for place, feature in enumerate(schema.features) if not feature.identity and not feature.exposure], dtype=np.int64)


def leaf_for(rows: int, rate: float, positives: float) -> int:
    """Fewest rows in a leaf, so that it holds about ``positives`` positive outcomes: at a click rate of 1 %, leaves of 25 rows
    hold a click by chance and the model learns noise. At most a tenth of the rows, so that there is something to split."""
    return max(LEAST_LEAF, min(rows // 10, math.ceil(positives / rate)))
