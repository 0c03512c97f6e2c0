"""Each gate refuses what it is for, passes what is sound, and says when it cannot know."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable

import numpy as np
import pytest

from adplatform.learning import gates, metrics
from adplatform.learning.curves import GroupRatio
from adplatform.learning.gates import FAIL, NOT_ENOUGH, PASS, Gate
from adplatform.learning.metrics import Metric, Resampling
from adplatform.learning.predictor import ColumnPredictor, Predictor
from adplatform.learning.schema import Feature, FeatureSchema

SCHEMA = FeatureSchema("t", 1, (Feature("rate", "t"), Feature("hour", "t", high=23), Feature("device", "t", categories=("tv", "mobile"))))


def matrix(rows: int = 400) -> np.ndarray:
    rng = np.random.default_rng(0)
    return np.column_stack([rng.random(rows), rng.integers(0, 24, rows), rng.integers(-1, 2, rows)]).astype(np.float32)


@pytest.mark.parametrize(
    ("low", "value", "high", "verdict"),
    [
        (0.97, 1.0, 1.04, PASS),
        (0.93, 1.02, 1.09, PASS),
        (1.06, 1.1, 1.14, FAIL),
        (0.7, 0.8, 0.94, FAIL),
        (0.8, 1.0, 1.2, NOT_ENOUGH),
        (1.04, 1.3, 1.6, NOT_ENOUGH),
        (11.0, 13.0, 15.0, FAIL),
    ],
)
def test_calibration_fails_only_when_its_whole_interval_is_outside(low: float, value: float, high: float, verdict: str) -> None:
    assert gates.calibration(Metric(value, 1.0, low, high)).verdict == verdict


def test_calibration_without_clicks_is_not_judged() -> None:
    assert gates.calibration(Metric(None, None, None, None)).verdict == NOT_ENOUGH


def test_data_passes_when_every_column_keeps_its_declaration() -> None:
    labels = np.random.default_rng(1).integers(0, 2, 400).astype(float)
    assert gates.data(SCHEMA, matrix(), labels, (300, 100))[0].verdict == PASS


@pytest.mark.parametrize(
    ("column", "value", "words"),
    [(0, 7.0, "rate ranges over"), (1, np.inf, "hour has infinite values"), (2, 0.5, "device has codes"), (2, 5.0, "device ranges")],
)
def test_data_fails_when_a_column_breaks_its_declaration(column: int, value: float, words: str) -> None:
    broken = matrix()
    broken[3, column] = value
    gate, _ = gates.data(SCHEMA, broken, np.zeros(400), (300, 100))
    assert gate.verdict == FAIL
    assert words in gate.words


def test_data_fails_on_a_column_without_values_and_on_a_wrong_width() -> None:
    empty = matrix()
    empty[:, 1] = np.nan
    assert "hour has no value at all" in gates.data(SCHEMA, empty, np.zeros(400), (1, 1))[0].words
    assert "the schema has 3 features" in gates.data(SCHEMA, matrix()[:, :2], np.zeros(400), (1, 1))[0].words


def labelled(leak: np.ndarray | None = None, rows: int = 4000) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(6)
    labels = (rng.random(rows) < 0.08).astype(float)
    features = matrix(rows)
    if leak is not None:
        features[:, 0] = np.where(rng.random(rows) < 0.2, features[:, 0], leak[labels.astype(int)])
    return features, labels


@pytest.mark.parametrize("leak", [np.array([0.2, 0.9]), np.array([0.3, np.nan])])
def test_data_fails_on_a_column_that_gives_the_answer_away_also_by_being_empty(leak: np.ndarray) -> None:
    features, labels = labelled()
    features[:, 0] = leak[labels.astype(int)]
    gate, _ = gates.data(SCHEMA, features, labels, (3000, 1000))
    assert (gate.verdict, "rate alone tells the outcome" in gate.words) == (FAIL, True)


def test_data_fails_on_a_column_that_tells_much_more_than_it_did_for_the_champion() -> None:
    _, before = gates.data(SCHEMA, *labelled(), (3000, 1000))
    features, labels = labelled()
    # Of seven in ten positive outcomes the column knows: no giveaway by itself, but it told nothing before.
    known = (labels > 0) & (np.random.default_rng(7).random(len(labels)) < 0.7)
    features[known, 0] = 0.999
    assert gates.data(SCHEMA, features, labels, (3000, 1000))[0].verdict == PASS
    gate, _ = gates.data(SCHEMA, features, labels, (3000, 1000), before)
    assert (gate.verdict, "part of the answer" in gate.words) == (FAIL, True)


def test_data_fails_on_a_column_that_stopped_being_filled_since_the_champion_was_trained() -> None:
    features, labels = labelled()
    _, before = gates.data(SCHEMA, features, labels, (3000, 1000))
    features[: len(labels) // 2, 1] = np.nan
    gate, _ = gates.data(SCHEMA, features, labels, (3000, 1000), before)
    assert (gate.verdict, "hour is missing in 50% of the rows, 0% when the champion was trained" in gate.words) == (FAIL, True)


def test_data_tells_rows_positives_and_columns_that_never_change() -> None:
    features, labels = labelled()
    features[:, 2] = 1
    gate, profile = gates.data(SCHEMA, features, labels, (3000, 1000))
    assert (gate.figures["positives"], gate.figures["constant"]) == (int(labels.sum()), ["device"])
    assert "nothing to learn from: device" in gate.words
    assert profile == gates.Profile.from_json(json.loads(json.dumps(profile.as_json() if profile else None)))


def ratio(low: float, high: float, positives: int = 200, name: str = "tv") -> GroupRatio:
    middle = (low * high) ** 0.5
    return GroupRatio(name, middle, low, high, 5000, positives, low, high)


@pytest.mark.parametrize(
    ("groups", "verdict"),
    [
        ([ratio(0.9, 1.1), ratio(0.8, 1.4, name="mobile")], PASS),
        ([ratio(0.9, 1.1), ratio(1.3, 1.6, name="mobile")], FAIL),
        ([ratio(0.9, 1.1), ratio(0.3, 0.7, name="mobile")], FAIL),
        ([ratio(1.3, 1.6, positives=20)], NOT_ENOUGH),
        ([], NOT_ENOUGH),
    ],
)
def test_groups_fail_only_where_one_with_evidence_is_clearly_out(groups: list[GroupRatio], verdict: str) -> None:
    gate = gates.calibration_of_groups({"device": groups})
    assert gate.verdict == verdict
    assert verdict != FAIL or "device mobile gets" in gate.words


def test_a_group_in_which_the_champion_is_further_off_is_told_and_not_failed() -> None:
    gate = gates.calibration_of_groups({"device": [ratio(1.3, 1.6)]}, {"device": [ratio(2.0, 3.0)]})
    assert (gate.verdict, "what serves now is further off" in gate.words) == (PASS, True)
    assert gates.calibration_of_groups({"device": [ratio(1.3, 1.6)]}, {"device": [ratio(0.9, 1.1)]}).verdict == FAIL


def test_parity_fails_when_the_export_answers_otherwise() -> None:
    native = np.linspace(0, 1, 50)
    assert gates.parity(native, native + 1e-7).verdict == PASS
    assert gates.parity(native, native + 2e-3).verdict == FAIL
    assert gates.parity(native, np.full(50, np.nan)).verdict == FAIL
    assert "a probability lies between 0 and 1" in gates.parity(native * 2, native * 2, probabilities=True).words


def compared(shift: float, rows: int = 4000, allowance: float = gates.MARGIN) -> Gate:
    rng = np.random.default_rng(2)
    truth = rng.beta(2, 20, rows)
    labels = (rng.random(rows) < truth).astype(float)
    opponent = np.clip(truth + rng.normal(0, 0.02, rows), 0.001, 0.999)
    mixed = np.clip((1 - abs(shift)) * opponent + abs(shift) * (truth if shift > 0 else np.full(rows, 0.5)), 0.001, 0.999)
    resampling = Resampling.of(np.arange(rows), rng)
    return gates.quality("normalised_entropy", "normalised entropy", labels, mixed, opponent, "champion v1", resampling, allowance=allowance)


def test_who_must_be_better_does_not_pass_by_being_no_worse() -> None:
    assert (compared(0.02).verdict, compared(-0.02, allowance=0.0).verdict, compared(0.9, allowance=0.0).verdict) == (PASS, NOT_ENOUGH, PASS)


def test_quality_tells_better_from_worse_and_from_the_same() -> None:
    assert (compared(0.9).verdict, compared(-0.3).verdict, compared(0.0).verdict) == (PASS, FAIL, PASS)
    assert "so it is worse" in compared(-0.3).words


def test_quality_on_few_rows_is_not_enough_evidence() -> None:
    rng = np.random.default_rng(3)
    labels = (rng.random(60) < 0.1).astype(float)
    first, second = rng.beta(2, 20, 60), rng.beta(2, 20, 60)
    gate = gates.quality("normalised_entropy", "normalised entropy", labels, first, second, "champion v1", Resampling.of(np.arange(60), rng))
    assert gate.verdict == NOT_ENOUGH


class Ticking:
    """A clock that a predictor moves."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class Slow:
    def __init__(self, clock: Ticking, seconds: float) -> None:
        self.clock, self.seconds = clock, seconds

    def predict(self, features: np.ndarray) -> np.ndarray:
        self.clock.now += self.seconds
        return np.zeros(len(features))


