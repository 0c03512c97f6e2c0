"""Outcomes are counted for everything they say something about, and the tables can count them all again."""

from __future__ import annotations

import dataclasses
import uuid
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import pytest

from adplatform.eventlog import ids, stream
from adplatform.eventlog.partitions import ensure_partitions
from adplatform.learning import online
from ads.ctr import rates
from ads.ctr.rates import Outcome
from ads.models import AdEvent, DeliveryDay

VIEWER = uuid.UUID(int=5)
Keys = Mapping[str, Sequence[online.Key]]
CLICK = Outcome("ad.click", ad=1, campaign=2, advertiser=3, category="travel", genre="drama", title=4, viewer=VIEWER)
KEYS: Keys = {
    "ad": [1],
    "campaign": [2],
    "advertiser": [3],
    "genre_category": ["drama/travel"],
    "all": ["all"],
    "title": [4],
    "viewer": [str(VIEWER)],
}
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


def counted(keys: Keys = KEYS) -> dict[str, list[float]]:
    found = rates.STORE.read(stream.client(), keys)
    return {scope: counts[0].tolist() for scope, counts in found.items()}


def test_a_click_counts_in_every_scope() -> None:
    rates.record(stream.client(), [dataclasses.replace(CLICK, type="ad.impression"), CLICK])
    assert set(map(tuple, counted().values())) == {(1, 1, 0, 0, 0)}


def test_a_viewer_without_consent_is_not_counted() -> None:
    rates.record(stream.client(), [dataclasses.replace(CLICK, viewer=None)])
    assert stream.client().exists("rates:of:viewer") == 0


def test_other_events_count_nothing() -> None:
    rates.record(stream.client(), [dataclasses.replace(CLICK, type="ad.mute")])
    assert set(map(tuple, counted().values())) == {(0, 0, 0, 0, 0)}


@pytest.mark.django_db
def test_rebuilding_counts_what_the_tables_hold_and_drops_the_rest() -> None:
    ensure_partitions([NOW.date()])
    rates.record(stream.client(), [CLICK] * 50)
    key = {"advertiser_id": 3, "campaign_id": 2, "flight_id": 9, "ad_id": 1, "title_id": 4, "genre": "drama"}
    for device, impressions in (("tv", 30), ("mobile", 10)):
        DeliveryDay.objects.create(bucket=NOW, device=device, impressions=impressions, clicks=2, completed_views=5, skips=3, errors=1, **key)
    decision = ids.new_id(NOW)
    for slot, kind in enumerate(["ad.impression", "ad.click", "ad.mute"]):
        AdEvent.objects.create(
            id=ids.derived_id(decision, slot, kind), day=NOW.date(), type=kind, occurred_at=NOW, received_at=NOW, decision=decision, slot=slot,
            session=uuid.UUID(int=1), viewer=VIEWER, ad=1, flight=9, campaign=2,
        )  # fmt: skip
    rates.rebuild(stream.client())
    found = counted({**KEYS, "genre_category": ["drama/"]})
    assert found.pop("viewer") == [1, 1, 0, 0, 0]
    assert set(map(tuple, found.values())) == {(40, 4, 10, 6, 2)}
