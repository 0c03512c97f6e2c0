"""Scores come from the champion, or from smoothed rates where there is none; the features logged give the same score again."""

from __future__ import annotations

import dataclasses
import uuid
from typing import Any

import numpy as np
import pytest

from adplatform.learning import estimators, predictor, registry, training
from adplatform.learning.predictor import TwoStagePredictor
from ads.ctr import features, scorer
from ads.decision.control import in_control
from ads.decision.request import AdRequest
from ads.decision.state import Candidates, Lineup

REQUEST = AdRequest(
    session=uuid.UUID(int=1), break_id="b1", break_position="mid", break_index=1, duration=30.0, max_ads=2, device="tv", hour=20, weekday=4,
    title=7, genres=("drama", "crime"), mood="storm", intensity=0.7, viewer=uuid.UUID(int=5), consent=True, tier="ads", age_band="25-34",
    gender="female", monthly_hours=12.0, favourite_genres=("drama",), progress=0.5, country="DE",
    segments=("binge", "night"),
)  # fmt: skip
PRIOR = features.SCHEMA.index["ad_click_rate"]
CONSENT_FEATURES = [feature.name for feature in features.SCHEMA.features if feature.privacy == "consent"]


def make_candidates(n: int, rates: dict[str, np.ndarray] | None = None) -> Candidates:
    ids = np.arange(n, dtype=np.int64)
    lineup = Lineup(
        ad=ids + 100, flight=ids + 200, campaign=ids // 2 + 300, advertiser=ids // 4 + 400, category=ids % 3, categories=("travel", "retail", "gaming"),
        duration=np.full(n, 15.0), worth_shown=np.zeros(n), worth_clicked=np.ones(n), worth_completed=np.zeros(n),
    )  # fmt: skip
    return Candidates(lineup, ids, seen_ad=ids % 2, seen_campaign=ids % 2, rates=rates or {})


def promote(estimator: str = "random_forest", kind: str = "ctr", **parameters: Any) -> None:
    rng = np.random.default_rng(3)
    rows = np.vstack([features.build(REQUEST, make_candidates(50, {"ad": rng.integers(0, 200, (50, 5)).astype(float)})) for _ in range(20)])
    schema = training.recipe_for(kind).schema
    labels = (rng.random(len(rows)) < rows[:, schema.index[str(schema.prior)]]).astype(np.float64)
    labels[0] = 1
    fitted = estimators.fit(estimator, "classification", rows, labels, schema, parameters)
    path, digest = registry.store_artifact(fitted.artifact, fitted.suffix)
    parameters = {"schema_fingerprint": features.SCHEMA.fingerprint()}
    registry.promote(registry.register(kind=kind, estimator=estimator, artifact=path, artifact_sha256=digest, parameters=parameters))
    registry.forget_loaded()


def promote_forest() -> None:
    promote("random_forest", n_estimators=8)


@pytest.mark.django_db
def test_without_a_champion_and_without_counts_every_ad_has_the_first_rate() -> None:
    scores = scorer.score(REQUEST, make_candidates(5))
    assert scores.model_version is None
    np.testing.assert_allclose(scores.pctr, features.FIRST_CLICK_RATE, rtol=1e-6)
    np.testing.assert_allclose(scores.pvcr, features.FIRST_COMPLETION_RATE, rtol=1e-6)


@pytest.mark.django_db
def test_without_a_champion_an_ad_that_was_clicked_more_scores_higher() -> None:
    counts = np.array([[1000.0, 100.0, 900.0, 0.0, 0.0], [1000.0, 5.0, 300.0, 0.0, 0.0]])
    scores = scorer.score(REQUEST, make_candidates(2, {"ad": counts}))
    assert scores.pctr[0] > 0.08 > 0.02 > scores.pctr[1]
    assert scores.pvcr[0] > 0.85 > 0.4 > scores.pvcr[1]


@pytest.mark.django_db
def test_a_new_ad_takes_after_its_campaign() -> None:
    rates = {"campaign": np.array([[5000.0, 500.0, 0.0, 0.0, 0.0]] * 2 + [[5000.0, 10.0, 0.0, 0.0, 0.0]] * 2)}
    scores = scorer.score(REQUEST, make_candidates(4, rates))
    assert scores.pctr[0] > 0.08
    assert scores.pctr[3] < 0.01


@pytest.mark.django_db
def test_no_candidates_give_empty_scores() -> None:
    promote_forest()
    assert scorer.score(REQUEST, make_candidates(0)).pctr.shape == (0,)


@pytest.mark.django_db
def test_the_control_slice_is_scored_by_smoothed_rates_though_there_is_a_champion() -> None:
    promote_forest()
    asked = [dataclasses.replace(REQUEST, viewer=uuid.UUID(int=number)) for number in range(300)]
    control = [request for request in asked if in_control(request)]
    assert 0 < len(control) < 60
    for request in asked[:20] + control[:3]:
        scores = scorer.score(request, make_candidates(3))
        assert scores.model_version == (None if request in control else 1)
        if request in control:
            np.testing.assert_allclose(scores.pctr, features.FIRST_CLICK_RATE, rtol=1e-6)


