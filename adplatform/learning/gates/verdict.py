"""What the gates come to together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .gate import FAIL, NOT_ENOUGH, Gate

# Where these cannot tell yet, shadow and canary will: both look at the traffic itself.
LEFT_TO_TRAFFIC = frozenset({"off-policy value", "calibration by group"})


@dataclass(frozen=True, slots=True)
class Verdict:
    """``promote``: the candidate may serve, at once when it is a ``bootstrap`` (on thin evidence, because what served before was no
    better founded), else by way of shadow and canary."""

    promote: bool
    bootstrap: bool
    words: str


def judge(gates: Sequence[Gate], *, first: bool, champion_is_bootstrap: bool, prior: str = "the prior") -> Verdict:
    """A candidate goes on when every gate passes. While evidence is thin, it may only follow the prior or another bootstrap."""
    failed = [gate for gate in gates if gate.verdict == FAIL]
    thin = [gate for gate in gates if gate.verdict == NOT_ENOUGH and gate.name not in LEFT_TO_TRAFFIC]
    open_still = [gate for gate in gates if gate.verdict == NOT_ENOUGH and gate.name in LEFT_TO_TRAFFIC]
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


def _names(gates: Sequence[Gate]) -> str:
    return " and ".join(gate.name for gate in gates)
