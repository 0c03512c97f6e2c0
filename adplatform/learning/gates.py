"""What a candidate has to pass before it serves. Each gate answers pass, fail or not enough evidence, in words and figures.

A gate on sampled figures fails only when the whole 95 % interval lies outside its bounds: on few clicks a bad figure may
be chance, and so may a good one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from .metrics import Floats, Metric, Resampling, auc, level, paired_difference
from .predictor import Predictor
from .schema import FeatureSchema, Matrix

PASS, FAIL, NOT_ENOUGH = "pass", "fail", "not_enough_evidence"

PARITY = 1e-3
CALIBRATION = (0.95, 1.05)
WIDEST_HALF_WIDTH = 0.10
# A candidate may be this much worse in the leading figure, relative to the champion, and still count as no worse.
MARGIN = 0.01
GIVEAWAY_AUC = 0.97
LATENCY_ROWS, LATENCY_REPEATS = 100, 150
SLOWEST_MS, SLOWER_THAN_CHAMPION = 5.0, 1.1


@dataclass(frozen=True, slots=True)
class Gate:
    name: str
    verdict: str
    words: str
    figures: dict[str, Any] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Verdict:
    """``bootstrap``: promoted on thin evidence, because what served before was no better founded."""

    promote: bool
    bootstrap: bool
    words: str


def data(schema: FeatureSchema, features: Matrix, labels: Floats, rows: tuple[int, int]) -> Gate:
    """The matrix keeps its schema, and no single feature gives the label away."""
    problems = [f"{problem.feature} {problem.words}" for problem in schema.problems(features)]
    if not problems:
        problems = [f"{name} alone tells the outcome (AUC {area:.3f}): it may hold the answer" for name, area in _giveaways(schema, features, labels)]
    if problems:
        return Gate("data", FAIL, "; ".join(problems), {"problems": problems})
    words = f"{rows[0]:,} rows to learn from and {rows[1]:,} later ones to judge by, every column within its declared range"
    return Gate("data", PASS, words, {"train_rows": rows[0], "test_rows": rows[1]})


def _giveaways(schema: FeatureSchema, features: Matrix, labels: Floats) -> list[tuple[str, float]]:
    if set(np.unique(labels)) != {0.0, 1.0}:
        return []
    filled = np.where(np.isnan(features), schema.fills, features).astype(np.float64)
    # The code of an id is a hash: its order says nothing.
    areas = [(name, auc(labels, filled[:, schema.index[name]])) for name in (f.name for f in schema.features if not f.identity)]
    return [(name, max(area, 1 - area)) for name, area in areas if max(area, 1 - area) >= GIVEAWAY_AUC]


def parity(native: Floats, exported: Floats) -> Gate:
    """The exported model answers as the fitted one did, to within 1e-3."""
    apart = float(np.abs(native - exported).max()) if len(native) else 0.0
    if not np.isfinite(exported).all() or apart > PARITY:
        return Gate("parity", FAIL, f"the exported model differs from the fitted one by up to {apart:.2g}, allowed is {PARITY:g}", {"apart": apart})
    return Gate("parity", PASS, f"the exported model answers as the fitted one, to within {apart:.1g}", {"apart": apart})


def quality(
    figure: str, title: str, labels: Floats, candidate: Floats, opponent: Floats, name: str, resampling: Resampling, *, allowance: float = MARGIN
) -> Gate:
    """Not worse than the opponent in ``figure`` (lower is better) by more than ``allowance`` of it, by a paired bootstrap over
    playback sessions."""
    value, low, high = paired_difference(figure, labels, candidate, opponent, resampling)
    of_opponent = level(figure, labels, opponent)
    margin = allowance * of_opponent
    figures = {"difference": value, "ci_low": low, "ci_high": high, "opponent": name, "opponent_value": of_opponent, "margin": margin}
    said = f"{title} {of_opponent + value:.4f} against {of_opponent:.4f} of {name}: {value:+.4f} (95 % {low:+.4f} to {high:+.4f})"
    if low > 0:
        return Gate("quality", FAIL, f"{said}, so it is worse", figures)
    if high < 0:
        return Gate("quality", PASS, f"{said}, so it is better", figures)
    if high <= margin:
        return Gate("quality", PASS, f"{said}, so it is no worse by more than {allowance:.0%}", figures)
    return Gate("quality", NOT_ENOUGH, f"{said}: not enough evidence to tell them apart", figures)


def calibration(metric: Metric) -> Gate:
    """Mean prediction over observed rate within 0.95 to 1.05, judged by its interval."""
    low_bound, high_bound = CALIBRATION
    value, low, high = metric.value, metric.ci_low, metric.ci_high
    if value is None or low is None or high is None:
        return Gate("calibration", NOT_ENOUGH, "no positive outcome among the later rows: not enough evidence", {})
    figures = {"value": value, "ci_low": low, "ci_high": high, "bounds": [low_bound, high_bound]}
    said = f"predicted over observed is {value:.3f} (95 % {low:.3f} to {high:.3f}), wanted is {low_bound} to {high_bound}"
    if high < low_bound or low > high_bound:
        return Gate("calibration", FAIL, f"{said}: it predicts too {'little' if high < low_bound else 'much'}", figures)
    if (high - low) / 2 > WIDEST_HALF_WIDTH:
        return Gate("calibration", NOT_ENOUGH, f"{said}: the interval is too wide to judge", figures)
    return Gate("calibration", PASS, said, figures)


def unbiased(metric: Metric, spread: float) -> Gate:
    """A regression's mean error, in standard deviations of the label: the counterpart of the calibration ratio."""
    if metric.value is None or metric.ci_low is None or metric.ci_high is None or spread <= 0:
        return Gate("calibration", NOT_ENOUGH, "the labels do not vary: not enough evidence", {})
    bound = 0.1 * spread
    figures = {"value": metric.value, "ci_low": metric.ci_low, "ci_high": metric.ci_high, "bounds": [-bound, bound]}
    said = f"mean error is {metric.value:+.4f} (95 % {metric.ci_low:+.4f} to {metric.ci_high:+.4f}), wanted is within {bound:.4f}"
    if metric.ci_low > bound or metric.ci_high < -bound:
        return Gate("calibration", FAIL, said, figures)
    if (metric.ci_high - metric.ci_low) / 2 > bound:
        return Gate("calibration", NOT_ENOUGH, f"{said}: the interval is too wide to judge", figures)
    return Gate("calibration", PASS, said, figures)


