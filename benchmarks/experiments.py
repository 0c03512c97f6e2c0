"""Experiments read after every batch: false alarms where nothing differs, coverage, and how soon a true lift is found.

Units are viewers whose appetite for ads differs; each sees a few ads, and may click. One look follows each batch of new viewers, so
that every figure here is one over all looks of an experiment together.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.harness import Goal, Options, Row, main, row

Floats = NDArray[np.float64]
ALPHA = 0.05
CLICK_RATE = 0.03
LIFT = 0.15
NORMAL_95 = 1.959964
CHUNK = 50
SEED = 20


@dataclass(frozen=True, slots=True)
class Size:
    """``experiments`` of ``looks`` looks, each after ``batch`` new units in each arm; ``whole`` of them go through the readout's own code."""

    experiments: int
    looks: int
    batch: int
    whole: int

    @property
    def units(self) -> int:
        return self.looks * self.batch


QUICK, FULL = Size(400, 80, 100, 60), Size(2_000, 200, 100, 300)


@dataclass(frozen=True, slots=True)
class Drawn:
    """Of each viewer [experiments, 2, units]: clicks, impressions, and the click rate of earlier weeks."""

    clicks: Floats
    shown: Floats
    before: Floats


def draw(rng: np.random.Generator, experiments: int, units: int, lift: float) -> Drawn:
    """Viewers of both arms come from one audience; the second arm's click ``1 + lift`` times as often."""
    shape = (experiments, 2, units)
    # Few click often and most never: what is skewed is hardest on intervals.
    appetite = np.minimum(rng.gamma(0.5, CLICK_RATE / 0.5, shape), 0.5)
    shown = 2 + rng.poisson(4, shape)
    factor = np.array([1.0, 1.0 + lift])[None, :, None]
    clicks = rng.binomial(shown, np.minimum(appetite * factor, 1.0))
    before = rng.binomial(20, appetite) / 20
    return Drawn(clicks.astype(np.float64), shown.astype(np.float64), before)


def chunks(size: Size, lift: float) -> Iterator[Drawn]:
    rng = np.random.default_rng([SEED, round(lift * 1000)])
    for begun in range(0, size.experiments, CHUNK):
        yield draw(rng, min(CHUNK, size.experiments - begun), size.units, lift)


@dataclass(frozen=True, slots=True)
class Looks:
    """At each look [experiments, looks]: the difference of the arms' click rates and its standard error."""

    difference: Floats
    error: Floats


def looks_of(drawn: Drawn, at: NDArray[np.int64], *, adjusted: bool) -> Looks:
    """Ratios of sums by the delta method at each of ``at`` units an arm; ``adjusted``: less what earlier weeks explain, as CUPED does.

    From running sums alone, so that thousands of experiments are read at hundreds of looks in seconds.
    """
    y, x, c = drawn.clicks, drawn.shown, drawn.before
    n = at.astype(np.float64)

    def total(values: Floats) -> Floats:
        return np.asarray(np.cumsum(values, axis=2)[:, :, at - 1])

    sum_y, sum_x, sum_c = total(y), total(x), total(c)
    rate, mean_x, mean_c = sum_y / sum_x, sum_x / n, sum_c / n
    # l = (y - R x) / mean(x) has the mean 0 in each arm.
    var_l = (total(y * y) - 2 * rate * total(y * x) + rate**2 * total(x * x)) / mean_x**2 / (n - 1)
    difference = rate[:, 1] - rate[:, 0]
    if not adjusted:
        return Looks(difference, np.sqrt(var_l.sum(axis=1) / n))
    cov = (total(y * c) - rate * total(x * c)) / mean_x / (n - 1)
    var_c = (total(c * c) - n * mean_c**2) / (n - 1)
    theta = cov.sum(axis=1) / np.maximum(var_c.sum(axis=1), 1e-300)
    left = var_l - 2 * theta[:, None] * cov + theta[:, None] ** 2 * var_c
    return Looks(difference - theta * (mean_c[:, 1] - mean_c[:, 0]), np.sqrt(left.sum(axis=1) / n))


def at_looks(size: Size) -> NDArray[np.int64]:
    return np.arange(1, size.looks + 1, dtype=np.int64) * size.batch


