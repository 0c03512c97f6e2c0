"""What one look at one metric says of one arm, in figures and in words. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .cuped import Adjusted, adjust
from .guardrails import judge
from .metrics import Metric, Units
from .sequences import ENOUGH_UNITS, Interval, NotEnoughUnits, Sample, boundary, difference, evidence, lacking, lift, linearised, sample, unlike

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
    """Arm number ``arm`` against the control, number 0.

    ``figures``: ``enough`` is how much of the evidence for an interval is there, 0-1; ``clear_after`` the sessions of both arms after which
    the difference would be clear if it stayed as it is, None where it is clear or would take more than `FORESEEN` times as many.
    """
    one, control = arms.samples[arm], arms.samples[0]
    figures: dict[str, Any] = {
        "sessions": one.observations,
        "control_sessions": control.observations,
        "with_history": round(arms.adjusted.with_history, 4),
        "theta": arms.adjusted.theta,
        "alpha": alpha,
        "enough": round(min(evidence(one), evidence(control)), 4),
        "clear_after": None,
    }

    def told(verdict: str, words: str, interval: Interval | None = None, change: Interval | None = None) -> Look:
        shares = {} if change is None else {"change": change.effect, "change_low": change.low, "change_high": change.high}
        return Look(
            one.units, control.units, arms.means[arm], arms.means[0], interval, change, arms.adjusted.variance_left, verdict, words, figures | shares
        )

    try:
        interval = difference(one, control, alpha=alpha)
    except NotEnoughUnits:
        return told(NOT_YET, f"not enough evidence yet: {_missing(arms, arm)}")
    if not interval.clear:
        figures["clear_after"] = _clear_after(interval, one, control, alpha)
    try:
        change = lift(one, control, alpha=alpha)
    except NotEnoughUnits:
        return told(*_plainly(interval, metric), interval)
    return told(*_compared(interval, change, metric, one.observations + control.observations, figures["clear_after"]), interval, change)


def _missing(arms: Arms, arm: int) -> str:
    said = []
    for number, who in ((arm, "this arm"), (0, "the control")):
        one = arms.samples[number]
        if arms.means[number] is None and one.units >= ENOUGH_UNITS:
            said.append(f"nothing can be counted yet of the {one.units:,} units of {who}")
        elif words := lacking(one):
            said.append(f"{who} has {words}")
    return "; ".join(said)


def _compared(interval: Interval, change: Interval, metric: Metric, sessions: int, clear_after: int | None) -> tuple[str, str]:
    good = _towards_better(change, metric)
    if interval.clear and change.clear:
        verdict, size = (BETTER, good) if good.low > 0 else (WORSE, Interval(-good.effect, -good.high, -good.low))
        return verdict, f"{verdict} by {size.effect:.1%} [{size.low * 100:.1f}, {size.high * 100:.1f}]".replace("%", " %")
    if change.low > -MEANINGFUL and change.high < MEANINGFUL:
        return SAME, f"no meaningful difference: it lies between {_share(good.low)} and {_share(good.high)}"
    return NOT_YET, f"not yet: it lies between {_share(good.low)} and {_share(good.high)}; {_when(sessions, clear_after)}"


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


def _clear_after(interval: Interval, one: Sample, control: Sample, alpha: float) -> int | None:
    """After how many sessions it would be clear if the difference stayed what it is now: each next session narrows the error as the
    last did."""
    now = one.observations + control.observations
    ahead = now * np.geomspace(1.0, FORESEEN, 200)
    half = np.sqrt((one.squared_error + control.squared_error) * now / ahead) * boundary(ahead, alpha=alpha)
    clear = np.flatnonzero(half <= abs(interval.effect))
    # Two digits: more would claim to know the future.
    return round(float(f"{ahead[clear[0]]:.2g}")) if len(clear) else None


def _when(sessions: int, clear_after: int | None) -> str:
    if clear_after is None:
        return f"if it stays as it is, {FORESEEN:.0f} times the {sessions:,} sessions so far would not make it clear"
    return f"if it stays as it is, it is clear after about {clear_after:,} sessions ({sessions:,} so far)"


@dataclass(frozen=True, slots=True)
class Guarded:
    """``words`` is the sentence that stops the experiment, empty where the guardrail holds. ``figures``: ``worst`` as allowed, ``change``
    the difference as a share of the control, ``best`` the best that it may still be; both None while there is not enough evidence."""

    words: str
    figures: dict[str, float | None]


def guarded(arms: Arms, arm: int, *, metric: Metric, worst: float, alpha: float) -> Guarded:
    """Whether the arm breaks the guardrail, and how near it is to that."""
    try:
        judged = judge(arms.samples[arm], arms.samples[0], worst=worst, higher_is_better=metric.better == "higher", alpha=alpha)
    except NotEnoughUnits:
        return Guarded("", {"worst": worst, "change": None, "best": None})
    bound = judged.change.high if metric.better == "higher" else judged.change.low
    # Without anything in the control there are no shares of it.
    known = arms.samples[0].mean > 0
    figures = {"worst": worst, "change": judged.change.effect if known else None, "best": bound if known else None}
    words = (
        f"{metric.title} is {abs(judged.change.effect):.1%} {'lower' if judged.change.effect < 0 else 'higher'} than in the control, and surely "
        f"at least {abs(bound):.1%}; at most {worst:.1%} was allowed"
    )
    return Guarded(words.replace("%", " %") if judged.breached else "", figures)
