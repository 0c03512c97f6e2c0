"""What the Director does for viewers and for money: days of one audience's playbacks, directed by the product's own loop, in the author's
order, and by the first demo's rule; and once more with an audience that dislikes whatever is changed, where the best is to do nothing.

Each arm has an audience of its own: the same people, slots and films, and what they live through in that arm decides whether they come
again. The learned Director begins with no model: it explores, logs, learns each night from its own log, and serves what passes its gate.
Intervals are 95 %, by resampling people, the same ones in every arm.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks import harness
from benchmarks.harness import Goal, Options, Row, progress, row

Floats = NDArray[np.float64]

DAYS, QUICK_DAYS = 6, 2
A_DAY, QUICK_A_DAY = 400, 60
SEEDS = (1, 2, 3)
OFF, DEMO, ON, TRUTH = "author's order", "the first demo's rule", "Director", "who knows the truth"
# Fewer boundaries than this say nothing that holds the day after.
FEWEST_BOUNDARIES = 1_000
EXPLORATION, QUANTILE, LEAST_TRIALS = 0.10, 0.01, 50
ESTIMATOR = "gradient_boosting"
HELD_OUT = 0.2
# Of fewer the mean says nothing.
FEWEST_HELD_BACK = 30
REPLICATES = 1_000


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--seed", type=int, nargs="+", default=None, help=f"default: {' '.join(map(str, SEEDS))}; quick: the first")
    parser.add_argument("--audience", type=Path, default=None, help="YAML of one audience alone, instead of the two that are shipped")
    parser.add_argument("--estimator", default=ESTIMATOR, help="what learns the attention of each option")
    parser.add_argument("--truth", action="store_true", help="one more arm, which knows the hidden state: how far a model could come")
    parser.add_argument("--days", type=int, default=None)
    parser.add_argument("--playbacks", type=int, default=None, help="slots a day")


def measure(options: Options) -> Sequence[Row]:
    from engagement.simulation import audience

    own = options.own
    seeds = own.seed or (SEEDS[:1] if options.quick else SEEDS)
    days = own.days or (QUICK_DAYS if options.quick else DAYS)
    a_day = own.playbacks or (QUICK_A_DAY if options.quick else A_DAY)
    rows: list[Row] = []
    for path in [own.audience] if own.audience else [audience.DEFAULT, audience.DISLIKES_REORDERING]:
        described = audience.load(path)
        runs = [simulate(described, seed, days, a_day, own.estimator, truth=own.truth) for seed in seeds]
        rows += report(
            runs,
            seeds,
            days,
            prefix="" if own.audience or path == audience.DEFAULT else f"{described.name}: ",
            nothing_helps=path == audience.DISLIKES_REORDERING,
        )
    return rows


# The Director that learns


@dataclass
class Learning:
    """The product's decision with a model of its own log. ``boundaries`` are those that somebody came to."""

    seed: int
    estimator: str
    rows: list[Any] = field(default_factory=list)
    labels: list[float] = field(default_factory=list)
    sessions: list[str] = field(default_factory=list)
    trials: dict[str, int] = field(default_factory=dict)
    version: int = 0
    refused: int = 0
    predictor: Any = None
    prices: Any = None

    def __post_init__(self) -> None:
        from benchmarks import director_world
        from engagement.director.policy import Rules

        self.rules = Rules(EXPLORATION, QUANTILE, LEAST_TRIALS, salt=f"benchmark {self.seed}")
        self.prices = director_world.prices([])

    def decide(self, moment: Any, screen: Any) -> Any:
        from engagement.director.deciding import decide

        return decide(moment, prices=self.prices, rules=self.rules, attend=self.attend)

    def attend(self, seen: Any, options: Any) -> Any:
        from adplatform.learning.predictor import spread_of
        from engagement.director.value import Valued

        if self.predictor is None:
            return None
        bags = spread_of(self.predictor, seen.rows).clip(0.0, 1.0)
        return Valued(bags.mean(axis=1), bags, self.version, self.trials_served)

    def night(self, today: Sequence[Any], everything: Sequence[Any]) -> None:
        """Log the day, price anew, train, and serve the candidate where it foretells the last sessions better than what serves."""
        from benchmarks import director_world

        for shown in today:
            for boundary in shown.decided:
                choice = boundary.decided.choice
                if choice.explored:
                    action = boundary.decided.option.action
                    self.trials[action] = self.trials.get(action, 0) + 1
                if boundary.reached:
                    self.rows.append(boundary.decided.seen.rows[choice.index])
                    self.labels.append(boundary.coming)
                    self.sessions.append(str(shown.session))
        self.prices = director_world.prices(everything)
        if len(self.labels) >= FEWEST_BOUNDARIES:
            self._train()

    def _train(self) -> None:
        began = time.perf_counter()
        features, labels, sessions = np.vstack(self.rows), np.array(self.labels), np.array(self.sessions)
        cut = int(len(labels) * (1 - HELD_OUT))
        # Playbacks that lie on both sides of the cut are told to the later one.
        train = ~np.isin(sessions, sessions[cut:])
        candidate = self._fit(features[train], labels[train], sessions[train])
        later = ~train
        loss = float(np.mean((candidate.predict(features[later]) - labels[later]) ** 2))
        before = self.predictor.predict(features[later]) if self.predictor is not None else np.full(later.sum(), labels[train].mean())
        bar = float(np.mean((before - labels[later]) ** 2))
        if loss <= bar:
            self.predictor, self.trials_served, self.version = candidate, dict(self.trials), self.version + 1
        else:
            self.refused += 1
        verdict = "serves" if loss <= bar else "refused"
        progress(f"  {len(labels):,} boundaries, squared error {loss:.4f} against {bar:.4f}: {verdict}, {time.perf_counter() - began:.0f} s")

    def _fit(self, features: Any, labels: Floats, sessions: Any) -> Any:
        from adplatform.learning import estimators, predictor
        from engagement.director.lots import SCHEMA

        fitted = estimators.fit(self.estimator, estimators.REGRESSION, features, labels, SCHEMA, {}, estimators.Sample(session=sessions))
        return predictor.load(fitted.artifact, fitted.suffix, expected_sha256=predictor.sha256(fitted.artifact))


