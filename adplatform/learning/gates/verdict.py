"""What the gates come to together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .gate import FAIL, NOT_ENOUGH, PASS, Gate

# Where these cannot tell yet, shadow and canary will: both look at the traffic itself.
LEFT_TO_TRAFFIC = frozenset({"off-policy value", "calibration by group"})


@dataclass(frozen=True, slots=True)
class Verdict:
    """``promote``: the candidate may serve, at once when it is a ``bootstrap`` (on thin evidence, because what served before was no
    better founded), else by way of shadow and canary."""

    promote: bool
    bootstrap: bool
    words: str


def judge(gates: Sequence[Gate], *, first: bool, champion_is_bootstrap: bool, prior: str = "the prior", tried: bool = True) -> Verdict:
    """A candidate goes on when every gate passes. While evidence is thin, it may only follow the prior or another bootstrap; but where
    it is ``tried`` on the traffic before it serves, what that will tell may wait."""
    left = LEFT_TO_TRAFFIC if tried else frozenset()
    failed = [gate for gate in gates if gate.verdict == FAIL]
    thin = [gate for gate in gates if gate.verdict == NOT_ENOUGH and gate.name not in left]
    open_still = [gate for gate in gates if gate.verdict == NOT_ENOUGH and gate.name in left]
    if failed:
        return refused(failed)
    if first:
        doubts = f" Not enough evidence yet for {_names([*thin, *open_still])}." if thin or open_still else ""
        return Verdict(True, True, f"Promoted as bootstrap: the first version of its schema, compared with {prior}.{doubts}")
    if not thin:
        doubts = f" Not enough evidence yet for {_names(open_still)}: the traffic has to tell." if open_still else ""
        return Verdict(True, False, f"Promoted: every gate passed.{doubts}")
    better = all(gate.figures.get("difference", 1.0) <= 0 for gate in thin if gate.name == "quality")
    if champion_is_bootstrap and better:
        return Verdict(True, True, f"Promoted as bootstrap in place of a bootstrap: no gate failed, but not enough evidence for {_names(thin)}.")
    return Verdict(False, False, "Refused: not enough evidence. " + "; ".join(f"{gate.name}: {gate.words}" for gate in thin))


def refused(failed: Sequence[Gate]) -> Verdict:
    return Verdict(False, False, "Refused: " + "; ".join(f"{gate.name}: {gate.words}" for gate in failed))


def told(kept: Sequence[Mapping[str, Any]]) -> str:
    """What the gates kept with a version have said, when its verdict goes on to say something else. Empty where none judged it."""
    if not kept:
        return ""
    doubts = [
        f"{gate['name']} ({'failed' if gate['verdict'] == FAIL else 'not enough evidence'}): {gate['words']}"
        for gate in kept
        if gate["verdict"] != PASS
    ]
    return f"Gates that it did not pass: {'; '.join(doubts)}" if doubts else "Every gate passed."


def by_hand(kept: Sequence[Mapping[str, Any]], *, actor: str, bootstrap: bool) -> str:
    """The verdict of a version that ``actor`` promotes. A ``bootstrap`` was let through by its gates on thin evidence."""
    may_be_thin = {gate["name"] for gate in kept} if bootstrap else LEFT_TO_TRAFFIC
    against = [gate for gate in kept if gate["verdict"] == FAIL or (gate["verdict"] == NOT_ENOUGH and gate["name"] not in may_be_thin)]
    who = f"Promoted by hand by {actor}"
    if not kept:
        return f"{who}; no gate has judged it."
    return f"{who}, who overruled its gates. {told(kept)}" if against else f"{who}. {told(kept)}"


def _names(gates: Sequence[Gate]) -> str:
    return " and ".join(gate.name for gate in gates)
