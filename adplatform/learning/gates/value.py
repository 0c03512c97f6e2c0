"""What the candidate would have earned on choices that were made by chance, against what serves now."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np

from .. import offpolicy
from ..choices import Choices
from ..likelihood import Valued
from ..metrics import Floats
from ..offpolicy import LEAST_ESS, NotEnoughEvidence
from .gate import FAIL, NOT_ENOUGH, PASS, Gate

NAME = "off-policy value"
# How much less, of what serves now, still counts as no less. Of clicks it takes a hundred thousand choices to see 5 %.
MARGIN = 0.05
# Of fewer that were rewarded, the intervals themselves know too little of how rare a reward is.
LEAST_REWARDED = 20
# Weights beyond are cut, or left to the model alone, in the estimates that are shown beside the two that are judged.
CLIP = 100.0


def value(choices: Choices | None, ours: Floats, theirs: Floats, opponent: str) -> Gate:
    """The rule that decides with predictions ``ours`` [options] against the same rule with ``theirs``, on one log. Passes when the lower
    bound of the paired difference is above -5 % of what the opponent earns, by SNIPS and by DR alike; fails only when one of the
    intervals lies wholly below that. The direct method is shown and never judged by."""
    if choices is None or not len(choices):
        return Gate(NAME, NOT_ENOUGH, "no slot was filled by chance among more than one ad since the rows it learned from: not enough evidence")
    policies = choices.propensities(ours), choices.propensities(theirs)
    alike = float((choices.best(ours) == choices.best(theirs)).mean())
    figures: dict[str, Any] = {"choices": len(choices), "alike": alike, "opponent": opponent, "least_ess": LEAST_ESS}
    if alike == 1.0:
        return Gate(NAME, PASS, f"of {len(choices):,} randomised slots it would give every one to the same ad as {opponent}", figures)
    mine, other = (policy[choices.chosen] for policy in policies)
    # What both expect: the model of the rewards that takes the luck out of the comparison should favour neither.
    middle = (ours + theirs) / 2
    direct = middle[choices.chosen], choices.expected(middle, policies[0]), choices.expected(middle, policies[1])
    figures["candidate"] = _told(choices, mine, (direct[0], direct[1]))
    figures["serving"] = _told(choices, other, (direct[0], direct[2]))
    figures["worth_micros"] = [_snips(choices, choices.worth, policy) for policy in (mine, other)]
    if (rewarded := int(np.count_nonzero(choices.reward))) < LEAST_REWARDED:
        return Gate(NAME, NOT_ENOUGH, f"{rewarded:,} of {len(choices):,} randomised slots earned anything: not enough evidence", figures)
    try:
        found = [
            offpolicy.estimate(choices.reward, choices.propensity, policy, direct=(direct[0], expected), sessions=choices.session)
            for policy, expected in ((mine, direct[1]), (other, direct[2]))
        ]
    except NotEnoughEvidence as thin:
        words = _thin(thin, len(choices))
        return Gate(NAME, NOT_ENOUGH, words, {**figures, "ess": thin.ess, "max_weight": thin.max_weight})
    figures["ess"] = [one.ess for one in found]
    apart = offpolicy.difference(choices.reward, choices.propensity, mine, other, direct=direct, sessions=choices.session)
    return _judge(apart, found[1].snips, alike, figures)


def _thin(thin: NotEnoughEvidence, slots: int) -> str:
    if thin.ess >= LEAST_ESS:
        return (
            f"one of {slots:,} randomised slots counts for {thin.max_weight:,.0f}, over a hundredth of all together: "
            "a single click would decide, not enough evidence"
        )
    if thin.max_weight <= 0:
        return f"none of {slots:,} randomised slots was filled as it would: not enough evidence"
    return (
        f"what it would choose was shown by chance too seldom: {slots:,} randomised slots tell as much of it as {thin.ess:,.0f} that it had "
        f"filled itself, and {LEAST_ESS:,.0f} are needed: not enough evidence"
    )


def _judge(apart: tuple[Valued, Valued | None], earned: float, alike: float, figures: dict[str, Any]) -> Gate:
    judged = [one for one in apart if one is not None]
    margin = MARGIN * earned
    figures |= {"difference": [asdict(one) for one in judged], "margin": margin}
    said = " and ".join(
        f"{one.value * 1000:+.2f} ({one.low * 1000:+.2f} to {one.high * 1000:+.2f}) by {name}"
        for one, name in zip(judged, ("SNIPS", "DR"), strict=False)
    )
    said = (
        f"per thousand randomised slots it earns {said}, on top of {earned * 1000:.2f} of what serves now; {alike:.0%} of the slots they fill alike"
    )
    if any(one.high < -margin for one in judged):
        return Gate(NAME, FAIL, f"{said}: it chooses worse", figures)
    if all(one.low >= -margin for one in judged):
        return Gate(NAME, PASS, f"{said}: no less by more than {MARGIN:.0%}", figures)
    return Gate(NAME, NOT_ENOUGH, f"{said}: not enough evidence to tell them apart", figures)


def _told(choices: Choices, policy: Floats, direct: tuple[Floats, Floats]) -> dict[str, Any]:
    """Every estimator side by side, also where evidence is too thin to judge by any."""
    ess, largest = offpolicy.evidence(policy / choices.propensity)
    found = offpolicy.side_by_side(choices.reward, choices.propensity, policy, direct=direct, clip=CLIP, sessions=choices.session)
    return {"ess": ess, "max_weight": largest} | {name: asdict(one) for name, one in found.items()}


def _snips(choices: Choices, reward: Floats, policy: Floats) -> float:
    weight = policy / choices.propensity
    return float((weight * reward).sum() / np.maximum(weight.sum(), 1e-12))
