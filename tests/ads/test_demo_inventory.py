"""The demo's inventory makes sense by the rules that hold for everybody, and shows all that can be sold."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.core.management import call_command

from ads import terms, vocabulary
from ads.models import Ad, AdPolicy, Advertiser, Campaign, Flight
from ads.selling import checks
from catalog.models import MediaAsset

pytestmark = pytest.mark.django_db


@pytest.fixture
def _seeded() -> None:
    for command in ("seed_catalogue", "seed_ads"):
        call_command(command, verbosity=0)


def asked() -> Iterator[tuple[str, str]]:
    for targeting in (*Campaign.objects.values_list("targeting", flat=True), *Flight.objects.values_list("targeting", flat=True)):
        for direction, keys in targeting.items():
            yield from ((direction, key) for key in keys)


@pytest.mark.usefixtures("_seeded")
def test_every_row_of_the_demo_would_be_taken_from_a_planner_too() -> None:
    for model in (Advertiser, AdPolicy, Campaign, Flight):
        for row in model._default_manager.all():
            row.full_clean()
    for ad in Ad.objects.all():
        ad.full_clean()
    assert (Advertiser.objects.count(), Campaign.objects.count(), MediaAsset.objects.filter(kind="ad").count()) == (8, 12, 20)
    for flight in Flight.objects.exclude(state="draft").select_related("campaign"):
        assert not [words for words in checks.flight_warnings(flight) if "reserve" not in words], flight


@pytest.mark.usefixtures("_seeded")
def test_the_demo_shows_all_that_can_be_sold() -> None:
    def used(column: str) -> set[Any]:
        return set(Flight.objects.values_list(column, flat=True))

    assert used("tier") == set(Flight.Tier.values)
    assert used("pricing") == set(Flight.Pricing.values)
    assert used("pacing") == set(Flight.Pacing.values)
    assert used("goal_type") == set(Flight.Goal.values)
    assert used("exclusivity") == set(Flight.Exclusivity.values)
    assert used("slot_position") == set(Flight.SlotPosition.values)
    assert used("state") == {"draft", "live", "paused"}
    assert used("strict_caps") == {True, False}
    assert {(direction, key) for direction in terms.DIRECTIONS for key in terms.KEYS} - set(asked()) == set()
    written = (*Campaign.objects.values_list("frequency_caps", flat=True), *Flight.objects.values_list("frequency_caps", flat=True))
    caps = [cap for caps in written for cap in caps]
    assert {cap["scope"] for cap in caps} == set(terms.SCOPES)
    assert {cap["per"] for cap in caps} >= set(terms.PERS) - {"second"}
    assert AdPolicy.objects.filter(title=None).exists()
    assert vocabulary.current().titles


@pytest.mark.usefixtures("_seeded")
def test_seeding_again_changes_nothing_that_staff_have_changed() -> None:
    Flight.objects.filter(name="Reach").update(bid_micros=1)
    before = list(Ad.objects.values_list("pk", "universal_ad_id"))
    call_command("seed_ads", verbosity=0)
    assert list(Ad.objects.values_list("pk", "universal_ad_id")) == before
    assert Flight.objects.get(name="Reach").bid_micros == 1
