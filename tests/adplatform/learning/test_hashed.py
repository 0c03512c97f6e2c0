"""Hashes that are the same everywhere, a learner that repeats itself, and artifacts of which no byte may change."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adplatform.learning import bundle, estimators, ftrl, hashing, predictor
from adplatform.learning.bundle import BundleDamaged
from adplatform.learning.estimators import CLASSIFICATION, linear
from adplatform.learning.hashed import HashedLogistic, Spec, sigmoid
from adplatform.learning.predictor import BUNDLE, ArtifactRefused, TwoStagePredictor, load, sha256
from adplatform.learning.schema import Feature, FeatureSchema, Matrix

SCHEMA = FeatureSchema(
    "t",
    1,
    (
        Feature("ad", "t", identity=True),
        Feature("device", "t", categories=("tv", "mobile")),
        Feature("hour", "t", high=23, bands=(6, 18)),
        Feature("viewer", "t", identity=True, privacy="consent"),
        Feature("rate", "t", linear="logit"),
    ),
    prior="rate",
    terms=(("ad",), ("device",), ("ad", "device"), ("ad", "device", "hour"), ("viewer",)),
)


def rows(n: int = 4000, seed: int = 1) -> tuple[Matrix, np.ndarray, np.ndarray]:
    """Rows of thirty ads, with the chance of each: one ad does well on mobile, another on TV, the rate says nothing of that."""
    rng = np.random.default_rng(seed)
    ad, device, hour = rng.integers(1, 31, n), rng.integers(0, 2, n), rng.integers(0, 24, n)
    columns = {"ad": hashing.id_codes(ad), "device": device.astype(float), "hour": hour, "rate": rng.random(n) / 5}
    features = np.vstack([SCHEMA.matrix({**columns, "viewer": "v"}, n, consent=False)])
    chance = np.where(ad % 2 == device, 0.35, 0.05)
    return features, (rng.random(n) < chance).astype(float), chance


def fitted(name: str = "hashed_logistic") -> estimators.Fitted:
    features, labels, _ = rows()
    forest = {} if name == "hashed_logistic" else {"n_estimators": 5, "max_depth": 4}
    return estimators.fit(name, CLASSIFICATION, features, labels, SCHEMA, {"alpha": 0.1, "l1": 0.1, "l2": 1.0, **forest})


def served(made: estimators.Fitted) -> HashedLogistic:
    model = load(made.artifact, made.suffix, expected_sha256=sha256(made.artifact))
    assert isinstance(model, HashedLogistic)
    return model


CODES = """
import numpy as np
from adplatform.learning import hashing
from adplatform.learning.hashed import HashedLogistic, Spec
spec = Spec(("ad", "device"), (("ad",), ("ad", "device")), {}, 18)
model = HashedLogistic(spec, np.zeros(1 << 18, dtype=np.float32), (), 0.0)
print(hashing.id_code("sci-fi"), hashing.id_code(77), model.places(np.array([[12345, 1]], dtype=np.float32)).T.tolist())
"""


def test_hashes_are_the_same_in_every_process_whatever_its_hash_seed() -> None:
    printed = {
        subprocess.run([sys.executable, "-c", CODES], env={"PYTHONHASHSEED": seed}, capture_output=True, text=True, check=True).stdout
        for seed in "13"
    }
    assert len(printed) == 1
    # Weights lie where the hash says: another hash would make every stored model a stranger to its own columns.
    assert printed.pop().strip() == "8820205.0 2947670.0 [[50911, 239064]]"


@given(st.lists(st.integers(0, 2**63 - 1), min_size=1, max_size=20))
def test_an_id_has_one_code_which_a_row_holds_exactly(ids: list[int]) -> None:
    codes = hashing.id_codes(np.array(ids, dtype=np.int64))
    assert codes.tolist() == [hashing.id_code(one) for one in ids]
    assert np.array_equal(codes.astype(np.float32).astype(np.float64), codes)
    assert codes.max() < hashing.ID_CODES


def test_crosses_share_a_weight_no_more_often_than_chance_has_it() -> None:
    """A thousand ads on fifty titles: fewer collisions than a fifth above what throwing dice would give."""
    spec = Spec(("ad", "title"), (("ad", "title"),), {}, 18)
    model = HashedLogistic(spec, np.zeros(1 << 18, dtype=np.float32), (), 0.0)
    pairs = np.stack(np.meshgrid(hashing.id_codes(np.arange(1000)), hashing.id_codes(np.arange(50))), axis=-1).reshape(-1, 2).astype(np.float32)
    used = len(np.unique(model.places(pairs)))
    by_chance = (1 << 18) * -np.expm1(len(pairs) * np.log1p(-1 / (1 << 18)))
    assert (len(pairs) - used) < 1.2 * (len(pairs) - by_chance)


def test_crosses_learn_what_single_columns_cannot_say() -> None:
    features, labels, chance = rows(seed=2)
    found = served(fitted()).predict(features)
    assert np.corrcoef(found, chance)[0, 1] > 0.85
    assert found.mean() == pytest.approx(labels.mean(), rel=0.1)


def test_what_is_missing_adds_nothing() -> None:
    model = served(fitted())
    features, _, _ = rows(50)
    other = features.copy()
    other[:, SCHEMA.index["viewer"]] = np.nan
    assert np.array_equal(model.predict(features), model.predict(other))
    nothing = np.full((1, len(SCHEMA.features)), np.nan, dtype=np.float32)
    assert model.logits(nothing)[0] == pytest.approx(model.bias)


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 1000), st.integers(0, 3))
def test_the_same_rows_and_seed_learn_the_same_weights(data: int, seed: int) -> None:
    rng = np.random.default_rng(data)
    places, labels = rng.integers(0, 40, (300, 3)), (rng.random(300) < 0.2).astype(float)
    dense = rng.normal(size=(300, 2))
    chosen = ftrl.Settings(seed=seed, batch=32, epochs=3)
    first, second = (ftrl.learn(places, dense, labels, chosen, nowhere=40) for _ in range(2))
    assert np.array_equal(first.weights, second.weights)
    assert (first.bias, first.losses) == (second.bias, second.losses)
    assert first.weights[40] == 0.0


def test_the_first_pass_is_an_honest_loss_and_the_most_probable_weights_fit_better() -> None:
    honest, fit = fitted().notes["progressive_log_loss"]
    assert honest > fit


def test_l1_leaves_out_what_says_nothing() -> None:
    rng = np.random.default_rng(3)
    places, labels = np.stack([np.zeros(4000, dtype=np.int64), rng.integers(1, 500, 4000)], axis=1), (rng.random(4000) < 0.2).astype(float)
    kept = [np.count_nonzero(ftrl.learn(places, np.zeros((4000, 0)), labels, ftrl.Settings(l1=l1), nowhere=500).weights) for l1 in (0.0, 20.0)]
    assert kept[0] > 450
    assert kept[1] < 50


@pytest.mark.parametrize("name", ["hashed_logistic", "two_stage"])
def test_an_artifact_with_one_byte_changed_is_refused(name: str) -> None:
    made = fitted(name)
    digest = sha256(made.artifact)
    for place in (0, 20, len(made.artifact) // 2, len(made.artifact) - 1):
        damaged = bytearray(made.artifact)
        damaged[place] ^= 1
        with pytest.raises(ArtifactRefused, match="SHA-256"):
            load(bytes(damaged), made.suffix, expected_sha256=digest)


def test_a_part_changed_inside_a_two_stage_artifact_is_refused_even_where_the_whole_was_registered_so() -> None:
    head, pieces = bundle.unpack(fitted("two_stage").artifact)
    pieces["first"] = pieces["first"][:-1] + bytes([pieces["first"][-1] ^ 1])
    forged = bundle.pack(head, pieces)
    with pytest.raises(ArtifactRefused, match="SHA-256"):
        load(forged, BUNDLE, expected_sha256=sha256(forged))


def test_both_stages_are_loaded_and_the_second_answers() -> None:
    features, _, _ = rows(200)
    made = fitted("two_stage")
    model = load(made.artifact, made.suffix, expected_sha256=sha256(made.artifact))
    assert isinstance(model, TwoStagePredictor)
    np.testing.assert_allclose(model.refine(features, model.first.logits(features)), model.predict(features), atol=1e-12)
    np.testing.assert_allclose(model.predict(features), made.native(features), atol=1e-6)


@given(st.dictionaries(st.text(max_size=8), st.binary(max_size=40), max_size=4), st.dictionaries(st.text(max_size=5), st.integers(), max_size=3))
def test_what_is_packed_is_unpacked(pieces: dict[str, bytes], head: dict[str, int]) -> None:
    assert bundle.unpack(bundle.pack(head, pieces)) == (head, pieces)


@pytest.mark.parametrize(
    "artifact", [b"", b"IMBUNDL1", b"no bundle at all", bundle.pack({}, {"a": b"abc"})[:-1], bundle.pack({"format": "tree"}, {})]
)
def test_bytes_that_are_no_bundle_of_ours_are_refused(artifact: bytes) -> None:
    with pytest.raises(ArtifactRefused):
        load(artifact, BUNDLE, expected_sha256=sha256(artifact))


def test_a_bundle_cut_short_says_so() -> None:
    with pytest.raises(BundleDamaged, match="its head says"):
        bundle.unpack(bundle.pack({}, {"a": b"abc"})[:-1])


def test_a_schema_without_terms_has_nothing_to_learn() -> None:
    features, labels, _ = rows(50)
    with pytest.raises(ValueError, match="declares no terms"):
        estimators.fit("hashed_logistic", CLASSIFICATION, features, labels, FeatureSchema("t", 1, SCHEMA.features), {})


def test_ids_are_no_columns_of_a_tree() -> None:
    features, labels, _ = rows(500)
    made = estimators.fit("random_forest", CLASSIFICATION, features, labels, SCHEMA, {"n_estimators": 3})
    assert set(made.importance) == {"device", "hour", "rate"}
    model = predictor.load(made.artifact, made.suffix, expected_sha256=sha256(made.artifact))
    moved = features.copy()
    moved[:, SCHEMA.index["ad"]] = 5
    assert np.array_equal(model.predict(features), model.predict(moved))


def test_what_each_column_added_sums_to_the_log_odds() -> None:
    model = served(fitted())
    features, _, _ = rows(300, seed=4)
    features[::3, SCHEMA.index["rate"]] = np.nan
    added, base = model.contributions(features)
    np.testing.assert_allclose(added.sum(axis=1) + base, model.logits(features), atol=1e-12)
    assert not added[:, SCHEMA.index["viewer"]].any(), "what is missing adds nothing"
    only = np.full_like(features, np.nan)
    only[:, SCHEMA.index["device"]] = features[:, SCHEMA.index["device"]]
    alone, _ = model.contributions(only)
    np.testing.assert_allclose(alone[:, SCHEMA.index["device"]], model.logits(only) - model.bias, atol=1e-12)


@pytest.mark.parametrize("second", ["random_forest", "lightgbm", "xgboost", "hist_gradient_boosting"])
def test_any_trees_may_rank_the_shortlist_and_each_says_what_the_columns_added(second: str) -> None:
    features, labels, chance = rows(1500)
    parameters = {"second": second, "alpha": 0.1, "l1": 0.1, **({"n_estimators": 8} if second == "random_forest" else {"rounds": 20})}
    made = estimators.fit("two_stage", CLASSIFICATION, features, labels, SCHEMA, parameters)
    model = load(made.artifact, made.suffix, expected_sha256=sha256(made.artifact))
    assert isinstance(model, TwoStagePredictor)
    said = model.predict(features)
    np.testing.assert_allclose(said, made.native(features), atol=1e-3)
    assert np.corrcoef(said, chance)[0, 1] > 0.6
    told = model.contributions(features)
    assert told is not None
    assert told[0].shape == features.shape
    np.testing.assert_allclose(sigmoid(told[0].sum(axis=1) + told[1]), said, atol=1e-5)


def test_trees_that_there_are_none_of_are_refused_by_name() -> None:
    features, labels, _ = rows(50)
    with pytest.raises(estimators.UnknownEstimator, match="choose one of: hist_gradient_boosting, lightgbm, random_forest, xgboost"):
        estimators.fit("two_stage", CLASSIFICATION, features, labels, SCHEMA, {"second": "oracle"})


def test_where_later_rows_ask_for_a_slope_it_is_folded_into_the_weights_and_kept_for_learning_on() -> None:
    """At first people click as they like; from some day on the ad decides."""
    features, labels, _ = rows(6000)
    labels[:4000] = np.random.default_rng(9).permutation(labels[:4000])
    made = estimators.fit("hashed_logistic", CLASSIFICATION, features, labels, SCHEMA, {})
    standing = linear.Standing.of(made.state)
    assert standing.slope > 1.2, made.notes["platt"]
    plain, _ = linear.learn(features, labels, SCHEMA, linear.HASHED)
    np.testing.assert_allclose(served(made).logits(features), standing.slope * plain.logits(features) + standing.intercept, atol=1e-4)
    later, outcomes, _ = rows(500, seed=5)
    went_on = linear.go_on(made.state, later, outcomes, np.arange(500.0), 60.0)
    assert went_on.foretold is not None
    np.testing.assert_allclose(went_on.foretold[:50], served(made).predict(later[:50]), atol=1e-6)
    assert linear.Standing.of(went_on.state).slope == standing.slope


def test_a_batch_is_foretold_by_labels_that_were_known_by_then() -> None:
    """With labels that come in late nothing is learned before the end, so all is foretold by what there was."""
    features, labels, _ = rows(1000, seed=6)
    base = fitted()
    patient = linear.go_on(base.state, features, labels, np.arange(1000.0), 5000.0).foretold
    quick = linear.go_on(base.state, features, labels, np.arange(1000.0), 10.0).foretold
    assert quick is not None and patient is not None
    np.testing.assert_allclose(patient, served(base).predict(features), atol=1e-6)
    np.testing.assert_array_equal(quick[:256], patient[:256])
    assert (quick[600:] != patient[600:]).any()


@pytest.mark.parametrize("damage", [b"", b"IMBUNDL1", bundle.pack({"format": "tree"}, {}), bundle.pack({"format": "ftrl_state"}, {})])
def test_bytes_that_are_no_state_of_ours_are_refused(damage: bytes) -> None:
    with pytest.raises(ArtifactRefused):
        linear.Standing.of(damage)


def test_a_row_scores_the_same_alone_and_among_others() -> None:
    model = served(fitted())
    features, _, _ = rows(64)
    np.testing.assert_array_equal(model.logits(features), np.concatenate([model.logits(row[np.newaxis]) for row in features]))
