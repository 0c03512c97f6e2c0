"""What leaves PostgreSQL for the decision: who may serve, and what campaign and flight ask together."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import pytest
from django.apps import apps
from django.conf import settings
from django.core.exceptions import ValidationError

from ads.decision.inventory import CapRow, Target
from ads.models import Campaign, Flight
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
