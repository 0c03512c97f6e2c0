"""Why the Director did what it did, in words that an editor reads without knowing the model. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from .guards import STALLED_SECONDS, cooling

if TYPE_CHECKING:
    from .policy import Judged, Sight

# Of one moment the amounts are too small to read: as with ads, they are told per thousand.
MICROS_A_THOUSANDTH = 1_000


def reason_of(
    sight: Sight, judged: Judged | None, *, index: int, intended: int, explored: bool, allowed: Sequence[int], chances: Sequence[float]
) -> str:
    """``index`` was taken, ``intended`` would have been; ``chances`` are what each option had."""
    held_back = _held_back(sight)
    if held_back:
        return held_back + (f" Otherwise: {_does(sight, intended)}. {_gains(judged, sight, intended)}" if intended else "")
    if explored:
        return f"Drawn by chance to learn from it, one of {len(allowed)} possible (chance {chances[index]:.1%}): {_does(sight, index)}."
    if index == 0:
        return _kept(sight, judged, allowed)
    does = _does(sight, index)
    return f"{_attention(sight)}{does[0].upper()}{does[1:]}: {_gains(judged, sight, index)}"


def _held_back(sight: Sight) -> str:
    if sight.control:
        return "This playback is in the control group: the author's order plays."
    return "The viewer asked for the film as edited." if sight.plan.as_edited else ""


def _kept(sight: Sight, judged: Judged | None, allowed: Sequence[int]) -> str:
    obstacle = _obstacle(sight, allowed)
    if obstacle:
        return obstacle
    if judged is None or sight.valued is None:
        return "No model of what changes are worth serves yet, so nothing is changed here."
    tried = [index for index in allowed if judged.proven[index]]
    if not tried:
        return f"{_attention(sight)}Chance has not tried any of the {len(allowed) - 1} possible changes often enough to choose one for its worth."
    best = max(tried, key=lambda index: float(judged.low[index]))
    return f"{_attention(sight)}The plan stays: no change is sure to gain. The best was to {_does(sight, best)}: {_gains(judged, sight, best)}"


def _obstacle(sight: Sight, allowed: Sequence[int]) -> str:
    plan = sight.plan
    if sight.stalled_seconds > STALLED_SECONDS:
        return "Playback was buffering: low attention is put down to the connection, not to the film."
    if len(allowed) > 1:
        return ""
    if plan.change_budget == 0:
        return "The editors allow no changes in this film."
    if plan.changes >= plan.change_budget:
        return f"The editors allow {plan.change_budget} changes in this film, and they are made."
    if cooling(plan):
        return "Something was changed just now; the next scenes play as planned."
    return "The story leaves no choice of what comes next."


def _does(sight: Sight, index: int) -> str:
    """What an option does, as “do this”."""
    one, plan = sight.options[index], sight.plan
    name = f"“{plan.scene(one.scene).name}”"
    instead = f"“{plan.scene(plan.remaining[0]).name}”"
    match one.action:
        case "tighten":
            return f"play the tight cut of {name}"
        case "bring_forward":
            return f"bring {name} forward before {instead}"
        case "move_back":
            return f"move {instead} {-one.moved} scenes back, so that {name} comes next"
        case "linger":
            return f"linger on {name}, which is optional"
        case "move_break":
            return "move the ad break one scene later"
        case "shorten_break":
            return f"make the ad break shorter, {one.break_seconds:.0f} instead of {sight.options[0].break_seconds:.0f} seconds"
        case "suggest":
            return "suggest another title"
        case _:
            return f"keep the plan with {name} next"


def _gains(judged: Judged | None, sight: Sight, index: int) -> str:
    if judged is None or sight.valued is None:
        return "what it is worth is not known yet."
    mean = sight.valued.mean
    return (
        f"{mean[index]:.0%} of what comes is expected to be watched with it, {mean[0]:.0%} without;"
        f" a thousand such moments earn {_money(judged.gain[index])}{sight.rules.currency} more, in a bad case {_money(judged.low[index])}."
    )


def _attention(sight: Sight) -> str:
    if sight.engagement is None:
        return ""
    usual = "" if sight.usual is None else f", {sight.usual:.0%} is usual"
    return f"{sight.engagement:.0%} of what comes is expected to be watched{usual}. "


def _money(micros: float) -> str:
    return f"{micros / MICROS_A_THOUSANDTH:,.2f}"
