"""Less noise by what was known of each unit before: CUPED (Deng, Xu, Kohavi, Walker, WSDM 2013). Pure."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .sequences import Floats

# With fewer units that have a history the slope is noise itself.
ENOUGH_HISTORY = 100


@dataclass(frozen=True, slots=True)
class Adjusted:
    """``values`` [n] have the expectation of those before; ``variance_left`` is their variance within the arms as a share of it, and
    ``with_history`` the share of units whose past was known."""

    values: Floats
    theta: float
    variance_left: float
    with_history: float


def adjust(values: Floats, arm: NDArray[np.int8], covariate: Floats) -> Adjusted:
    """``values`` [n] less what the ``covariate`` [n] from before the first exposure explains of them.

    One slope for all arms, from the covariances within them, so that an effect of the experiment is not taken for one of the past. Units
    without history (NaN) count as the mean: nothing is added to them and nothing taken away.
    """
    known = np.isfinite(covariate)
    share = float(known.mean()) if len(known) else 0.0
    if known.sum() < ENOUGH_HISTORY:
        return Adjusted(values, 0.0, 1.0, share)
    off = np.where(known, covariate - covariate[known].mean(), 0.0)
    within_x, within_y = _within(off, arm), _within(values, arm)
    spread = float(within_x @ within_x)
    before = float(within_y @ within_y)
    if spread <= 0 or before <= 0:
        return Adjusted(values, 0.0, 1.0, share)
    theta = float(within_x @ within_y) / spread
    left = within_y - theta * within_x
    return Adjusted(values - theta * off, theta, float(left @ left) / before, share)


def _within(array: Floats, arm: NDArray[np.int8]) -> Floats:
    """Less the mean of each arm."""
    counts = np.bincount(arm)
    means = np.bincount(arm, weights=array) / np.maximum(counts, 1)
    return np.asarray(array - means[arm], dtype=np.float64)
