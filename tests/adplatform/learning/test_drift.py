"""Drift is told in effect sizes, against a reference made in training, and never from noise alone."""

from __future__ import annotations

import json
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from adplatform.learning import drift
from adplatform.learning.metrics import Floats
from adplatform.learning.schema import Feature, FeatureSchema, Matrix

SCHEMA = FeatureSchema(
    "test",
    1,
    (
        Feature("device", "test", categories=("tv", "mobile", "tablet")),
        Feature("age", "test", high=100),
        Feature("ad", "test", identity=True),
        Feature("hour", "test", high=23),
        Feature("slot", "test", high=10, exposure=True),
    ),
)
DAY, SESSION_ROWS = 86400.0, 4
histograms = arrays(np.float64, 6, elements=st.integers(0, 10_000).map(float)).filter(lambda counts: counts.sum() > 0)


@dataclass(frozen=True)
class Rows:
    features: Matrix
    scores: Floats
    at: Floats
    session: np.ndarray


def rows_of(sessions: int, *, day: float = 0, days: float = 1, mobile: float = 0.3, older: float = 0.0, lost: float = 0.0, seed: int = 1) -> Rows:
    """Sessions of four rows that share device and age; ``lost`` is the share of ages that are missing."""
    rng = np.random.default_rng(seed)
    n = sessions * SESSION_ROWS
    of = np.arange(n) // SESSION_ROWS
    at = np.sort((day + rng.random(n) * days) * DAY)
    device = rng.choice(3, sessions, p=[0.9 - mobile, mobile, 0.1])[of]
    age = np.minimum(100, rng.gamma(3, 10, sessions) + older)[of]
    age[rng.random(n) < lost] = np.nan
    table = np.column_stack([device, age, rng.zipf(1.6, n) % 300, at // 3600 % 24, rng.integers(0, 2, n)])
    return Rows(table.astype(np.float32), rng.beta(2, 60, n), at, of.astype(np.str_))


def reference_of(rows: Rows) -> dict[str, object]:
    return drift.reference(rows.features, rows.scores, SCHEMA, at=rows.at, session=rows.session)


REFERENCE = reference_of(rows_of(8000, days=10))


def of(rows: Rows, span: str = "day") -> dict[str, drift.Drift]:
    return drift.of_features(REFERENCE, rows.features, SCHEMA, session=rows.session, span=span)


def test_the_reference_survives_json_and_leaves_out_what_is_decided_after_scoring() -> None:
    assert json.loads(json.dumps(REFERENCE)) == REFERENCE
    assert set(REFERENCE["features"]) == {"device", "age", "ad", "hour"}  # type: ignore[call-overload]


@given(histograms, histograms)
@settings(max_examples=60, deadline=None)
def test_the_index_is_symmetric_never_negative_and_zero_for_equal_shares(before: Floats, now: Floats) -> None:
    assert drift.psi(before, now) == pytest.approx(drift.psi(now, before))
    assert drift.psi(before, now) >= 0
    assert drift.psi(before, before) == pytest.approx(0)
    assert 0 <= drift.jensen_shannon(before, now) <= 1 + 1e-9
    assert drift.cliffs_delta(before, now) == pytest.approx(-drift.cliffs_delta(now, before))


def test_cliffs_delta_is_the_chance_to_be_larger_less_that_to_be_smaller() -> None:
    rng = np.random.default_rng(3)
    before, now = rng.integers(0, 6, 300), rng.integers(1, 6, 200)
    pairs = np.sign(now[np.newaxis] - before[:, np.newaxis]).mean()
    counted = [np.bincount(values, minlength=6).astype(np.float64) for values in (before, now)]
    assert drift.cliffs_delta(*counted) == pytest.approx(pairs)


@pytest.mark.parametrize("sessions", [50, 500])
def test_without_drift_the_index_is_what_the_number_of_sessions_makes_of_it(sessions: int) -> None:
    found = [of(rows_of(sessions, day=20, seed=seed)) for seed in range(80)]
    for name, least in (("device", 0.8), ("age", 0.8)):
        mean = np.mean([window[name].psi for window in found])
        assert least < mean / found[0][name].expected < 1.4
    # Its upper bound is kept by 999 of 1,000, where bins are as rare as they come.
    assert sum(window[name].psi > window[name].noise for window in found for name in ("device", "age", "ad")) <= 1


def test_a_shifted_device_stands_out_and_nothing_else_does() -> None:
    found = of(rows_of(400, day=20, mobile=0.7))
    assert found["device"].psi > 0.5 > 10 * found["device"].noise / 2
    moved, before, now = found["device"].moved or ("", 0, 0)
    assert moved in ("mobile", "tv")
    assert abs(now - before) == pytest.approx(0.4, abs=0.08)
    assert all(found[name].psi < found[name].noise for name in ("age", "ad"))


def test_a_number_that_grew_is_told_in_units_of_its_own_spread() -> None:
    older = of(rows_of(400, day=20, older=10.0))["age"]
    deviation = REFERENCE["features"]["age"]["deviation"]  # type: ignore[index]
    assert older.mean_shift == pytest.approx(10 / deviation, abs=0.15)
    assert older.wasserstein == pytest.approx(older.mean_shift, abs=0.1)
    assert (older.cliffs_delta or 0) > 0.25


def test_values_that_are_lost_are_a_bin_of_their_own() -> None:
    found = of(rows_of(400, day=20, lost=0.5))["age"]
    assert found.missing_before == 0
    assert found.missing_now == pytest.approx(0.5, abs=0.05)
    assert found.psi > found.noise
    assert found.moved and found.moved[0] == "missing"
    assert abs(found.mean_shift or 0) < 0.1


def test_an_hour_of_the_day_is_no_drift_because_hours_of_training_differed_as_much() -> None:
    evening = rows_of(60, day=20 + 20 / 24, days=1 / 24)
    hour = of(evening, "hour")["hour"]
    assert hour.psi > 1
    assert hour.usual is not None
    assert hour.excess < 1.25 * hour.usual
    assert (of(rows_of(400, day=20))["hour"].usual or 0) < 0.05


def test_too_few_days_of_training_leave_the_usual_unknown() -> None:
    short = reference_of(rows_of(1000, days=1.5))
    column = short["features"]["device"]  # type: ignore[index]
    assert column["usual"]["day"] is None
    assert column["usual"]["hour"] is not None or column["usual"] == {"hour": None, "day": None}


def test_scores_the_model_learned_from_do_not_count() -> None:
    rows = rows_of(2000, days=6)
    scores = np.where(np.arange(len(rows.scores)) < 6000, np.nan, rows.scores)
    kept = drift.reference(rows.features, scores, SCHEMA, at=rows.at, session=rows.session)
    assert (kept["sessions"], kept["scored_sessions"]) == (2000, 500)
    same = drift.of_scores(kept, rows_of(400, seed=5).scores, session=rows_of(400).session, span="day")
    higher = drift.of_scores(kept, rows_of(400, seed=5).scores * 2, session=rows_of(400).session, span="day")
    assert same and higher
    assert same.psi < same.noise < 0.3 < higher.psi
    unknown = drift.reference(rows.features, np.full(len(rows.scores), np.nan), SCHEMA, at=rows.at, session=rows.session)
    assert drift.of_scores(unknown, rows.scores, session=rows.session, span="day") is None
