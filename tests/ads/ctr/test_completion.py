"""The chance of a completed view comes from a model of its own, or from smoothed rates where there is none."""

from __future__ import annotations

import dataclasses
import uuid
from typing import Any

import numpy as np
import pytest

from adplatform.eventlog import consumer
from adplatform.learning import predictor, registry
from adplatform.learning.predictor import TwoStagePredictor
from ads.ctr import features, scorer
from ads.ctr.training import COMPLETION_SCHEMA
from ads.decision.control import in_control
from ads.models import Decision
from ads.serving import serve_break
from tests.ads.inventory import NOW, make_ad, make_request

from .test_scorer import REQUEST, make_candidates, promote

RATES = {"ad": np.random.default_rng(4).integers(0, 300, (150, 5)).astype(float)}
SMOOTHED = features.SCHEMA.index["ad_completion_rate"]


def test_its_rows_are_those_of_the_click_model() -> None:
    assert COMPLETION_SCHEMA.fingerprint() == features.SCHEMA.fingerprint()
    assert COMPLETION_SCHEMA.names == features.SCHEMA.names
    assert COMPLETION_SCHEMA.prior != features.SCHEMA.prior


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("estimator", "parameters"),
    [("hashed_logistic", {}), ("two_stage", {"n_estimators": 5, "shortlist": 30}), ("random_forest", {"n_estimators": 5})],
)
def test_the_completion_champion_answers_beside_that_of_clicks(estimator: str, parameters: dict[str, Any]) -> None:
    promote("hashed_logistic")
    promote(estimator, kind="completion", **parameters)
    candidates = make_candidates(150, RATES)
    scores = scorer.score(REQUEST, candidates)
    assert (scores.model_version, scores.completion_version) == (1, 1)
    version = registry.champion_row("completion")
    assert version is not None
    model, rows = registry.load_version(version).predictor, scores.rows(np.arange(150))
    said = model.predict(rows)
    cheap = model.first.predict(rows) if isinstance(model, TwoStagePredictor) else rows[:, SMOOTHED].astype(np.float64)
    by_model, by_cheap = (np.isclose(scores.pvcr, np.clip(one, scorer.LEAST, scorer.MOST), atol=1e-6) for one in (said, cheap))
    most = {"hashed_logistic": 150, "two_stage": 30, "random_forest": 100}[estimator]
    assert by_model.sum() >= most
    assert (by_model | by_cheap).all()
    assert registry.champion_row("ctr") is not None
    clicks = registry.load_champion("ctr")
    assert clicks is not None
    np.testing.assert_allclose(scores.pctr, np.clip(clicks.predictor.predict(rows), scorer.LEAST, scorer.MOST), atol=1e-6)


@pytest.mark.django_db
def test_the_control_slice_and_a_model_of_another_schema_leave_it_to_the_smoothed_rates() -> None:
    promote("hashed_logistic", kind="completion")
    control = next(
        one for one in (dataclasses.replace(REQUEST, viewer=uuid.UUID(int=number)) for number in range(300)) if in_control(one)
    )  # fmt: skip
    assert scorer.score(REQUEST, make_candidates(3)).completion_version == 1
    assert scorer.score(control, make_candidates(3)).completion_version is None
    path, digest = registry.store_artifact(predictor.ColumnPredictor(None, 0.9).to_bytes(), predictor.PLAIN)
    registry.promote(registry.register(kind="completion", estimator="prior", artifact=path, artifact_sha256=digest))
    registry.forget_loaded()
    scores = scorer.score(REQUEST, make_candidates(3))
    assert scores.completion_version is None
    np.testing.assert_allclose(scores.pvcr, features.FIRST_COMPLETION_RATE, rtol=1e-6)


@pytest.mark.django_db(transaction=True)
def test_a_decision_is_logged_with_the_versions_that_scored_it() -> None:
    promote("hashed_logistic")
    promote("hashed_logistic", kind="completion")
    make_ad()
    served = serve_break(dataclasses.replace(make_request(), session=uuid.UUID(int=9)), now=NOW)
    consumer.drain(now=NOW)
    decision = Decision.objects.get(pk=served.decision)
    assert (decision.model_version, decision.completion_version) == (1, 1)
