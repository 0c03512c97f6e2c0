"""FTRL-Proximal with per-coordinate rates (McMahan et al., KDD 2013, algorithm 1), in minibatches, several times over the rows.

A coordinate's step shrinks with the gradients it has seen, so a value met twice still learns while a common one settles; L1
leaves values that say nothing at exactly 0. Batches are blocks of time, first met in order: the loss of that first pass,
each batch predicted before it is learned from, is an honest figure without rows set aside (progressive validation).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .hashed import sigmoid
from .metrics import losses

# Newton's method doubles its correct digits each time.
BIAS_STEPS = 25
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Settings:
    """``alpha`` and ``beta`` set the step, ``l1`` and ``l2`` pull values to 0, ``dense_l2`` the dense columns."""

    alpha: float = 0.03
    beta: float = 1.0
    l1: float = 1.0
    l2: float = 40.0
    dense_l2: float = 1.0
    epochs: int = 6
    batch: int = 256
    seed: int = 7


@dataclass(frozen=True)
class Learned:
    """``weights`` [coordinates], ``dense`` [dense columns] and ``bias`` in log-odds; ``losses`` the mean log loss of each pass,
    every batch predicted before it was learned from."""

    weights: Floats
    dense: Floats
    bias: float
    losses: tuple[float, ...]


class _Coordinates:
    """Per-coordinate state: ``z`` and the sum of squared gradients; the weight follows from both."""

    def __init__(self, count: int, settings: Settings, l1: float, l2: float) -> None:
        self.z, self.squares, self.weights = np.zeros(count), np.zeros(count), np.zeros(count)
        self.settings, self.l1, self.l2 = settings, l1, l2

    def step(self, touched: Ints | slice, gradient: Floats) -> None:
        alpha, beta = self.settings.alpha, self.settings.beta
        before = self.squares[touched]
        after = before + gradient**2
        z = self.z[touched] + gradient - (np.sqrt(after) - np.sqrt(before)) / alpha * self.weights[touched]
        self.squares[touched], self.z[touched] = after, z
        shrunk = np.sign(z) * np.maximum(np.abs(z) - self.l1, 0.0)
        self.weights[touched] = -shrunk / ((beta + np.sqrt(after)) / alpha + self.l2)


@dataclass(frozen=True)
class _Batch:
    rows: slice
    touched: Ints
    inverse: Ints


def learn(places: Ints, dense: Floats, labels: Floats, settings: Settings, *, nowhere: int) -> Learned:
    """``places`` int64 [n, terms]: which coordinate each term of each row has, ``nowhere`` (the highest) for none; ``dense``
    float64 [n, d] without NaN; ``labels`` 0 or 1. Rows in order of time. The same arguments give the same weights."""
    rate = float(np.clip(labels.mean(), 1e-6, 1 - 1e-6))
    start = float(np.log(rate / (1 - rate)))
    hashed = _Coordinates(nowhere + 1, settings, settings.l1, settings.l2)
    numbers = _Coordinates(dense.shape[1] + 1, settings, 0.0, settings.dense_l2)
    columns = np.column_stack([dense, np.ones(len(dense))])
    batches = [_batch(places, first, settings.batch) for first in range(0, len(places), settings.batch)]
    rng = np.random.default_rng(settings.seed)
    passes = []
    for epoch in range(settings.epochs):
        order = np.arange(len(batches)) if epoch == 0 else rng.permutation(len(batches))
        lost = 0.0
        for batch in (batches[place] for place in order):
            rows, terms = labels[batch.rows], places.shape[1]
            gathered = hashed.weights[batch.touched][batch.inverse].reshape(-1, terms).sum(axis=1)
            predicted = sigmoid(start + gathered + columns[batch.rows] @ numbers.weights)
            lost += float(losses(rows, predicted).sum())
            error = predicted - rows
            gradient = np.bincount(batch.inverse, weights=np.repeat(error, terms), minlength=len(batch.touched))
            hashed.step(batch.touched, gradient.astype(np.float64))
            hashed.weights[nowhere] = 0.0
            numbers.step(slice(None), error @ columns[batch.rows])
        passes.append(lost / len(labels))
    scored = hashed.weights[places].sum(axis=1) + dense @ numbers.weights[:-1]
    return Learned(hashed.weights, numbers.weights[:-1], _bias(scored, labels, start + float(numbers.weights[-1])), tuple(passes))


def _bias(logits: Floats, labels: Floats, start: float) -> float:
    """The bias at which the mean prediction is the rate of the rows (Newton's method): the last batches of a pass pull at it most,
    and a prediction that pays money must not depend on their order."""
    bias = start
    for _ in range(BIAS_STEPS):
        chance = sigmoid(logits + bias)
        bias -= float(np.clip((chance - labels).sum() / max(float((chance * (1 - chance)).sum()), 1e-9), -1.0, 1.0))
    return bias


def _batch(places: Ints, first: int, size: int) -> _Batch:
    rows = slice(first, min(first + size, len(places)))
    touched, inverse = np.unique(places[rows], return_inverse=True)
    return _Batch(rows, touched, inverse.reshape(-1))
