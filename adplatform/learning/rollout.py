"""From the gates to the whole traffic: what a challenger has to show in shadow and in each step of its canary. Pure.

It is looked at every few minutes, so whatever stops it by itself holds at all looks together: intervals are confidence sequences,
the sample-ratio alarm is a martingale, and shares of failures are asked with a chance of error that many looks may take.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import bdtrc

from adplatform.experiments import sequences, srm

from . import drift
from .gates import FAIL, NOT_ENOUGH, PASS, Gate
from .metrics import Floats

CHAMPION, CANARY, CONTROL, SHADOW = "champion", "canary", "control", "shadow"
WAIT, START, RAISE, PROMOTE, REFUSE = "wait", "start", "raise", "promote", "refuse"

# A false alarm stops a good model for a night, a missed one costs money until the next look.
SRM_ALARM = 0.0005
FAILURE_ALARM = 0.0005
# The artifact asked again about the row that was logged: float32 on both sides.
REPLAY_TOLERANCE = 1e-4
# Of the slots decided, or of the decisions of the arm, that the challenger may leave to others: processes that start look late.
MOST_FAILURES = 0.02
# Beyond what hours and days differ by anyway; .2 to .25 is where the field calls a population another one.
MOST_DRIFT = 0.25
# Mean prediction over observed rate. Wider than at the gate: those who win were chosen for their score, and so look too good.
CALIBRATION = (0.8, 1.25)
# A decision of the canary counts as slow beyond so many times the champion's p99, and beyond a floor that no budget notices.
SLOWER, SLOW_FLOOR_MS = 1.25, 5.0
ENOUGH_TIMINGS = 200


@dataclass(frozen=True, slots=True)
class Rules:
    """How much a stage has to see before the next. ``steps`` are the shares of the traffic in turn, ascending, each 0-1;
    ``step_rows`` counts impressions of the canary whose outcome is known. ``alpha`` is the chance that a canary no worse than the
    champion is stopped for its reward, over all its looks and steps."""

    shadow_rows: int = 2_000
    shadow_hours: float = 1.0
    steps: tuple[float, ...] = (0.05, 0.25, 0.5)
    step_hours: float = 2.0
    step_rows: int = 200
    alpha: float = 0.05

    def __post_init__(self) -> None:
        if not self.steps or list(self.steps) != sorted(set(self.steps)) or not all(0 < step < 1 for step in self.steps):
            raise ValueError(f"the steps of a rollout must be shares between 0 and 1, ascending, for example 0.05,0.25,0.5; got {self.steps}")


@dataclass(frozen=True)
class ShadowRows:
    """What the challenger said of slots that others had decided, [n] each: ``scores`` as logged, ``replayed`` as its artifact answers
    now for the features as served (NaN where not asked), ``served`` the score that decided, ``outcomes`` 0 or 1, NaN while unknown or
    never shown, ``session``. ``unscored`` slots have no score of it."""

    scores: Floats
    replayed: Floats
    served: Floats
    outcomes: Floats
    session: NDArray[Any]
    unscored: int = 0

    def __len__(self) -> int:
        return len(self.scores)


@dataclass(frozen=True)
class Arm:
    """What was assigned to one arm: ``units`` viewers (without consent: sessions), and of those with mature impressions, per unit:
    ``shown``, ``rewards`` and the sum ``predicted``. ``milliseconds`` of each decision that filled a slot, of which ``strays`` were
    answered by another model than the arm's."""

    units: int
    shown: Floats
    rewards: Floats
    predicted: Floats
    milliseconds: Floats
    strays: int = 0

    @property
    def rows(self) -> int:
        return int(self.shown.sum())


@dataclass(frozen=True)
class Evidence:
    """What a room saw of one version between two times. ``control_share`` of the units is kept from every model; ``reward`` names in
    words what `Arm.rewards` counts."""

    shadow: ShadowRows | None = None
    arms: Mapping[str, Arm] = field(default_factory=dict)
    control_share: float = 0.0
    reward: str = "rewards"


@dataclass(frozen=True, slots=True)
class Judgement:
    """What follows: ``move`` to a ``share`` of the traffic, in ``words``, told as a gate of the version."""

    move: str
    share: float
    words: str
    gate: Gate


