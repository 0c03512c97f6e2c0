"""What the candidate would have earned on choices that were made by chance, against what serves now."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from .. import likelihood, offpolicy
from ..choices import Choices, Ints
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


@dataclass(frozen=True, slots=True)
class Terms:
    """How the choices of a kind are spoken of. ``scale`` brings the value of one choice to what is told, ``unit`` that of a thousand.

    Where ``never_worse``, a rule is refused whose interval lies below what serves, by however little and on however thin evidence: for
    kinds that no traffic tries out before they serve everybody. ``prior`` names what is done without a model, ``first`` a rule beside
    the others that takes the first option of every lot.
    """

    many: str = "randomised slots"
    none: str = "no slot was filled by chance among more than one ad since the rows it learned from"
    alike: str = "it would give every one to the same ad as"
    share_alike: str = "of the slots they fill alike"
    seldom: str = "what it would choose was shown by chance too seldom"
    one_decides: str = "a single click would decide"
    unit: str = ""
    scale: float = 1000.0
    never_worse: bool = False
    prior: str = ""
    first: str = ""


SLOTS = Terms()


def value(
    choices: Choices | None, ours: Floats, theirs: Floats, opponent: str, *, rules: tuple[Ints, Ints] | None = None, terms: Terms = SLOTS
) -> Gate:
    """The rule that decides with ``ours`` [options], the rewards that the candidate expects, against the same rule with ``theirs``, on
    one log; ``rules`` are the options [choices] that the two take where that is not simply the highest. Passes when the lower bound of
    the paired difference is above -5 % of what the opponent earns, by SNIPS and by DR alike; fails only when one of the intervals lies
    wholly below that. The direct method is shown and never judged by."""
    if choices is None or not len(choices):
        return Gate(NAME, NOT_ENOUGH, f"{terms.none}: not enough evidence")
    taken = rules or (choices.best(ours), choices.best(theirs))
    policies = choices.chances(taken[0]), choices.chances(taken[1])
    alike = float((taken[0] == taken[1]).mean())
    figures: dict[str, Any] = {"choices": len(choices), "alike": alike, "opponent": opponent, "least_ess": LEAST_ESS}
    # What both expect: the model of the rewards that takes the luck out of the comparison should favour neither.
    middle = (ours + theirs) / 2
    figures["policies"] = _beside(choices, middle, {"candidate": policies[0], opponent: policies[1]}, terms)
    if alike == 1.0:
        return Gate(NAME, PASS, f"of {len(choices):,} {terms.many} {terms.alike} {opponent}", figures)
    mine, other = (policy[choices.chosen] for policy in policies)
    direct = middle[choices.chosen], choices.expected(middle, policies[0]), choices.expected(middle, policies[1])
    figures["candidate"] = _told(choices, mine, (direct[0], direct[1]))
    figures["serving"] = _told(choices, other, (direct[0], direct[2]))
    figures["worth_micros"] = [_snips(choices, choices.worth, policy) for policy in (mine, other)]
    if (rewarded := int(np.count_nonzero(choices.reward))) < LEAST_REWARDED:
        return Gate(NAME, NOT_ENOUGH, f"{rewarded:,} of {len(choices):,} {terms.many} earned anything: not enough evidence", figures)
    apart = _difference(choices, mine, other, direct)
    try:
        found = [
            offpolicy.estimate(choices.reward, choices.propensity, policy, direct=(direct[0], expected), sessions=choices.session)
            for policy, expected in ((mine, direct[1]), (other, direct[2]))
        ]
    except NotEnoughEvidence as thin:
        figures |= {"ess": thin.ess, "max_weight": thin.max_weight}
        if terms.never_worse and any(one.high < 0 for one in apart):
            return _judge(apart, _snips(choices, choices.reward, other), alike, figures, terms)
        return Gate(NAME, NOT_ENOUGH, _thin(thin, len(choices), terms), figures)
    figures["ess"] = [one.ess for one in found]
    return _judge(apart, found[1].snips, alike, figures, terms)


def _difference(choices: Choices, mine: Floats, other: Floats, direct: tuple[Floats, Floats, Floats]) -> list[Valued]:
    try:
        apart = offpolicy.difference(choices.reward, choices.propensity, mine, other, direct=direct, sessions=choices.session)
    except NotEnoughEvidence:
        return []
    return [one for one in apart if one is not None]


def _thin(thin: NotEnoughEvidence, count: int, terms: Terms) -> str:
    if thin.ess >= LEAST_ESS:
        return (
            f"one of {count:,} {terms.many} counts for {thin.max_weight:,.0f}, over a hundredth of all together: "
            f"{terms.one_decides}, not enough evidence"
        )
    if thin.max_weight <= 0:
        return f"in none of {count:,} {terms.many} was done what it would do: not enough evidence"
    return (
        f"{terms.seldom}: {count:,} {terms.many} tell as much of it as {thin.ess:,.0f} that it had "
        f"filled itself, and {LEAST_ESS:,.0f} are needed: not enough evidence"
    )


def _judge(judged: list[Valued], earned: float, alike: float, figures: dict[str, Any], terms: Terms) -> Gate:
    margin = MARGIN * earned
    figures |= {"difference": [asdict(one) for one in judged], "margin": margin}
    by = terms.scale
    said = " and ".join(
        f"{one.value * by:+.2f} ({one.low * by:+.2f} to {one.high * by:+.2f}) by {name}" for one, name in zip(judged, ("SNIPS", "DR"), strict=False)
    )
    beside = f"on top of {earned * by:.2f}{terms.unit} of {figures['opponent']}; {alike:.0%} {terms.share_alike}"
    said = f"per thousand {terms.many} it earns {said}, {beside}"
    if any(one.high < (0 if terms.never_worse else -margin) for one in judged):
        return Gate(NAME, FAIL, f"{said}: it chooses worse", figures)
    if all(one.low >= -margin for one in judged):
        return Gate(NAME, PASS, f"{said}: no less by more than {MARGIN:.0%}", figures)
    return Gate(NAME, NOT_ENOUGH, f"{said}: not enough evidence to tell them apart", figures)


def _beside(choices: Choices, expected: Floats, policies: dict[str, Floats], terms: Terms) -> list[dict[str, Any]]:
    """What each rule earns per thousand choices, with its interval and how many of its own choices the log is worth: that of what was
    done, of the first option always where that has a name, and of those that are compared."""
    if not terms.first:
        return []
    found = [{"name": "as it was decided", "ess": float(len(choices))} | _scaled(likelihood.mean(choices.reward, choices.session), terms)]
    for name, policy in ({terms.first: choices.chances(choices.starts)} | policies).items():
        mine = policy[choices.chosen]
        direct = expected[choices.chosen], choices.expected(expected, policy)
        found.append({"name": name, "ess": offpolicy.evidence(mine / choices.propensity)[0]} | _scaled(_told_by_dr(choices, mine, direct), terms))
    return found


def _told_by_dr(choices: Choices, policy: Floats, direct: tuple[Floats, Floats]) -> Valued:
    return offpolicy.side_by_side(choices.reward, choices.propensity, policy, direct=direct, clip=CLIP, sessions=choices.session)["dr"]


def _scaled(one: Valued, terms: Terms) -> dict[str, float]:
    return {name: round(figure * terms.scale, 4) for name, figure in asdict(one).items()}


def _told(choices: Choices, policy: Floats, direct: tuple[Floats, Floats]) -> dict[str, Any]:
    """Every estimator side by side, also where evidence is too thin to judge by any."""
    ess, largest = offpolicy.evidence(policy / choices.propensity)
    found = offpolicy.side_by_side(choices.reward, choices.propensity, policy, direct=direct, clip=CLIP, sessions=choices.session)
    return {"ess": ess, "max_weight": largest} | {name: asdict(one) for name, one in found.items()}


def _snips(choices: Choices, reward: Floats, policy: Floats) -> float:
    weight = policy / choices.propensity
    return float((weight * reward).sum() / np.maximum(weight.sum(), 1e-12))
