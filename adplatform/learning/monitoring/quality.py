"""Readings of quality: how good the scores were once the labels are in, and what can be said before."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import change, delayed
from ..delayed import Calibration, Delays, Estimate
from ..estimators import REGRESSION
from ..metrics import Floats, losses
from .readings import BIAS, CALIBRATION, DAY, DELAYED_LOSS, EXPECTED_LOSS, LOSS, LOSS_CHANGE, LOSS_OF_TASK, Reading, Window
from .served import Served

# Every hour is another look: an alarm wants the interval of one false alarm in two thousand looks outside the bounds.
Z, ALARM_Z = 1.96, 3.5
CALIBRATED = (0.9, 1.1)
UNBIASED_SHARE = 0.1
# A loss that is off by what this error of calibration makes of it is no matter, however certain.
ALLOWED_ERROR = 0.05
LEAST_ROWS, LEAST_POSITIVES = 50, 10
MOST_GROUPS = 20


def mature(window: Window, mine: Served, task: str, *, benchmark: float | None, estimates: Mapping[str, Estimate]) -> Iterator[Reading]:
    """Of rows whose labels are in. ``benchmark`` is the loss a regression had on later rows in training; ``estimates`` are what
    was said of this window before."""
    if len(mine) < LEAST_ROWS:
        return
    if task == REGRESSION:
        yield _bias(window, mine)
        yield _loss(window, mine, (mine.scores - mine.labels) ** 2, LOSS_OF_TASK[task], expected=benchmark, allowed=None, estimates={})
        return
    yield from _calibrations(window, mine)
    expected = delayed.expected_log_loss(mine.scores, Calibration(error=0.0))
    odds = delayed.logits(mine.scores)
    allowed = abs(float((ALLOWED_ERROR * mine.scores * odds).mean()))
    yield _loss(
        window, mine, losses(mine.labels, mine.scores), LOSS, expected=expected.value if expected else None, allowed=allowed, estimates=estimates
    )


def young(window: Window, mine: Served, recent: Served) -> Iterator[Reading]:
    """Of rows whose labels are still coming in; ``recent`` are mature rows of the same version from just before."""
    if len(mine) < LEAST_ROWS:
        return
    known = delayed.calibration_of(recent.labels, recent.scores, recent.session)
    expected = delayed.expected_log_loss(mine.scores, known)
    if expected is not None:
        moved = f", corrected by {math.expm1(known.shift):+.1%} of the odds as the last {len(recent):,} mature rows ask" if len(recent) else ""
        words = f"Before all labels are in, log loss is expected to be {_between(expected)} from the scores alone{moved}."
        yield _estimated(EXPECTED_LOSS, window, expected, words, {"shift": known.shift, "shift_error": known.error})
    delays = Delays.of(recent.delay)
    early = None if delays is None else delayed.delay_weighted_log_loss(mine.so_far, mine.scores, mine.age, delays)
    if early is not None and delays is not None:
        reached = float(delays.reached(mine.age).mean())
        words = f"From the outcomes that came already, {reached:.0%} of all by their usual delays, log loss is expected to be {_between(early)}."
        yield _estimated(DELAYED_LOSS, window, early, words, {"reached": reached, "delays": len(delays.seconds)})


def running(window: Window, earlier: Sequence[Mapping[str, Any]], latest: Mapping[str, Any], rows: int) -> Reading | None:
    """The hourly losses in a row, ``earlier`` and ``latest`` as the figures of their readings: did the loss change for good?"""
    told = [one for one in (*earlier, latest) if one.get("z") is not None]
    if not told or latest.get("z") is None:
        return None
    found = change.page_hinkley([one["z"] for one in told], [one["allowed_z"] for one in told])
    value = max(found.up, found.down)
    hours = len(told) - found.began
    words = f"Hour by hour the loss is as the model expects: the running test stands at {value:.1f}, the bound is {change.THRESHOLD:g}."
    if found.alarm:
        side = "higher" if found.worse else "lower"
        words = f"For {hours} hours the loss has been {side} than the model itself expects, too long for chance. The running test stands at"
        words += f" {value:.1f}, the bound is {change.THRESHOLD:g}."
    figures = {"up": found.up, "down": found.down, "hours": hours, "looked_at": len(told)}
    return Reading(LOSS_CHANGE, window, rows, words, value=value, bound=change.THRESHOLD, alarm=found.alarm, figures=figures)


# Calibration


def _calibrations(window: Window, mine: Served) -> Iterator[Reading]:
    yield _calibration(window, mine, "", ALARM_Z)
    if window.span != DAY:
        return
    for name, column in mine.groups.items():
        values, counts = np.unique(column, return_counts=True)
        for value in values[np.argsort(-counts, kind="stable")][:MOST_GROUPS]:
            group = mine.take(column == value)
            if group.labels.sum() >= LEAST_POSITIVES:
                # Many groups are as many chances to be wrong.
                yield _calibration(window, group, f"{name}:{value}"[:80], ALARM_Z + 0.5)


def _calibration(window: Window, mine: Served, subject: str, alarm_z: float) -> Reading:
    """Predicted over observed; its logarithm is near normal, with the deviation that sessions make (delta method)."""
    predicted, observed = float(mine.scores.sum()), float(mine.labels.sum())
    whose = f" of {subject.partition(':')[2]}" if subject else ""
    if observed < LEAST_POSITIVES:
        words = f"Calibration{whose}: {observed:.0f} outcomes in {len(mine):,} rows are not enough evidence."
        return Reading(CALIBRATION, window, len(mine), words, subject=subject, figures={"observed": observed, "predicted": predicted})
    ratio = predicted / observed
    error = _clustered(mine.scores / predicted - mine.labels / observed, mine.session)
    low, high = ratio * math.exp(-Z * error), ratio * math.exp(Z * error)
    least, most = CALIBRATED
    alarm = ratio * math.exp(-alarm_z * error) > most or ratio * math.exp(alarm_z * error) < least
    words = f"Predicted over observed{whose} is {ratio:.2f} (95 % {low:.2f} to {high:.2f}), wanted is {least} to {most}"
    if alarm:
        words += f": it predicts too {'much' if ratio > most else 'little'}"
    figures = {"predicted": predicted, "observed": observed, "error": error, "bounds": [least, most]}
    return Reading(
        CALIBRATION, window, len(mine), words + ".", subject=subject, value=ratio, low=low, high=high,
        bound=most if ratio >= 1 else least, alarm=alarm, figures=figures,
    )  # fmt: skip


def _bias(window: Window, mine: Served) -> Reading:
    off = mine.scores - mine.labels
    value, error = float(off.mean()), _clustered((off - off.mean()) / len(off), mine.session)
    bound = UNBIASED_SHARE * float(mine.labels.std())
    alarm = bound > 0 and abs(value) - ALARM_Z * error > bound
    words = f"On average the prediction is off by {value:+.3f} (95 % {value - Z * error:+.3f} to {value + Z * error:+.3f}), allowed is {bound:.3f}"
    words += f": it predicts too {'much' if value > 0 else 'little'}." if alarm else "."
    return Reading(BIAS, window, len(mine), words, value=value, low=value - Z * error, high=value + Z * error, bound=bound, alarm=alarm)


# Loss


def _loss(
    window: Window, mine: Served, each: Floats, measure: str, *, expected: float | None, allowed: float | None, estimates: Mapping[str, Estimate]
) -> Reading:
    value = float(each.mean())
    error = _clustered((each - value) / len(each), mine.session)
    title = "log loss" if measure == LOSS else "mean squared error"
    words = f"The {title} of {len(mine):,} rows is {value:.4f} (95 % {value - Z * error:.4f} to {value + Z * error:.4f})"
    figures: dict[str, Any] = {"error": error, "expected": expected}
    if expected is not None:
        words += f"; {'the scores themselves expect' if measure == LOSS else 'in training it was'} {expected:.4f}"
        figures |= _steps(value, expected, ALLOWED_ERROR * expected if allowed is None else allowed, _error_expected(mine, error, measure))
    for name, estimate in estimates.items():
        held = estimate.low <= value <= estimate.high
        figures[name] = {"value": estimate.value, "low": estimate.low, "high": estimate.high, "held": held}
        said = "from the scores" if name == EXPECTED_LOSS else "from early outcomes"
        words += f"; foretold {said} was {_between(estimate)}, which {'held' if held else 'did not hold'}"
    return Reading(measure, window, len(mine), words + ".", value=value, low=value - Z * error, high=value + Z * error, figures=figures)


def _steps(value: float, expected: float, allowed: float, error: float) -> dict[str, float | None]:
    if error <= 0:
        return {"z": None, "allowed_z": None}
    return {"z": (value - expected) / error, "allowed_z": allowed / error}


def _error_expected(mine: Served, error: float, measure: str) -> float:
    """Of the loss that the scores expect: how far chance takes the outcomes from it. With few outcomes the error seen is too small."""
    if measure != LOSS:
        return error
    odds = delayed.logits(mine.scores)
    return max(error, math.sqrt(float((mine.scores * (1 - mine.scores) * odds**2).sum())) / len(mine))


def _clustered(influence: Floats, session: NDArray[Any]) -> float:
    """The standard error of a sum of influences, sessions being what is independent."""
    _, of = np.unique(session, return_inverse=True)
    return float(np.sqrt((np.bincount(of, weights=influence) ** 2).sum()))


def _estimated(measure: str, window: Window, estimate: Estimate, words: str, figures: dict[str, Any]) -> Reading:
    return Reading(measure, window, estimate.rows, words, value=estimate.value, low=estimate.low, high=estimate.high, figures=figures)


def _between(estimate: Estimate) -> str:
    return f"{estimate.value:.4f} (95 % {estimate.low:.4f} to {estimate.high:.4f})"
