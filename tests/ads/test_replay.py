"""What was stored with a decision is enough to make it again."""

from __future__ import annotations

import json
import uuid
from datetime import timedelta

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adplatform.eventlog import consumer, ids
from ads import drafts
from ads.decision.decide import decide
from ads.decision.inventory import Inventory, Rows
from ads.decision.packing import packed
from ads.decision.plan import HOURS, LAYERS, Expected, compile_plan
from ads.decision.request import AdRequest
from ads.decision.state import DeliveryState, Ints, Seen
from ads.models import Decision, Flight, InventorySnapshot
from ads.replay import NotReplayable, replay
from ads.serving import serve_break

from .decision.rows import id_score, inventories, requests
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


@st.composite
def delivery(draw: st.DrawFn, stock: Inventory) -> DeliveryState:
    """Counters, what was seen and measured: everything that a decision reads."""
    flights = len(stock.flights)

    def column(most: int) -> Ints:
        return np.array(draw(st.lists(st.integers(0, most), min_size=flights, max_size=flights)), dtype=np.int64)

    counters = st.tuples(st.integers(1, 9_000), st.integers(0, 90), st.integers(0, 9_000), st.integers(0, 90), st.integers(0, 900))
    counts = {
        scope: np.array(draw(st.lists(counters, min_size=n, max_size=n)), dtype=float)
        for scope, n in (("ad", len(stock.ads)), ("category", len(stock.ads)))
    }
    seen = tuple(
        Seen(
            NOW.timestamp() - ago,
            int(stock.ad_id[row]),
            int(stock.flight_id[place]),
            int(stock.campaign[place]),
            int(stock.advertiser[place]),
            stock.ads[row].category,
        )
        for row, ago in draw(st.lists(st.tuples(st.integers(0, len(stock.ads) - 1), st.floats(200, 90_000)), max_size=3))
        for place in [int(stock.ad_flight[row])]
    )
    held = column(2)
    return DeliveryState(
        column(10**11), held * 1_000, column(10**9), column(900_000), held, seen=seen, stream=seen[:1], rates=counts, day_delivered=column(1_000)
    )


@pytest.mark.django_db
@given(inventories(), requests, st.integers(0, 2**32), st.data())
def test_whatever_was_decided_is_decided_again_from_what_is_stored(stock: Inventory, asked: AdRequest, seed: int, data: st.DataObject) -> None:
    state = data.draw(delivery(stock))
    layers = sorted(data.draw(st.lists(st.floats(0, 0.05), min_size=LAYERS - 1, max_size=LAYERS - 1)))
    supply = [1.0 + hour % 24 for hour in range(HOURS)]
    plan = compile_plan(stock, {int(flight): Expected(supply, layers) for flight in stock.flight_id[::2]})
    decision = decide(asked, inventory=stock, state=state, score=id_score, now=NOW, rng=np.random.default_rng(seed), plan=plan)
    made = drafts.draft(ids.new_id(NOW), asked, state, stock, decision, seed=seed, now=NOW, ms=1.0)
    taken = drafts.hoped(made)
    slots = [{**alternates[0], "features": None, "place": 0} for alternates in made.slots]
    told = msgspec.Raw(msgspec.msgpack.encode(drafts.explained(made, taken, slots)))
    stored = json.loads(msgspec.json.encode(msgspec.msgpack.decode(msgspec.msgpack.encode(drafts.event(made, slots, told).data))))
    InventorySnapshot.objects.get_or_create(version=stock.version, defaults={"rows": Rows(stock.flights, stock.ads).packed()})
    row = Decision(decided_at=NOW, **stored)
    assert replay(row).differences == ()


def test_a_changed_score_does_not_replay() -> None:
    make_ad(pricing="cpc", bid_micros=1_000_000)
    serve_break(make_request(), now=NOW, rng=np.random.default_rng(1))
    consumer.drain(now=NOW)
    decision = Decision.objects.get()
    decision.state["pctr"] = packed(np.array([0.5]))
    assert "score of ad" in " ".join(replay(decision).differences)


def test_a_decision_whose_inventory_is_gone_says_so() -> None:
    make_ad()
    serve_break(make_request(), now=NOW)
    consumer.drain(now=NOW)
    InventorySnapshot.objects.all().delete()
    with pytest.raises(NotReplayable, match="not kept any more"):
        replay(Decision.objects.get())


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