NO_ROWS = ShadowRows(np.zeros(0), np.zeros(0), np.zeros(0), np.zeros(0), np.zeros(0))


# Shadow


def judge_shadow(rows: ShadowRows, reference: Mapping[str, Any], rules: Rules, *, hours: float) -> Judgement:
    """``reference`` is what `drift.reference` kept at training, empty where nothing was; ``hours`` since the shadow began."""
    figures = _shadow_figures(rows, reference)
    failed = _unscored(rows) or _not_replayed(rows) or _miscalibrated(*_by_session(rows), _of_served(rows))
    if failed is None and len(rows) >= rules.shadow_rows:
        failed = _drifted(figures)
    if failed is not None:
        return _judged("shadow", REFUSE, 0.0, f"Refused in shadow: {failed}", figures)
    waits = _waits(len(rows), rules.shadow_rows, "shadow scores", hours, rules.shadow_hours)
    if waits:
        return _judged("shadow", WAIT, 0.0, f"In shadow: {waits}.", figures)
    apart = f", population stability index {figures['psi']:.3f} against the rows it was judged by" if "psi" in figures else ""
    words = f"{len(rows):,} shadow scores agree with what its artifact answers offline{apart}"
    return _judged("shadow", START, rules.steps[0], words, figures)


def _shadow_figures(rows: ShadowRows, reference: Mapping[str, Any]) -> dict[str, Any]:
    figures: dict[str, Any] = {"scores": len(rows), "unscored": rows.unscored}
    if not len(rows):
        return figures
    asked = ~np.isnan(rows.replayed)
    figures["mean"] = float(rows.scores.mean())
    figures["served_mean"] = float(np.nanmean(rows.served)) if (~np.isnan(rows.served)).any() else None
    figures["replay_difference"] = float(np.abs(rows.scores - rows.replayed)[asked].max()) if asked.any() else None
    against = drift.of_scores(reference, rows.scores, session=rows.session, span="day") if reference else None
    if against is not None:
        figures |= {"psi": against.excess, "usual_psi": against.usual, "reference_mean": against.mean_before}
    return figures


def _unscored(rows: ShadowRows) -> str | None:
    decided = len(rows) + rows.unscored
    if not decided or not _more_than(rows.unscored, decided, MOST_FAILURES):
        return None
    return f"it left {rows.unscored:,} of {decided:,} slots without a score. The log of the consumers says why (shadow score missing)"


def _not_replayed(rows: ShadowRows) -> str | None:
    apart = np.abs(rows.scores - rows.replayed)
    apart = apart[~np.isnan(rows.replayed)]
    if not len(apart) or float(apart.max()) <= REPLAY_TOLERANCE:
        return None
    return (
        f"its logged scores differ by up to {float(apart.max()):.2g} from what its artifact answers for the same rows, allowed is "
        f"{REPLAY_TOLERANCE:g}: training and serving do not read the features alike"
    )


def _drifted(figures: Mapping[str, Any]) -> str | None:
    if "psi" not in figures or figures["psi"] <= max(MOST_DRIFT, figures["usual_psi"] or 0.0):
        return None
    return (
        f"its scores lie elsewhere than on the rows it was judged by: population stability index {figures['psi']:.2f}, allowed is {MOST_DRIFT:g}; "
        f"mean {figures['mean']:.4f} against {figures['reference_mean']:.4f}. Either features are served otherwise than they were logged, or the "
        "traffic changed since: train again"
    )


def _by_session(rows: ShadowRows) -> tuple[Floats, Floats]:
    known = ~np.isnan(rows.outcomes)
    names, session = np.unique(rows.session[known], return_inverse=True)
    predicted = np.bincount(session, weights=rows.scores[known], minlength=len(names)).astype(np.float64)
    return predicted, np.bincount(session, weights=rows.outcomes[known], minlength=len(names)).astype(np.float64)


def _of_served(rows: ShadowRows) -> tuple[float, float]:
    known = ~np.isnan(rows.outcomes) & ~np.isnan(rows.served)
    return float(rows.served[known].sum()), float(rows.outcomes[known].sum())


