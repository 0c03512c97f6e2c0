"""A reading: one figure of one model over one window, with its bound and what it says in words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

HOUR, DAY = "hour", "day"
LENGTH = {HOUR: timedelta(hours=1), DAY: timedelta(days=1)}

SERVED_ROWS = "served_rows"
FEATURE_PSI, FEATURE_SHIFT, FEATURE_MISSING, SCORE_PSI = "feature_psi", "feature_shift", "feature_missing", "score_psi"
CALIBRATION, BIAS = "calibration", "bias"
LOSS, LOSS_OF_TASK = "log_loss", {"classification": "log_loss", "regression": "mse"}
EXPECTED_LOSS, DELAYED_LOSS, LOSS_CHANGE = "expected_log_loss", "delayed_log_loss", "loss_change"
REPLAY, SKEW = "replay", "skew"

# Said before the labels were in: what is said later must not take its place.
ESTIMATES = frozenset({EXPECTED_LOSS, DELAYED_LOSS})
# The world is not as it was in training, and training again on it is the answer.
DRIFTS = frozenset({FEATURE_PSI, SCORE_PSI, CALIBRATION, BIAS, LOSS_CHANGE})
# What is served is not what is learned from: a model trained now would learn the fault.
FAULTS = frozenset({REPLAY, SKEW})


@dataclass(frozen=True, slots=True, order=True)
class Window:
    """From ``since`` up to ``until``, UTC, a whole hour or a whole day."""

    since: datetime
    until: datetime
    span: str

    @classmethod
    def ending(cls, until: datetime, span: str) -> Window:
        return cls(until - LENGTH[span], until, span)

    def __str__(self) -> str:
        if self.span == DAY:
            return f"{self.since:%Y-%m-%d}"
        return f"{self.since:%Y-%m-%d %H:%M} to {self.until:%H:%M}"


@dataclass(frozen=True, slots=True)
class Reading:
    """``value`` None means not enough evidence; ``low`` and ``high`` are a 95 % interval where there is one."""

    measure: str
    window: Window
    rows: int
    words: str
    subject: str = ""
    value: float | None = None
    low: float | None = None
    high: float | None = None
    bound: float | None = None
    alarm: bool = False
    figures: Mapping[str, Any] = field(default_factory=dict)


def beyond(measure: str, value: float, bound: float) -> bool:
    """A calibration has a bound on either side of 1 and is read against the nearer one; of the rest the size counts."""
    return value < bound if measure == CALIBRATION and bound < 1 else abs(value) > bound


def windows_until(as_of: datetime, span: str, back: timedelta) -> list[Window]:
    """The whole windows that ended within ``back`` before ``as_of``, the oldest first."""
    moment = as_of.astimezone(UTC)
    last = moment.replace(minute=0, second=0, microsecond=0) if span == HOUR else moment.replace(hour=0, minute=0, second=0, microsecond=0)
    count = int((back - (moment - last)) / LENGTH[span]) + 1
    return [Window.ending(last - LENGTH[span] * number, span) for number in range(count - 1, -1, -1)]
