"""Randomised choices tell whether another model would have chosen better, and say so when they cannot."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest

from adplatform.learning import choices as logged
from adplatform.learning import gates
from adplatform.learning.choices import Choices
from adplatform.learning.gates import FAIL, NOT_ENOUGH, PASS

LOT = 4


def log(count: int, exploring: float, seed: int = 1) -> tuple[Choices, np.ndarray, np.ndarray]:
    """(choices, true rates of the options, what the serving model says of them); the serving model knows half of it."""
    rng = np.random.default_rng(seed)
    rates = np.clip(0.05 * np.exp(rng.normal(0, 1, count * LOT)), 0, 0.5)
    serving = rates * np.exp(rng.normal(0, 1, count * LOT))
    place = np.where(rng.random(count) < exploring, rng.integers(LOT, size=count), serving.reshape(count, LOT).argmax(axis=1))
    chosen = np.arange(count) * LOT + place
    best = place == serving.reshape(count, LOT).argmax(axis=1)
    made = Choices(
        reward=(rng.random(count) < rates[chosen]).astype(float), worth=np.ones(count),
        propensity=exploring / LOT + np.where(best, 1 - exploring, 0.0), exploring=np.full(count, exploring), chosen=chosen,
        session=np.arange(count) // 2, choice=np.repeat(np.arange(count), LOT), features=np.zeros((count * LOT, 1), dtype=np.float32),
        level=np.zeros(count * LOT, dtype=np.int64), fixed=np.zeros(count * LOT), slope=np.ones(count * LOT),
    )  # fmt: skip
    return made, rates, serving


def test_a_model_that_chooses_better_passes_and_one_that_chooses_worse_fails() -> None:
    made, rates, serving = log(8000, 0.6)
    better = gates.value(made, rates, serving, "champion v1")
    assert better.verdict == PASS
    worse = gates.value(made, 1 - rates, serving, "champion v1")
    assert (worse.verdict, "it chooses worse" in worse.words) == (FAIL, True)
    for name in ("ips", "snips", "dr", "switch_dr", "dm", "clipped", "ess", "max_weight"):
        assert name in better.figures["candidate"]


def test_a_log_that_hardly_explored_is_not_enough_evidence_and_says_how_much_it_tells() -> None:
    made, rates, serving = log(8000, 0.04)
    gate = gates.value(made, rates, serving, "champion v1")
    assert (gate.verdict, "1,000 are needed: not enough evidence" in gate.words) == (NOT_ENOUGH, True)
    assert gate.figures["ess"] < 1000


def test_a_model_that_chooses_alike_passes_whatever_the_log() -> None:
    made, _, serving = log(50, 0.04)
    gate = gates.value(made, serving * 3, serving, "champion v1")
    assert (gate.verdict, "every one to the same ad as champion v1" in gate.words) == (PASS, True)


def test_without_choices_or_rewards_it_is_not_enough_evidence() -> None:
    made, rates, serving = log(8000, 1.0)
    nothing = Choices(**{field.name: getattr(made, field.name) for field in fields(Choices)} | {"reward": np.zeros(8000)})
    assert gates.value(None, rates, serving, "the prior").verdict == NOT_ENOUGH
    assert "0 of 8,000 randomised slots earned anything" in gates.value(nothing, rates, serving, "the prior").words


def test_the_propensities_of_a_lot_are_a_distribution_and_those_of_the_serving_model_are_as_logged() -> None:
    made, rates, serving = log(500, 0.3)
    for predictions in (rates, serving):
        chances = made.propensities(predictions)
        assert np.bincount(made.choice, weights=chances) == pytest.approx(np.ones(500))
    assert made.propensities(serving)[made.chosen] == pytest.approx(made.propensity)


def test_a_better_level_wins_whatever_the_scores_and_the_first_of_equals_wins() -> None:
    made, _, _ = log(2, 0.3)
    made.level[:] = [1, 0, 0, 1, 0, 0, 0, 0]
    assert made.best(np.array([9.0, 1, 2, 9, 5, 5, 5, 5])).tolist() == [2, 4]


def test_parts_put_together_are_the_choices_of_both() -> None:
    (first, _, mine), (second, _, other) = log(30, 0.5, seed=2), log(20, 0.5, seed=3)
    both = logged.together([first, second])
    assert len(both) == 50
    assert both.reward.tolist() == [*first.reward, *second.reward]
    assert both.best(np.concatenate([mine, other])).tolist() == [*first.best(mine), *(second.best(other) + 30 * LOT)]
    assert both.choice[both.chosen].tolist() == list(range(50))