# Canary


def judge_canary(evidence: Evidence, share: float, rules: Rules, *, hours: float) -> Judgement:
    """``share`` of the traffic since ``hours``; the evidence is of this step alone, for with the share the mix of days changes."""
    name = f"canary {share:.0%}"
    canary, champion = evidence.arms.get(CANARY, NOBODY), evidence.arms.get(CHAMPION, NOBODY)
    figures = _canary_figures(evidence, canary, champion)
    failed = (
        _uneven(evidence, share)
        or _strayed(canary)
        or _slow(canary, champion, figures)
        or _miscalibrated(canary.predicted, canary.rewards, (float(champion.predicted.sum()), float(champion.rewards.sum())))
        or _lower(canary, champion, evidence.reward, rules)
    )
    if failed is not None:
        return _judged(name, REFUSE, 0.0, f"Stepped down from {share:.0%} of the traffic: {failed}", figures)
    following = next((step for step in rules.steps if step > share), None)
    waits = _waits(canary.rows, rules.step_rows, "impressions with a known outcome", hours, rules.step_hours)
    compared = _compared(canary, champion, evidence.reward, rules)
    if not waits and following is None and compared is None:
        least = f"{sequences.ENOUGH_EVENTS} viewers with any among {sequences.ENOUGH_UNITS}"
        waits = f"waits, an arm has too few {evidence.reward} to compare them, at least {least} are needed"
    if waits:
        return _judged(name, WAIT, share, f"Canary with {share:.0%} of the traffic: {waits}.", figures)
    said = f"{canary.rows:,} impressions at {share:.0%} of the traffic raised no alarm" + (f"; {compared}" if compared else "")
    if following is None:
        return _judged(name, PROMOTE, share, said, figures)
    return _judged(name, RAISE, following, said, figures)


NOBODY = Arm(0, np.zeros(0), np.zeros(0), np.zeros(0), np.zeros(0))


def _canary_figures(evidence: Evidence, canary: Arm, champion: Arm) -> dict[str, Any]:
    figures: dict[str, Any] = {"units": {name: arm.units for name, arm in sorted(evidence.arms.items())}, "strays": canary.strays}
    for name, arm in ((CANARY, canary), (CHAMPION, champion)):
        figures[name] = {
            "impressions": arm.rows,
            "rewards": float(arm.rewards.sum()),
            "predicted": float(arm.predicted.sum()),
            "p99_ms": float(np.percentile(arm.milliseconds, 99)) if len(arm.milliseconds) else None,
        }
    return figures


def _uneven(evidence: Evidence, share: float) -> str | None:
    open_share = 1 - evidence.control_share
    shares = {CONTROL: evidence.control_share, CANARY: open_share * share, CHAMPION: open_share * (1 - share)}
    arms = [name for name, expected in shares.items() if expected > 0]
    counts = [evidence.arms.get(name, NOBODY).units for name in arms]
    found = srm.mismatch(counts, [shares[name] for name in arms], alpha=SRM_ALARM)
    if not found.alarm:
        return None
    told = ", ".join(f"{name} {count:,} (expected {expected:,.0f})" for name, count, expected in zip(arms, counts, found.expected, strict=True))
    return (
        f"the arms do not have the viewers their shares promise: {told}; by accident that happens in fewer than {SRM_ALARM:.2%} of rollouts. "
        "Nothing measured between them counts. Look for decisions that fail or are not logged in one arm"
    )


def _strayed(canary: Arm) -> str | None:
    decided = len(canary.milliseconds)
    if not _more_than(canary.strays, decided, MOST_FAILURES):
        return None
    return f"{canary.strays:,} of its {decided:,} decisions were answered by another model because it failed or could not be loaded; see the web log"


def _slow(canary: Arm, champion: Arm, figures: Mapping[str, Any]) -> str | None:
    if min(len(canary.milliseconds), len(champion.milliseconds)) < ENOUGH_TIMINGS:
        return None
    theirs = figures[CHAMPION]["p99_ms"]
    limit = max(SLOW_FLOOR_MS, SLOWER * theirs)
    slow = int((canary.milliseconds > limit).sum())
    if not _more_than(slow, len(canary.milliseconds), 0.01):
        return None
    return (
        f"its decisions are slow: p99 {figures[CANARY]['p99_ms']:.1f} ms against {theirs:.1f} ms of the champion's; {slow:,} of "
        f"{len(canary.milliseconds):,} took longer than {limit:.1f} ms"
    )