def timed(candidate: Predictor, opponent: Predictor | None, clock: Callable[[], float]) -> Gate:
    return gates.latency(candidate, opponent, matrix(), clock, np.random.default_rng(4))[0]


def test_latency_refuses_a_slow_candidate_and_reports_the_ratio() -> None:
    clock = Ticking()
    quick, slow = Slow(clock, 0.001), Slow(clock, 0.02)
    assert timed(quick, quick, clock).verdict == PASS
    refused = timed(slow, quick, clock)
    assert (refused.verdict, round(refused.figures["ratio"])) == (FAIL, 20)
    assert "too slow to serve" in refused.words
    assert timed(slow, slow, clock).verdict == PASS
    assert timed(ColumnPredictor(0, 0.0), None, itertools.count().__next__).verdict == FAIL


def test_a_slower_candidate_that_is_in_time_passes_and_is_said_to_be_slower() -> None:
    clock = Ticking()
    passed = timed(Slow(clock, 0.002), Slow(clock, 0.001), clock)
    assert (passed.verdict, "slower, but in time" in passed.words) == (PASS, True)


def test_a_noisy_machine_alone_refuses_nobody() -> None:
    """One call in fifty takes a hundred times as long, for whoever is called just then."""
    clock, noise = Ticking(), np.random.default_rng(5)

    class Disturbed(Slow):
        def predict(self, features: np.ndarray) -> np.ndarray:
            clock.now += 0.6 if noise.random() < 0.02 else 0.0
            return super().predict(features)

    assert timed(Disturbed(clock, 0.0065), Disturbed(clock, 0.0065), clock).verdict == PASS


