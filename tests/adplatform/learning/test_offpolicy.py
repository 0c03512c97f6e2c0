"""Off-policy estimates agree with the truth where it is known, and say so when a log cannot carry them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adplatform.learning import offpolicy
from adplatform.learning.offpolicy import NotEnoughEvidence, estimate

CONTEXTS, CHOICES = 40, 5


class World:
    """Contexts, choices and their true click rates; the log explores a share of the time, the target policy prefers others."""

    def __init__(self, seed: int, explored: float) -> None:
        rng = np.random.default_rng(seed)
        self.rates = np.clip(0.04 * np.exp(rng.normal(0, 0.6, (CONTEXTS, CHOICES))), 0, 0.6)
        self.logging, self.target = (self._greedy(rng, explored) for _ in range(2))
        self.model = self.rates * np.exp(rng.normal(0, 0.3, self.rates.shape))
        self.truth = float((self.target * self.rates).sum(axis=1).mean())

    def _greedy(self, rng: np.random.Generator, explored: float) -> np.ndarray:
        policy = np.full(self.rates.shape, explored / CHOICES)
        best = (self.rates * np.exp(rng.normal(0, 0.5, self.rates.shape))).argmax(axis=1)
        policy[np.arange(CONTEXTS), best] += 1 - explored
        return policy

    def log(self, rows: int, rng: np.random.Generator, model: np.ndarray | None = None) -> dict[str, np.ndarray]:
        model = self.model if model is None else model
        context = rng.integers(CONTEXTS, size=rows)
        choice = (rng.random(rows)[:, None] > self.logging.cumsum(axis=1)[context]).sum(axis=1).clip(0, CHOICES - 1)
        return {
            "reward": (rng.random(rows) < self.rates[context, choice]).astype(float),
            "logged": self.logging[context, choice],
            "target": self.target[context, choice],
            "predicted": model[context, choice],
            "value": (self.target * model).sum(axis=1)[context],
        }


def covered(world: World, rows: int, repetitions: int) -> dict[str, float]:
    """The share of logs whose 95 % interval holds the truth, by estimator."""
    hits: dict[str, list[bool]] = {}
    for seed in range(repetitions):
        log = world.log(rows, np.random.default_rng(seed))
        found = offpolicy.side_by_side(log["reward"], log["logged"], log["target"], direct=(log["predicted"], log["value"]), clip=100)
        for name, one in found.items():
            hits.setdefault(name, []).append(one.low <= world.truth <= one.high)
    return {name: float(np.mean(values)) for name, values in hits.items()}


@pytest.mark.parametrize("explored", [1.0, 0.6])
def test_intervals_hold_the_truth_in_95_of_100_logs(explored: float) -> None:
    """250 logs: the share of a true 95 % interval lies within 0.914 and 0.986 with 99 % certainty."""
    world, hits = World(1, explored), []
    for seed in range(250):
        log = world.log(4000, np.random.default_rng(seed))
        columns = log["reward"], log["logged"], log["target"]
        found = [estimate(*columns), estimate(*columns, direct=(log["predicted"], log["value"]))]
        hits.append([one.ci_low <= world.truth <= one.ci_high for one in found])
    shares = np.mean(hits, axis=0)
    assert (abs(shares - 0.95) < 0.036).all(), shares


@pytest.mark.soak
@pytest.mark.timeout(1200)
@pytest.mark.parametrize(("explored", "rows"), [(1.0, 4000), (0.2, 8000), (0.04, 40_000)])
def test_intervals_hold_the_truth_in_95_of_100_logs_also_where_few_rows_explore(explored: float, rows: int) -> None:
    shares = covered(World(2, explored), rows, 800)
    assert all(0.93 <= shares[name] <= 0.97 for name in ("ips", "snips", "dr")), shares
    assert shares["dm"] < 0.7, "a model that is wrong is wrong with certainty: its interval knows of its rows alone"


@pytest.mark.soak
def test_the_interval_of_a_difference_holds_the_truth_in_95_of_100_logs() -> None:
    world, hits = World(3, 0.2), []
    other = World(4, 0.2).target
    truth = world.truth - float((other * world.rates).sum(axis=1).mean())
    for seed in range(1000):
        rng = np.random.default_rng(seed)
        context = rng.integers(CONTEXTS, size=6000)
        choice = (rng.random(6000)[:, None] > world.logging.cumsum(axis=1)[context]).sum(axis=1).clip(0, CHOICES - 1)
        reward = (rng.random(6000) < world.rates[context, choice]).astype(float)
        logged, ours, theirs = (policy[context, choice] for policy in (world.logging, world.target, other))
        model = (world.model[context, choice], *((policy * world.model).sum(axis=1)[context] for policy in (world.target, other)))
        hits.append([one.low <= truth <= one.high for one in offpolicy.difference(reward, logged, ours, theirs, direct=model) if one is not None])
    assert all(0.93 <= share <= 0.97 for share in np.mean(hits, axis=0)), np.mean(hits, axis=0)


def test_rows_of_one_session_are_one_observation() -> None:
    rng = np.random.default_rng(5)
    sessions = np.repeat(np.arange(2000), 4)
    reward = np.repeat((rng.random(2000) < 0.3).astype(float), 4)
    logged = np.full(len(reward), 0.5)
    alone, together = estimate(reward, logged, logged), estimate(reward, logged, logged, sessions=sessions)
    assert together.snips == alone.snips
    assert (together.ci_high - together.ci_low) / (alone.ci_high - alone.ci_low) == pytest.approx(2, rel=0.05)


def test_a_right_model_makes_doubly_robust_surer_and_a_wrong_one_leaves_it_unbiased() -> None:
    """Rewards here are sums of money: of rare clicks nearly all of the spread is luck that no model can foresee."""
    world = World(6, 0.4)
    found: dict[str, list[float]] = {"ips": [], "wrong": [], "right": []}
    for seed in range(60):
        rng = np.random.default_rng(seed)
        log = world.log(5000, rng, world.rates)
        log["reward"] = log["predicted"] + rng.normal(0, 0.005, 5000)
        found["right"].append(_dr(log, log["predicted"], log["value"]))
        found["wrong"].append(_dr(log, log["predicted"] * 0 + 0.2, log["value"] * 0 + 0.2))
        found["ips"].append(estimate(log["reward"], log["logged"], log["target"]).ips)
    spread = {name: float(np.std(values)) for name, values in found.items()}
    assert spread["right"] < spread["ips"] / 2 < spread["wrong"] / 2
    assert abs(np.mean(found["wrong"]) - world.truth) < 3 * spread["wrong"] / np.sqrt(60)


def _dr(log: dict[str, np.ndarray], predicted: np.ndarray, value: np.ndarray) -> float:
    found = estimate(log["reward"], log["logged"], log["target"], direct=(predicted, value)).dr
    assert found is not None
    return found


def test_a_log_that_hardly_explored_is_not_enough_evidence() -> None:
    rng = np.random.default_rng(7)
    logged = np.where(rng.random(50_000) < 0.002, 0.001, 0.999)
    with pytest.raises(NotEnoughEvidence, match="not enough evidence") as thin:
        estimate((rng.random(50_000) < 0.1).astype(float), logged, 1 - logged)
    assert thin.value.ess < 1000
    assert thin.value.max_weight == pytest.approx(999)


def test_one_row_that_outweighs_the_rest_is_not_enough_evidence() -> None:
    logged = np.full(100_000, 0.5)
    logged[0] = 0.0004
    with pytest.raises(NotEnoughEvidence) as thin:
        estimate(np.zeros(100_000), logged, np.full(100_000, 0.5))
    assert thin.value.ess > 1000
    assert thin.value.max_weight == pytest.approx(1250)


def test_an_empty_log_is_not_enough_evidence() -> None:
    with pytest.raises(NotEnoughEvidence, match="no randomised choice"):
        estimate(np.zeros(0), np.zeros(0), np.zeros(0))


@pytest.mark.parametrize(
    ("reward", "logged", "target"),
    [
        ([1.0, 0.0], [0.0, 0.5], [0.5, 0.5]),
        ([1.0, 0.0], [0.5, 1.5], [0.5, 0.5]),
        ([1.0, 0.0], [0.5, 0.5], [-0.1, 0.5]),
        ([1.0, np.nan], [1, 1], [1, 1]),
    ],
)
def test_what_is_no_log_is_refused(reward: list[float], logged: list[float], target: list[float]) -> None:
    with pytest.raises(ValueError, match=r"propensity|finite"):
        estimate(np.array(reward), np.array(logged), np.array(target))


def test_two_policies_that_choose_alike_differ_by_nothing_for_certain() -> None:
    log = World(8, 0.3).log(4000, np.random.default_rng(8))
    direct = (log["predicted"], log["value"], log["value"])
    for one in offpolicy.difference(log["reward"], log["logged"], log["target"], log["target"], direct=direct):
        assert one is not None
        assert (one.value, one.low, one.high) == (0, 0, 0)


def test_the_difference_of_two_policies_is_surer_than_each_of_them() -> None:
    world = World(9, 0.3)
    log = world.log(20_000, np.random.default_rng(9))
    nearly = 0.9 * log["target"] + 0.1 * log["logged"]
    apart, _ = offpolicy.difference(log["reward"], log["logged"], log["target"], nearly)
    alone = estimate(log["reward"], log["logged"], log["target"])
    assert (apart.high - apart.low) < (alone.ci_high - alone.ci_low) / 4


def test_clipping_bounds_the_weights() -> None:
    log = World(10, 0.2).log(6000, np.random.default_rng(10))
    assert estimate(log["reward"], log["logged"], log["target"], clip=2.0).max_weight == 2.0
    whole = offpolicy.side_by_side(log["reward"], log["logged"], log["target"], clip=1e9)
    assert whole["clipped"] == whole["snips"]


logs = st.integers(0, 2**32 - 1)


def drawn(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    logged = rng.uniform(0.2, 1.0, 3000)
    return (rng.random(3000) < rng.uniform(0.01, 0.99)).astype(float), logged, rng.uniform(0.1, 1.0, 3000)


@given(logs)
def test_weights_of_one_give_the_mean_reward(seed: int) -> None:
    reward, logged, _ = drawn(seed)
    found = estimate(reward, logged, logged, direct=(reward * 0 + 0.3, reward * 0 + 0.3))
    assert found.dr is not None
    assert np.allclose([found.ips, found.snips, found.dr], reward.mean())
    assert np.allclose([found.ess, found.max_weight], [3000, 1])


@given(logs, st.floats(-5, 5))
def test_a_shift_of_all_rewards_moves_snips_and_dr_by_as_much(seed: int, shift: float) -> None:
    reward, logged, target = drawn(seed)
    predicted, value = np.full(3000, 0.2), np.full(3000, 0.25)
    before = estimate(reward, logged, target, direct=(predicted, value))
    after = estimate(reward + shift, logged, target, direct=(predicted + shift, value + shift))
    assert before.dr is not None
    assert after.dr is not None
    assert np.allclose(
        [after.snips, after.dr, after.ci_low, after.ci_high], np.array([before.snips, before.dr, before.ci_low, before.ci_high]) + shift
    )


@given(logs)
def test_snips_and_its_interval_stay_within_the_rewards_and_hold_the_estimate(seed: int) -> None:
    reward, logged, target = drawn(seed)
    found = estimate(reward, logged, target)
    assert 0 <= found.ci_low <= found.snips <= found.ci_high <= 1
    assert 0 < found.ess <= 3000