@pytest.mark.django_db
def test_logged_features_through_the_same_artifact_give_the_logged_score() -> None:
    promote_forest()
    scores = scorer.score(REQUEST, make_candidates(40))
    assert scores.model_version == 1
    version = registry.champion_row("ctr")
    assert version is not None
    model = registry.load_version(version).predictor
    for row, logged in zip(scores.rows(np.arange(40)), scores.pctr, strict=True):
        packed = features.SCHEMA.pack(row)
        again = np.array([features.SCHEMA.unpack(packed)], dtype=np.float32)
        assert np.array_equal(again[0], row, equal_nan=True)
        assert np.clip(model.predict(again)[0], scorer.LEAST, scorer.MOST) == pytest.approx(logged, abs=1e-9)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("estimator", "parameters"),
    [
        ("prior", {}),
        ("random_forest", {"n_estimators": 5}),
        ("hashed_logistic", {}),
        ("two_stage", {"n_estimators": 5, "shortlist": 30}),
        ("two_stage", {"second": "lightgbm", "rounds": 5, "shortlist": 30}),
        ("lightgbm", {"rounds": 5}),
    ],
)
def test_among_many_a_forest_ranks_the_best_alone_and_every_score_follows_from_its_row(estimator: str, parameters: dict[str, Any]) -> None:
    """Whoever is on the shortlist has the model's own score; the others have the one that put them off it."""
    promote(estimator, **parameters)
    rates = {"ad": np.random.default_rng(4).integers(0, 300, (250, 5)).astype(float)}
    candidates = make_candidates(250, rates)
    scores = scorer.score(REQUEST, candidates)
    version = registry.champion_row("ctr")
    assert version is not None
    assert (version.estimator, scores.model_version) == (estimator, 1)
    model, rows = registry.load_version(version).predictor, scores.rows(np.arange(250))
    cheap = model.first.predict(rows) if isinstance(model, TwoStagePredictor) else np.clip(rows[:, PRIOR], scorer.LEAST, scorer.MOST)
    most = {"random_forest": 100, "lightgbm": 100, "two_stage": 30}.get(estimator, 250)
    best = np.argsort(-cheap)[:most]
    expected = cheap.astype(np.float64)
    expected[best] = model.predict(rows[best])
    np.testing.assert_allclose(scores.pctr, np.clip(expected, scorer.LEAST, scorer.MOST), atol=1e-6)


@pytest.mark.django_db
def test_a_new_ad_of_a_linear_champion_takes_after_its_campaign_too() -> None:
    """Its own id says nothing yet, and its smoothed rate says what its campaign's does."""
    promote("hashed_logistic", alpha=0.5, l2=0.1, dense_l2=0.1, epochs=10)
    rates = {"campaign": np.array([[5000.0, 900.0, 0.0, 0.0, 0.0]] * 2 + [[5000.0, 10.0, 0.0, 0.0, 0.0]] * 2)}
    lineup = dataclasses.replace(make_candidates(4).lineup, ad=np.arange(4) + 9000, campaign=np.arange(4) // 2 + 9000, advertiser=np.full(4, 9000))
    fresh = dataclasses.replace(make_candidates(4, rates), lineup=lineup)
    scores = scorer.score(REQUEST, fresh)
    assert scores.pctr[0] > 1.5 * scores.pctr[3]


def test_a_shortlist_holds_what_is_worth_most_whatever_it_is_paid_for() -> None:
    lineup = dataclasses.replace(
        make_candidates(4).lineup,
        worth_shown=np.array([3000.0, 0, 0, 0]), worth_clicked=np.array([0, 90_000.0, 10_000.0, 0]), worth_completed=np.array([0, 0, 0, 8000.0]),
    )  # fmt: skip
    candidates = dataclasses.replace(make_candidates(4), lineup=lineup)
    assert scorer.shortlist(candidates, np.full(4, 0.05), np.full(4, 0.5), 2).tolist() == [1, 3]
    assert scorer.shortlist(candidates, np.full(4, 0.05), np.full(4, 0.5), 4).tolist() == [0, 1, 2, 3]


@pytest.mark.django_db
def test_a_champion_of_another_schema_is_not_asked() -> None:
    path, digest = registry.store_artifact(predictor.ColumnPredictor(None, 0.9).to_bytes(), predictor.PLAIN)
    parameters = {"schema_fingerprint": "of another time"}
    registry.promote(registry.register(kind="ctr", estimator="prior", artifact=path, artifact_sha256=digest, parameters=parameters))
    assert scorer.score(REQUEST, make_candidates(2)).model_version is None


def test_consent_features_are_empty_without_consent_even_when_the_request_carries_them() -> None:
    rates = {"viewer": np.array([[50.0, 5.0, 40.0, 0.0, 0.0]])}
    columns = [features.SCHEMA.index[name] for name in CONSENT_FEATURES]
    withheld = features.build(dataclasses.replace(REQUEST, consent=False), make_candidates(3, rates))
    given = features.build(REQUEST, make_candidates(3, rates))
    assert np.isnan(withheld[:, columns]).all()
    assert not np.isnan(given[:, columns]).any()


def test_rows_built_at_once_equal_rows_built_one_by_one() -> None:
    rng = np.random.default_rng(5)
    rates = {"ad": rng.integers(0, 500, (6, 5)).astype(float)}
    together = features.build(REQUEST, make_candidates(6, rates))
    whole = make_candidates(6, rates)
    for place in range(6):
        assert np.array_equal(features.build(REQUEST, whole.take(np.array([place])))[0], together[place], equal_nan=True)


def test_a_row_of_another_schema_is_not_read() -> None:
    from adplatform.learning.schema import SchemaMismatch

    with pytest.raises(SchemaMismatch):
        features.SCHEMA.unpack({"schema": "other", "values": []})
