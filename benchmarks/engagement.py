"""Every model of watching on one log of the synthetic audience: how much of the coming two scenes is watched, and who leaves within fifteen
seconds. Quality stands between the constant (for calls of high and low: the majority), the first demo's rule, and what is true.

The log is made in memory (`watching_log`): 400 people of the shipped audience, the shipped films, 30 days; the last fifth of the playbacks is
for judging, half of it for the bands of the predictions and half for whether they hold. All intervals are over playbacks.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.harness import Goal, Options, Row, percentile, progress, row, seconds

Floats = NDArray[np.float64]

PLAYBACKS, QUICK_PLAYBACKS = 5_000, 600
DAYS = 30
# From which share of the coming scenes watched attention is called high.
HIGH = 0.6
TIMES, QUICK_TIMES = 2_000, 200
COVERED = 0.8
# How much of the way from the constant to what is true a champion is to make.
GAP = 0.5
COMPARED = ("random_forest", "mlp", "lightgbm", "xgboost", "hist_gradient_boosting")
# Bags of scikit-learn's own boosting are made for numbers.
ALSO_NUMBERS = ("gradient_boosting",)
NUMBERS = ("mae", "r2")
CHANCES = ("auc", "brier", "calibration")
TITLES = {"mae": "MAE", "r2": "R2", "auc": "AUC", "brier": "Brier score", "calibration": "predicted over observed"}
TRUTH = "what is true"


@dataclass(frozen=True)
class Parts:
    train: Any
    test: Any
    truth: Floats


@dataclass(frozen=True)
class Answers:
    """What one of the compared says of the rows to judge by; ``one`` predicts a single row, None for what is no model."""

    name: str
    predictions: Floats
    trained: float | None = None
    one: Callable[[Any], Floats] | None = None


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--seed", type=int, nargs="+", default=[1], help="one log and one set of models for each")
    parser.add_argument("--audience", type=Path, default=None, help="YAML of another audience than the shipped one")
    parser.add_argument("--estimators", nargs="+", default=None, help="only these")


def measure(options: Options) -> Sequence[Row]:
    from benchmarks import watching_log
    from engagement.simulation import audience

    described = audience.load(options.own.audience or audience.DEFAULT)
    rows: list[Row] = []
    for seed in options.own.seed:
        log = watching_log.drawn(described, seed=seed, playbacks=QUICK_PLAYBACKS if options.quick else PLAYBACKS, days=DAYS)
        prefix = f"seed {seed}, " if len(options.own.seed) > 1 else ""
        rows += _engagement(split_by_time(log.engagement), seed, options, f"{prefix}engagement, ")
        rows += _leaving(split_by_time(log.leaving), options, f"{prefix}leaving, ")
    return rows


def split_by_time(rows: Any) -> Parts:
    """Rows of which nobody can say what is true (none of the shipped films has any) are left out of the judging."""
    from adplatform.learning.training.dataset import split
    from engagement.director.story import IDLE_SECONDS

    found, truth = rows.dataset()
    train, test, _ = split(found, label_seconds=IDLE_SECONDS)
    judged = np.isin(found.session, np.unique(test.session)) & ~np.isnan(truth)
    return Parts(train, found.take(judged), truth[judged])


# Models


def _models(parts: Parts, task: str, schema: Any, only: Sequence[str] | None) -> Iterator[Answers]:
    from adplatform.learning import estimators, predictor

    sample = estimators.Sample(session=parts.train.session)
    for name in only or (COMPARED + ALSO_NUMBERS if task == estimators.REGRESSION else COMPARED):
        started = time.perf_counter()
        fitted = estimators.fit(name, task, parts.train.features, parts.train.labels, schema, {}, sample)
        took = time.perf_counter() - started
        progress(f"{name} fitted on {len(parts.train):,} rows in {took:.1f} s")
        model = predictor.load(fitted.artifact, fitted.suffix, expected_sha256=predictor.sha256(fitted.artifact))
        yield Answers(name, model.predict(parts.test.features), took, model.predict)


def _engagement(parts: Parts, seed: int, options: Options, prefix: str) -> Iterator[Row]:
    from adplatform.learning import metrics
    from adplatform.learning.estimators import REGRESSION
    from benchmarks.first_demo_rule import engagement_of
    from engagement.director.features import SCHEMA

    test, base = parts.test, float(parts.train.labels.mean())
    yield from _sizes(parts, prefix)
    resampling = metrics.Resampling.of(test.session, np.random.default_rng(7))
    rule = engagement_of(test.features, SCHEMA, np.random.default_rng([seed, 3]))
    models = list(_models(parts, REGRESSION, SCHEMA, options.own.estimators))
    compared = [Answers("constant", np.full(len(test), base)), Answers("first demo's rule", rule), *models, Answers(TRUTH, parts.truth)]
    for one in compared:
        yield from _figures(metrics.regression(test.labels, one.predictions, base, resampling), NUMBERS, f"{prefix}{one.name}: ")
    majority = (parts.train.labels >= HIGH).mean() >= 0.5
    right = (test.labels >= HIGH) == majority
    yield _share(f"{prefix}majority: right calls of high and low at {HIGH}", right, resampling)
    for one in compared[1:]:
        yield _share(f"{prefix}{one.name}: right calls of high and low at {HIGH}", (one.predictions >= HIGH) == (test.labels >= HIGH), resampling)
    for one in models:
        yield _coverage(one, test, f"{prefix}{one.name}: outcomes within the band of 80 %", options)
    yield from _times(models, test, prefix, options)
    yield from _champion(models, rule, right, parts, resampling, prefix, options)


def _leaving(parts: Parts, options: Options, prefix: str) -> Iterator[Row]:
    from adplatform.learning import metrics
    from adplatform.learning.estimators import CLASSIFICATION
    from engagement.director.features import LEAVE_SCHEMA

    test, base = parts.test, float(parts.train.labels.mean())
    yield from _sizes(parts, prefix)
    yield row(f"{prefix}who left, of the rows to judge by", float(test.labels.mean()), "share")
    resampling = metrics.Resampling.of(test.session, np.random.default_rng(7))
    models = list(_models(parts, CLASSIFICATION, LEAVE_SCHEMA, options.own.estimators))
    for one in [Answers("constant", np.full(len(test), base)), *models, Answers(TRUTH, parts.truth)]:
        yield from _figures(metrics.classification(test.labels, one.predictions, base, resampling), CHANCES, f"{prefix}{one.name}: ")
    yield from _times(models, test, prefix, options)
    best = min(models, key=lambda one: metrics.level("mse", test.labels, one.predictions))
    constant = (test.labels - base) ** 2
    yield _gap(best, constant, parts, resampling, prefix, options)
    found = metrics.classification(test.labels, best.predictions, base, resampling)["auc"]
    assert found.value is not None
    assert found.ci_low is not None
    assert found.ci_high is not None
    goal = None if options.quick else Goal(at_least=0.6)
    yield row(f"{prefix}best ({best.name}): AUC", found.value, "", goal, interval=(found.ci_low, found.ci_high))


# Figures


def _sizes(parts: Parts, prefix: str) -> Iterator[Row]:
    yield row(f"{prefix}rows to learn from", len(parts.train), "rows")
    yield row(f"{prefix}rows to judge by", len(parts.test), "rows")
    yield row(f"{prefix}playbacks to judge by", len(np.unique(parts.test.session)), "playbacks")


def _figures(found: Any, names: Sequence[str], prefix: str) -> Iterator[Row]:
    for name in names:
        one = found[name]
        if one.value is not None and one.ci_low is not None and one.ci_high is not None:
            yield row(f"{prefix}{TITLES[name]}", one.value, "", interval=(one.ci_low, one.ci_high))


def _share(name: str, right: Any, resampling: Any, goal: Goal | None = None) -> Row:
    low, high = _interval(right.astype(np.float64), np.ones(len(right)), resampling)
    return row(name, float(right.mean()), "share", goal, interval=(low, high))


def _interval(top: Floats, bottom: Floats, resampling: Any) -> tuple[float, float]:
    from adplatform.learning.metrics import LEVELS

    low, high = np.percentile(resampling.sums(top) / resampling.sums(bottom), LEVELS)
    return float(low), float(high)


def _coverage(one: Answers, test: Any, name: str, options: Options) -> Row:
    """The band is measured on one half of the playbacks and asked of the other."""
    from adplatform.learning import metrics
    from adplatform.learning.training.judging import residual_bands

    _, number = np.unique(test.session, return_inverse=True)
    shown = number % 2 == 0
    bands = residual_bands(test.labels[shown], one.predictions[shown])
    others = one.predictions[~shown]
    band = np.searchsorted(bands["edges"], others, side="right")
    low, high = np.clip(others + np.take(bands["low"], band), 0, 1), np.clip(others + np.take(bands["high"], band), 0, 1)
    held = (test.labels[~shown] >= low - 1e-9) & (test.labels[~shown] <= high + 1e-9)
    resampling = metrics.Resampling.of(test.session[~shown], np.random.default_rng(7))
    return _share(name, held, resampling, None if options.quick else Goal(at_least=COVERED - 0.03))


def _times(models: Sequence[Answers], test: Any, prefix: str, options: Options) -> Iterator[Row]:
    """One row, one thread, models in turn; as a live session asks."""
    took: dict[str, list[float]] = {one.name: [] for one in models}
    for number in range(QUICK_TIMES if options.quick else TIMES):
        asked = np.ascontiguousarray(test.features[number % len(test)][np.newaxis])
        for one in models:
            if one.one is not None:
                took[one.name].append(seconds(partial(one.one, asked)) * 1000)
    for one in models:
        yield row(f"{prefix}{one.name}: training", one.trained or 0.0, "s")
        yield row(f"{prefix}{one.name}: one row p50", percentile(took[one.name], 0.5), "ms")
        yield row(f"{prefix}{one.name}: one row p99", percentile(took[one.name], 0.99), "ms")


def _champion(models: Sequence[Answers], rule: Floats, majority: Any, parts: Parts, resampling: Any, prefix: str, options: Options) -> Iterator[Row]:
    """Whoever has the lowest squared error, beside the rule, the majority and what is true, on the same playbacks."""
    labels = parts.test.labels
    best = min(models, key=lambda one: float(((labels - one.predictions) ** 2).mean()))
    yield _gap(best, (labels - float(parts.train.labels.mean())) ** 2, parts, resampling, prefix, options)
    better = np.abs(labels - rule) - np.abs(labels - best.predictions)
    low_high = _interval(better, np.ones(len(labels)), resampling)
    name = f"{prefix}best ({best.name})"
    yield row(f"{name}: MAE below that of the first demo's rule by", float(better.mean()), "", Goal(at_least=0.0), interval=low_high)
    gained = ((best.predictions >= HIGH) == (labels >= HIGH)).astype(float) - majority.astype(float)
    between = _interval(gained, np.ones(len(labels)), resampling)
    yield row(f"{name}: right calls at {HIGH} above the majority's", float(gained.mean()), "share", Goal(at_least=0.0), interval=between)


def _gap(best: Answers, constant: Floats, parts: Parts, resampling: Any, prefix: str, options: Options) -> Row:
    """The share of the way from the constant to what is true, in squared error."""
    labels = parts.test.labels
    gain, most = constant - (labels - best.predictions) ** 2, constant - (labels - parts.truth) ** 2
    goal = None if options.quick else Goal(at_least=GAP)
    return row(f"{prefix}best ({best.name}): gap closed", float(gain.sum() / most.sum()), "share", goal, interval=_interval(gain, most, resampling))


if __name__ == "__main__":
    from benchmarks import harness

    harness.main("engagement", measure, add_arguments)
