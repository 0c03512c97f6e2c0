"""Bill once, never over: real processes, repeated and late events, lost counters, and the ledger's own arithmetic."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

import pytest
import redis
from django.db.models import Sum
from msgspec.structs import replace

from adplatform.eventlog import consumer, ids, stream, tokens
from adplatform.eventlog.envelope import Event
from adplatform.learning import online
from ads import reservation
from ads.decision.explanation import REASONS
from ads.models import Ad, AdEvent, DeliveryDay, DeliveryHour, DeliveryMinute, Flight, FlightBalance, LedgerEntry
from ads.serving import serve_break

from .inventory import NOW, make_ad, make_request, track, tracked

pytestmark = pytest.mark.django_db(transaction=True)

PRICE = 1_000  # an only bidder pays the reserve


def token_for(ad: Ad, *, price: int = PRICE) -> str:
    """A genuine token of a decision that nobody reserved for."""
    return tokens.sign(
        tokens.TrackingToken(
            decision=ids.new_id(NOW), slot=0, ad=ad.pk, flight=ad.flight_id, price_micros=price, expires=int(NOW.timestamp()) + 86_400,
            session=uuid.uuid4(), title=1,
        )
    )  # fmt: skip


def booked() -> int:
    return LedgerEntry.objects.aggregate(total=Sum("amount_micros"))["total"] or 0


def test_impressions_beyond_the_budget_are_booked_at_nothing_with_the_reason() -> None:
    ad = make_ad(budget_micros=50 * PRICE)
    stream.append([tracked(token_for(ad), "ad.impression", at=NOW) for _ in range(200)])
    consumer.drain(now=NOW)
    assert LedgerEntry.objects.filter(amount_micros=PRICE).count() == 50
    assert LedgerEntry.objects.filter(amount_micros=0, reason="over_budget").count() == 150
    assert FlightBalance.objects.get(flight=ad.flight).impressions == 200


def test_a_goal_and_a_daily_budget_stop_hard_too() -> None:
    sold, daily = make_ad(goal_amount=3), make_ad(daily_budget_micros=2 * PRICE)
    stream.append([tracked(token_for(ad), "ad.impression", at=NOW) for ad in (sold, daily) for _ in range(5)])
    consumer.drain(now=NOW)
    reasons = LedgerEntry.objects.order_by("pk").values_list("flight_id", "reason")
    assert [reason for flight, reason in reasons if flight == sold.flight_id] == ["", "", "", "over_goal", "over_goal"]
    assert [reason for flight, reason in reasons if flight == daily.flight_id] == ["", "", *["over_daily_budget"] * 3]
    track(token_for(daily), "ad.impression", at=NOW + timedelta(hours=5))
    consumer.drain(now=NOW + timedelta(hours=5))
    assert LedgerEntry.objects.filter(flight=daily.flight, amount_micros=PRICE).count() == 3


def figures() -> list[object]:
    rates = stream.client().get(online.TABLE)
    assert rates, "the online rates are kept elsewhere by now"
    tables = [DeliveryMinute, DeliveryHour, DeliveryDay]
    measures = ("decided", "impressions", "completed_views", "clicks", "invalid", "revenue_micros")
    return [
        *(list(model._default_manager.order_by("bucket", "ad_id").values_list("bucket", "ad_id", *measures)) for model in tables),
        list(FlightBalance.objects.order_by("pk").values_list("pk", "booked_micros", "impressions", "completed_views", "clicks")),
        list(LedgerEntry.objects.order_by("event").values_list("event", "amount_micros", "reason")),
        AdEvent.objects.count(),
        rates,
    ]


def test_every_event_twice_changes_no_figure() -> None:
    for pricing, bid in (("cpm", 20_000_000), ("cpc", 1_000_000), ("cpcv", 40_000)):
        make_ad(pricing=pricing, bid_micros=bid)
    events: list[Event] = []
    for _ in range(6):
        for ad in serve_break(make_request(), now=NOW).ads:
            for seconds, kind in ((1, "ad.impression"), (6, "ad.click"), (11, "ad.complete")):
                events.append(tracked(ad.token, kind, at=NOW + timedelta(seconds=seconds)))
    stream.append(events)
    waiting: Any = stream.client().xrange(stream.STREAM)
    consumer.drain(now=NOW)
    once = figures()
    stream.append_payloads([fields[stream.FIELD] for _, fields in waiting])
    consumer.drain(now=NOW)
    assert figures() == once
    assert LedgerEntry.objects.filter(amount_micros__gt=0).count() == 12


def test_a_click_before_its_impression_in_the_same_batch_counts_and_one_without_does_not() -> None:
    first, second = make_ad(pricing="cpc", bid_micros=1_000_000), make_ad(pricing="cpc", bid_micros=1_000_000)
    shown, never = token_for(first), token_for(second)
    track(shown, "ad.click", at=NOW + timedelta(seconds=4))
    track(shown, "ad.impression", at=NOW + timedelta(seconds=1))
    track(never, "ad.click", at=NOW)
    consumer.drain(now=NOW)
    assert LedgerEntry.objects.get().ad == first
    assert AdEvent.objects.get(valid=False).reason == "click_without_impression"
    assert DeliveryDay.objects.get(ad_id=second.pk).invalid == 1


def test_a_view_completed_faster_than_the_ad_lasts_is_not_billed() -> None:
    ad = make_ad(pricing="cpcv", bid_micros=30_000, duration=10.0)
    token = token_for(ad)
    track(token, "ad.impression", at=NOW)
    track(token, "ad.complete", at=NOW + timedelta(seconds=3))
    consumer.drain(now=NOW)
    assert AdEvent.objects.get(valid=False).reason == "faster_than_the_ad"
    assert not LedgerEntry.objects.exists()


def held(flight: int) -> tuple[int, int]:
    """(micros, impressions) held in Redis."""
    state = reservation.counters(stream.client()).get(flight)
    return (state.held_micros, state.held_count) if state else (0, 0)


def test_a_hold_is_taken_at_the_decision_and_settled_by_the_impression() -> None:
    ad = make_ad()
    served = serve_break(make_request(), now=NOW)
    assert held(ad.flight_id) == (PRICE, 1)
    track(served.ads[0].token, "ad.impression", at=NOW)
    consumer.drain(now=NOW)
    assert held(ad.flight_id) == (0, 0)
    assert reservation.counters(stream.client())[ad.flight_id].booked_micros == PRICE


@pytest.mark.parametrize("kind", ["ad.skip", "ad.error", "ad.not_used"])
def test_an_ad_that_was_not_shown_gives_its_hold_back(kind: str) -> None:
    ad = make_ad(frequency_caps=[{"scope": "flight", "count": 1, "per": "minute", "times": 10}])
    asked = make_request()
    track(serve_break(asked, now=NOW).ads[0].token, kind, at=NOW)
    consumer.drain(now=NOW)
    assert held(ad.flight_id) == (0, 0)
    assert serve_break(make_request(session=asked.session, break_id="b2"), now=NOW).ads


def test_a_hold_expires_and_heartbeats_extend_it() -> None:
    ad = make_ad()
    kept, left = serve_break(make_request(), now=NOW), serve_break(make_request(), now=NOW)
    assert held(ad.flight_id) == (2 * PRICE, 2)
    assert left.ads
    track(kept.ads[0].token, "ad.heartbeat", at=NOW + timedelta(seconds=100), seq=1)
    consumer.drain(now=NOW + timedelta(seconds=100))
    serve_break(make_request(), now=NOW + timedelta(seconds=reservation.HOLD_SECONDS + 1))
    assert held(ad.flight_id) == (2 * PRICE, 2)


def test_open_holds_stay_a_small_share_of_what_is_left() -> None:
    make_ad(budget_micros=100 * PRICE)
    served = [serve_break(make_request(), now=NOW) for _ in range(30)]
    assert sum(len(answer.ads) for answer in served) == 10
    reasons = [answer.explanation["candidates"][0]["reason"] for answer in served]
    assert set(reasons[:10]) <= {"won", "explored"}
    assert reasons[10:] == ["holds_full"] * 20
    assert [answer.explanation["unfilled"] for answer in served if not answer.ads] == [{"seconds": 30.0, "reason": "holds_full"}] * 20
    assert served[-1].explanation["words"] == {"holds_full": REASONS["holds_full"]}


def test_a_flight_with_one_impression_left_still_serves_it_once() -> None:
    make_ad(budget_micros=PRICE)
    assert [len(serve_break(make_request(), now=NOW).ads) for _ in range(3)] == [1, 0, 0]


def test_a_cap_holds_for_a_viewer_across_sessions_and_for_nobody_else() -> None:
    make_ad(frequency_caps=[{"scope": "flight", "count": 2, "per": "hour", "times": 1}])
    viewer = uuid.uuid4()
    mine = [serve_break(make_request(viewer=viewer, consent=True), now=NOW + timedelta(seconds=n)) for n in range(3)]
    assert [len(answer.ads) for answer in mine] == [1, 1, 0]
    assert serve_break(make_request(viewer=uuid.uuid4(), consent=True), now=NOW).ads
    assert serve_break(make_request(viewer=viewer, consent=True), now=NOW + timedelta(seconds=3700)).ads


def test_lost_counters_are_rebuilt_before_the_next_decision_less_what_is_still_open() -> None:
    ad = make_ad(budget_micros=20 * PRICE, frequency_caps=[{"scope": "flight", "count": 2, "per": "hour", "times": 1}])
    viewer = uuid.uuid4()
    for _ in range(2):
        track(serve_break(make_request(viewer=viewer, consent=True), now=NOW).ads[0].token, "ad.impression", at=NOW)
    consumer.drain(now=NOW)
    stored = serve_break(make_request(), now=NOW)
    consumer.drain(now=NOW)
    waiting = serve_break(make_request(), now=NOW)
    assert stored.ads
    before = reservation.counters(stream.client())
    assert waiting.ads or before[ad.flight_id].held_count == 1
    lose_counters()
    assert not serve_break(make_request(viewer=viewer, consent=True), now=NOW + timedelta(seconds=5)).ads
    assert reservation.counters(stream.client()) == before


def test_a_redis_flushed_in_the_middle_never_lets_a_flight_be_billed_over() -> None:
    ad = make_ad(budget_micros=12 * PRICE)
    late: list[str] = []
    for number in range(60):
        for served in serve_break(make_request(), now=NOW + timedelta(seconds=number)).ads:
            if number % 3:
                track(served.token, "ad.impression", at=NOW + timedelta(seconds=number))
            else:
                late.append(served.token)
        if number % 7 == 0:
            consumer.drain(now=NOW + timedelta(seconds=number))
        if number in (20, 40):
            stream.client().flushdb()
    for token in late:
        track(token, "ad.impression", at=NOW + timedelta(seconds=200))
    consumer.drain(now=NOW + timedelta(seconds=200))
    assert booked() == FlightBalance.objects.get(flight=ad.flight).booked_micros <= 12 * PRICE


def lose_counters() -> None:
    for pattern in ("delivery:*", "seen:*"):
        for key in stream.client().scan_iter(pattern):
            stream.client().delete(key)


def test_money_held_for_a_view_or_click_to_come_outlives_the_loss_of_the_counters() -> None:
    ads = [make_ad(pricing="cpcv", bid_micros=40_000), make_ad(pricing="cpc", bid_micros=2_000_000), make_ad()]
    for ad in serve_break(make_request(max_ads=3), now=NOW).ads:
        track(ad.token, "ad.impression", at=NOW + timedelta(seconds=1))
    consumer.drain(now=NOW + timedelta(seconds=1))
    before = reservation.counters(stream.client())
    lose_counters()
    serve_break(make_request(break_id="b2", device="tv", duration=1.0), now=NOW + timedelta(seconds=2))
    assert reservation.counters(stream.client()) == before
    assert [held(ad.flight_id)[0] > 0 for ad in ads] == [True, True, False]


def test_what_waits_in_the_log_is_still_held_when_the_counters_are_rebuilt() -> None:
    ad = make_ad(budget_micros=PRICE)
    track(serve_break(make_request(), now=NOW).ads[0].token, "ad.impression", at=NOW)
    lose_counters()
    assert not serve_break(make_request(), now=NOW + timedelta(seconds=1)).ads
    consumer.drain(now=NOW + timedelta(seconds=2))
    assert held(ad.flight_id) == (0, 0)


def test_an_open_hold_counts_for_the_cap_after_the_counters_were_lost() -> None:
    make_ad(frequency_caps=[{"scope": "flight", "count": 1, "per": "hour", "times": 1}])
    viewer = uuid.uuid4()
    assert serve_break(make_request(viewer=viewer, consent=True), now=NOW).ads
    lose_counters()
    assert not serve_break(make_request(viewer=viewer, consent=True), now=NOW + timedelta(seconds=5)).ads


def test_a_rebuilder_whose_lease_ran_out_wipes_nothing() -> None:
    ad = make_ad()

    def slow() -> Any:
        stream.client().delete(reservation.LEASE)
        assert serve_break(make_request(), now=NOW).ads
        return reservation.Facts([], [])

    with pytest.raises(redis.exceptions.TimeoutError, match="lease"):
        reservation.rebuild(stream.client(), slow)
    assert held(ad.flight_id) == (PRICE, 1)


def test_an_impression_after_its_hold_expired_counts_for_the_cap() -> None:
    make_ad(frequency_caps=[{"scope": "flight", "count": 1, "per": "hour", "times": 1}])
    viewer = uuid.uuid4()
    late = NOW + timedelta(seconds=reservation.HOLD_SECONDS + 1)
    token = serve_break(make_request(viewer=viewer, consent=True), now=NOW).ads[0].token
    serve_break(make_request(), now=late)
    track(token, "ad.impression", at=late)
    consumer.drain(now=late)
    assert not serve_break(make_request(viewer=viewer, consent=True), now=late + timedelta(seconds=5)).ads


def test_an_impression_stored_as_invalid_carries_no_click_however_often_it_is_sent() -> None:
    token = token_for(make_ad(pricing="cpc", bid_micros=1_000_000))
    stream.append([replace(tracked(token, "ad.impression", at=NOW + timedelta(minutes=9)), received_at=NOW)])
    consumer.drain(now=NOW)
    stream.append([tracked(token, kind, at=NOW + timedelta(seconds=1)) for kind in ("ad.impression", "ad.click")])
    consumer.drain(now=NOW)
    assert set(AdEvent.objects.values_list("reason", flat=True)) == {"future_time", "click_without_impression"}
    assert not booked()


def test_a_charge_goes_to_the_campaign_that_owns_the_flight_now() -> None:
    ad, other = make_ad(), make_ad()
    track(token_for(ad), "ad.impression", at=NOW)
    consumer.drain(now=NOW)
    Flight.objects.filter(pk=ad.flight_id).update(campaign=other.flight.campaign, name="Moved")
    track(token_for(ad), "ad.impression", at=NOW)
    consumer.drain(now=NOW)
    assert LedgerEntry.objects.latest("pk").advertiser == other.flight.campaign.advertiser
