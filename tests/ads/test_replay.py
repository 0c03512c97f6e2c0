"""What was stored with a decision is enough to make it again."""

from __future__ import annotations

import uuid
from datetime import timedelta

import numpy as np
import pytest

from adplatform.eventlog import consumer
from ads.models import Decision, Flight, InventorySnapshot
from ads.replay import replay
from ads.serving import serve_break

from .inventory import NOW, make_ad, make_request, track

pytestmark = pytest.mark.django_db(transaction=True)


def test_stored_decisions_replay_to_the_same_winners_bit_for_bit_even_after_the_inventory_changed() -> None:
    for bid in range(8, 24, 2):
        make_ad(
            bid_micros=bid * 1_000_000, pacing="even", goal_amount=200, frequency_caps=[{"scope": "flight", "count": 3, "per": "hour", "times": 1}]
        )
        make_ad(pricing="cpc", bid_micros=bid * 60_000, targeting={"include": {"genres": ["drama"]}})
    viewer = uuid.uuid4()
    for number in range(25):
        at = NOW + timedelta(seconds=number)
        asked = make_request(viewer=viewer, consent=number % 2 == 0, age_band="25-34", ads_seen=((1, 1, 1),))
        for ad in serve_break(asked, now=at, rng=np.random.default_rng(number)).ads:
            track(ad.token, "ad.impression", at=at)
        consumer.drain(now=at)
    Flight.objects.update(bid_micros=1)
    stored = list(Decision.objects.all())
    assert len(stored) == 25
    assert any(slot["randomised"] for decision in stored for slot in decision.slots)
    assert all(replay(decision).same for decision in stored)


def test_a_changed_score_does_not_replay() -> None:
    make_ad(pricing="cpc", bid_micros=1_000_000)
    serve_break(make_request(), now=NOW, rng=np.random.default_rng(1))
    consumer.drain(now=NOW)
    decision = Decision.objects.get()
    decision.state["pctr"] = [0.5]
    assert not replay(decision).same


def test_an_inventory_is_kept_once_for_each_content() -> None:
    ad = make_ad()
    serve_break(make_request(), now=NOW)
    ad.flight.campaign.save()
    serve_break(make_request(), now=NOW)
    assert InventorySnapshot.objects.count() == 1
    ad.flight.bid_micros += 1
    ad.flight.save()
    serve_break(make_request(), now=NOW)
    assert InventorySnapshot.objects.count() == 2
