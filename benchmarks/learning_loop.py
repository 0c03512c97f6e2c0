"""Fourteen days of one traffic served four ways: by chance, by the first demo's model and rule, by our loop, and by whoever knows the truth.

Interests turn and a season passes meanwhile, and four in ten flights begin after the first day. Our loop is the product's: online
counters, a training each night through its gates, its scorer with the control slice, its exploration. Everybody obeys the same caps
and fills the same pods; all flights pay the same for a click, so that clicks are what there is to win.
"""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks import chart, harness
from benchmarks.harness import ROOT, Goal, Options, Row, progress, row

Floats = NDArray[np.float64]

DAYS, QUICK_DAYS = 14, 5
REQUESTS, QUICK_REQUESTS = 3_000, 900
SEEDS = (1, 2, 3)
LATE = 0.4
ESTIMATOR = "hashed_logistic"
RANDOM, DEMO, OURS, ORACLE = "random choice", "the first demo", "our loop", "oracle"
REPLICATES = 1_000
PLOT = ROOT / "docs" / "img" / "learning-loop.svg"


@dataclass(frozen=True)
class Tally:
    """What one arm came to in one seed: impressions and clicks of every break, [breaks]."""

    impressions: Floats
    clicks: Floats


@dataclass(frozen=True)
class Traffic:
    """Of one seed: which session and which day each break belongs to, and what each arm came to."""

    session: NDArray[np.int64]
    day: NDArray[np.int64]
    arms: dict[str, Tally]
    promoted: int
    refused: int


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--seed", type=int, nargs="+", default=None, help=f"default: {' '.join(map(str, SEEDS))}; quick: the first")
    parser.add_argument("--audience", type=Path, default=None, help="YAML of another audience than the shipped one")
    parser.add_argument("--estimator", default=ESTIMATOR, help="what our loop trains each night")
    parser.add_argument("--plot", type=Path, default=None, help=f"where the chart goes; a full run writes {PLOT.relative_to(ROOT)}")


def measure(options: Options) -> Sequence[Row]:
    from engagement.simulation import audience

    described = audience.load(options.own.audience or audience.DEFAULT)
    seeds = options.own.seed or (SEEDS[:1] if options.quick else SEEDS)
    days, requests = (QUICK_DAYS, QUICK_REQUESTS) if options.quick else (DAYS, REQUESTS)
    traffics = [simulate(described, seed, days, requests, options.own.estimator) for seed in seeds]
    plot = options.own.plot or (None if options.quick else PLOT)
    if plot is not None:
        plot.write_text(chart.lines(_by_day(traffics, days), title="Clicks per thousand impressions, by day", x="day", first=1))
    return list(report(traffics, seeds, days))


# The arms


class ByChance:
    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng([seed, 41])

    def scores(self, moment: Any, request: Any, asked: Any, seen: Any) -> Floats:
        return self.rng.random(len(asked))


@dataclass
class Oracle:
    world: Any

    def scores(self, moment: Any, request: Any, asked: Any, seen: Any) -> Floats:
        logits: Floats = self.world.click_logits(moment, asked.rows, seen, 0)
        return logits


class Ours:
    """The product's scorer with whatever its training made champion."""

    def scores(self, moment: Any, request: Any, asked: Any, seen: Any) -> Floats:
        from ads.ctr import scorer

        pctr: Floats = scorer.score(request, asked).pctr
        return pctr


