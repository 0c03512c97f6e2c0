"""The pod that is chosen against the best one there is: value, how often it is the optimum, and what the choice costs in time."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from benchmarks import harness
from benchmarks.harness import Goal, Options, Row, percentile, row

PODS, QUICK_PODS = 400, 100
SEED = 7
SECONDS = (6, 10, 15, 20, 30)
CATEGORIES, ADVERTISERS = 8, 15


@dataclass(frozen=True, slots=True)
class Break:
    """``milliseconds`` to fill with at most ``most`` ads."""

    name: str
    milliseconds: int
    most: int
    ads: int


BREAKS = (
    Break("30 s, 2 ads", 30_000, 2, 40),
    Break("60 s, 4 ads", 60_000, 4, 40),
    Break("90 s, 6 ads", 90_000, 6, 40),
)
# Where an exact search by other means would take minutes, only the time is measured.
LARGE = (Break("30 s, 2 ads", 30_000, 2, 500), Break("60 s, 4 ads", 60_000, 4, 500), Break("90 s, 6 ads", 90_000, 6, 500))


def measure(options: Options) -> Sequence[Row]:
    pods = QUICK_PODS if options.quick else PODS
    dice = np.random.default_rng(SEED)
    return [*(figure for each in BREAKS for figure in _against_the_best(each, pods, dice)), *(_timed(each, pods, dice) for each in LARGE)]


def _against_the_best(each: Break, pods: int, dice: np.random.Generator) -> Iterator[Row]:
    shares, took = [], []
    for _ in range(pods):
        ads = random_pool(dice, each.ads)
        milliseconds, chosen = _fill(ads, each)
        took.append(milliseconds)
        shares.append(_share(ads, chosen, exact(ads, each.milliseconds, each.most)))
    name = f"{each.name} of {each.ads}"
    yield row(f"{name}: value against the optimum, mean", float(np.mean(shares)), "share", Goal(at_least=0.995))
    yield row(f"{name}: value against the optimum, worst", min(shares), "share", Goal(at_least=0.95))
    yield row(f"{name}: pods that are the optimum", sum(share >= 1 - 1e-9 for share in shares) / pods, "share", Goal(at_least=0.99))
    yield row(f"{name}: time, p50", percentile(took, 0.5), "ms", Goal(at_most=0.3))
    yield row(f"{name}: time, p99", percentile(took, 0.99), "ms")


def _timed(each: Break, pods: int, dice: np.random.Generator) -> Row:
    took = [_fill(random_pool(dice, each.ads), each)[0] for _ in range(pods)]
    return row(f"{each.name} of {each.ads}: time, p50", percentile(took, 0.5), "ms", Goal(at_most=0.3))


def _fill(ads: Any, each: Break) -> tuple[float, list[int]]:
    from ads.decision import pod

    started = time.perf_counter()
    chosen = pod.fill(ads, milliseconds=each.milliseconds, max_ads=each.most)
    return (time.perf_counter() - started) * 1000, chosen


def random_pool(dice: np.random.Generator, ads: int) -> Any:
    """Ads of two tiers, a few bought ends of the break, some keep a category away; scores spread as bids do."""
    from ads.decision.pod import Pool

    tier = np.sort(dice.choice([1, 1, 1, 2], ads))
    score = np.round(dice.lognormal(9.5, 0.6, ads), 3)
    order = np.lexsort((-score, tier))
    return Pool(
        row=np.arange(ads),
        tier=tier[order],
        level=tier[order] * 100,
        score=score[order],
        milliseconds=dice.choice(SECONDS, ads).astype(np.int64) * 1000,
        advertiser=dice.integers(0, ADVERTISERS * max(1, ads // 40), ads),
        category=dice.integers(0, CATEGORIES, ads),
        position=dice.choice([0] * 16 + [1, 2], ads),
        excludes=dice.random((ads, CATEGORIES)) < 0.02,
    )


def _share(ads: Any, chosen: list[int], best: tuple[float, ...]) -> float:
    """The value of the pod against the optimum's in the first tier in which they differ; 1 where they are equal."""
    found = _value(ads, chosen)
    for mine, most in zip(found, best, strict=True):
        if abs(mine - most) > 1e-6:
            return mine / most
    return 1.0


def _value(ads: Any, chosen: Sequence[int]) -> tuple[float, ...]:
    """The total score in each tier, the better tier first."""
    return tuple(float(sum(ads.score[place] for place in chosen if ads.tier[place] == tier)) for tier in (1, 2))


@dataclass(slots=True)
class Exhaustive:
    """Every pod that keeps the rules, by depth-first search; only what could not even beat the best with conflicts and
    seconds forgotten is left out. It shares no code with the chooser and knows nothing of its bounds."""

    score: list[float]
    tier: list[int]
    milliseconds: list[int]
    beside: list[list[bool]]
    best: tuple[float, ...] = (0.0, 0.0)
    tops: list[list[list[float]]] = field(default_factory=list)

    def search(self, start: int, left: int, places: int, chosen: list[int], value: tuple[float, float]) -> None:
        self.best = max(self.best, value)
        if places == 0:
            return
        for place in range(start, len(self.score)):
            most = self.tops[place][places]
            if (value[0] + most[0], value[1] + most[1]) <= self.best:
                return
            if self.milliseconds[place] <= left and all(self.beside[place][other] for other in chosen):
                gain = self.score[place]
                more = (value[0] + gain, value[1]) if self.tier[place] == 1 else (value[0], value[1] + gain)
                self.search(place + 1, left - self.milliseconds[place], places - 1, [*chosen, place], more)


def exact(ads: Any, milliseconds: int, most: int) -> tuple[float, ...]:
    """The best total score by tier, lexicographically."""
    n = len(ads)
    beside = [[_beside(ads, one, other) for other in range(n)] for one in range(n)]
    score, tier = ads.score.tolist(), ads.tier.tolist()
    found = Exhaustive(score, tier, ads.milliseconds.tolist(), beside)
    found.tops = [[[sum(sorted((s for s, t in zip(score[at:], tier[at:], strict=True) if t == level), reverse=True)[:k]) for level in (1, 2)]
                   for k in range(most + 1)] for at in range(n)]  # fmt: skip
    found.search(0, milliseconds, most, [], (0.0, 0.0))
    return found.best


def _beside(ads: Any, one: int, other: int) -> bool:
    return not (
        ads.advertiser[one] == ads.advertiser[other]
        or ads.category[one] == ads.category[other]
        or ads.excludes[one, ads.category[other]]
        or ads.excludes[other, ads.category[one]]
        or (ads.position[one] and ads.position[one] == ads.position[other])
    )


if __name__ == "__main__":
    harness.main("pods", measure)
