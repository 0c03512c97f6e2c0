"""A linear model scores a whole line-up without building rows, and says what it says of the rows."""

from __future__ import annotations

import dataclasses
import uuid
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adplatform.learning import estimators, predictor
from adplatform.learning.hashed import HashedLogistic, sigmoid
from adplatform.learning.online import COUNTERS
from ads.ctr import fast, features
from ads.decision.request import CONSENT_ATTRIBUTES, AdRequest
from ads.decision.state import Candidates, Floats

from .test_scorer import REQUEST, make_candidates

ADS = 60
SCOPES = {"all": 1, "category": ADS, "advertiser": ADS, "campaign": ADS, "ad": ADS, "genre_category": ADS, "title": 1, "viewer": 1}


def rates_of(seed: int) -> dict[str, Floats]:
    rng = np.random.default_rng(seed)
    return {scope: rng.integers(0, 400, (rows, len(COUNTERS))).astype(float) for scope, rows in SCOPES.items()}


def asked(number: int) -> AdRequest:
    rng = np.random.default_rng(number)
    return dataclasses.replace(
        REQUEST, device=str(rng.choice(features.DEVICES)), hour=int(rng.integers(24)), genres=(str(rng.choice(features.GENRES)),), title=number % 4,
        viewer=uuid.UUID(int=number % 5), consent=number % 3 > 0, age_band=str(rng.choice(features.AGE_BANDS)),
    )  # fmt: skip


@pytest.fixture(scope="module")
def model() -> HashedLogistic:
    rows = np.vstack([features.build(asked(number), make_candidates(ADS, rates_of(number))) for number in range(40)])
    labels = np.random.default_rng(1).random(len(rows)) < rows[:, features.SCHEMA.index["ad_click_rate"]] / 4
    fitted = estimators.fit("hashed_logistic", "classification", rows, labels.astype(float), features.SCHEMA, {"l1": 0.01, "l2": 0.1})
    loaded = predictor.load(fitted.artifact, fitted.suffix, expected_sha256=predictor.sha256(fitted.artifact))
    assert isinstance(loaded, HashedLogistic)
    return loaded


def quick(model: HashedLogistic, request: AdRequest, candidates: Candidates) -> Floats:
    return sigmoid(fast.logits(model, request, candidates))


_texts = st.sampled_from(["", "drama", "western", "DE"])
_requests: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {
        "device": st.sampled_from([*features.DEVICES, "fridge"]), "hour": st.integers(0, 23), "title": st.none() | st.integers(1, 9),
        "genres": st.lists(_texts, max_size=2).map(tuple), "mood": _texts, "intensity": st.floats(0, 1), "progress": st.floats(0, 1),
        "viewer": st.none() | st.uuids(), "consent": st.booleans(), "age_band": st.none() | st.sampled_from(features.AGE_BANDS),
        "monthly_hours": st.none() | st.floats(0, 900), "segments": st.none() | st.lists(_texts, max_size=2).map(tuple), "country": st.none() | _texts,
        "favourite_genres": st.none() | st.lists(_texts, max_size=2).map(tuple),
    }
)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(_requests, st.integers(0, 99), st.sets(st.integers(0, ADS - 1), min_size=1))
def test_the_quick_way_says_what_the_rows_say(model: HashedLogistic, changes: dict[str, Any], seed: int, chosen: set[int]) -> None:
    request, everybody = dataclasses.replace(REQUEST, **changes), make_candidates(ADS, rates_of(seed))
    for candidates in (everybody, everybody.take(np.array(sorted(chosen)))):
        np.testing.assert_allclose(quick(model, request, candidates), model.predict(features.build(request, candidates)), atol=1e-6, rtol=0)


@settings(max_examples=30, deadline=None)
@given(_requests, _requests)
def test_what_is_withheld_has_no_influence(model: HashedLogistic, one: dict[str, Any], other: dict[str, Any]) -> None:
    """Two people without consent who differ in what they keep private are scored alike."""
    candidates = make_candidates(ADS, rates_of(1))
    private = {name: other[name] for name in (*CONSENT_ATTRIBUTES, "viewer") if name in other}
    first = dataclasses.replace(REQUEST, **{**one, "consent": False})
    second = dataclasses.replace(first, **private)
    known = make_candidates(ADS, {**rates_of(1), "viewer": rates_of(2)["viewer"]})
    assert np.array_equal(quick(model, first, candidates), quick(model, second, known))


def test_every_term_names_columns_that_an_ad_has_or_the_request_has() -> None:
    """The halves of a cross are hashed apart, so a column that depends on both would be missing on the quick way."""
    known = {*features.of_request(REQUEST), *features.of_lineup(make_candidates(2).lineup)}
    assert {name for term in features.TERMS for name in term} <= known


def test_a_new_champion_takes_over_the_line_up_of_the_old_one(model: HashedLogistic) -> None:
    candidates = make_candidates(ADS, rates_of(3))
    before = quick(model, REQUEST, candidates)
    other = HashedLogistic(model.spec, model.weights[:-1] * np.float32(0.5), model.dense, model.bias - 1.0)
    np.testing.assert_allclose(quick(other, REQUEST, candidates), other.predict(features.build(REQUEST, candidates)), atol=1e-6)
    assert np.array_equal(quick(model, REQUEST, candidates), before)


def test_a_place_in_the_pod_adds_the_same_to_every_ad(model: HashedLogistic) -> None:
    place = features.SCHEMA.index["pod_position"]
    assert [term for term in features.TERMS if "pod_position" in term] == [("pod_position",)]
    first = features.build(asked(3), make_candidates(ADS, rates_of(3)))
    third = first.copy()
    third[:, place] = 2
    np.testing.assert_allclose(np.ptp(model.logits(third) - model.logits(first)), 0.0, atol=1e-9)
