"""What another policy would have earned on a log whose choices had known chances.

Estimators: inverse propensity weighting (IPS; Horvitz & Thompson 1952), its self-normalised form (SNIPS; Swaminathan & Joachims
2015), the direct method (DM), doubly robust (DR; Dudik, Langford & Li 2011) and switch-DR (Wang, Agarwal & Dudik 2017). They
disagree exactly where evidence is thin, so `side_by_side` shows them all. The direct method is for showing alone: its interval
is narrow and knows nothing of the model's own error.

Intervals (95 %) are of empirical likelihood (Owen 1988; for off-policy estimates Karampatziakis, Langford & Mineiro 2020). Clicks
are rare and weights go into the hundreds, so the values are skewed: in simulation at an effective sample of 260 to 600 the normal
interval covers the truth in 87 to 94 % of the logs, this one in 94 to 96 % at the same width. It also keeps the range: an interval
of SNIPS never leaves the range of the rewards.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import likelihood
from .likelihood import Valued
from .metrics import Floats

# Below, a click rate of 2 % is known to no better than half of itself: 1.96 * sqrt(.02 * .98 / 1000) is .009.
LEAST_ESS = 1_000.0
# Beyond, the click of a single row would move the estimate by a percentage point, which is what whole policies differ by.
LARGEST_SHARE = 0.01

Direct = tuple[Floats, Floats]


class NotEnoughEvidence(ValueError):
    """Too few rows carry the weight of the estimate for it to mean anything."""

    def __init__(self, ess: float, max_weight: float, words: str = "") -> None:
        super().__init__(words or f"effective sample of {ess:,.0f} rows, largest weight {max_weight:,.0f}: not enough evidence")
        self.ess, self.max_weight = ess, max_weight


@dataclass(frozen=True, slots=True)
class Estimate:
    """Values in units of the reward. The interval is that of ``dr`` where there is one, else that of ``snips``. ``ess`` is Kish's
    effective sample size, (sum w)^2 / sum w^2; ``max_weight`` the largest weight of a row after clipping."""

    ips: float
    snips: float
    dr: float | None
    ci_low: float
    ci_high: float
    ess: float
    max_weight: float


def estimate(
    reward: Floats,
    logged_propensity: Floats,
    target_propensity: Floats,
    *,
    direct: Direct | None = None,
    clip: float | None = None,
    sessions: NDArray[Any] | None = None,
) -> Estimate:
    """The mean reward of the policy that takes each row's logged choice with ``target_propensity`` [n], from a log that took it with
    ``logged_propensity`` [n] and got ``reward`` [n].

    ``direct`` is a model of the reward: its prediction for the logged choice [n], and its mean under the target policy [n]. ``clip``
    bounds the weights, which trades variance for a bias towards less. Rows of one of the ``sessions`` [n] count as one observation
    in the interval. Raises NotEnoughEvidence below an effective sample of LEAST_ESS or where one row has more than LARGEST_SHARE of
    the weight, ValueError for arrays that are no log.
    """
    weight = _weights(reward, logged_propensity, target_propensity, direct, clip)
    ess, largest = evidence(weight)
    if ess < LEAST_ESS or largest > LARGEST_SHARE * weight.sum():
        raise NotEnoughEvidence(ess, largest)
    snips = likelihood.ratio(weight * reward, weight, sessions)
    dr = None if direct is None else likelihood.mean(_doubly_robust(reward, weight, direct), sessions)
    led = snips if dr is None else dr
    return Estimate(float((weight * reward).mean()), snips.value, None if dr is None else dr.value, led.low, led.high, ess, largest)


def side_by_side(
    reward: Floats,
    logged_propensity: Floats,
    target_propensity: Floats,
    *,
    direct: Direct | None = None,
    clip: float,
    sessions: NDArray[Any] | None = None,
) -> dict[str, Valued]:
    """Every estimator with its interval, for a report: ``ips``, ``snips``, ``clipped`` (SNIPS of weights up to ``clip``) and, with a
    model, ``dm``, ``dr`` and ``switch_dr`` (which trusts the model alone where a weight is beyond ``clip``). Below the floor of
    `estimate` too: then as an illustration."""
    weight = _weights(reward, logged_propensity, target_propensity, direct, None)
    if not weight.any():
        raise NotEnoughEvidence(0.0, 0.0)
    bounded = np.minimum(weight, clip)
    found = {
        "ips": likelihood.mean(weight * reward, sessions),
        "snips": likelihood.ratio(weight * reward, weight, sessions),
        "clipped": likelihood.ratio(bounded * reward, bounded, sessions),
    }
    if direct is not None:
        found["dm"] = likelihood.mean(direct[1], sessions)
        found["dr"] = likelihood.mean(_doubly_robust(reward, weight, direct), sessions)
        found["switch_dr"] = likelihood.mean(_doubly_robust(reward, np.where(weight <= clip, weight, 0.0), direct), sessions)
    return found


def difference(
    reward: Floats,
    logged_propensity: Floats,
    ours: Floats,
    theirs: Floats,
    *,
    direct: tuple[Floats, Floats, Floats] | None = None,
    sessions: NDArray[Any] | None = None,
) -> tuple[Valued, Valued | None]:
    """How much more the policy of propensities ``ours`` [n] earns than that of ``theirs`` [n] on the same log, by SNIPS and by DR.

    Where both would choose alike a row says nothing of the difference, and its noise cancels. ``direct`` is the model's prediction
    for the logged choice, and its mean under each of the two policies. SNIPS is linearised around its value; DR is exact.
    """
    weights = [_weights(reward, logged_propensity, policy, None, None) for policy in (ours, theirs)]
    if not all(weight.any() for weight in weights):
        raise NotEnoughEvidence(0.0, 0.0)
    values = [float((weight * reward).sum() / weight.sum()) for weight in weights]
    moved, stayed = (weight * (reward - value) / weight.mean() for weight, value in zip(weights, values, strict=True))
    around = likelihood.mean(moved - stayed, sessions)
    apart = values[0] - values[1]
    snips = Valued(apart, apart + around.low - around.value, apart + around.high - around.value)
    if direct is None:
        return snips, None
    logged, mine, other = direct
    gap = _doubly_robust(reward, weights[0], (logged, mine)) - _doubly_robust(reward, weights[1], (logged, other))
    return snips, likelihood.mean(gap, sessions)


def evidence(weight: Floats) -> tuple[float, float]:
    """(effective sample size, largest weight) of weights [n]."""
    squares = float((weight**2).sum())
    return (float(weight.sum()) ** 2 / squares, float(weight.max())) if squares > 0 else (0.0, 0.0)


def _weights(reward: Floats, logged: Floats, target: Floats, direct: Direct | None, clip: float | None) -> Floats:
    columns = [reward, logged, target, *(direct or ())]
    if any(column.shape != (len(reward),) or not np.isfinite(column).all() for column in columns):
        raise ValueError("rewards, propensities and the model's predictions must be finite arrays of one length")
    if not len(reward):
        raise NotEnoughEvidence(0.0, 0.0, "the log has no randomised choice: not enough evidence")
    if logged.min() <= 0 or logged.max() > 1 or target.min() < 0 or target.max() > 1:
        raise ValueError("a logged propensity must be above 0, a target propensity from 0, and neither beyond 1")
    weight: Floats = target / logged
    return weight if clip is None else np.minimum(weight, clip)


def _doubly_robust(reward: Floats, weight: Floats, direct: Direct) -> Floats:
    predicted, value = direct
    return value + weight * (reward - predicted)
