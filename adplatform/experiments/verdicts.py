"""What one look at one metric says of one arm, in figures and in words. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .cuped import Adjusted, adjust
from .guardrails import Judged, judge
from .metrics import Metric, Units
from .sequences import Interval, NotEnoughUnits, Sample, boundary, difference, lift, linearised, sample, unlike

BETTER, WORSE, SAME, NOT_YET, MISMATCH, BREACH = "better", "worse", "no_difference", "not_yet", "mismatch", "breach"
# Effects smaller than this share of the control are not worth a change; an interval within it ends the waiting.
MEANINGFUL = 0.01
# How far ahead a look foresees when it would become clear, in times the observations so far.
FORESEEN = 50.0


@dataclass(frozen=True, slots=True)
class Look:
    """One arm beside the control; ``interval`` in the metric's own unit, ``change`` as a share of the control (above 0 is higher)."""

    units: int
    control_units: int
    mean: float | None
    control_mean: float | None
    interval: Interval | None
    change: Interval | None
    variance_left: float
    verdict: str
    words: str
    figures: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Arms:
    """A metric's samples by arm, adjusted by the past, and the plain ratios of sums."""

    samples: tuple[Sample, ...]
    means: tuple[float | None, ...]
    adjusted: Adjusted


def by_arm(units: Units, arms: int) -> Arms:
    """Delta method within each arm, then one adjustment over all of them."""
    values = np.zeros(len(units.arm))
    means: list[float | None] = []
    for arm in range(arms):
        of = units.arm == arm
        shown = float(units.denominator[of].sum())
        means.append(float(units.numerator[of].sum()) / shown if shown > 0 else None)
        if shown > 0:
            values[of] = linearised(units.numerator[of], units.denominator[of])
    adjusted = adjust(values, units.arm, units.covariate)
    return Arms(tuple(_sample(units, adjusted, arm, means[arm]) for arm in range(arms)), tuple(means), adjusted)


def _sample(units: Units, adjusted: Adjusted, arm: int, mean: float | None) -> Sample:
    of = units.arm == arm
    if mean is None:
        return Sample(int(of.sum()), 0.0, 0.0, int(units.sessions[of].sum()), 0)
    return sample(adjusted.values[of], observations=int(units.sessions[of].sum()), events=unlike(units.numerator[of]))


def look(arms: Arms, arm: int, *, metric: Metric, alpha: float) -> Look:
    """Arm number ``arm`` against the control, number 0."""
    one, control = arms.samples[arm], arms.samples[0]
    figures: dict[str, Any] = {
        "sessions": one.observations,
        "control_sessions": control.observations,
        "with_history": round(arms.adjusted.with_history, 4),
        "theta": arms.adjusted.theta,
        "alpha": alpha,
    }

    def told(verdict: str, words: str, interval: Interval | None = None, change: Interval | None = None) -> Look:
        shares = {} if change is None else {"change": change.effect, "change_low": change.low, "change_high": change.high}
        return Look(
            one.units, control.units, arms.means[arm], arms.means[0], interval, change, arms.adjusted.variance_left, verdict, words, figures | shares
        )

    try:
        interval = difference(one, control, alpha=alpha)
    except NotEnoughUnits as reason:
        return told(NOT_YET, f"not yet: {reason}")
    try:
        change = lift(one, control, alpha=alpha)
    except NotEnoughUnits:
        return told(*_plainly(interval, metric), interval)
    return told(*_compared(interval, change, one, control, metric, alpha), interval, change)


def _compared(interval: Interval, change: Interval, one: Sample, control: Sample, metric: Metric, alpha: float) -> tuple[str, str]:
    good = _towards_better(change, metric)
    if interval.clear and change.clear:
        verdict, size = (BETTER, good) if good.low > 0 else (WORSE, Interval(-good.effect, -good.high, -good.low))
        return verdict, f"{verdict} by {size.effect:.1%} [{size.low * 100:.1f}, {size.high * 100:.1f}]".replace("%", " %")
    if change.low > -MEANINGFUL and change.high < MEANINGFUL:
        return SAME, f"no meaningful difference: it lies between {_share(good.low)} and {_share(good.high)}"
    return NOT_YET, f"not yet: it lies between {_share(good.low)} and {_share(good.high)}; {_when(interval, one, control, alpha)}"


def _plainly(interval: Interval, metric: Metric) -> tuple[str, str]:
    """Where the control is too near to 0 for shares of it."""
    good = _towards_better(interval, metric)
    told = f"{good.effect:+.4g} {metric.unit} [{good.low:.4g}, {good.high:.4g}]"
    if not interval.clear:
        return NOT_YET, f"not yet: {told}; the control is too near to 0 for a share of it"
    verdict = BETTER if good.low > 0 else WORSE
    return verdict, f"{verdict}: {told}"


def _towards_better(one: Interval, metric: Metric) -> Interval:
    return one if metric.better == "higher" else Interval(-one.effect, -one.high, -one.low)


def _share(change: float) -> str:
    return f"{abs(change) * 100:.1f} % {'better' if change >= 0 else 'worse'}"


def _when(interval: Interval, one: Sample, control: Sample, alpha: float) -> str:
    """After how many sessions it would be clear if the difference stayed what it is now: each next session narrows the error as the
    last did."""
    now = one.observations + control.observations
    ahead = now * np.geomspace(1.0, FORESEEN, 200)
    half = np.sqrt((one.squared_error + control.squared_error) * now / ahead) * boundary(ahead, alpha=alpha)
    clear = np.flatnonzero(half <= abs(interval.effect))
    if len(clear) == 0:
        return f"if it stays as it is, {FORESEEN:.0f} times the {now:,} sessions so far would not make it clear"
    # Two digits: more would claim to know the future.
    return f"if it stays as it is, it is clear after about {float(f'{ahead[clear[0]]:.2g}'):,.0f} sessions ({now:,} so far)"


def guarded(arms: Arms, arm: int, *, metric: Metric, worst: float, alpha: float) -> tuple[Judged | None, str]:
    """Whether the arm breaks the guardrail, and the sentence that stops the experiment if it does."""
    try:
        judged = judge(arms.samples[arm], arms.samples[0], worst=worst, higher_is_better=metric.better == "higher", alpha=alpha)
    except NotEnoughUnits:
        return None, ""
    bound = judged.change.high if metric.better == "higher" else judged.change.low
    words = (
        f"{metric.title} is {abs(judged.change.effect):.1%} {'lower' if judged.change.effect < 0 else 'higher'} than in the control, and surely "
        f"at least {abs(bound):.1%}; at most {worst:.1%} was allowed"
    )
    return judged, words.replace("%", " %") if judged.breached else ""
