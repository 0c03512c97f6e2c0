"""Where a model is fitted: in this process, or on a Dask cluster."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from . import estimators
from .estimators import Fitted, Sample, UnknownEstimator
from .schema import FeatureSchema
from .training.dataset import Dataset

LOCAL, DASK = "local", "dask"
ENGINES = (LOCAL, DASK)
# What a cluster can train.
CLUSTERED = "lightgbm"
# What goes on from the version that serves.
LEARNS_ON = "hashed_logistic"


class EngineUnavailable(RuntimeError):
    """Nothing was trained; the message says what is missing and what to do."""


@dataclass(frozen=True)
class Engine:
    """``scheduler`` is the cluster's address, ``tcp://host:port``; empty for a cluster of this machine alone."""

    name: str = LOCAL
    scheduler: str = ""

    def fit(self, estimator: str, task: str, earlier: Dataset, schema: FeatureSchema, parameters: Mapping[str, Any]) -> Fitted:
        """Raises EngineUnavailable, UnknownEstimator."""
        check(self.name, estimator)
        if self.name == LOCAL:
            sample = Sample(earlier.session, earlier.weights)
            return estimators.fit(estimator, task, earlier.features, earlier.labels, schema, parameters, sample)
        from . import cluster

        return cluster.fit(task, earlier, schema, parameters, scheduler=self.scheduler)


def check(engine: str, estimator: str) -> None:
    """Raises EngineUnavailable, and UnknownEstimator for one that this engine cannot train."""
    if engine not in ENGINES:
        raise EngineUnavailable(f"there is no engine {engine!r}; choose one of: {', '.join(ENGINES)}")
    if engine == LOCAL:
        return
    if estimator != CLUSTERED:
        raise UnknownEstimator(f"the engine {DASK} trains {CLUSTERED} alone, not {estimator}: say --estimator {CLUSTERED}, or leave --engine out")
    try:
        import dask.array  # noqa: F401
        import distributed  # noqa: F401
    except ImportError as error:
        raise EngineUnavailable(
            "Dask is not installed; get it with: .venv/bin/uv pip install 'dask[array,dataframe]' distributed"
            " (what the machines of a cluster need stands in docs/learning.md)"
        ) from error
