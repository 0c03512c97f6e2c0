"""Why a flight does not serve, or how it does, in a sentence or two that a planner understands."""

from __future__ import annotations

from collections import Counter

from ads.decision.stages import stage_of
from ads.models import Flight

from .standing import Check, blocking
from .why_not import SERVED, Funnel, percent, phrase

# A stage that stops less than this share of the breaks is said not to be the problem.
NO_PROBLEM = 0.05
# From this share of the breaks on a second reason is worth a mention.
SECOND = 0.15
_RULED_OUT = {"budget": "budget", "caps": "caps", "pacing": "pacing", "price": "its price", "targeting": "targeting"}


def verdict(flight: Flight, checks: list[Check], funnel: Funnel) -> str:
    """One or two sentences. A flight that may not serve now is told why, whatever happened before."""
    stopped = blocking(checks)
    if stopped:
        more = (
            "" if len(stopped) == 1 else f" {len(stopped) - 1} more {'thing stands' if len(stopped) == 2 else 'things stand'} in its way: see below."
        )
        return f"Not serving now. {stopped[0].words}{more}{_before(funnel)}"
    if not funnel.considered:
        return f"Live, and no break has considered it in this time. {funnel.obstacle}"
    against = Counter({code: count for code, count in funnel.reasons.items() if stage_of(code) != SERVED})
    if not against:
        return "Live, and it served in every break that was asked for."
    if against.most_common(1)[0][0] == "paced" and funnel.served:
        return f"Live, and delivering at the pace it was sold for: {_share(against, funnel, 0)}. {_served(funnel)}{_ruled_out(funnel)}"
    joint = ", but" if funnel.served * 4 < funnel.considered else ":"
    return f"Live{joint} {_share(against, funnel, 0)}{_second(against, funnel)}. {_served(funnel)}{_ruled_out(funnel)}"


def _share(against: Counter[str], funnel: Funnel, place: int) -> str:
    code, count = against.most_common()[place]
    return f"{percent(count / funnel.considered)} of the breaks {phrase(code)}"


def _second(against: Counter[str], funnel: Funnel) -> str:
    found = against.most_common(2)
    if len(found) < 2 or found[1][1] < SECOND * funnel.considered:
        return ""
    return f", and {percent(found[1][1] / funnel.considered)} {phrase(found[1][0])}"


def _served(funnel: Funnel) -> str:
    chances = "times that its ads came up" if funnel.ads > 1 else "breaks"
    if not funnel.served:
        return f"It served in none of {funnel.considered:,} {chances}."
    return f"It served in {funnel.served:,} of {funnel.considered:,} {chances} ({percent(funnel.served / funnel.considered)})."


def _ruled_out(funnel: Funnel) -> str:
    """The usual suspects that are innocent."""
    share = {step.stage: step.share for step in funnel.steps}
    innocent = [words for stage, words in _RULED_OUT.items() if share.get(stage, 0.0) < NO_PROBLEM]
    if not innocent or funnel.served * 2 > funnel.considered:
        return ""
    told = innocent[0] if len(innocent) == 1 else f"{', '.join(innocent[:-1])} and {innocent[-1]}"
    return f" {told[0].upper()}{told[1:]} {'is' if len(innocent) == 1 else 'are'} not the problem."


def _before(funnel: Funnel) -> str:
    return f" In the time below it served {funnel.served:,} times." if funnel.served else ""
