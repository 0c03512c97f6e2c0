"""What an experiment must not spoil: a metric surely worse than allowed stops it. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import msgspec

from .sequences import Interval, Sample, at_least, at_most


class Guardrail(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``worst``: by this share of the control's value, 0-1, the metric may get worse."""

    metric: str
    worst: float


@dataclass(frozen=True, slots=True)
class Judged:
    """``change`` as a share of the control; its bound on the better side is the best that it can be. ``breached``: even that is too bad."""

    breached: bool
    change: Interval


def parse_guardrails(raw: Any) -> tuple[Guardrail, ...]:
    """Raises ValueError that says what is wrong."""
    try:
        found = msgspec.convert(raw, tuple[Guardrail, ...])
    except msgspec.ValidationError as error:
        raise ValueError(
            f'guardrails must be [{{"metric": name, "worst": share}}], such as [{{"metric": "completion", "worst": 0.05}}]: {error}'
        ) from error
    if len({one.metric for one in found}) < len(found):
        raise ValueError("a metric can guard an experiment only once")
    if not all(0 <= one.worst < 1 for one in found):
        raise ValueError("worst must be a share from 0 up to 1, such as 0.05 for 5 % worse than the control")
    return found


def judge(arm: Sample, control: Sample, *, worst: float, higher_is_better: bool, alpha: float) -> Judged:
    """Whether ``arm`` is surely, over all looks, more than ``worst`` on the wrong side of ``control``. Metrics are not negative.

    The control scaled to the worst allowed is what the arm is held against, with a one-sided sequence. Raises NotEnoughUnits.
    """
    allowed = 1 - worst if higher_is_better else 1 + worst
    limit = replace(control, mean=control.mean * allowed, variance=control.variance * allowed**2)
    found = at_most(arm, limit, alpha=alpha) if higher_is_better else at_least(arm, limit, alpha=alpha)
    breached = found.high < 0 if higher_is_better else found.low > 0
    shift = allowed - 1
    if control.mean > 0:
        found = found.times(1 / control.mean)
        found = Interval(found.effect + shift, found.low + shift, found.high + shift)
    return Judged(breached, found)