def latency(candidate: Predictor, opponent: Predictor | None, features: Matrix, clock: Callable[[], float]) -> Gate:
    """Milliseconds for 100 rows, candidate and champion taking turns so that a busy machine slows both alike."""
    rows = np.resize(features, (LATENCY_ROWS, features.shape[1]))
    mine, theirs = [], []
    for _ in range(LATENCY_REPEATS):
        mine.append(_timed(candidate, rows, clock))
        if opponent is not None:
            theirs.append(_timed(opponent, rows, clock))
    p50, p99 = (float(value) for value in np.percentile(mine, [50, 99]))
    figures: dict[str, Any] = {"rows": LATENCY_ROWS, "p50_ms": p50, "p99_ms": p99}
    said = f"{LATENCY_ROWS} rows take {p50:.2f} ms (p99 {p99:.2f} ms)"
    ratio = None
    if theirs:
        ratio = figures["ratio"] = p50 / max(float(np.percentile(theirs, 50)), 1e-6)
        figures["champion_p99_ms"] = float(np.percentile(theirs, 99))
        said += f", {ratio:.2f} times the champion's"
    # Judged by the median: on a shared machine the p99 of a short run is mostly other people's work.
    if p50 > SLOWEST_MS and (ratio is None or ratio > SLOWER_THAN_CHAMPION):
        return Gate("latency", FAIL, f"{said}; more than {SLOWEST_MS:g} ms is too slow to serve", figures)
    return Gate("latency", PASS, said, figures)


def _timed(predictor: Predictor, rows: Matrix, clock: Callable[[], float]) -> float:
    start = clock()
    predictor.predict(rows)
    return (clock() - start) * 1000


def judge(gates: Sequence[Gate], *, first: bool, champion_is_bootstrap: bool, prior: str = "the prior") -> Verdict:
    """Promote when every gate passes. While evidence is thin, a candidate may only follow the prior or another bootstrap."""
    failed = [gate for gate in gates if gate.verdict == FAIL]
    thin = [gate for gate in gates if gate.verdict == NOT_ENOUGH]
    if failed:
        return Verdict(False, False, "Refused: " + "; ".join(f"{gate.name}: {gate.words}" for gate in failed))
    if first:
        doubts = f" Not enough evidence yet for {_names(thin)}." if thin else ""
        return Verdict(True, True, f"Promoted as bootstrap: the first version of its schema, compared with {prior}.{doubts}")
    if not thin:
        return Verdict(True, False, "Promoted: every gate passed.")
    better = all(gate.figures.get("difference", 1.0) <= 0 for gate in thin if gate.name == "quality")
    if champion_is_bootstrap and better:
        return Verdict(True, True, f"Promoted as bootstrap in place of a bootstrap: no gate failed, but not enough evidence for {_names(thin)}.")
    return Verdict(False, False, "Refused: not enough evidence. " + "; ".join(f"{gate.name}: {gate.words}" for gate in thin))


def _names(gates: Sequence[Gate]) -> str:
    return " and ".join(gate.name for gate in gates)