@dataclass
class Knowing:
    """Attention as it truly is, for who sees the hidden state: how far any model could come with this policy."""

    learning: Learning

    def decide(self, moment: Any, screen: Any) -> Any:
        from benchmarks.director_truth import attention
        from engagement.director.deciding import decide
        from engagement.director.policy import Rules

        rules = Rules(0.0, 0.5, 0, salt="")
        return decide(moment, prices=self.learning.prices, rules=rules, attend=lambda seen, options: attention(moment, screen, options))


@dataclass(frozen=True)
class Run:
    """One seed. ``boundaries`` of the Director and of the author's order, where the Director only says what it would do."""

    people: int
    arms: Mapping[str, Sequence[Any]]
    versions: int
    refused: int


def simulate(described: Any, seed: int, days: int, a_day: int, estimator: str, *, truth: bool = False) -> Run:
    from benchmarks import director_world
    from benchmarks.director_world import Arm
    from benchmarks.first_director import FirstDirector

    world, learning = director_world.make(described, seed), Learning(seed, estimator)
    slots = director_world.slots(world, days=days, a_day=a_day)
    arms = {OFF: Arm(world, None, control=True), DEMO: Arm(world, FirstDirector().decide), ON: Arm(world, learning.decide)}
    if truth:
        arms[TRUTH] = Arm(world, Knowing(learning).decide)
    for day in range(days):
        today = [slot for slot in slots if (slot.at - director_world.BEGIN).days == day]
        shown = {name: arm.run(today, day) for name, arm in arms.items()}
        watched = ", ".join(f"{name} {np.mean([np.mean(one.coming) for one in of_day]):.3f}" for name, of_day in shown.items())
        progress(f"{described.name}, seed {seed}, day {day + 1}: share of coming scenes watched: {watched}")
        if day + 1 < days:
            learning.night(shown[ON], arms[ON].shown)
        if day + 1 == days // 2:
            # What it would do in the author's order is asked of the later days, where a model serves: it costs more than the playback.
            arms[OFF].decide = learning.decide
    return Run(len(world.persons), {name: arm.shown for name, arm in arms.items()}, learning.version, learning.refused)


