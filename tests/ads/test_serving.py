"""serve_break against the real Redis and PostgreSQL, through the log to the tables."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import numpy as np
import pytest

from adplatform.eventlog import consumer, stream
from ads import serving
from ads.live_inventory import VERSION_KEY
from ads.models import AdEvent, Decision, DeliveryDay, Flight, FlightBalance, LedgerEntry
from ads.serving import serve_break, stored_break
from ads.tasks import watch_inventory

from .inventory import NOW, make_ad, make_request, track

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_break_is_filled_by_the_ads_worth_most() -> None:
    make_ad(bid_micros=5_000_000)
    best, second = make_ad(bid_micros=30_000_000), make_ad(bid_micros=20_000_000)
    served = serve_break(make_request(), now=NOW, rng=np.random.default_rng(1))
    assert [ad.ad for ad in served.ads] == [best.pk, second.pk]
    assert served.unfilled_seconds == 10.0
    assert served.ads[0].price_micros == 5_000


def test_the_same_break_of_a_session_is_answered_the_same() -> None:
    for _ in range(4):
        make_ad()
    request = make_request()
    first = serve_break(request, now=NOW)
    again = serve_break(request, now=NOW + timedelta(seconds=5))
    assert again == first == stored_break(request.session, request.break_id)
    assert stream.client().xlen(stream.STREAM) == 1


def test_an_impression_books_the_price_and_the_figures_follow() -> None:
    ad = make_ad()
    served = serve_break(make_request(max_ads=1), now=NOW)
    token = served.ads[0].token
    track(token, "ad.impression", at=NOW + timedelta(seconds=2))
    track(token, "ad.complete", at=NOW + timedelta(seconds=12))
    track(token, "ad.click", at=NOW + timedelta(seconds=9))
    consumer.drain(now=NOW + timedelta(seconds=13))
    entry = LedgerEntry.objects.get()
    assert entry.amount_micros == served.ads[0].price_micros == 1_000
    balance = FlightBalance.objects.get(flight=ad.flight)
    assert (balance.booked_micros, balance.impressions, balance.completed_views, balance.clicks) == (1_000, 1, 1, 1)
    day = DeliveryDay.objects.get()
    assert (day.decided, day.impressions, day.completed_views, day.clicks, day.revenue_micros) == (1, 1, 1, 1, 1_000)
    assert Decision.objects.get().pk == served.decision
    assert set(AdEvent.objects.values_list("valid", flat=True)) == {True}


def test_a_change_that_was_never_announced_is_noticed_within_a_minute() -> None:
    ad = make_ad()
    watch_inventory()
    assert serve_break(make_request(), now=NOW).ads
    Flight.objects.filter(pk=ad.flight_id).update(state=Flight.State.PAUSED)
    assert serve_break(make_request(), now=NOW).ads
    watch_inventory()
    assert not serve_break(make_request(), now=NOW).ads
    version = stream.client().get(VERSION_KEY)
    watch_inventory()
    assert stream.client().get(VERSION_KEY) == version


def test_a_process_that_dies_before_it_answers_leaves_a_draft_and_the_next_call_ends_the_break(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another viewer takes the best ad's last impression while this one decides, so its slot goes to the alternate."""
    best = make_ad(bid_micros=30_000_000, goal_amount=1, tier="price_priority")
    other = make_ad(bid_micros=20_000_000, tier="price_priority")
    request = make_request(max_ads=1)
    decide, answer = serving._decide, serving._answer

    def overtaken(*arguments: Any) -> Any:
        made = decide(*arguments)
        monkeypatch.setattr(serving, "_decide", decide)
        assert [ad.ad for ad in serve_break(make_request(max_ads=1), now=NOW, rng=np.random.default_rng(2)).ads] == [best.pk]
        return made

    def dies(*_: Any) -> None:
        monkeypatch.setattr(serving, "_answer", answer)
        raise KeyboardInterrupt

    monkeypatch.setattr(serving, "_decide", overtaken)
    monkeypatch.setattr(serving, "_answer", dies)
    with pytest.raises(KeyboardInterrupt):
        serve_break(request, now=NOW, rng=np.random.default_rng(2))
    assert stored_break(request.session, request.break_id) is None
    assert stream.client().xlen(stream.STREAM) == 1
    served = serve_break(request, now=NOW + timedelta(seconds=1))
    assert [ad.ad for ad in served.ads] == [other.pk]
    told = {candidate["ad"]: candidate["reason"] for candidate in served.explanation["candidates"]}
    assert told == {best.pk: "reservation_lost", other.pk: "won"}
    words = next(candidate["words"] for candidate in served.explanation["candidates"] if candidate["ad"] == best.pk)
    assert words == "Its last budget, goal or cap was taken a moment before: the flight has delivered its goal"
    assert serve_break(request, now=NOW) == served == stored_break(request.session, request.break_id)
    consumer.drain(now=NOW + timedelta(seconds=1))
    assert Decision.objects.get(pk=served.decision).slots[0]["ad"] == other.pk
