"""A viewer who pauses: past the hold of the ad, past the end of its flight, past its budget (DESIGN rule 6.1)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from adplatform.eventlog import consumer, stream, tokens
from ads import reservation
from ads.models import Ad, AdEvent, Flight, FlightBalance, LedgerEntry
from ads.serving import serve_break

from .inventory import NOW, make_ad, make_request, track

pytestmark = pytest.mark.django_db(transaction=True)
PRICE = 1_000
PAUSE = timedelta(hours=3)


def publish(**asked: Any) -> str:
    return serve_break(make_request(**asked), now=NOW).ads[0].token


def play(token: str, kind: str = "ad.impression", *, after: timedelta = PAUSE, seq: int = 0) -> None:
    track(token, kind, at=NOW + after, seq=seq)
    consumer.drain(now=NOW + after)


def entries(ad: Ad) -> list[tuple[int, str]]:
    return list(LedgerEntry.objects.filter(flight=ad.flight).order_by("pk").values_list("amount_micros", "reason"))


def test_past_the_hold_it_is_charged_from_what_the_flight_still_has() -> None:
    ad = make_ad(budget_micros=PRICE)
    token = publish()
    assert serve_break(make_request(), now=NOW + PAUSE).ads, "its money is free again"
    play(token)
    assert entries(ad) == [(PRICE, "")]


def test_past_the_hold_and_with_its_money_gone_to_another_viewer_it_is_booked_at_nothing() -> None:
    ad = make_ad(budget_micros=PRICE)
    token = publish()
    later = NOW + PAUSE
    other = serve_break(make_request(), now=later).ads[0].token
    play(other)
    play(token)
    assert entries(ad) == [(PRICE, ""), (0, "over_budget")]
    assert AdEvent.objects.filter(valid=True).count() == FlightBalance.objects.get(flight=ad.flight).impressions == 2


def test_heartbeats_keep_the_hold_so_that_nobody_else_is_promised_its_money() -> None:
    ad = make_ad(budget_micros=PRICE)
    token = publish()
    beats = range(1, 5)
    for number in beats:
        play(token, "ad.heartbeat", after=number * timedelta(seconds=100), seq=number)
    after = timedelta(seconds=100 * beats[-1] + 60)
    assert not serve_break(make_request(), now=NOW + after).ads
    play(token, after=after)
    assert entries(ad) == [(PRICE, "")]


def test_past_the_end_of_its_flight_a_published_ad_is_charged_and_no_new_one_is_decided() -> None:
    ad = make_ad(budget_micros=2 * PRICE, ends_at=NOW + timedelta(hours=1))
    token = publish()
    assert not serve_break(make_request(), now=NOW + PAUSE).ads
    play(token)
    assert entries(ad) == [(PRICE, "")]
    assert reservation.counters(stream.client())[ad.flight_id].held_micros == 0


def test_past_the_end_and_the_budget_of_its_flight_it_is_booked_at_nothing() -> None:
    ad = make_ad(budget_micros=PRICE, ends_at=NOW + timedelta(hours=1))
    early, late = publish(), serve_break(make_request(), now=NOW + timedelta(seconds=reservation.HOLD_SECONDS + 1)).ads[0].token
    play(late)
    play(early)
    assert entries(ad) == [(PRICE, ""), (0, "over_budget")]


def test_a_click_after_the_pause_is_charged_while_the_budget_lasts() -> None:
    ad = make_ad(pricing="cpc", bid_micros=2_000_000, goal_type="clicks", budget_micros=10_000_000)
    served = [serve_break(make_request(), now=NOW).ads[0] for _ in range(2)]
    price = tokens.read(served[0].token, tokens.TrackingToken, now=None).price_micros
    Flight.objects.update(budget_micros=price + price // 2)
    for number, one in enumerate(served):
        play(one.token)
        play(one.token, "ad.click", after=PAUSE + timedelta(seconds=9 + number))
    assert entries(ad) == [(price, ""), (0, "over_budget")]