def _miscalibrated(predicted: Floats, observed: Floats, champion: tuple[float, float]) -> str | None:
    """Per unit, sums of predictions and of outcomes [n]; both in all of the ``champion``'s. The ratio of the means is beyond a bound
    exactly when the mean of ``predicted - bound * observed`` is on the wrong side of zero, and a mean has a confidence sequence.

    Scores are told for the first place of a pod, and later ones are clicked less: what the champion is out by as well says nothing.
    """
    low, high = CALIBRATION
    events = int(max((observed > 0).sum(), predicted.sum()))
    try:
        above = sequences.mean_sequence(sequences.sample(predicted - high * observed, events=events))
        below = sequences.mean_sequence(sequences.sample(predicted - low * observed, events=events))
    except sequences.NotEnoughUnits:
        return None
    theirs_predicted, theirs_observed = champion
    if above.low > 0 and theirs_predicted <= high * theirs_observed:
        way = "much"
    elif below.high < 0 and theirs_predicted >= low * theirs_observed:
        way = "little"
    else:
        return None
    return (
        f"it predicts too {way}: {predicted.sum():,.1f} were predicted and {observed.sum():,.0f} happened; predicted over observed is certainly "
        f"outside {low} to {high}"
    )


def _lower(canary: Arm, champion: Arm, reward: str, rules: Rules) -> str | None:
    try:
        most = sequences.at_most(*_samples(canary, champion), alpha=rules.alpha / len(rules.steps), tightest_at=_tightest(rules))
    except sequences.NotEnoughUnits:
        return None
    if most.high >= 0:
        return None
    return f"it brings fewer {reward}, with certainty: {_rates(canary, champion)}, a difference of at most {most.high * 1000:+.2f} in a thousand"


def _compared(canary: Arm, champion: Arm, reward: str, rules: Rules) -> str | None:
    try:
        found = sequences.difference(*_samples(canary, champion), alpha=rules.alpha, tightest_at=_tightest(rules))
    except sequences.NotEnoughUnits:
        return None
    return f"{reward}: {_rates(canary, champion)} ({found.low * 1000:+.2f} to {found.high * 1000:+.2f} in a thousand, valid at every look)"


def _samples(canary: Arm, champion: Arm) -> tuple[sequences.Sample, sequences.Sample]:
    return sequences.ratio_sample(canary.rewards, canary.shown), sequences.ratio_sample(champion.rewards, champion.shown)


def _rates(canary: Arm, champion: Arm) -> str:
    mine, theirs = (arm.rewards.sum() / max(1.0, arm.shown.sum()) for arm in (canary, champion))
    return f"{mine:.3%} of impressions against {theirs:.3%} of the champion's"


def _tightest(rules: Rules) -> float:
    """Units of both arms when a step is about over: there the interval should be at its best."""
    return max(1_000.0, rules.step_rows / rules.steps[0] / 2)


# Both


def _waits(rows: int, needed: int, what: str, hours: float, needed_hours: float) -> str:
    parts = []
    if rows < needed:
        parts.append(f"{rows:,} of {needed:,} {what}")
    if hours < needed_hours:
        parts.append(f"{max(0.0, hours):.1f} of {needed_hours:g} hours")
    return f"waits, it has {' and '.join(parts)}" if parts else ""


def _more_than(times: int, of: int, share: float) -> bool:
    """Whether ``times`` of ``of`` is clearly more than a share."""
    return times > share * of and bool(bdtrc(times - 1, of, share) < FAILURE_ALARM)


def _judged(name: str, move: str, share: float, words: str, figures: dict[str, Any]) -> Judgement:
    verdict = {REFUSE: FAIL, WAIT: NOT_ENOUGH}.get(move, PASS)
    return Judgement(move, share, words, Gate(name, verdict, words, figures))
