"""What leaves PostgreSQL for the decision: who may serve, and what campaign and flight ask together."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import pytest
from django.apps import apps
from django.conf import settings
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.test import Client

from ads.decision.inventory import CapRow, Rows, Target
from ads.live_inventory import UnreadableSnapshot, snapshot
from ads.models import Campaign, Flight, InventorySnapshot
from ads.selectors import inventory_rows

from .inventory import make_ad

pytestmark = pytest.mark.django_db


def test_a_flight_carries_what_its_campaign_asks() -> None:
    day: dict[str, Any] = {"count": 3, "per": "day", "times": 1}
    make_ad(
        campaign={
            "targeting": {"include": {"genres": ["drama"]}},
            "frequency_caps": [{"scope": "flight", **day}, {"scope": "advertiser", **day}],
        },
        targeting={"exclude": {"devices": ["tv"]}},
        frequency_caps=[{"scope": "flight", **day}],
    )
    (row,) = inventory_rows().flights
    assert row.targets == (Target(include={"genres": ("drama",)}), Target(exclude={"devices": ("tv",)}))
    assert row.caps == (CapRow("campaign", 3, "day"), CapRow("advertiser", 3, "day"), CapRow("flight", 3, "day"))


def test_a_campaign_sold_in_another_currency_stays_out() -> None:
    foreign = make_ad(campaign={"currency": "XXX"})
    make_ad()
    assert foreign.pk not in {ad.id for ad in inventory_rows().ads}
    assert len(inventory_rows().ads) == 1
    with pytest.raises(ValidationError, match=f"sells in {settings.CURRENCY}"):
        foreign.flight.campaign.full_clean()


def test_a_flight_that_its_campaign_leaves_nobody_to_is_refused() -> None:
    flight = make_ad(campaign={"targeting": {"include": {"devices": ["tv"]}}}, targeting={"include": {"devices": ["mobile"]}}).flight
    with pytest.raises(ValidationError, match="reaches nobody"):
        flight.full_clean()


def test_rows_of_the_old_shape_are_rewritten_with_their_history_and_back() -> None:
    migration = import_module("ads.migrations.0005_targeting_includes_and_excludes_caps_in_units")
    old: dict[str, Any] = {"targeting": {"devices": ["tv"]}, "frequency_caps": [{"scope": "viewer", "count": 3, "seconds": 86_400}]}
    make_ad(**old)
    make_ad(**old)
    migration.forwards(apps, None)
    for model in (Flight, Flight.history.model):
        for row in model._default_manager.all():
            assert row.targeting == {"include": {"devices": ["tv"]}}
            assert row.frequency_caps == [{"scope": "flight", "count": 3, "per": "day", "times": 1}]
    migration.backwards(apps, None)
    assert list(Flight.objects.values("targeting", "frequency_caps")) == [old, old]
    assert Campaign.objects.count() == 2


BAD_TERMS: list[dict[str, Any]] = [
    {"frequency_caps": [{"scope": "flight", "count": 10**25, "per": "day", "times": 1}]},
    {"frequency_caps": [{"scope": "viewer", "seconds": 5}, 7]},
    {"targeting": {"include": {"weekdays": [5.0]}}},
    {"targeting": {"include": {"planets": ["mars"]}}},
    {"targeting": {"include": {"devices": 3}, "exclude": [1]}},
    {"excluded_categories": [{"a": 1}]},
    {"campaign": {"frequency_caps": [{"scope": "flight", "count": 3.5, "per": "day", "times": 1}]}},
    {"pacing": "asap", "slot_position": "side"},
]


@pytest.mark.parametrize("bad", BAD_TERMS)
def test_one_flight_that_cannot_be_read_leaves_the_others_serving_and_its_pages_open(
    bad: dict[str, Any], client: Client, admin_user: User, caplog: pytest.LogCaptureFixture
) -> None:
    broken, good = make_ad(**bad).flight, make_ad().flight
    rows = inventory_rows()
    assert [flight.id for flight in rows.flights] == [good.pk]
    assert Rows.unpacked(rows.packed()) == rows
    assert f"Flight {broken.pk} " in caplog.text
    client.force_login(admin_user)
    for path in (
        f"/api/v1/flights/{broken.pk}", f"/api/v1/campaigns/{broken.campaign_id}", "/admin/ads/flight/",
        f"/admin/ads/flight/{broken.pk}/change/", f"/admin/ads/campaign/{broken.campaign_id}/change/",
    ):  # fmt: skip
        assert client.get(path).status_code == 200, path
    body: dict[str, Any] = {"targeting": {}, "frequency_caps": []}
    assert client.patch(f"/api/v1/campaigns/{broken.campaign_id}", body, content_type="application/json").status_code == 200
    mended = client.patch(f"/api/v1/flights/{broken.pk}", body | {"excluded_categories": [], "slot_position": "any"}, content_type="application/json")
    assert mended.status_code == 200, mended.json()
    assert len(inventory_rows().flights) == 2


def test_a_stored_inventory_that_cannot_be_read_says_so_and_not_that_it_is_gone() -> None:
    InventorySnapshot.objects.create(version=7, rows=b"\x81\xa1a\x01")
    with pytest.raises(UnreadableSnapshot):
        snapshot(7)
    with pytest.raises(InventorySnapshot.DoesNotExist):
        snapshot(8)