# What it came to

Figure = tuple[Callable[[Any], float], Callable[[Any], float]]
FIGURES: dict[str, tuple[Figure, str]] = {
    "share of coming scenes watched": ((lambda one: float(np.mean(one.coming)), lambda one: 1.0), "share"),
    "share of the film watched": ((lambda one: one.film_share, lambda one: 1.0), "share"),
    "completion": ((lambda one: float(one.finished), lambda one: 1.0), "share"),
    "watch time a visit": ((lambda one: one.film_seconds / 60, lambda one: float(not one.part)), "minutes"),
    "ad revenue a visit": ((lambda one: one.ads * 15_000 / 1_000, lambda one: float(not one.part)), "thousandths"),
}


def report(runs: Sequence[Run], seeds: Sequence[int], days: int, *, prefix: str, nothing_helps: bool) -> Iterator[Row]:
    half = days // 2
    weights = _weights(runs)
    yield row(f"{prefix}playbacks of all arms", float(sum(len(shown) for run in runs for shown in run.arms.values())), "playbacks")
    for name, (figure, unit) in FIGURES.items():
        yield _mean(runs, weights, OFF, figure, f"{prefix}{name}, {OFF}", unit)
    for since, words in ((0, ""), (half, f", days {half + 1} to {days}")):
        for name, (figure, unit) in FIGURES.items():
            helps = Goal(at_least=0.0) if name == "share of coming scenes watched" and since and not nothing_helps else None
            yield _difference(runs, weights, ON, OFF, figure, f"{prefix}{name}{words}: {ON} less {OFF}", unit, since, goal=helps)
            yield _difference(runs, weights, ON, DEMO, figure, f"{prefix}{name}{words}: {ON} less {DEMO}", unit, since)
    for name, (figure, unit) in FIGURES.items() if TRUTH in runs[0].arms else ():
        yield _difference(runs, weights, TRUTH, OFF, figure, f"{prefix}{name}: {TRUTH} less {OFF}", unit, 0)
    yield _difference(runs, weights, ON, OFF, (lambda one: 1.0, lambda one: 0.0), f"{prefix}playbacks a person: {ON} less {OFF}", "playbacks", 0)
    yield from _decisions(runs, weights, half, prefix, nothing_helps=nothing_helps)
    yield row(f"{prefix}nightly versions served", float(sum(run.versions for run in runs)), "versions")
    yield row(f"{prefix}nightly versions refused", float(sum(run.refused for run in runs)), "versions")


def _decisions(runs: Sequence[Run], weights: Sequence[Floats], half: int, prefix: str, *, nothing_helps: bool) -> Iterator[Row]:
    directed = [boundary.decided.choice for run in runs for one in run.arms[ON] for boundary in one.decided]
    explored = float(np.mean([choice.explored for choice in directed])) if directed else 0.0
    yield row(f"{prefix}share of boundaries explored", explored, "share", Goal(at_most=EXPLORATION))
    later = [boundary.decided.choice for run in runs for one in run.arms[ON] if one.day >= half for boundary in one.decided]
    meant = float(np.mean([choice.intended != 0 for choice in later])) if later else 0.0
    yield row(f"{prefix}share of boundaries where something was to be changed, later days", meant, "share")
    for action in ("tighten", "bring_forward", "move_back", "linger", "move_break", "shorten_break", "suggest"):
        count = sum(boundary.event.data["intended"] == action for run in runs for one in run.arms[ON] for boundary in one.decided)
        yield row(f"{prefix}boundaries where it meant to {action.replace('_', ' ')}", float(count), "boundaries")
    yield _mean(runs, weights, ON, (lambda one: float(one.changes), lambda one: 1.0), f"{prefix}changes a playback", "changes")
    if nothing_helps:
        yield _loss(runs, weights, prefix, explored)
    else:
        yield from _success(runs, weights, prefix)