def simulate(described: Any, seed: int, days: int, requests: int, estimator: str) -> Traffic:
    from benchmarks import audience_world
    from benchmarks.audience_log import Station
    from benchmarks.first_demo import FirstDemo

    progress(f"seed {seed}: drawing people, ads and {days} days of traffic")
    world = audience_world.make(described, seed, days=float(days), late=LATE, drift=True, equal=True)
    breaks = audience_world.traffic(world, requests=requests * days, days=float(days), seed=seed)
    ends = audience_world.BEGIN.timestamp() + days * audience_world.DAY
    breaks = [moment for moment in breaks if moment.at < ends]
    day_of = np.array([int((moment.at - audience_world.BEGIN.timestamp()) // audience_world.DAY) for moment in breaks])
    demo = FirstDemo(world, seed)
    bare: dict[str, Any] = {"seed": seed, "epsilon": 0.0, "keeps": False, "reads": False}
    arms = {
        RANDOM: Station(world, ByChance(seed), **bare), DEMO: Station(world, demo, **bare), OURS: Station(world, Ours(), seed=seed),
        ORACLE: Station(world, Oracle(world), **bare),
    }  # fmt: skip
    _nothing_trained()
    statuses = []
    for day in range(days):
        today = [breaks[place] for place in np.flatnonzero(day_of == day)]
        demo.before_day(today)
        if day:
            statuses.append(retrain(arms[OURS], estimator, audience_world.BEGIN + timedelta(days=day)))
        for station in arms.values():
            station.run(today)
        so_far = ", ".join(f"{name} {1000 * station.log.clicks / station.log.impressions:.1f}" for name, station in arms.items())
        progress(f"seed {seed}, day {day + 1}: clicks per thousand so far: {so_far}")
    tallies = {name: Tally(*np.array(station.log.of_breaks, dtype=np.float64).T) for name, station in arms.items()}
    session = np.unique([moment.session.int for moment in breaks], return_inverse=True)[1]
    return Traffic(session, day_of, tallies, statuses.count("promoted"), statuses.count("refused"))


def _nothing_trained() -> None:
    from adplatform.learning import registry

    harness.empty()
    registry.forget_loaded()


def retrain(station: Any, estimator: str, midnight: Any) -> str:
    """The product's training on what this installation logged so far; the gates decide. What passed them serves from the same
    midnight: the stages after them need a day of this traffic, and promote what raises no alarm."""
    from adplatform.learning import registry, training
    from adplatform.models import ModelVersion
    from ads.ctr import scorer

    recipe = training.recipe_for(scorer.KIND)
    training.register_recipe(dataclasses.replace(recipe, load=lambda as_of: station.log.dataset()[0]))
    report = training.train(recipe.kind, estimator=estimator, as_of=midnight)
    if report.number is not None and report.status == ModelVersion.Status.SHADOW:
        registry.promote(ModelVersion.objects.get(kind=recipe.kind, number=report.number))
    registry.forget_loaded()
    progress(f"  {report.train_rows + report.test_rows:,} rows, {report.seconds:.0f} s: {report.verdict}")
    return "refused" if report.status == ModelVersion.Status.REFUSED else "promoted"


# What it came to


def report(traffics: Sequence[Traffic], seeds: Sequence[int], days: int) -> Iterator[Row]:
    everything = [np.ones(len(traffic.day), dtype=bool) for traffic in traffics]
    later = [traffic.day >= days // 2 for traffic in traffics]
    yield row("requests of each arm", float(sum(len(traffic.day) for traffic in traffics)), "requests")
    yield from _compared(traffics, everything, "")
    yield from _compared(traffics, later, f"days {days // 2 + 1} to {days}, ")
    for seed, traffic in zip(seeds, traffics, strict=True):
        for name in (RANDOM, DEMO):
            yield row(f"seed {seed}, {OURS} over {name}", _rate(traffic.arms[OURS]) / _rate(traffic.arms[name]), "times")
    yield row("nightly versions promoted", float(sum(traffic.promoted for traffic in traffics)), "versions")
    yield row("nightly versions refused", float(sum(traffic.refused for traffic in traffics)), "versions")


def _rate(tally: Tally) -> float:
    return float(tally.clicks.sum() / tally.impressions.sum())


def _compared(traffics: Sequence[Traffic], masks: Sequence[Any], prefix: str) -> Iterator[Row]:
    """Rates and their ratios with intervals: whole sessions resampled, the same ones for every arm."""
    rates, spread = _resampled(traffics, masks)
    wanted = Goal(at_least=1.0) if not prefix else None

    def figure(name: str, of: Any, unit: str, goal: Goal | None = None) -> Row:
        low, high = np.percentile(of(spread), (2.5, 97.5))
        return row(f"{prefix}{name}", float(of(rates)), unit, goal, interval=(float(low), float(high)))

    for name in (RANDOM, DEMO, OURS, ORACLE):
        yield figure(f"{name}: clicks per thousand impressions", lambda r, name=name: 1000 * r[name], "clicks")
    yield figure(f"{OURS} over {RANDOM}", lambda r: r[OURS] / r[RANDOM], "times", wanted)
    yield figure(f"{OURS} over {DEMO}", lambda r: r[OURS] / r[DEMO], "times", wanted)
    yield figure(f"{OURS} over {ORACLE}", lambda r: r[OURS] / r[ORACLE], "times")
    yield figure(f"{OURS}: way from {RANDOM} to {ORACLE}", lambda r: (r[OURS] - r[RANDOM]) / (r[ORACLE] - r[RANDOM]), "share")


def _resampled(traffics: Sequence[Traffic], masks: Sequence[Any]) -> tuple[dict[str, Any], dict[str, Floats]]:
    """Each arm's clicks per impression: as they were, and in each of the resamples [REPLICATES]."""
    rng = np.random.default_rng(11)
    shown = {name: np.zeros(REPLICATES + 1) for name in traffics[0].arms}
    clicked = {name: np.zeros(REPLICATES + 1) for name in traffics[0].arms}
    for traffic, mask in zip(traffics, masks, strict=True):
        count = int(traffic.session.max()) + 1
        weights = np.vstack([np.ones(count), rng.multinomial(count, np.full(count, 1 / count), size=REPLICATES)])
        for name, tally in traffic.arms.items():
            shown[name] += weights @ np.bincount(traffic.session, weights=tally.impressions * mask, minlength=count)
            clicked[name] += weights @ np.bincount(traffic.session, weights=tally.clicks * mask, minlength=count)
    rates = {name: clicked[name] / shown[name] for name in shown}
    return {name: float(rate[0]) for name, rate in rates.items()}, {name: rate[1:] for name, rate in rates.items()}


def _by_day(traffics: Sequence[Traffic], days: int) -> dict[str, list[float]]:
    """Clicks per thousand impressions of each arm and day, all seeds together."""
    found = {}
    for name in traffics[0].arms:
        clicks = sum(np.bincount(traffic.day, weights=traffic.arms[name].clicks, minlength=days) for traffic in traffics)
        shown = sum(np.bincount(traffic.day, weights=traffic.arms[name].impressions, minlength=days) for traffic in traffics)
        found[name] = (1000 * np.asarray(clicks) / np.asarray(shown)).tolist()
    return found


if __name__ == "__main__":
    harness.main("learning_loop", measure, add_arguments)
