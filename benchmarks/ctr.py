"""Every click model on one log of the synthetic audience: quality between the constant and the true probabilities, calibration, size, time.

The log is that of a mid-size installation in memory (`audience_world`): 400 people of the shipped audience, 120 titles, 320 ads of 40
advertisers, 60 days. The first quarter of it only fills the counters; of the rest the last fifth of the sessions is for judging.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from benchmarks import harness
from benchmarks.harness import Goal, Options, Row, percentile, progress, row

Floats = NDArray[np.float64]

DAYS = 60.0
REQUESTS, QUICK_REQUESTS = 118_000, 7_000
# Days before this share of the log only fill the counters.
HISTORY = 0.22
LEAST_ROWS = 200_000
GAP = 2 / 3
SIZES = (1, 100, 1000)
TIMES, QUICK_TIMES = 200, 30
ROUNDS = 10
# Advertisers of the inventory that latency is measured on: a thousand ads.
THOUSAND_ADS = 125
FIGURES = {"log_loss": "log loss", "normalised_entropy": "normalised entropy", "auc": "AUC", "calibration": "predicted over observed"}


@dataclass(frozen=True)
class Parts:
    """The log of one seed, split: rows to learn from, and later ones to judge by with their true probabilities."""

    train: Any
    test: Any
    truth: Floats


@dataclass(frozen=True)
class Model:
    name: str
    fitted: Any
    predictor: Any
    seconds: float


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--seed", type=int, nargs="+", default=[1], help="one log and one set of models for each")
    parser.add_argument("--audience", type=Path, default=None, help="YAML of another audience than the shipped one")
    parser.add_argument("--log", type=Path, default=None, help="keep the log in this file (.npz), or measure on it where it is there; one seed")
    parser.add_argument("--estimators", nargs="+", default=None, help="only these")


def measure(options: Options) -> Sequence[Row]:
    from engagement.simulation import audience

    described = audience.load(options.own.audience or audience.DEFAULT)
    rows: list[Row] = []
    for seed in options.own.seed:
        rows += _measured(described, seed, options, f"seed {seed}, " if len(options.own.seed) > 1 else "")
    return rows


def _measured(described: Any, seed: int, options: Options, prefix: str) -> Iterator[Row]:
    parts = split_by_time(*_log(described, seed, QUICK_REQUESTS if options.quick else REQUESTS, options.own.log))
    yield row(f"{prefix}rows to learn from", len(parts.train), "rows", None if options.quick else Goal(at_least=LEAST_ROWS))
    yield row(f"{prefix}rows to judge by", len(parts.test), "rows")
    yield row(f"{prefix}clicks among them", float(parts.test.labels.sum()), "clicks")
    models = list(fit_all(parts, options.own.estimators))
    yield from _quality(parts, models, prefix)
    speed = latencies(models, described, QUICK_TIMES if options.quick else TIMES)
    for model in models:
        yield row(f"{prefix}{model.name}: training", model.seconds, "s")
        yield row(f"{prefix}{model.name}: artifact", len(model.fitted.artifact) / 1e6, "MB")
        yield from (row(f"{prefix}{model.name}: {name}", value, "ms") for name, value in speed[model.name].items())
    yield from _champion(parts, models, speed, prefix, quick=options.quick)


# The log


def _log(described: Any, seed: int, requests: int, kept: Path | None) -> tuple[Any, Floats]:
    """(rows in order of time, their true probabilities): as they were kept, or drawn now."""
    from adplatform.learning.training.dataset import Dataset

    if kept is not None and kept.exists():
        with np.load(kept) as log:
            rows = Dataset(log["features"], log["labels"], log["at"], log["session"], np.ones(len(log["at"]), dtype=bool))
            return rows, log["truth"]
    rows, truth = drawn(described, seed, requests)
    if kept is not None:
        np.savez(kept, features=rows.features, labels=rows.labels, at=rows.at, session=rows.session, truth=truth)
    return rows, truth


def drawn(described: Any, seed: int, requests: int) -> tuple[Any, Floats]:
    """The log of one seed: rows in order of time, and the true probability of each."""
    from benchmarks import audience_world
    from benchmarks.audience_log import ServingRule, Station

    progress(f"seed {seed}: drawing people, ads and traffic")
    world = audience_world.make(described, seed, days=DAYS)
    breaks = audience_world.traffic(world, requests=requests, days=DAYS, seed=seed)
    station = Station(world, ServingRule(world, seed), seed=seed)
    for tenth in np.array_split(np.arange(len(breaks)), 10):
        station.run(breaks[tenth[0] : tenth[-1] + 1])
        progress(f"seed {seed}: {station.served:,} of {len(breaks):,} breaks served, {station.log.impressions:,} ads shown")
    return station.log.dataset()


def split_by_time(rows: Any, truth: Floats) -> Parts:
    """What came in the first days only filled the counters."""
    from adplatform.learning.training.dataset import split
    from ads.ctr.dataset import CLICK_WINDOW

    later = rows.at >= rows.at[0] + HISTORY * (rows.at[-1] - rows.at[0])
    kept = rows.take(later)
    train, test, _ = split(kept, label_seconds=CLICK_WINDOW.total_seconds())
    judged = np.isin(kept.session, np.unique(test.session))
    return Parts(train, test, truth[later][judged])


# Models


def fit_all(parts: Parts, only: Sequence[str] | None) -> Iterator[Model]:
    from adplatform.learning import estimators, predictor
    from ads.ctr import features

    for name, tasks in estimators.ESTIMATORS.items():
        if estimators.CLASSIFICATION not in tasks or (only and name not in only):
            continue
        started = time.perf_counter()
        try:
            fitted = estimators.fit(name, estimators.CLASSIFICATION, parts.train.features, parts.train.labels, features.SCHEMA, {})
        except ImportError as error:
            progress(f"{name} is left out: {error}")
            continue
        took = time.perf_counter() - started
        progress(f"{name} fitted in {took:.1f} s")
        loaded = predictor.load(fitted.artifact, fitted.suffix, expected_sha256=predictor.sha256(fitted.artifact))
        yield Model(name, fitted, loaded, took)


def _quality(parts: Parts, models: Sequence[Model], prefix: str) -> Iterator[Row]:
    from adplatform.learning import metrics

    test, base = parts.test, float(parts.train.labels.mean())
    resampling = metrics.Resampling.of(test.session, np.random.default_rng(7))
    constant = np.full(len(test), base)
    for name, predictions in (
        ("constant", constant),
        ("true probabilities", parts.truth),
        *((m.name, m.predictor.predict(test.features)) for m in models),
    ):
        found = metrics.classification(test.labels, predictions, base, resampling)
        for figure, title in FIGURES.items():
            one = found[figure]
            assert one.value is not None and one.ci_low is not None and one.ci_high is not None
            yield row(f"{prefix}{name}: {title}", one.value, "", interval=(one.ci_low, one.ci_high))
        if name not in ("constant", "true probabilities"):
            share, between = gap_closed(parts, predictions, resampling)
            yield row(f"{prefix}{name}: gap closed", share, "share", interval=between)


def gap_closed(parts: Parts, predictions: Floats, resampling: Any) -> tuple[float, tuple[float, float]]:
    """The share of the way from the constant to the true probabilities, in normalised entropy, and its 95 % interval. The entropy
    of the rate is the same for all three, so the log losses have the same share."""
    from adplatform.learning.metrics import LEVELS, losses

    labels = parts.test.labels
    constant = losses(labels, np.full(len(labels), float(parts.train.labels.mean())))
    gain, most = constant - losses(labels, predictions), constant - losses(labels, parts.truth)
    low, high = np.percentile(resampling.sums(gain) / resampling.sums(most), LEVELS)
    return float(gain.sum() / most.sum()), (float(low), float(high))


def _champion(parts: Parts, models: Sequence[Model], speed: dict[str, dict[str, float]], prefix: str, *, quick: bool) -> Iterator[Row]:
    """Whoever of those that are fast enough to serve, as the latency gate asks it, has the lowest normalised entropy."""
    from adplatform.learning import gates, metrics

    able = [model for model in models if speed[model.name][_rows_name(gates.LATENCY_ROWS, 50)] <= gates.SLOWEST_MS]
    labels = parts.test.labels
    best = min(able, key=lambda model: metrics.level("normalised_entropy", labels, model.predictor.predict(parts.test.features)))
    progress(f"champion: {best.name}")
    resampling = metrics.Resampling.of(parts.test.session, np.random.default_rng(7))
    share, between = gap_closed(parts, best.predictor.predict(parts.test.features), resampling)
    yield row(f"{prefix}champion ({best.name}): gap closed", share, "share", None if quick else Goal(at_least=GAP), interval=between)
    yield row(f"{prefix}champion ({best.name}): {SCORED} p50", speed[best.name][f"{SCORED} p50"], "ms", Goal(at_most=1.0))


# Latency

SCORED = "1,000 candidates scored for a request,"


def _rows_name(rows: int, share: int) -> str:
    return f"{rows:,} rows p{share}"


def latencies(models: Sequence[Model], described: Any, times: int) -> dict[str, dict[str, float]]:
    """Milliseconds of each model on ready rows, and of a whole request as the product scores it; models take turns, one thread."""
    from benchmarks import audience_world

    progress("measuring latency on a thousand ads")
    world = audience_world.make(described, 1, days=1.0, late=0.0, equal=True, advertisers=THOUSAND_ADS)
    asked = list(_asked(world, 60))
    found: dict[str, dict[str, float]] = {model.name: {} for model in models}
    table = _table(asked)
    for size in SIZES:
        took: dict[str, list[float]] = {model.name: [] for model in models}
        rows = np.ascontiguousarray(table[:size])
        for _ in range(times):
            for model in models:
                took[model.name].append(_milliseconds(lambda model=model, rows=rows: model.predictor.predict(rows)))
        for name, values in took.items():
            found[name] |= {_rows_name(size, share): percentile(values, share / 100) for share in (50, 99)}
    for name, values in _scored(models, asked, times).items():
        found[name] |= {f"{SCORED} p{share}": percentile(values, share / 100) for share in (50, 99)}
    return found


def _asked(world: Any, requests: int) -> Iterator[tuple[Any, Any]]:
    """(request, candidates) of breaks for which every ad may win; the counters are those of a day's traffic."""
    from benchmarks import audience_world
    from benchmarks.audience_log import Recorder, ServingRule, Station

    breaks = audience_world.traffic(world, requests=10 * requests, days=1.0, seed=1)
    policy = Recorder(ServingRule(world, 1))
    Station(world, policy, seed=1, keeps=False).run(breaks)
    yield from policy.asked[-requests:]


