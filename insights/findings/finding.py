"""What a detector says: something that is so, what it costs, and what to do about it, in words and in figures. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

MICROS = 1_000_000
# From what somebody should know to what somebody has to look at now.
NOTE, WARNING, CRITICAL = 1, 2, 3
SEVERITIES = {NOTE: "note", WARNING: "warning", CRITICAL: "critical"}


@dataclass(frozen=True, slots=True)
class Money:
    """``micros`` at stake, None where no sum can be put to it; ``how`` says what it was worked out from."""

    micros: int | None = None
    how: str = ""


NO_SUM = Money(None, "No sum of money can be put to it.")


@dataclass(frozen=True, slots=True)
class Action:
    """What a button may do: a name of `findings.actions` and what it is done to."""

    code: str
    params: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is so now. ``key`` names it for good: found again it is the same finding. ``since`` and ``until`` bound what it
    was found in. ``link`` opens its evidence on a page for everybody who may read findings, ``rows`` the rows in the admin.
    ``synthetic`` is the share of its evidence that a synthetic audience made, None where that is not known."""

    kind: str
    key: str
    subject: str
    words: str
    detail: str
    recommend: str
    severity: int
    since: datetime
    until: datetime
    link: str
    rows: str = ""
    money: Money = NO_SUM
    action: Action | None = None
    evidence: Mapping[str, Any] = field(default_factory=dict)
    synthetic: float | None = None


def ranked(findings: Sequence[Finding]) -> list[Finding]:
    """Most money first, then the most severe, then by name so that equals keep their places."""
    return sorted(findings, key=lambda one: (-(one.money.micros or 0), -one.severity, one.key))


def percent(share: float) -> str:
    """Like ``4.2 %``; below a tenth of a percent two figures are told."""
    return f"{share * 100:.1f} %" if abs(share) >= 0.001 or share == 0 else f"{share * 100:.2g} %"


def between(low: float, high: float) -> str:
    """A 95 % interval of shares, like ``[1.2, 5.0] %``."""
    return f"[{low * 100:.1f}, {high * 100:.1f}] %"


def many(number: int | float, noun: str) -> str:
    """Like ``1 break`` or ``1,204 breaks``."""
    return f"{number:,.0f} {noun}{'' if round(number) == 1 else 's'}"
