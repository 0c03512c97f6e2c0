"""Sample-ratio mismatch: whether the arms have the units their shares promise, judged at every look together. Pure.

Sequential multinomial test of Lindon & Malek, "Anytime-valid inference for multinomial count data" (NeurIPS 2022, arXiv 2011.03567): the
Bayes factor of a Dirichlet prior centred on the shares against the shares themselves is a martingale while they hold, so that by Ville's
inequality it ever exceeds 1 / alpha with probability alpha at most. It may be looked at after every unit.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import gammaln

from .sequences import Floats

# Chance of a false alarm over an experiment's life: a mismatch voids everything that was measured, so it is rarely claimed.
ALPHA = 0.001
# Weight of the prior, in units. With more, small deviations are found sooner and gross ones later: an arm that stays empty after 120.
CONCENTRATION = 1_000.0


@dataclass(frozen=True, slots=True)
class Mismatch:
    """``p`` never rises above what it is worth over all looks; ``counts`` and ``expected`` are units by arm."""

    alarm: bool
    p: float
    counts: tuple[int, ...]
    expected: tuple[float, ...]

    def words(self, arms: Sequence[str]) -> str:
        told = ", ".join(f"{arm} {count:,} (expected {expected:,.0f})" for arm, count, expected in zip(arms, self.counts, self.expected, strict=True))
        if not self.alarm:
            return f"The arms have the units they should: {told}."
        return (
            f"The arms do not have the units their shares promise: {told}; by accident that happens in fewer than {ALPHA:.1%} of experiments. "
            "The figures must not be read: whatever loses units in one arm also chooses which are left. Look for an arm that fails, is slower to "
            "log its exposure, or is reached by another way, mend it, and start a new experiment."
        )


def mismatch(counts: Sequence[int], shares: Sequence[float], *, alpha: float = ALPHA) -> Mismatch:
    """Units by arm beside the arms' ``shares``, of which only the proportions matter. Raises ValueError where a share is not above 0."""
    promised = np.asarray(shares, dtype=np.float64)
    if len(counts) != len(promised) or not (promised > 0).all():
        raise ValueError("each arm needs a share above 0")
    promised = promised / promised.sum()
    found = float(log_bayes_factor(np.asarray(counts, dtype=np.float64), promised))
    p = math.exp(-max(found, 0.0))
    return Mismatch(p < alpha, p, tuple(int(count) for count in counts), tuple((promised * sum(counts)).tolist()))


def log_bayes_factor(counts: ArrayLike, shares: Floats) -> Floats:
    """Against ``shares`` [k], which add up to 1, of units by arm [..., k]."""
    seen, prior = np.asarray(counts, dtype=np.float64), CONCENTRATION * shares
    evidence = gammaln(prior + seen).sum(axis=-1) - gammaln(CONCENTRATION + seen.sum(axis=-1)) - gammaln(prior).sum() + gammaln(CONCENTRATION)
    return np.asarray(evidence - (seen * np.log(shares)).sum(axis=-1), dtype=np.float64)
