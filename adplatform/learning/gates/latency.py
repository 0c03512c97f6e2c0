"""How long a candidate takes to answer, against what serves now."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..metrics import LEVELS, Floats
from ..predictor import Predictor
from ..schema import Matrix
from .gate import FAIL, PASS, Gate

# How many rows, how often they are asked for, and after how many seconds no more.
JUDGED_ROWS, JUDGED_REPEATS, JUDGED_SECONDS = 100, 500, 4.0
TOLD = {1: (200, 0.5), 1000: (60, 1.5)}
SLOWEST_MS, SLOWER_THAN_CHAMPION = 5.0, 1.1
REPLICATES = 300


def latency(
    candidate: Predictor, opponent: Predictor | None, features: Matrix, clock: Callable[[], float], rng: np.random.Generator
) -> tuple[Gate, list[dict[str, Any]]]:
    """Milliseconds for 100 rows, candidate and champion called in a random order so that a busy machine slows both alike.

    Judged by the ratio of the p99 to the champion's, of which the whole bootstrap interval must lie above 1.1 to fail; and what takes
    under 5 ms at its median serves in time whatever the ratio. Also returns the figures for 1, 100 and 1,000 rows.
    """

    def of(count: int) -> Matrix:
        return np.resize(features, (count, features.shape[1]))

    mine, theirs = _taking_turns(candidate, opponent, of(JUDGED_ROWS), (JUDGED_REPEATS, JUDGED_SECONDS), clock, rng)
    took = {JUDGED_ROWS: mine}
    for count, most in TOLD.items():
        took[count], _ = _taking_turns(candidate, None, of(count), most, clock, rng)
    table = [{"rows": count, "p50_ms": _percentile(took[count], 50), "p99_ms": _percentile(took[count], 99)} for count in sorted(took)]
    return _judge(mine, theirs, rng), table


def _judge(mine: Floats, theirs: Floats, rng: np.random.Generator) -> Gate:
    p50, p99 = _percentile(mine, 50), _percentile(mine, 99)
    figures: dict[str, Any] = {"rows": JUDGED_ROWS, "p50_ms": p50, "p99_ms": p99}
    said = f"{JUDGED_ROWS} rows take {p50:.2f} ms (p99 {p99:.2f} ms)"
    slow = p50 > SLOWEST_MS
    if not len(theirs):
        if slow:
            return Gate("latency", FAIL, f"{said}; more than {SLOWEST_MS:g} ms is too slow to serve", figures)
        return Gate("latency", PASS, f"{said}, in time at up to {SLOWEST_MS:g} ms", figures)
    ratio, low, high = _ratio_of_p99(mine, theirs, rng)
    figures |= {"champion_p50_ms": _percentile(theirs, 50), "champion_p99_ms": _percentile(theirs, 99)}
    figures |= {"ratio": ratio, "ci_low": low, "ci_high": high, "ratio_p50": p50 / max(figures["champion_p50_ms"], 1e-6)}
    said += f"; its p99 is {ratio:.2f} times the champion's (95 % {low:.2f} to {high:.2f}), its median {figures['ratio_p50']:.2f} times"
    if low > SLOWER_THAN_CHAMPION and slow:
        return Gate("latency", FAIL, f"{said}; more than {SLOWEST_MS:g} ms and {SLOWER_THAN_CHAMPION:g} times is too slow to serve", figures)
    if low > SLOWER_THAN_CHAMPION:
        return Gate("latency", PASS, f"{said}: slower, but in time at up to {SLOWEST_MS:g} ms", figures)
    return Gate("latency", PASS, said, figures)


def _taking_turns(
    candidate: Predictor, opponent: Predictor | None, rows: Matrix, most: tuple[int, float], clock: Callable[[], float], rng: np.random.Generator
) -> tuple[Floats, Floats]:
    """Milliseconds of each call of the two, asked as often as ``most`` says or until its seconds are over."""
    both = [candidate] if opponent is None else [candidate, opponent]
    for model in both:
        model.predict(rows)
    took: list[list[float]] = [[] for _ in both]
    started = clock()
    repeats, seconds = most
    for _ in range(repeats):
        for place in rng.permutation(len(both)).tolist():
            began = clock()
            both[place].predict(rows)
            took[place].append((clock() - began) * 1000)
        if clock() - started > seconds:
            break
    mine, *theirs = (np.array(times) for times in took)
    return mine, theirs[0] if theirs else np.zeros(0)


def _ratio_of_p99(mine: Floats, theirs: Floats, rng: np.random.Generator) -> tuple[float, float, float]:
    """The ratio and its interval. Both are resampled by the same turns: what slowed one turn slowed both calls of it."""
    turns = rng.integers(len(mine), size=(REPLICATES, len(mine)))
    spread = np.percentile(mine[turns], 99, axis=1) / np.maximum(np.percentile(theirs[turns], 99, axis=1), 1e-6)
    low, high = np.percentile(spread, LEVELS)
    return _percentile(mine, 99) / max(_percentile(theirs, 99), 1e-6), float(low), float(high)


def _percentile(times: Floats, level: float) -> float:
    return float(np.percentile(times, level))
