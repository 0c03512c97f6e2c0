"""What was served follows from the log as it stood then; where it does not, the check names the feature."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

import numpy as np
import pytest

from adplatform.eventlog import consumer, stream
from ads.ctr import features, rates, skew
from ads.ctr.features import SCHEMA
from ads.models import AdEvent, Decision
from ads.serving import serve_break
from tests.ads.inventory import NOW, make_ad, make_request, track

from .test_scorer import promote

MINUTE = timedelta(minutes=1)
VIEWER = uuid.UUID(int=77)


def serve(breaks: int, *, first: int = 0) -> None:
    """Breaks a quarter of an hour apart, each watched and stored before the next is decided; every third ad is clicked."""
    for number in range(first, first + breaks):
        at = NOW + 15 * MINUTE * number
        known: dict[str, Any] = {"viewer": VIEWER, "consent": True, "age_band": "25-34", "segments": ("night",)} if number % 2 else {}
        request = make_request(session=uuid.UUID(int=number + 1), genres=("drama",) if number % 3 else ("comedy",), **known)
        for place, ad in enumerate(serve_break(request, now=at).ads):
            begun = at + timedelta(seconds=3 + 11 * place)
            kinds = ["ad.impression", *(["ad.click"] if (number + place) % 3 == 0 else []), "ad.complete"]
            for step, kind in enumerate(kinds):
                track(ad.token, kind, at=begun + timedelta(seconds=5 * step))
        consumer.drain(now=at + MINUTE)


def check(sample: int = 100) -> skew.Skew:
    return skew.check(NOW - MINUTE, NOW + timedelta(days=1), sample, np.random.default_rng(1))


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("estimator", "parameters"), [("random_forest", {"n_estimators": 5}), ("hashed_logistic", {})])
def test_features_and_scores_of_real_breaks_follow_from_the_log(estimator: str, parameters: dict[str, Any]) -> None:
    promote(estimator, **parameters)
    for _ in range(4):
        make_ad()
    serve(8)
    found = check()
    assert (found.rows, found.differing, found.by_feature) == (8, 0, {})
    # All but the control slice, which no model scores.
    assert found.scored == Decision.objects.exclude(model_version=None).count() > 5
    assert found.misscored == 0
    assert check(sample=3).rows == 3
    # The last rows know of the first events: nothing is the same because nothing was counted.
    served = np.array([SCHEMA.unpack(slot["features"]) for row in Decision.objects.order_by("decided_at") for slot in row.slots])
    assert len(np.unique(served[:, SCHEMA.index["ad_click_rate"]])) > 4
    assert np.nanmax(served[:, SCHEMA.index["viewer_log_impressions"]]) > 1


@pytest.mark.django_db(transaction=True)
def test_a_feature_that_was_served_otherwise_is_named_with_how_far_it_is_off() -> None:
    make_ad()
    make_ad()
    serve(6)
    # Counters that were counted twice: what a consumer would do that counts events again which come again.
    outcomes = [
        rates.Outcome(event.type, event.ad, event.campaign, 0, "", "", event.title, None) for event in AdEvent.objects.filter(type="ad.click")
    ]
    rates.record(stream.client(), outcomes * 20)
    serve(4, first=6)
    found = check()
    assert found.differing == 4
    assert found.by_feature["ad_click_rate"] == 4
    assert "ad_seconds" not in found.by_feature
    assert "Of 10 served ads computed again from the log, 4 (40.0%) had other features. Most often: ad click rate in 4 (worst by 0." in found.words


@pytest.mark.django_db(transaction=True)
def test_days_before_the_window_count_by_their_figures_and_a_late_consumer_is_no_skew() -> None:
    make_ad()
    make_ad()
    serve(3)
    later = NOW + timedelta(days=2)
    served = serve_break(make_request(session=uuid.UUID(int=99)), now=later)
    track(served.ads[0].token, "ad.impression", at=later + timedelta(seconds=5))
    # The edge has this one; the consumer has not when the next break is decided.
    serve_break(make_request(session=uuid.UUID(int=98)), now=later + timedelta(seconds=20))
    consumer.drain(now=later + MINUTE)
    found = skew.check(later - MINUTE, later + MINUTE, 10, np.random.default_rng(1))
    assert (found.rows, found.differing) == (2, 0)


def test_a_difference_counts_beyond_what_counters_may_be_off_and_for_all_else_at_once() -> None:
    row = SCHEMA.matrix({"device": "tv", "ad_click_rate": 0.02, "intensity": 0.5}, 1, consent=False)
    served = np.repeat(row, 4, axis=0)
    again = np.repeat(served[:, np.newaxis], 2, axis=1)
    again[:, 1, SCHEMA.index["ad_click_rate"]] = 0.03
    assert skew.compare(served, again).differing == 0
    served[0, SCHEMA.index["ad_click_rate"]] = 0.0305
    served[1, SCHEMA.index["ad_click_rate"]] = 0.033
    served[2, SCHEMA.index["intensity"]] = np.nextafter(np.float32(0.5), np.float32(1))
    served[3, SCHEMA.index["genre"]] = 3
    found = skew.compare(served, again)
    assert found.by_feature == {"ad_click_rate": 1, "intensity": 1, "genre": 1}
    assert found.worst["ad_click_rate"] == pytest.approx(0.033 - 0.03 * 1.02, rel=1e-4)
    assert found.worst["genre"] == 3
    assert (found.rows, found.differing) == (4, 3)
    assert skew.compare(served[:0], again[:0]).words.startswith("No ad was served")


@pytest.mark.django_db(transaction=True)
def test_scores_of_another_artifact_are_found_out() -> None:
    promote("hashed_logistic")
    for _ in range(3):
        make_ad()
    serve(3)
    for decision in Decision.objects.all():
        slots = [{**slot, "pctr": slot["pctr"] * 1.01} for slot in decision.slots]
        Decision.objects.filter(pk=decision.pk).update(slots=slots)
    found = check()
    assert found.scored == found.misscored == Decision.objects.exclude(model_version=None).count() > 1
    assert "(100.0%) do not follow from the logged features" in found.words


def test_every_counter_column_is_known_as_one() -> None:
    assert {"ad_click_rate", "title_click_rate", "ad_completion_rate", "viewer_log_impressions", "ad_log_impressions"} <= set(skew.COUNTED)
    assert not set(skew.COUNTED) & {"ad_seconds", "progress", "seen_ad", *features.HIERARCHY}
