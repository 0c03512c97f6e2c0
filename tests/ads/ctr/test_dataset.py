"""Training rows are what was served, joined to what happened next, as far as it was known."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from ads.ctr import dataset, features
from ads.models import AdEvent, Decision

from .world import event, write_log

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)

pytestmark = pytest.mark.django_db


def test_a_row_holds_the_features_as_served_and_the_click_that_followed() -> None:
    world = write_log(decisions=30, until=NOW - timedelta(hours=1))
    found = dataset.load(NOW)
    served = [slot for decision in Decision.objects.order_by("decided_at", "id") for slot in decision.slots]
    clicks = {(clicked.decision, clicked.slot) for clicked in AdEvent.objects.filter(type="ad.click")}
    expected = [(d.id, slot["slot"]) in clicks for d in Decision.objects.order_by("decided_at", "id") for slot in d.slots]
    assert found.labels.tolist() == [float(value) for value in expected]
    assert world.counts[:, 0].sum() == len(found) == 60
    position = features.SCHEMA.index["pod_position"]
    for row, slot in zip(found.features, served, strict=True):
        as_served = np.array(features.SCHEMA.unpack(slot["features"]), dtype=np.float32)
        assert (as_served[position], row[position]) == (0, slot["slot"])
        as_served[position] = row[position]
        assert np.array_equal(as_served, row, equal_nan=True)


def test_rows_without_consent_have_no_consent_features() -> None:
    write_log(decisions=30, until=NOW - timedelta(hours=1))
    found = dataset.load(NOW)
    columns = [features.SCHEMA.index[feature.name] for feature in features.SCHEMA.features if feature.privacy == "consent"]
    consents = [decision.request["consent"] == "True" for decision in Decision.objects.order_by("decided_at", "id") for _ in decision.slots]
    for row, consent in zip(found.features, consents, strict=True):
        assert np.isnan(row[columns]).all() != consent


def test_only_valid_impressions_are_rows_and_only_clicks_in_their_window_count() -> None:
    write_log(decisions=3, until=NOW - timedelta(hours=1))
    first, second, third = Decision.objects.order_by("decided_at")
    AdEvent.objects.filter(type="ad.click").update(valid=False, reason="test")
    AdEvent.objects.filter(decision=first.id, type="ad.impression").update(valid=False, reason="duplicate")
    event(second.id, 0, "ad.click", second.decided_at + timedelta(hours=1), 0).save()
    event(third.id, 1, "ad.click", third.decided_at + timedelta(seconds=30), 0).save()
    assert dataset.load(NOW).labels.tolist() == [0, 0, 0, 1]


def test_a_completed_view_is_the_label_of_the_completion_model() -> None:
    write_log(decisions=3, until=NOW - timedelta(hours=1))
    AdEvent.objects.filter(type="ad.complete").update(type="ad.midpoint")
    first, second, third = Decision.objects.order_by("decided_at")
    event(first.id, 1, "ad.complete", first.decided_at + timedelta(seconds=20), 0).save()
    event(second.id, 0, "ad.skip", second.decided_at + timedelta(seconds=12), 0).save()
    event(third.id, 0, "ad.complete", third.decided_at + timedelta(minutes=20), 0).save()
    assert dataset.load_completion(NOW).labels.tolist() == [0, 1, 0, 0, 0, 0]


def test_a_row_tells_whose_ad_it_was_on_what_device_and_which_model_said_what() -> None:
    write_log(decisions=3, until=NOW - timedelta(hours=1))
    first, *_ = Decision.objects.order_by("decided_at")
    Decision.objects.filter(pk=first.pk).update(model_version=7)
    clicks, views = dataset.load(NOW), dataset.load_completion(NOW)
    slots = [slot for decision in Decision.objects.order_by("decided_at") for slot in decision.slots]
    devices = [decision.request["device"] for decision in Decision.objects.order_by("decided_at") for _ in decision.slots]
    assert clicks.groups["advertiser"].tolist() == [slot["advertiser_name"] for slot in slots]
    assert clicks.groups["device"].tolist() == devices
    assert clicks.served_by is not None and clicks.served is not None and views.served is not None
    assert clicks.served_by.tolist() == [7, 7, 0, 0, 0, 0]
    assert clicks.served[:2].tolist() == [slot["pctr"] for slot in slots[:2]]
    assert np.isnan(clicks.served[2:]).all() and np.isnan(views.served).all()


def test_an_impression_whose_window_is_open_is_not_a_row_yet() -> None:
    write_log(decisions=3, until=NOW)
    last = Decision.objects.latest("decided_at").decided_at
    assert len(dataset.load(last + timedelta(minutes=9))) == 4
    assert len(dataset.load(last + timedelta(minutes=11))) == 6


def test_what_was_received_later_is_not_known_as_of_then() -> None:
    write_log(decisions=3, until=NOW - timedelta(hours=1))
    AdEvent.objects.update(received_at=NOW + timedelta(hours=1))
    assert len(dataset.load(NOW)) == 0
