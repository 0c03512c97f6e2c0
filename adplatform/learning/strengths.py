"""How much each term of a linear model is to be believed, found from the rows themselves.

A schema lists the values and crosses that may matter. How far the weights of a term stray from 0 is a prior of the term's own,
and its width is what makes the rows most probable (empirical Bayes; MacKay, The evidence framework applied to classification
networks, 1992): a cross that says nothing is pulled to 0, one in which values truly differ is let go. So a term too many costs
little, and nobody has to guess one strength for all.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .hashed import sigmoid

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

ROUNDS, STEPS, LAST_STEPS = 8, 5, 12
# Precisions of the weights' priors: the first guess, and what they are kept within.
FIRST, LEAST, MOST = 30.0, 1.0, 1e5
# Of the dense columns, which are scaled to a spread of 1.
DENSE = 1.0
PINNED = 1e12


@dataclass(frozen=True)
class Settled:
    """``weights`` [coordinates, the last one 0], ``dense`` [dense columns] and ``bias`` in log-odds are the most probable ones;
    ``strength`` [terms] the precision of each term's prior, ``information`` [coordinates] what the rows say of each weight."""

    weights: Floats
    dense: Floats
    bias: float
    strength: Floats
    information: Floats


def settle(places: Ints, dense: Floats, labels: Floats, *, nowhere: int, start: float) -> Settled:
    """``places`` int64 [n, terms]: which coordinate each term of each row has, ``nowhere`` (the highest) for none; ``dense``
    float64 [n, d] without NaN; ``labels`` 0 or 1; ``start`` the bias in log-odds to begin at. The same arguments give the same
    weights."""
    problem = _Problem.of(places, dense, labels, nowhere, start)
    strength = np.full(places.shape[1], FIRST)
    at = np.zeros(nowhere + 1 + dense.shape[1] + 1)
    for _ in range(ROUNDS):
        at = problem.most_probable(at, strength, STEPS)
        strength = problem.believed(at, strength)
    at = problem.most_probable(at, strength, LAST_STEPS)
    weights, numbers = at[: nowhere + 1], at[nowhere + 1 :]
    return Settled(weights, numbers[:-1], start + float(numbers[-1]), strength, problem.information(at)[: nowhere + 1])


def term_of(places: Ints, count: int) -> Ints:
    """The term of each of ``count`` coordinates, int64; of two terms that share one by their hashes, the first."""
    found = np.zeros(count, dtype=np.int64)
    for term in reversed(range(places.shape[1])):
        found[places[:, term]] = term
    return found


@dataclass(frozen=True)
class _Problem:
    """``design`` is sparse [n, coordinates + dense + 1]."""

    design: object
    labels: Floats
    term: Ints
    nowhere: int
    start: float

    @classmethod
    def of(cls, places: Ints, dense: Floats, labels: Floats, nowhere: int, start: float) -> _Problem:
        from scipy import sparse

        rows, terms = places.shape
        starts = np.arange(0, rows * terms + 1, terms)
        hashed = sparse.csr_matrix((np.ones(rows * terms), places.reshape(-1), starts), shape=(rows, nowhere + 1))
        design = sparse.hstack([hashed, sparse.csr_matrix(np.column_stack([dense, np.ones(rows)]))]).tocsr()
        return cls(design, labels, term_of(places, nowhere + 1), nowhere, start)

    def most_probable(self, at: Floats, strength: Floats, steps: int) -> Floats:
        """Some steps of L-BFGS from ``at``, each coordinate scaled by what is known of it."""
        from scipy.optimize import minimize

        precision = self._precision(len(at), strength)
        scale = 1.0 / np.sqrt(self.information(at) + precision)

        def loss(scaled: Floats) -> tuple[float, Floats]:
            weights = scaled * scale
            logits = self._logits(weights)
            error = sigmoid(logits) - self.labels
            value = (np.logaddexp(0.0, logits) - self.labels * logits).sum() + 0.5 * (precision * weights**2).sum()
            return float(value), (self.design.T @ error + precision * weights) * scale  # type: ignore[attr-defined]

        found = minimize(loss, at / scale, jac=True, method="L-BFGS-B", options={"maxiter": steps})
        weights: Floats = found.x * scale
        weights[self.nowhere] = 0.0
        return weights

    def information(self, at: Floats) -> Floats:
        chance = sigmoid(self._logits(at))
        known: Floats = self.design.T @ (chance * (1 - chance))  # type: ignore[attr-defined]
        known[self.nowhere + 1 : -1] = len(self.labels) * float((chance * (1 - chance)).mean())
        return known

    def believed(self, at: Floats, strength: Floats) -> Floats:
        """Each term's precision as its weights call for it: those that are well determined, over their sum of squares."""
        weights, information = at[: self.nowhere], self.information(at)[: self.nowhere]
        term = self.term[: self.nowhere]
        determined = np.bincount(term, weights=information / (information + strength[term]), minlength=len(strength))
        squares = np.bincount(term, weights=weights**2, minlength=len(strength))
        return np.clip(determined / np.maximum(squares, 1e-12), LEAST, MOST)

    def _logits(self, weights: Floats) -> Floats:
        logits: Floats = self.design @ weights + self.start  # type: ignore[operator]
        return logits

    def _precision(self, count: int, strength: Floats) -> Floats:
        precision = np.full(count, DENSE)
        precision[: self.nowhere] = strength[self.term[: self.nowhere]]
        precision[self.nowhere] = PINNED
        precision[-1] = 0.0
        return precision