def test_latency_is_told_for_one_a_hundred_and_a_thousand_rows() -> None:
    clock = Ticking()
    table = gates.latency(Slow(clock, 0.001), None, matrix(), clock, np.random.default_rng(4))[1]
    assert [(one["rows"], round(one["p50_ms"], 6), round(one["p99_ms"], 6)) for one in table] == [(1, 1.0, 1.0), (100, 1.0, 1.0), (1000, 1.0, 1.0)]


def gate(name: str, verdict: str, difference: float = -0.1) -> Gate:
    return Gate(name, verdict, "words", {"difference": difference})


def test_the_first_version_is_promoted_as_bootstrap_unless_a_gate_fails() -> None:
    thin = gates.judge([gate("quality", PASS), gate("calibration", NOT_ENOUGH)], first=True, champion_is_bootstrap=False)
    assert (thin.promote, thin.bootstrap) == (True, True)
    assert "bootstrap" in thin.words
    assert not gates.judge([gate("quality", FAIL)], first=True, champion_is_bootstrap=False).promote


def test_a_proven_champion_gives_way_to_proof_alone() -> None:
    thin = [gate("quality", PASS), gate("calibration", NOT_ENOUGH)]
    refused = gates.judge(thin, first=False, champion_is_bootstrap=False)
    assert (refused.promote, "not enough evidence" in refused.words) == (False, True)
    proven = gates.judge([gate("quality", PASS), gate("calibration", PASS)], first=False, champion_is_bootstrap=False)
    assert (proven.promote, proven.bootstrap) == (True, False)


def test_a_bootstrap_gives_way_to_a_better_bootstrap() -> None:
    better = gates.judge([gate("quality", NOT_ENOUGH, -0.01)], first=False, champion_is_bootstrap=True)
    worse = gates.judge([gate("quality", NOT_ENOUGH, 0.01)], first=False, champion_is_bootstrap=True)
    assert (better.promote, better.bootstrap, worse.promote) == (True, True, False)


@pytest.mark.parametrize(
    ("kept", "bootstrap", "words"),
    [
        ([gate("quality", PASS)], False, "Promoted by hand by lea. Every gate passed."),
        (
            [gate("quality", PASS), gate("off-policy value", NOT_ENOUGH)],
            False,
            "Promoted by hand by lea. Gates that it did not pass: off-policy value",
        ),
        ([gate("quality", NOT_ENOUGH)], True, "Promoted by hand by lea. Gates that it did not pass: quality (not enough evidence)"),
        ([gate("quality", NOT_ENOUGH)], False, "Promoted by hand by lea, who overruled its gates. Gates that it did not pass: quality"),
        ([gate("quality", FAIL)], True, "Promoted by hand by lea, who overruled its gates. Gates that it did not pass: quality (failed)"),
        ([], False, "Promoted by hand by lea; no gate has judged it."),
    ],
)
def test_who_promotes_by_hand_is_named_and_whether_gates_were_overruled(kept: list[Gate], *, bootstrap: bool, words: str) -> None:
    assert gates.by_hand([one.as_json() for one in kept], actor="lea", bootstrap=bootstrap).startswith(words)


def test_a_regression_is_judged_by_its_mean_error() -> None:
    assert gates.unbiased(Metric(0.01, 0.0, -0.01, 0.02), 0.3).verdict == PASS
    assert gates.unbiased(Metric(0.1, 0.0, 0.05, 0.15), 0.3).verdict == FAIL
    assert gates.unbiased(Metric(0.0, 0.0, -0.2, 0.2), 0.3).verdict == NOT_ENOUGH


def test_levels_are_those_of_the_metrics() -> None:
    labels = np.array([0.0, 1.0, 0.0, 1.0])
    assert metrics.level("mse", labels, np.full(4, 0.5)) == 0.25
