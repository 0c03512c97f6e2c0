"""Probabilities that money is paid on: negatives put back, a line where later rows want one, places apart from appeal."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from adplatform.learning import bundle, calibration, estimators, predictor
from adplatform.learning.calibration import Calibration, Offsets
from adplatform.learning.estimators import CLASSIFICATION
from adplatform.learning.predictor import ArtifactRefused
from adplatform.learning.schema import Feature, FeatureSchema

SCHEMA = FeatureSchema(
    "placed", 1, (Feature("rate", "t", linear="logit"), Feature("mood", "t"), Feature("place", "t", high=10, exposure=True)), prior="rate"
)  # fmt: skip
OFFSETS = (0.0, -0.5, -1.0)


def log_of(n: int, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """The better the ad, the earlier its place; the place itself takes from every ad alike."""
    rng = np.random.default_rng(seed)
    appeal = rng.normal(-2.5, 0.8, n)
    place = np.clip(np.rint(1.0 - (appeal + 2.5) + rng.normal(0, 0.5, n)), 0, 2)
    chance = calibration.sigmoid(appeal + np.array(OFFSETS)[place.astype(int)])
    rows = np.column_stack([calibration.sigmoid(appeal), rng.random(n), place]).astype(np.float32)
    return rows, (rng.random(n) < chance).astype(float)


def test_every_positive_is_kept_and_about_the_share_of_negatives() -> None:
    labels = (np.arange(20_000) % 50 == 0).astype(float)
    kept = calibration.thinned(labels, 0.25, seed=3)
    assert kept[labels == 1].all()
    assert kept[labels == 0].mean() == pytest.approx(0.25, abs=0.02)
    with pytest.raises(ValueError, match="share above 0"):
        calibration.thinned(labels, 0.0, seed=3)


@pytest.mark.parametrize("name", ["lightgbm", "random_forest", "mlp"])
def test_a_model_of_thinned_rows_predicts_the_rate_of_all(name: str) -> None:
    rows, labels = log_of(6000)
    parameters: dict[str, dict[str, Any]] = {"random_forest": {"n_estimators": 20}, "mlp": {"rounds": 4, "hidden": [4]}, "lightgbm": {"rounds": 40}}
    fitted = estimators.fit(name, CLASSIFICATION, rows, labels, SCHEMA, {**parameters[name], "negatives": 0.2})
    assert fitted.native(rows).mean() == pytest.approx(labels.mean(), rel=0.08)
    assert "20% of the negatives" in fitted.notes["negatives"]


def test_places_are_told_from_the_appeal_of_the_ads_that_stand_there() -> None:
    rows, labels = log_of(60_000)
    (found,) = calibration.place_offsets(rows, labels, SCHEMA)
    np.testing.assert_allclose(found.values, OFFSETS, atol=0.12)
    bare = [np.log(labels[rows[:, 2] == place].mean() / labels[rows[:, 2] == 0].mean()) for place in (1, 2)]
    assert bare[1] < -1.4, "without the appeal the last place would look far worse than it is"
    np.testing.assert_allclose(found.of(np.array([[0, 0, 7], [0, 0, np.nan]], np.float32)), [found.values[-1], 0.0])


def test_on_thin_data_places_add_nearly_nothing() -> None:
    rows, labels = log_of(60)
    (found,) = calibration.place_offsets(rows, labels, SCHEMA)
    assert np.abs(found.values).max() < 0.2
    assert calibration.place_offsets(rows, np.zeros(60), SCHEMA) == ()


@pytest.mark.parametrize("name", ["lightgbm", "xgboost", "hist_gradient_boosting", "random_forest"])
def test_the_appeal_never_sees_the_place(name: str) -> None:
    rows, labels = log_of(8000)
    small = {"n_estimators": 15} if name == "random_forest" else {"rounds": 60}
    fitted = estimators.fit(name, CLASSIFICATION, rows, labels, SCHEMA, small)
    served = predictor.load(fitted.artifact, fitted.suffix, expected_sha256=predictor.sha256(fitted.artifact))
    assert "place" not in fitted.importance
    moved = rows[:200].copy()
    odds = []
    for place in (0, 1, 2):
        moved[:, 2] = place
        odds.append(calibration.log_odds(served.predict(moved)))
    for place in (1, 2):
        difference = odds[place] - odds[0]
        np.testing.assert_allclose(difference, difference[0], atol=1e-3)
        assert -1.3 < difference[0] < -0.15
    assert served.predict(rows).mean() == pytest.approx(labels.mean(), rel=0.06)


def test_a_line_is_kept_where_later_rows_want_it_and_only_there() -> None:
    rng = np.random.default_rng(4)
    true = rng.normal(-2.5, 1.0, 8000)
    labels = (rng.random(8000) < calibration.sigmoid(true)).astype(float)
    none = np.zeros(8000)
    good = calibration.platt(labels, true, none)
    assert (good.kept, good.slope, good.intercept) == (False, 1.0, 0.0)
    assert "not clearly better" in good.words
    assert calibration.level_shift(labels, 2 * true) == pytest.approx(1.5, abs=0.3)
    sure = calibration.platt(labels, 2 * true, none)
    assert sure.kept
    assert sure.slope == pytest.approx(0.5, abs=0.05)
    assert "kept" in sure.words
    few = calibration.platt(labels[:100], 2 * true[:100], none[:100])
    assert not few.kept
    assert "too few" in few.words


def test_a_corrected_model_is_one_artifact_that_is_checked_inside() -> None:
    inner = predictor.ColumnPredictor(0, 0.1).to_bytes()
    made = Calibration(0.5, 0.25, (Offsets(2, 0.0, OFFSETS),))
    artifact = predictor.wrap(inner, predictor.PLAIN, made)
    loaded = predictor.load(artifact, predictor.BUNDLE, expected_sha256=predictor.sha256(artifact))
    rows, _ = log_of(50)
    wanted = calibration.sigmoid(0.5 * calibration.log_odds(rows[:, 0].astype(float)) + 0.25 + np.array(OFFSETS)[rows[:, 2].astype(int)])
    np.testing.assert_allclose(loaded.predict(rows), wanted, atol=1e-7)
    np.testing.assert_array_equal(loaded.predict(rows), np.concatenate([loaded.predict(rows[place : place + 1]) for place in range(50)]))
    head, _ = bundle.unpack(artifact)
    swapped = bundle.pack(head, {"inner": inner.replace(b"0.1", b"0.9")})
    with pytest.raises(ArtifactRefused, match="SHA-256"):
        predictor.load(swapped, predictor.BUNDLE, expected_sha256=predictor.sha256(swapped))
    del head["calibration"]["slope"]
    torn = bundle.pack(head, {"inner": inner})
    with pytest.raises(ArtifactRefused, match="no bundled model"):
        predictor.load(torn, predictor.BUNDLE, expected_sha256=predictor.sha256(torn))
