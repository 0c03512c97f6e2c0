"""How a trained model is served: an ONNX graph or plain numbers, checked against its hash and never unpickled."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from . import bundle
from .attribution import Contributions, Paths
from .calibration import Calibration, log_odds, sigmoid
from .ensemble import INPUT, OUTPUT, TREES, read
from .hashed import HashedLogistic
from .schema import Feature, Matrix

ONNX, PLAIN, BUNDLE = ".onnx", ".json", ".bundle"
# A forest takes a millisecond for thirty rows, so it ranks no more than these of what a cheaper score finds best.
SHORTLIST = 100
FIRST_STAGE = Feature("first_stage", "learning", low=-30.0, high=30.0, fill=-40.0, description="Log-odds of the first of two stages")
WARM_ROWS = (1, 100)

Predictions = NDArray[np.float64]


class ArtifactRefused(RuntimeError):
    """The bytes of a model are not what was registered, or no model of ours; serving keeps what it has."""


class Predictor(Protocol):
    def predict(self, features: Matrix) -> Predictions:
        """float64 [n] for float32 [n, features]."""
        ...


@dataclass(frozen=True, slots=True)
class ColumnPredictor:
    """The prior: one column of the row is the prediction, or a constant where there is no such column."""

    column: int | None
    value: float

    def predict(self, features: Matrix) -> Predictions:
        if self.column is None:
            return np.full(len(features), self.value)
        column = features[:, self.column].astype(np.float64)
        return np.where(np.isnan(column), self.value, column)

    def to_bytes(self) -> bytes:
        return json.dumps({"format": "column", "column": self.column, "value": self.value}, sort_keys=True).encode()


class OnnxPredictor:
    """One session on one thread: many small requests share a machine, and idle threads that spin would starve the others."""

    def __init__(self, graph: bytes) -> None:
        """Raises ArtifactRefused."""
        import onnxruntime
        from onnxruntime.capi import onnxruntime_pybind11_state as state

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        try:
            self._session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
        except (state.Fail, state.InvalidArgument, state.InvalidGraph, state.InvalidProtobuf, state.NotImplemented, state.RuntimeException) as error:
            raise ArtifactRefused(f"the artifact is no ONNX graph that can be run: {error}") from error
        self.width = int(self._session.get_inputs()[0].shape[1])
        self._trees = graph if self._session.get_modelmeta().custom_metadata_map.get("model") == TREES else None

    def predict(self, features: Matrix) -> Predictions:
        mean: Predictions = self.spread(features).mean(axis=1)
        return mean

    def spread(self, features: Matrix) -> Predictions:
        """What each bag says, float64 [n, bags]; one column where the graph is of one model."""
        rows = np.ascontiguousarray(features, dtype=np.float32)
        if self._trees is None and len(rows) == 1:
            # A product of one row is summed in another order than the same row among others; a replay must be exact.
            return self.spread(np.repeat(rows, 2, axis=0))[:1]
        (answer,) = self._session.run([OUTPUT], {INPUT: rows})
        return np.asarray(answer, dtype=np.float64)

    def contributions(self, features: Matrix) -> Contributions | None:
        """What each column added, see `attribution`; None for a graph that is no trees."""
        return None if self._paths is None else self._paths.contributions(features)

    @cached_property
    def _paths(self) -> Paths | None:
        return None if self._trees is None else Paths.of(read(self._trees), self.width)

    def warm(self) -> None:
        for rows in WARM_ROWS:
            self.predict(np.zeros((rows, self.width), dtype=np.float32))


class CalibratedPredictor:
    """Any model of probabilities, its log-odds corrected."""

    def __init__(self, inner: Predictor, calibration: Calibration) -> None:
        self.inner, self.calibration = inner, calibration

    def predict(self, features: Matrix) -> Predictions:
        answers = sigmoid(self.calibration.log_odds(log_odds(self.inner.predict(features)), features))
        # As every graph answers and as scores are logged: a logged row gives its logged score again, to the last bit.
        return answers.astype(np.float32).astype(np.float64)

    def contributions(self, features: Matrix) -> Contributions | None:
        """Those of the model inside, corrected alike; what a place adds is counted with its own column."""
        inner = contributions_of(self.inner, features)
        if inner is None:
            return None
        parts, base = inner
        parts = parts * self.calibration.slope
        for offsets in self.calibration.offsets:
            parts[:, offsets.column] += offsets.of(features)
        return parts, base * self.calibration.slope + self.calibration.intercept


class TwoStagePredictor:
    """A cheap model scores everything, an expensive one ranks the ``shortlist`` best: it reads the row and, as one column more,
    the log-odds of the first. Those are of the row as it is when it is scored, with each column of ``reference`` at its value:
    what a place in the pod adds is for the second alone to say."""

    def __init__(self, first: HashedLogistic, second: Predictor, shortlist: int, reference: Mapping[int, float]) -> None:
        self.first, self.second, self.shortlist, self.reference = first, second, shortlist, dict(reference)

    def predict(self, features: Matrix) -> Predictions:
        """Of rows that are on the shortlist: whoever serves chooses them by what the first stage says, see `refine`."""
        return self.second.predict(self.widened(features))

    def refine(self, features: Matrix, logits: Predictions) -> Predictions:
        """The second stage on shortlisted rows whose first log-odds are known."""
        return self.second.predict(np.column_stack([features, logits.astype(np.float32)]))

    def widened(self, features: Matrix) -> Matrix:
        wide: Matrix = np.column_stack([features, self.first.logits(self._as_scored(features)).astype(np.float32)])
        return wide

    def contributions(self, features: Matrix) -> Contributions | None:
        """Those of the second stage. What the first one's score added there is shared among the columns as they moved that score,
        whichever way."""
        told = contributions_of(self.second, self.widened(features))
        if told is None:
            return None
        moved = np.abs(self.first.contributions(self._as_scored(features))[0])
        moved[~moved.any(axis=1)] = 1.0
        return told[0][:, :-1] + told[0][:, -1:] * moved / moved.sum(axis=1, keepdims=True), told[1]

    def _as_scored(self, features: Matrix) -> Matrix:
        scored = features.copy()
        for column, value in self.reference.items():
            scored[:, column] = value
        return scored

    def to_bytes(self, *, first: bytes, second: bytes, second_suffix: str) -> bytes:
        head = {"format": "two_stage", "shortlist": self.shortlist, "second_suffix": second_suffix}
        head |= {"sha256": {"first": sha256(first), "second": sha256(second)}, "reference": sorted(self.reference.items())}
        return bundle.pack(head, {"first": first, "second": second})


def contributions_of(predictor: Predictor, features: Matrix) -> Contributions | None:
    """What each column added to each prediction, float64 [n, features], and what it started from; together the prediction, in
    log-odds or in the unit of a regression's label. None for models that cannot tell."""
    tell = getattr(predictor, "contributions", None)
    return None if tell is None else tell(features)


