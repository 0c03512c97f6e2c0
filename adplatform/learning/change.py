"""When did it begin to go wrong? A running test on a figure that comes in hour by hour."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

# In standard errors. With these an undisturbed series alarms once in about 9,500 steps (Siegmund 1985: the run length of one side
# is (exp(2 k b) - 2 k b - 1) / (2 k^2) with b = threshold + 1.166), a year of hours; a shift of one standard error is found in 16.
SLACK, THRESHOLD = 0.5, 8.0


@dataclass(frozen=True, slots=True)
class Change:
    """Where the sums stand after the last step: ``up`` and ``down`` in standard errors, ``alarm`` when the last step crossed the
    threshold, ``began`` the index from which the larger sum has been growing."""

    up: float
    down: float
    alarm: bool
    began: int

    @property
    def worse(self) -> bool:
        return self.up >= self.down


def page_hinkley(steps: Sequence[float], allowed: Sequence[float] | None = None, *, threshold: float = THRESHOLD) -> Change:
    """Page's two-sided cumulative sum (Page 1954, Hinkley 1971) of steps that are standard normal while nothing changed.

    ``allowed`` is, for each step, a deviation that does not matter however certain it is. After an alarm it begins anew.
    """
    up = down = 0.0
    began_up = began_down = 0
    alarm = False
    for index, step in enumerate(steps):
        if alarm:
            up = down = 0.0
        slack = SLACK + (allowed[index] if allowed is not None else 0.0)
        if up <= 0:
            began_up = index
        if down <= 0:
            began_down = index
        up, down = max(0.0, up + step - slack), max(0.0, down - step - slack)
        alarm = max(up, down) > threshold
    return Change(up, down, alarm, began_up if up >= down else began_down)
