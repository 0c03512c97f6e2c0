"""From a served break through the log to a training row and back: what is learned from is what was served."""

from __future__ import annotations

import dataclasses
import uuid
from datetime import timedelta
from typing import Any

import numpy as np
import pytest

from adplatform.eventlog import consumer, stream
from adplatform.learning import registry
from ads.ctr import dataset, features, rates, scorer
from ads.models import Decision
from ads.serving import serve_break
from tests.ads.inventory import NOW, make_ad, make_request, track

from .test_scorer import promote

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize(("estimator", "parameters"), [("random_forest", {"n_estimators": 5}), ("hashed_logistic", {})])
def test_a_served_slot_becomes_the_row_it_was_scored_from_and_replays_to_its_score(estimator: str, parameters: dict[str, Any]) -> None:
    promote(estimator, **parameters)
    for _ in range(4):
        make_ad()
    served = serve_break(dataclasses.replace(make_request(), session=uuid.UUID(int=9)), now=NOW)
    for ad in served.ads:
        track(ad.token, "ad.impression", at=NOW + timedelta(seconds=2))
    track(served.ads[1].token, "ad.click", at=NOW + timedelta(seconds=9))
    consumer.drain(now=NOW + timedelta(seconds=13))

    rows = dataset.load(NOW + timedelta(minutes=30))
    assert rows.labels.tolist() == [0, 1]
    slots = Decision.objects.get().slots
    version = registry.champion_row("ctr")
    assert version is not None
    model = registry.load_version(version).predictor
    exposure = features.SCHEMA.index["pod_position"]
    for row, slot, ad in zip(rows.features, slots, served.ads, strict=True):
        as_served = np.array([features.SCHEMA.unpack(slot["features"])], dtype=np.float32)
        replayed = float(np.clip(model.predict(as_served)[0], scorer.LEAST, scorer.MOST))
        assert replayed == pytest.approx(slot["pctr"], abs=1e-6)
        assert ad.pctr == slot["pctr"]
        as_served[0, exposure] = slot["slot"]
        assert np.array_equal(row, as_served[0], equal_nan=True)


def test_what_followed_is_counted_once_and_moves_the_next_score() -> None:
    ad = make_ad()
    served = serve_break(make_request(max_ads=1), now=NOW)
    for _ in range(3):
        track(served.ads[0].token, "ad.impression", at=NOW + timedelta(seconds=2))
        track(served.ads[0].token, "ad.click", at=NOW + timedelta(seconds=9))
        consumer.drain(now=NOW + timedelta(seconds=13))
    counts = rates.STORE.read(stream.client(), {"ad": [ad.pk], "all": ["all"]})
    assert counts["ad"].tolist() == counts["all"].tolist() == [[1, 1, 0, 0, 0]]


def test_what_needs_consent_is_empty_without_it_from_the_request_to_the_training_row() -> None:
    make_ad()
    attributes: dict[str, Any] = {
        "viewer": uuid.UUID(int=5), "tier": "ads", "age_band": "25-34", "gender": "female", "monthly_hours": 9.0, "favourite_genres": ("drama",),
        "segments": ("night",),
    }  # fmt: skip
    for number, consent in enumerate((False, True)):
        at = NOW + timedelta(minutes=number)
        asked = dataclasses.replace(make_request(max_ads=1), session=uuid.UUID(int=20 + number), consent=consent, **attributes)
        for ad in serve_break(asked, now=at).ads:
            track(ad.token, "ad.impression", at=at + timedelta(seconds=2))
        consumer.drain(now=at + timedelta(seconds=20))
    rows = dataset.load(NOW + timedelta(minutes=30))
    private = [features.SCHEMA.index[one.name] for one in features.SCHEMA.features if one.privacy == "consent"]
    withheld, given = rows.features[:, private]
    assert np.isnan(withheld).all()
    assert not np.isnan(given).any()
    assert not np.isnan(rows.features[:, features.SCHEMA.index["device"]]).any()