def false_alarms(size: Size) -> list[Row]:
    """Nothing differs: how many experiments are ever told to."""
    from adplatform.experiments.sequences import boundary

    at = at_looks(size)
    reach = boundary(2 * at, alpha=ALPHA)
    ever = {"sequence": 0, "adjusted": 0, "naive": 0}
    for drawn in chunks(size, 0.0):
        plain, adjusted = looks_of(drawn, at, adjusted=False), looks_of(drawn, at, adjusted=True)
        ever["sequence"] += int((np.abs(plain.difference) > reach * plain.error).any(axis=1).sum())
        ever["adjusted"] += int((np.abs(adjusted.difference) > reach * adjusted.error).any(axis=1).sum())
        ever["naive"] += int((np.abs(plain.difference) > NORMAL_95 * plain.error).any(axis=1).sum())
    shares = {name: 100 * count / size.experiments for name, count in ever.items()}
    told = f"A/A, {size.experiments:,} experiments, {size.looks} looks each"
    return [
        row(f"{told}: ever called different, confidence sequence", shares["sequence"], "%", Goal(at_most=100 * ALPHA)),
        row(f"{told}: the same with CUPED", shares["adjusted"], "%", Goal(at_most=100 * ALPHA)),
        row(f"{told}: the same, t-test at each look", shares["naive"], "%"),
    ]


