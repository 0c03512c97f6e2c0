"""FTRL-Proximal with per-coordinate rates (McMahan et al., KDD 2013, algorithm 1), in minibatches, several times over the rows.

A coordinate's step shrinks with the gradients it has seen, so a value met twice still learns while a common one settles; L1
leaves values that say nothing at exactly 0. Batches are blocks of time, first met in order: the loss of that first pass,
each batch predicted before it is learned from, is an honest figure without rows set aside (progressive validation).

Where a learner stands is its `State`; from there it goes on with rows that came later (`go_on`).
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from .hashed import sigmoid
from .metrics import losses

# Newton's method doubles its correct digits each time.
BIAS_STEPS = 25
# What was learned before says of the mean as much as so many clicks do: a handful of one hour must not move every prediction.
BIAS_TRUST = 100.0
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Settings:
    """``alpha`` and ``beta`` set the step, ``l1`` and ``l2`` pull values to 0, ``dense_l2`` the dense columns.
    Rows that come later are learned ``epochs`` times."""

    alpha: float = 0.03
    beta: float = 1.0
    l1: float = 1.0
    l2: float = 40.0
    dense_l2: float = 1.0
    epochs: int = 6
    batch: int = 256
    seed: int = 7


@dataclass(frozen=True)
class State:
    """Where a learner stands. ``z`` and ``squares`` (sums of squared gradients) float64 [coordinates], the last of them for what is
    missing, and the ``pull`` of each to 0 (its L2); ``dense_z`` and ``dense_squares`` [dense columns + 1], the last of them for what
    all rows share. ``start`` is the bias in log-odds that learning began at, corrected to the mean of the rows."""

    z: Floats
    squares: Floats
    dense_z: Floats
    dense_squares: Floats
    start: float
    pull: Floats

    @classmethod
    def new(cls, coordinates: int, dense: int, start: float, pull: float) -> State:
        hashed, numbers = np.zeros(coordinates), np.zeros(dense + 1)
        return cls(hashed, hashed.copy(), numbers, numbers.copy(), start, np.full(coordinates, pull))

    def at(self, weights: Floats, dense: Floats, bias: float, pull: Floats, settings: Settings) -> State:
        """The state in which these are the weights, and from which each moves as far as one that has seen these gradients in all
        passes: where another method has found the weights, and this one goes on."""
        squares, dense_squares = self.squares * settings.epochs, self.dense_squares * settings.epochs
        z = -weights * ((settings.beta + np.sqrt(squares)) / settings.alpha + pull) - np.sign(weights) * settings.l1
        numbers = np.append(dense, 0.0)
        dense_z = -numbers * ((settings.beta + np.sqrt(dense_squares)) / settings.alpha + settings.dense_l2)
        return State(z, squares, dense_z, dense_squares, bias, pull)


@dataclass(frozen=True)
class Learned:
    """``weights`` [coordinates], ``dense`` [dense columns] and ``bias`` in log-odds; ``losses`` the mean log loss of each pass,
    every batch predicted before it was learned from. ``foretold`` float64 [n] are those predictions of the first pass."""

    weights: Floats
    dense: Floats
    bias: float
    losses: tuple[float, ...]
    state: State
    foretold: Floats = field(default_factory=lambda: np.zeros(0))


class _Coordinates:
    """Per-coordinate state: ``z`` and the sum of squared gradients; the weight follows from both."""

    def __init__(self, z: Floats, squares: Floats, settings: Settings, l1: float, l2: Floats) -> None:
        self.z, self.squares, self.weights = z.copy(), squares.copy(), np.zeros(len(z))
        self.settings, self.l1, self.l2 = settings, l1, l2
        self._follow(slice(None))

    def step(self, touched: Ints | slice, gradient: Floats) -> None:
        before = self.squares[touched]
        after = before + gradient**2
        self.z[touched] = self.z[touched] + gradient - (np.sqrt(after) - np.sqrt(before)) / self.settings.alpha * self.weights[touched]
        self.squares[touched] = after
        self._follow(touched)

    def _follow(self, touched: Ints | slice) -> None:
        z, squares = self.z[touched], self.squares[touched]
        shrunk = np.sign(z) * np.maximum(np.abs(z) - self.l1, 0.0)
        self.weights[touched] = -shrunk / ((self.settings.beta + np.sqrt(squares)) / self.settings.alpha + self.l2[touched])


@dataclass(frozen=True)
class _Batch:
    rows: slice
    touched: Ints
    inverse: Ints


class _Learner:
    def __init__(self, state: State, settings: Settings, terms: int) -> None:
        self.start, self.terms = state.start, terms
        self.hashed = _Coordinates(state.z, state.squares, settings, settings.l1, state.pull)
        self.hashed.weights[-1] = 0.0
        self.numbers = _Coordinates(state.dense_z, state.dense_squares, settings, 0.0, np.full(len(state.dense_z), settings.dense_l2))

    def predict(self, batch: _Batch, columns: Floats) -> Floats:
        gathered = self.hashed.weights[batch.touched][batch.inverse].reshape(-1, self.terms).sum(axis=1)
        return sigmoid(self.start + gathered + columns[batch.rows] @ self.numbers.weights)

    def learn(self, batch: _Batch, columns: Floats, error: Floats) -> None:
        gradient = np.bincount(batch.inverse, weights=np.repeat(error, self.terms), minlength=len(batch.touched))
        self.hashed.step(batch.touched, gradient.astype(np.float64))
        self.hashed.weights[-1] = 0.0
        self.numbers.step(slice(None), error @ columns[batch.rows])

    def learned(self, places: Ints, dense: Floats, labels: Floats, passes: list[float], foretold: Floats, *, trust: float) -> Learned:
        weights, numbers = self.hashed.weights, self.numbers.weights
        scored = weights[places].sum(axis=1) + dense @ numbers[:-1]
        begun = self.start + float(numbers[-1])
        bias = level(scored, labels, begun, trust=trust)
        state = State(self.hashed.z, self.hashed.squares, self.numbers.z, self.numbers.squares, self.start + bias - begun, self.hashed.l2)
        return Learned(weights, numbers[:-1], bias, tuple(passes), state, foretold)


def learn(places: Ints, dense: Floats, labels: Floats, settings: Settings, *, nowhere: int) -> Learned:
    """``places`` int64 [n, terms]: which coordinate each term of each row has, ``nowhere`` (the highest) for none; ``dense``
    float64 [n, d] without NaN; ``labels`` 0 or 1. Rows in order of time. The same arguments give the same weights."""
    rate = float(np.clip(labels.mean(), 1e-6, 1 - 1e-6))
    learner = _Learner(State.new(nowhere + 1, dense.shape[1], float(np.log(rate / (1 - rate))), settings.l2), settings, places.shape[1])
    columns, batches = _prepared(places, dense, settings)
    passes, foretold = [], np.zeros(len(labels))
    rng = np.random.default_rng(settings.seed)
    for epoch in range(settings.epochs):
        lost = 0.0
        for batch in batches if epoch == 0 else [batches[place] for place in rng.permutation(len(batches))]:
            rows, predicted = labels[batch.rows], learner.predict(batch, columns)
            if epoch == 0:
                foretold[batch.rows] = predicted
            lost += float(losses(rows, predicted).sum())
            learner.learn(batch, columns, predicted - rows)
        passes.append(lost / len(labels))
    return learner.learned(places, dense, labels, passes, foretold, trust=0.0)


def go_on(state: State, places: Ints, dense: Floats, labels: Floats, known_at: Floats, at: Floats, settings: Settings) -> Learned:
    """Learn rows that came after all that ``state`` has learned.

    ``at`` float64 [n] is when each row was served, ascending, ``known_at`` when its label was known: a batch is foretold by what
    had been learned from labels known before its first row was served, so ``foretold`` is an honest test of all of these rows.
    """
    columns, batches = _prepared(places, dense, settings)
    passes, foretold = [], np.zeros(len(labels))
    learner, done = _Learner(state, settings, places.shape[1]), 0
    for number, batch in enumerate(batches):
        while done < number and known_at[batches[done].rows].max() <= at[batch.rows.start]:
            learner.learn(batches[done], columns, learner.predict(batches[done], columns) - labels[batches[done].rows])
            done += 1
        foretold[batch.rows] = learner.predict(batch, columns)
    passes.append(float(losses(labels, foretold).mean()))
    rng = np.random.default_rng(settings.seed)
    rest = [batches[done:], *([batches[place] for place in rng.permutation(len(batches))] for _ in range(settings.epochs - 1))]
    for again in rest:
        for batch in again:
            learner.learn(batch, columns, learner.predict(batch, columns) - labels[batch.rows])
    return learner.learned(places, dense, labels, passes, foretold, trust=BIAS_TRUST)


def level(logits: Floats, labels: Floats, start: float, *, trust: float) -> float:
    """The bias at which the mean prediction is the rate of the rows (Newton's method): the last batches of a pass pull at it most,
    and a prediction that pays money must not depend on their order. ``trust`` is the precision of ``start``."""
    bias = start
    for _ in range(BIAS_STEPS):
        chance = sigmoid(logits + bias)
        slope = (chance - labels).sum() + trust * (bias - start)
        bias -= float(np.clip(slope / max(float((chance * (1 - chance)).sum()) + trust, 1e-9), -1.0, 1.0))
    return bias


def _prepared(places: Ints, dense: Floats, settings: Settings) -> tuple[Floats, list[_Batch]]:
    columns = np.column_stack([dense, np.ones(len(dense))])
    return columns, [_batch(places, first, settings.batch) for first in range(0, len(places), settings.batch)]


def _batch(places: Ints, first: int, size: int) -> _Batch:
    rows = slice(first, min(first + size, len(places)))
    touched, inverse = np.unique(places[rows], return_inverse=True)
    return _Batch(rows, touched, inverse.reshape(-1))
