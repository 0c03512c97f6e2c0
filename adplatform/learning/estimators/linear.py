"""The linear model over hashed values: its most probable weights, each term believed as far as the rows call for, and how FTRL goes on
learning from there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Self

import numpy as np

from .. import bundle, ftrl, strengths
from ..calibration import Platt, log_odds, platt
from ..ftrl import Floats, Ints
from ..hashed import Dense, HashedLogistic, Spec, sigmoid, transformed
from ..metrics import losses
from ..predictor import BUNDLE, ArtifactRefused, Predictions
from ..schema import FeatureSchema, Matrix
from .base import CLASSIFICATION, Fitted
from .fitting import later_rows

HASHED: dict[str, Any] = {"bits": 18, **asdict(ftrl.Settings())}
STATE_FORMAT = "ftrl_state_3"
# Weights smaller than this change no prediction that anybody could tell apart; left out, artifacts stay small.
NEGLIGIBLE = 1e-4


@dataclass(frozen=True)
class Standing:
    """Where the learning of one model stands: its terms, how much each pulls its weights to 0 (``pulls`` [terms]), its numbers, and
    the learner's state at the ``used`` places (ascending; the state has one more, for what is missing). What it serves is corrected
    by ``slope`` and ``intercept``, folded into its weights."""

    spec: Spec
    settings: ftrl.Settings
    dense: tuple[Dense, ...]
    used: Ints
    state: ftrl.State
    pulls: Floats
    slope: float = 1.0
    intercept: float = 0.0

    @classmethod
    def new(cls, schema: FeatureSchema, features: Matrix, settings: ftrl.Settings, bits: int) -> Standing:
        """Nothing learned yet; how far the numbers spread is that of these rows."""
        numbers = [feature for feature in schema.features if feature.linear is not None]
        spreads = [_spread(transformed(str(one.linear), features[:, schema.index[one.name]].astype(np.float64))) for one in numbers]
        dense = tuple(Dense(one.name, str(one.linear), *spread, 1.0) for one, spread in zip(numbers, spreads, strict=True))
        state = ftrl.State.new(1, len(dense), 0.0, settings.l2)
        return cls(Spec.of(schema, bits), settings, dense, np.zeros(0, dtype=np.int64), state, np.full(len(schema.terms), settings.l2))

    def columns(self, features: Matrix) -> Floats:
        """What the numbers of each row say, float64 [n, dense]."""
        index = {name: place for place, name in enumerate(self.spec.columns)}
        values = [transformed(one.transform, features[:, index[one.column]].astype(np.float64)) for one in self.dense]
        moved = [np.nan_to_num((value - one.mean) / one.scale) for value, one in zip(values, self.dense, strict=True)]
        return np.stack(moved, axis=1) if moved else np.zeros((len(features), 0))

    def meeting(self, places: Ints) -> Self:
        """The same with the ``places`` [n, terms] that were never met before, about which nothing is known but their terms."""
        nowhere = 1 << self.spec.bits
        used = np.union1d(self.used, places[places < nowhere])
        known = np.append(np.searchsorted(used, self.used), len(used))
        z, squares = np.zeros(len(used) + 1), np.zeros(len(used) + 1)
        z[known], squares[known] = self.state.z, self.state.squares
        pull = self.pulls[strengths.term_of(np.searchsorted(used, places), len(used) + 1)]
        pull[known] = self.state.pull
        return replace(self, used=used, state=replace(self.state, z=z, squares=squares, pull=pull))

    def model(self, weights: Floats, dense: Floats, bias: float) -> HashedLogistic:
        table = np.zeros(1 << self.spec.bits, dtype=np.float32)
        table[self.used] = weights[:-1] * self.slope
        numbers = [replace(one, weight=float(weight) * self.slope) for one, weight in zip(self.dense, dense, strict=True)]
        return HashedLogistic(self.spec, table, numbers, bias * self.slope + self.intercept)

    def to_bytes(self) -> bytes:
        spec, state = self.spec, self.state
        head = {
            "format": STATE_FORMAT, "columns": spec.columns, "terms": spec.terms, "bands": dict(spec.bands), "bits": spec.bits,
            "settings": asdict(self.settings), "dense": [asdict(one) for one in self.dense], "start": state.start,
            "pulls": self.pulls.tolist(), "slope": self.slope, "intercept": self.intercept,
        }  # fmt: skip
        arrays = {name: getattr(state, name) for name in ("z", "squares", "dense_z", "dense_squares", "pull")}
        pieces = {name: array.astype("<f8").tobytes() for name, array in arrays.items()}
        return bundle.pack(head, {"used": self.used.astype("<u4").tobytes(), **pieces})

    @classmethod
    def of(cls, stored: bytes) -> Standing:
        """Raises ArtifactRefused when these bytes are no such state."""
        try:
            head, pieces = bundle.unpack(stored)
            if head["format"] != STATE_FORMAT:
                raise ArtifactRefused(f"the state of a linear model is {STATE_FORMAT}, this is {head['format']!r}")
            bands = {str(name): tuple(map(float, edges)) for name, edges in head["bands"].items()}
            spec = Spec(tuple(map(str, head["columns"])), tuple(tuple(map(str, term)) for term in head["terms"]), bands, int(head["bits"]))
            z, squares, dense_z, dense_squares, pull = (
                np.frombuffer(pieces[name], dtype="<f8") for name in ("z", "squares", "dense_z", "dense_squares", "pull")
            )
            used = np.frombuffer(pieces["used"], dtype="<u4").astype(np.int64)
            state = ftrl.State(z, squares, dense_z, dense_squares, float(head["start"]), pull)
            pulls, dense = np.array(head["pulls"], dtype=np.float64), tuple(Dense(**one) for one in head["dense"])
            return cls(spec, ftrl.Settings(**head["settings"]), dense, used, state, pulls, float(head["slope"]), float(head["intercept"]))
        except (ValueError, KeyError, TypeError, IndexError) as error:
            raise ArtifactRefused(f"the bytes are no state of a linear model: {error}") from error


def fit(features: Matrix, labels: Predictions, schema: FeatureSchema, parameters: dict[str, Any]) -> Fitted:
    """A first model learns from all but the last rows, and what it says of those tells whether a slope and an intercept (Platt) are
    worth having; then one learns from everything."""
    later, line = later_rows(labels, CLASSIFICATION), Platt(1.0, 0.0, False, "too few later rows to correct by")
    if later is not None:
        first, _ = learn(features[~later], labels[~later], schema, parameters)
        line = platt(labels[later], first.logits(features[later]), np.zeros(int(later.sum())))
    standing, model, notes, importance = _learn(features, labels, schema, parameters, line)
    return Fitted(model.to_bytes(), BUNDLE, model.predict, importance, {**notes, "platt": line.words}, standing.to_bytes())


def learn(features: Matrix, labels: Predictions, schema: FeatureSchema, parameters: Mapping[str, Any]) -> tuple[HashedLogistic, dict[str, Any]]:
    """The model, and how its learning went."""
    return _learn(features, labels, schema, parameters)[1:3]


def go_on(stored: bytes, features: Matrix, labels: Predictions, at: Floats, label_seconds: float) -> Fitted:
    """Learn rows that came after all those behind the ``stored`` state; ``at`` float64 [n] is when they were served, ascending, in
    Unix seconds. The same state and rows give the same bytes. Raises ArtifactRefused."""
    standing = Standing.of(stored)
    places = _places(standing, features)
    standing = standing.meeting(places)
    coordinates, columns = np.searchsorted(standing.used, places), standing.columns(features)
    learned = ftrl.go_on(standing.state, coordinates, columns, labels, at + label_seconds, at, standing.settings)
    foretold = sigmoid(standing.slope * log_odds(learned.foretold) + standing.intercept)
    standing, model, notes, importance = _finished(standing, learned, coordinates, columns)
    return Fitted(model.to_bytes(), BUNDLE, model.predict, importance, notes, standing.to_bytes(), foretold)


def _learn(
    features: Matrix, labels: Predictions, schema: FeatureSchema, parameters: Mapping[str, Any], line: Platt | None = None
) -> tuple[Standing, HashedLogistic, dict[str, Any], dict[str, float]]:
    if not schema.terms:
        raise ValueError(f"the schema {schema.name} declares no terms, so a linear model has nothing to learn")
    settings = dict(parameters)
    bits = int(settings.pop("bits"))
    standing = Standing.new(schema, features, ftrl.Settings(**settings), bits)
    if line is not None:
        standing = replace(standing, slope=line.slope, intercept=line.intercept)
    places = _places(standing, features)
    standing = standing.meeting(places)
    coordinates, columns = np.searchsorted(standing.used, places), standing.columns(features)
    first = ftrl.learn(coordinates, columns, labels, replace(standing.settings, epochs=1), nowhere=len(standing.used))
    return _finished(*_settled(standing, first, coordinates, columns, labels), coordinates, columns)


def _settled(standing: Standing, first: ftrl.Learned, coordinates: Ints, columns: Floats, labels: Predictions) -> tuple[Standing, ftrl.Learned]:
    """The most probable weights in place of those after one pass, which is an honest foretelling and no more; and the state in which
    the learner has them."""
    found = strengths.settle(coordinates, columns, labels, nowhere=len(standing.used), start=first.bias)
    weights = np.where(np.abs(found.weights) < NEGLIGIBLE, 0.0, found.weights)
    pulls = found.strength * standing.settings.epochs
    pull = pulls[strengths.term_of(coordinates, len(weights))]
    bias = ftrl.level(weights[coordinates].sum(axis=1) + columns @ found.dense, labels, found.bias, trust=0.0)
    chances = sigmoid(weights[coordinates].sum(axis=1) + columns @ found.dense + bias)
    passes = (*first.losses, float(losses(labels, chances).mean()))
    state = first.state.at(weights, found.dense, bias, pull, standing.settings)
    return replace(standing, pulls=pulls), ftrl.Learned(weights, found.dense, bias, passes, state, first.foretold)


def _finished(
    standing: Standing, learned: ftrl.Learned, coordinates: Ints, columns: Floats
) -> tuple[Standing, HashedLogistic, dict[str, Any], dict[str, float]]:
    """The state after learning, the model, how it went, and the share of the spread of its log-odds that each term has."""
    standing = replace(standing, state=learned.state)
    spreads = {" x ".join(term): float(learned.weights[coordinates[:, place]].std()) for place, term in enumerate(standing.spec.terms)}
    spreads |= {f"{one.column} (number)": float((columns[:, place] * learned.dense[place]).std()) for place, one in enumerate(standing.dense)}
    total = sum(spreads.values()) or 1.0
    notes = {
        "progressive_log_loss": [round(loss, 6) for loss in learned.losses],
        "weights": int(np.count_nonzero(learned.weights)),
        "places": len(standing.used),
    }
    model = standing.model(learned.weights, learned.dense, learned.bias)
    return standing, model, notes, {name: spread / total for name, spread in spreads.items()}


def _places(standing: Standing, features: Matrix) -> Ints:
    empty = HashedLogistic(standing.spec, np.zeros(1 << standing.spec.bits, dtype=np.float32), (), 0.0)
    return np.ascontiguousarray(empty.places(features).T)


def _spread(values: Predictions) -> tuple[float, float]:
    """Mean and standard deviation of the known values, 0 and 1 where there are none or they do not vary."""
    known = values[~np.isnan(values)]
    if not known.size:
        return 0.0, 1.0
    deviation = float(known.std())
    return float(known.mean()), deviation if deviation > 1e-9 else 1.0