def _loss(runs: Sequence[Run], weights: Sequence[Floats], prefix: str, explored: float) -> Row:
    """Relative loss of engagement against the author's order, to be no more than the share of boundaries given to chance."""
    figure = FIGURES["share of coming scenes watched"][0]
    on, off = (_ratios(runs, weights, arm, figure, 0) for arm in (ON, OFF))
    lost = (off - on) / off
    low, high = np.percentile(lost[1:], (2.5, 97.5))
    return row(f"{prefix}engagement lost, as a share of it", float(lost[0]), "share", Goal(at_most=explored), interval=(float(low), float(high)))


def _success(runs: Sequence[Run], weights: Sequence[Floats], prefix: str) -> Iterator[Row]:
    """Next-scene watch where the Director's intention was carried out, less where chance or the control arm held the same one back."""

    def of(shown: Any, *, carried: bool, control: bool) -> tuple[float, float]:
        found = [
            boundary.watched
            for boundary in shown.decided
            if boundary.reached and (choice := boundary.decided.choice).intended and (choice.index == choice.intended) == carried
            and (carried or choice.index == 0) and (control or choice.explored or carried)
        ]  # fmt: skip
        return float(sum(found)), float(len(found))

    def figure(*, carried: bool, control: bool) -> Figure:
        return (lambda one: of(one, carried=carried, control=control)[0], lambda one: of(one, carried=carried, control=control)[1])

    applied = _ratios(runs, weights, ON, figure(carried=True, control=False), 0)
    for name, arm in (("where chance kept the plan", ON), ("in the control arm", OFF)):
        held_back = figure(carried=False, control=arm == OFF)
        held = _ratios(runs, weights, arm, held_back, 0)
        if sum(held_back[1](one) for run in runs for one in run.arms[arm]) < FEWEST_HELD_BACK:
            continue
        yield _row_of(applied - held, f"{prefix}optimisation success: next-scene watch, applied less {name}", "share")


def _weights(runs: Sequence[Run]) -> list[Floats]:
    """How often each person of each run counts: once, and in each of the resamples [1 + REPLICATES, people]."""
    rng = np.random.default_rng(11)
    return [np.vstack([np.ones(run.people), rng.multinomial(run.people, np.full(run.people, 1 / run.people), size=REPLICATES)]) for run in runs]


def _ratios(runs: Sequence[Run], weights: Sequence[Floats], arm: str, figure: Figure, since: int) -> Floats:
    """Sum of the one over sum of the other, all seeds together [1 + REPLICATES]; per person where the other is nothing."""
    upper = lower = np.zeros(REPLICATES + 1)
    for run, of_people in zip(runs, weights, strict=True):
        shown = [one for one in run.arms[arm] if one.day >= since]
        who = np.array([one.person for one in shown], dtype=np.int64)
        above, below = (np.bincount(who, weights=[part(one) for one in shown], minlength=run.people) for part in figure)
        upper = upper + of_people @ above
        lower = lower + (of_people @ below if below.any() else of_people.sum(axis=1))
    ratios: Floats = upper / np.maximum(lower, 1e-12)
    return ratios


def _mean(runs: Sequence[Run], weights: Sequence[Floats], arm: str, figure: Figure, name: str, unit: str) -> Row:
    return _row_of(_ratios(runs, weights, arm, figure, 0), name, unit)


def _difference(
    runs: Sequence[Run], weights: Sequence[Floats], one: str, other: str, figure: Figure, name: str, unit: str, since: int, goal: Goal | None = None
) -> Row:
    return _row_of(_ratios(runs, weights, one, figure, since) - _ratios(runs, weights, other, figure, since), name, unit, goal)


def _row_of(spread: Floats, name: str, unit: str, goal: Goal | None = None) -> Row:
    """Where there is a goal it is the lower end of the interval that has to reach it."""
    low, high = np.percentile(spread[1:], (2.5, 97.5))
    made = row(name, float(spread[0]), unit, goal, interval=(float(low), float(high)))
    if goal is None:
        return made
    return Row(made.name, made.value, made.unit, made.goal, goal.met(float(low)), made.low, made.high)


if __name__ == "__main__":
    harness.main("director_effect", measure, add_arguments)