def returning(size: Size) -> list[Row]:
    """The same few viewers come back at each look and nobody new: their habits stay, chance adds to them."""
    from adplatform.experiments.sequences import boundary

    rng, viewers, per_look = np.random.default_rng([SEED, 2]), 500, 1
    called = 0
    count = max(size.experiments // 4, 100)
    for _ in range(count):
        appetite = np.minimum(rng.gamma(0.5, CLICK_RATE / 0.5, (2, viewers, 1)), 0.5)
        shown = 2 + rng.poisson(4, (2, viewers, size.looks))
        clicks, seen = rng.binomial(shown, appetite).cumsum(axis=2), shown.cumsum(axis=2)
        rate = clicks.sum(axis=1) / seen.sum(axis=1)
        linear = (clicks - rate[:, None, :] * seen) / seen.mean(axis=1)[:, None, :]
        error = np.sqrt(linear.var(axis=1, ddof=1).sum(axis=0) / viewers)
        sessions = 2 * viewers * per_look * np.arange(1, size.looks + 1)
        called += bool((np.abs(rate[1] - rate[0]) > boundary(sessions, alpha=ALPHA) * error).any())
    return [
        row(
            f"A/A, viewers who all come back at each of {size.looks} looks: ever called different",
            100 * called / count,
            "%",
            Goal(at_most=100 * ALPHA),
        )
    ]


def whole_way(size: Size) -> list[Row]:
    """Through the code that reads real experiments: delta method, CUPED, words and all."""
    from adplatform.experiments.metrics import Metric, Units
    from adplatform.experiments.verdicts import BETTER, WORSE, by_arm, look

    def never(*_: object) -> Units:
        raise NotImplementedError

    metric = Metric("click_rate", "Click rate", "clicks per impression", "higher", never)
    rng, called, times = np.random.default_rng([SEED, 1]), 0, size.looks // 4
    for _ in range(size.whole):
        drawn = draw(rng, 1, times * size.batch, 0.0)
        said = set()
        for units in np.arange(1, times + 1) * size.batch:
            arm = np.repeat(np.array([0, 1], dtype=np.int8), units)
            clicks, shown, before = (values[0, :, :units].ravel() for values in (drawn.clicks, drawn.shown, drawn.before))
            said.add(look(by_arm(Units(arm, np.ones(2 * units, dtype=np.int64), clicks, shown, before), 2), 1, metric=metric, alpha=ALPHA).verdict)
        called += bool(said & {BETTER, WORSE})
    return [
        row(f"A/A through the readout itself, {times} looks: ever called better or worse", 100 * called / size.whole, "%", Goal(at_most=100 * ALPHA))
    ]


def true_lift(size: Size) -> list[Row]:
    """A lift is there: do the intervals cover it at every look, and how soon is it called."""
    from adplatform.experiments.sequences import boundary

    at = at_looks(size)
    reach = boundary(2 * at, alpha=ALPHA)
    # What the arms would show without end, of one very large audience.
    many = draw(np.random.default_rng([SEED, 7]), 1, 2_000_000, LIFT)
    rates = many.clicks.sum(axis=2)[0] / many.shown.sum(axis=2)[0]
    truth = float(rates[1] - rates[0])
    covered, called, decided = 0, {"plain": 0, "cuped": 0}, {"plain": [], "cuped": []}  # type: tuple[int, dict[str, int], dict[str, list[int]]]
    left: list[float] = []
    for drawn in chunks(size, LIFT):
        plain, cuped = looks_of(drawn, at, adjusted=False), looks_of(drawn, at, adjusted=True)
        covered += int((np.abs(plain.difference - truth) <= reach * plain.error).all(axis=1).sum())
        left.append(float(((cuped.error / plain.error) ** 2)[:, -1].mean()))
        for name, found in (("plain", plain), ("cuped", cuped)):
            clear = found.difference > reach * found.error
            called[name] += int(clear.any(axis=1).sum())
            # Those never called wait longer than all others, so the median stands while they are fewer than half.
            decided[name] += np.where(clear.any(axis=1), at[clear.argmax(axis=1)], size.units * 2).tolist()
    told = f"true lift {LIFT:.0%}"
    return [
        row(f"{told}: experiments whose intervals cover it at all {size.looks} looks", 100 * covered / size.experiments, "%", Goal(at_least=95)),
        row(f"{told}: called within {size.units:,} units an arm", 100 * called["plain"] / size.experiments, "%"),
        row(f"{told}: the same with CUPED", 100 * called["cuped"] / size.experiments, "%"),
        *_medians(told, decided, size),
        row("variance that CUPED leaves", 100 * float(np.mean(left)), "%"),
        row(f"{told}: units an arm that a t-test planned in advance needs for 80 % power", _planned(many, truth), "units"),
    ]


def _medians(told: str, decided: dict[str, list[int]], size: Size) -> list[Row]:
    names = {"plain": "units an arm until half are called", "cuped": "the same with CUPED"}
    medians = {name: float(np.median(values)) for name, values in decided.items()}
    return [row(f"{told}: {names[name]}", median, "units") for name, median in medians.items() if median <= size.units]


def _planned(many: Drawn, truth: float) -> float:
    rate, mean_x = many.clicks.sum() / many.shown.sum(), many.shown.mean()
    variance = float(((many.clicks - rate * many.shown) / mean_x).var())
    return 2 * variance * ((NORMAL_95 + 0.841621) / truth) ** 2


def sample_ratio(size: Size) -> list[Row]:
    """Arms that keep their shares, and arms of which one loses a part of its units."""
    from scipy.stats import chi2

    from adplatform.experiments.srm import ALPHA as SRM_ALPHA
    from adplatform.experiments.srm import log_bayes_factor

    rng, shares = np.random.default_rng([SEED, 3]), np.array([0.5, 0.5])
    drawn = rng.multinomial(2 * size.batch, shares, size=(5 * size.experiments, size.looks)).cumsum(axis=1)
    alarmed = (log_bayes_factor(drawn, shares) > -math.log(SRM_ALPHA)).any(axis=1).mean()
    expected = drawn.sum(axis=2, keepdims=True) * shares
    naive = (((drawn - expected) ** 2 / expected).sum(axis=2) > chi2.isf(SRM_ALPHA, 1)).any(axis=1).mean()
    # Every tenth unit of one arm is never logged.
    lossy = rng.multinomial(2 * size.batch, [10 / 19, 9 / 19], size=(size.experiments, size.looks)).cumsum(axis=1)
    found = log_bayes_factor(lossy, shares) > -math.log(SRM_ALPHA)
    first = np.where(found.any(axis=1), 2 * size.batch * (found.argmax(axis=1) + 1), 4 * size.units)
    return [
        row("arms as promised: sample-ratio alarm at any look", 100 * float(alarmed), "%", Goal(at_most=100 * SRM_ALPHA)),
        row("arms as promised: the same by a chi-square at each look", 100 * float(naive), "%"),
        row("an arm loses every tenth unit: alarm within the experiment", 100 * float(found.any(axis=1).mean()), "%", Goal(at_least=95)),
        row("an arm loses every tenth unit: units until half are alarmed", float(np.median(first)), "units"),
    ]


def measure(options: Options) -> Sequence[Row]:
    size = QUICK if options.quick else FULL
    return [*false_alarms(size), *returning(size), *whole_way(size), *true_lift(size), *sample_ratio(size)]


if __name__ == "__main__":
    main("experiments", measure)