def spread_of(predictor: Predictor, features: Matrix) -> Predictions:
    """What each bag of a bagged model says, float64 [n, bags], of which its prediction is the mean; of any other model its prediction
    as the only bag."""
    tell = getattr(predictor, "spread", None)
    bags: Predictions = predictor.predict(features)[:, np.newaxis] if tell is None else tell(features)
    return bags


def wrap(inner: bytes, suffix: str, calibration: Calibration) -> bytes:
    """A model of probabilities with its correction as one artifact."""
    head = {"format": "calibrated", "calibration": calibration.as_json(), "inner_suffix": suffix, "sha256": {"inner": sha256(inner)}}
    return bundle.pack(head, {"inner": inner})


def sha256(artifact: bytes) -> str:
    return hashlib.sha256(artifact).hexdigest()


def load(artifact: bytes, suffix: str, *, expected_sha256: str) -> Predictor:
    """A warm predictor. Raises ArtifactRefused when the bytes changed since they were registered or cannot be read."""
    if sha256(artifact) != expected_sha256:
        raise ArtifactRefused(f"the artifact's SHA-256 is {sha256(artifact)[:12]}..., registered was {expected_sha256[:12]}...")
    if suffix == PLAIN:
        return _plain(artifact)
    if suffix == ONNX:
        predictor = OnnxPredictor(artifact)
        predictor.warm()
        return predictor
    if suffix == BUNDLE:
        return _bundled(artifact)
    raise ArtifactRefused(f"no model is kept as {suffix!r}")


def _plain(artifact: bytes) -> Predictor:
    try:
        content: dict[str, Any] = json.loads(artifact)
        if content["format"] != "column":
            raise ArtifactRefused(f"unknown plain format {content['format']!r}")
        return ColumnPredictor(content["column"], float(content["value"]))
    except (ValueError, KeyError, TypeError) as error:
        raise ArtifactRefused(f"the artifact is no plain model: {error}") from error


def _bundled(artifact: bytes) -> Predictor:
    try:
        head, pieces = bundle.unpack(artifact)
        if head["format"] == "hashed_logistic":
            return HashedLogistic.of(head, pieces)
        if head["format"] == "calibrated":
            inner = load(pieces["inner"], head["inner_suffix"], expected_sha256=head["sha256"]["inner"])
            return CalibratedPredictor(inner, Calibration.of_json(head["calibration"]))
        if head["format"] != "two_stage":
            raise ArtifactRefused(f"unknown bundled format {head['format']!r}")
        parts = head["sha256"]
        first = load(pieces["first"], BUNDLE, expected_sha256=parts["first"])
        if not isinstance(first, HashedLogistic):
            raise ArtifactRefused("the first of two stages must be a hashed_logistic")
        second = load(pieces["second"], head["second_suffix"], expected_sha256=parts["second"])
        # Those of earlier releases have none: their second stage learned from scores at the place the ad had.
        reference = {int(column): float(value) for column, value in head.get("reference", ())}
        return TwoStagePredictor(first, second, int(head["shortlist"]), reference)
    except (ValueError, KeyError, TypeError, IndexError) as error:
        raise ArtifactRefused(f"the artifact is no bundled model: {error}") from error
