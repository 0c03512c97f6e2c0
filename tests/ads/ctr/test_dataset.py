"""Training rows are what was served, joined to what happened next, as far as it was known."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.db import connection

from adplatform.eventlog import days
from adplatform.eventlog.archive import archive_day, drop_partition
from adplatform.learning.training import Dataset, NotEnoughData
from adplatform.models import ArchivedDay
from ads.ctr import dataset, features
from ads.models import AdEvent, Decision, DeliveryDay

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


def test_an_impression_that_was_not_seen_is_no_row_unless_it_was_clicked() -> None:
    write_log(decisions=3, until=NOW - timedelta(hours=1), days=0.1)
    first, second, third = Decision.objects.order_by("decided_at")
    AdEvent.objects.filter(type="ad.click").update(valid=False)
    for decision, slot in ((first, 0), (second, 1)):
        event(decision.id, slot, "ad.viewable", decision.decided_at + timedelta(seconds=8), 0).save()
    event(third.id, 1, "ad.click", third.decided_at + timedelta(seconds=30), 0).save()
    found = dataset.load(NOW)
    assert found.keys is not None
    assert found.keys.tolist() == [f"{first.id}/0", f"{second.id}/1", f"{third.id}/1"]
    assert found.labels.tolist() == [0, 0, 1]
    assert dataset.load_completion(NOW).keys.tolist() == found.keys.tolist()  # type: ignore[union-attr]
    AdEvent.objects.filter(type="ad.viewable", decision=first.id).update(valid=False)
    assert len(dataset.load(NOW)) == 2


def test_a_player_that_never_reports_what_is_seen_is_believed_when_it_showed_enough_to_tell() -> None:
    write_log(decisions=9, until=NOW - timedelta(hours=1), days=0.1)
    AdEvent.objects.filter(type="ad.click").update(valid=False)
    reports, silent, rare = (list(Decision.objects.order_by("decided_at")[start : start + 3]) for start in (0, 3, 6))
    for name, group in (("reports", reports), ("silent", silent), ("rare", rare)):
        AdEvent.objects.filter(decision__in=[one.id for one in group]).update(ua_hash=name)
    event(reports[0].id, 0, "ad.viewable", reports[0].decided_at + timedelta(seconds=8), 0).save()
    AdEvent.objects.filter(type="ad.viewable").update(ua_hash="reports")
    AdEvent.objects.filter(decision__in=[one.id for one in rare[:2]]).update(valid=False)
    # One of those who report, all six of the one who never does, and none of the two that tell nothing.
    expected = [f"{reports[0].id}/0"] + [f"{one.id}/{slot}" for one in silent for slot in (0, 1)]
    assert dataset.load(NOW).keys.tolist() == expected  # type: ignore[union-attr]


def same(one: Dataset, other: Dataset) -> bool:
    columns = ("features", "labels", "at", "session", "synthetic", "keys", "served", "served_by")
    pairs = [(getattr(one, name), getattr(other, name)) for name in columns] + [(one.groups[name], other.groups[name]) for name in one.groups]
    return all(a.dtype == b.dtype and a.tobytes() == b.tobytes() for a, b in pairs)


def test_archived_days_and_live_ones_give_the_same_rows(settings: Any, tmp_path: Path) -> None:
    settings.ARCHIVE_DIR = tmp_path
    write_log(decisions=60, until=NOW - timedelta(hours=1), days=8)
    clicks, views = dataset.load(NOW), dataset.load_completion(NOW)
    old = sorted({day for day in Decision.objects.values_list("day", flat=True) if day < NOW.date() - timedelta(days=4)})
    for day in old:
        for table in (dataset.DECISIONS, dataset.EVENTS):
            archive_day(table, day, now=NOW)
            assert drop_partition(table, day, now=NOW)
    assert len(old) > 2
    assert Decision.objects.count() < 60
    assert same(dataset.load(NOW), clicks)
    assert same(dataset.load_completion(NOW), views)
    days.check_file(ArchivedDay.objects.get(table=dataset.EVENTS, day=old[1])).unlink()
    with pytest.raises(NotEnoughData, match=f"a day to learn from is missing: The archive of ads_adevent of {old[1]} .* is gone"):
        dataset.load(NOW)


def test_a_day_that_figures_tell_of_and_nobody_has_any_more_is_named() -> None:
    write_log(decisions=3, until=NOW - timedelta(hours=1))
    DeliveryDay.objects.create(
        bucket=datetime(2026, 11, 2, tzinfo=UTC), advertiser_id=1, campaign_id=1, flight_id=1, ad_id=1, title_id=1, genre="", device="", decided=12
    )
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS ads_decision_20261102")
    with pytest.raises(NotEnoughData, match="12 ads were decided on 2026-11-02, and its decisions or events are neither in the database nor"):
        dataset.load(NOW)


def test_an_impression_whose_window_is_open_is_not_a_row_yet() -> None:
    write_log(decisions=3, until=NOW)
    last = Decision.objects.latest("decided_at").decided_at
    assert len(dataset.load(last + timedelta(minutes=9))) == 4
    assert len(dataset.load(last + timedelta(minutes=11))) == 6


def test_what_was_received_later_is_not_known_as_of_then() -> None:
    write_log(decisions=3, until=NOW - timedelta(hours=1))
    AdEvent.objects.update(received_at=NOW + timedelta(hours=1))
    assert len(dataset.load(NOW)) == 0