def _table(asked: Sequence[tuple[Any, Any]]) -> Any:
    from ads.ctr import features

    return np.vstack([features.build(request, candidates) for request, candidates in asked[-2:]])


def _scored(models: Sequence[Model], asked: Sequence[tuple[Any, Any]], times: int) -> dict[str, list[float]]:
    """Through the product's scorer, each model champion in turn."""
    from adplatform.learning import registry
    from ads.ctr import scorer

    took: dict[str, list[float]] = {model.name: [] for model in models}
    versions = {model.name: _registered(model) for model in models}
    each = max(3, times // ROUNDS)
    order: Generator = np.random.default_rng(3)
    for _ in range(ROUNDS):
        for model in models:
            registry.promote(versions[model.name])
            registry.forget_loaded()
            picked = [asked[int(place)] for place in order.integers(len(asked), size=each + 2)]
            for number, (request, candidates) in enumerate(picked):
                milliseconds = _milliseconds(lambda request=request, candidates=candidates: scorer.score(request, candidates))
                if number >= 2:  # the first loads the artifact, and the second still warms up
                    took[model.name].append(milliseconds)
    return took


def _registered(model: Model) -> Any:
    from adplatform.learning import registry
    from ads.ctr import features, scorer

    path, digest = registry.store_artifact(model.fitted.artifact, model.fitted.suffix)
    kept = {"schema_fingerprint": features.SCHEMA.fingerprint()}
    return registry.register(kind=scorer.KIND, estimator=model.name, artifact=path, artifact_sha256=digest, parameters=kept)


def _milliseconds(work: Any) -> float:
    return harness.seconds(work) * 1000


if __name__ == "__main__":
    harness.main("ctr", measure, add_arguments)
