"""Holds and caps in Redis itself: what decisions that know nothing of each other may still take, and what an address may keep open."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from django.contrib.auth.models import User
from hypothesis import given
from hypothesis import strategies as st

from adplatform.eventlog import consumer, ids, stream
from ads import live_inventory, recovery, reservation, services
from ads.balances import Balance, day_number
from ads.decision.decide import decide
from ads.decision.explanation import REASONS
from ads.decision.state import DeliveryState
from ads.reservation.keys import INDEX, TABLE
from ads.serving import ServedBreak, serve_break

from .decision import rows
from .inventory import NOW, make_ad, make_request, track

pytestmark = pytest.mark.django_db(transaction=True)
LATER = NOW + timedelta(seconds=reservation.HOLD_SECONDS + 1)


def reserve_blindly(**asked: Any) -> reservation.Taken:
    """A break decided before anything was reserved, as a process does that decides at the same moment as others."""
    client = stream.client()
    recovery.rebuild(client, now=NOW)
    request, inventory = make_request(**asked), live_inventory.current(client)
    recovery.restore(client, reservation.CountersLost(inventory.flight_id.tolist()), now=NOW)
    state = DeliveryState.empty(len(inventory.flights))
    decision = decide(request, inventory=inventory, state=state, score=rows.flat_score(), now=NOW, rng=np.random.default_rng(1))
    taken = reservation.reserve(client, request, inventory, decision, ids.new_id(NOW), reservation.Prepared(b"event", b"alternates", b""), now=NOW)
    assert taken is not None
    return taken


def reasons(taken: reservation.Taken) -> set[str]:
    return {why for slot in taken.reasons for why in slot}


def cap(scope: str, count: int, per: str) -> dict[str, Any]:
    return {"scope": scope, "count": count, "per": per, "times": 1}


@pytest.mark.parametrize(
    ("scope", "per"), [("ad", "lifetime"), ("flight", "hour"), ("campaign", "stream"), ("campaign", "lifetime"), ("advertiser", "week")]
)
def test_breaks_decided_at_the_same_moment_keep_to_one_cap(scope: str, per: str) -> None:
    make_ad(frequency_caps=[cap(scope, 2, per)])
    viewer, session = uuid.uuid4(), uuid.uuid4()
    took = [reserve_blindly(viewer=viewer, consent=True, session=session, break_id=f"b{number}") for number in range(3)]
    assert [taken.places for taken in took] == [(0,), (0,), (None,)]
    assert reasons(took[2]) == {"frequency_cap"}


@pytest.mark.parametrize("per", ["day", "lifetime"])
def test_without_consent_a_cap_that_outlives_the_session_counts_once_in_it(per: str) -> None:
    make_ad(frequency_caps=[cap("flight", 5, per)])
    session = uuid.uuid4()
    took = [reserve_blindly(session=session, break_id=f"b{number}") for number in range(2)]
    assert [taken.places for taken in took] == [(0,), (None,)]
    assert reserve_blindly(viewer=uuid.uuid4(), consent=False).places == (0,)


@pytest.mark.parametrize("alone", [0, 1])
def test_a_flight_that_wants_a_playback_alone_gets_it_whichever_of_the_two_comes_first(alone: int) -> None:
    session = uuid.uuid4()
    exclusivity = ["pod", "pod"]
    exclusivity[alone] = "stream"
    make_ad(category="gaming", exclusivity=exclusivity[0])
    assert reserve_blindly(session=session, break_id="b1").places == (0,)
    make_ad(category="gaming", exclusivity=exclusivity[1], bid_micros=30_000_000)
    second = reserve_blindly(session=session, break_id="b2", max_ads=1)
    assert second.reasons[0][0] == "stream_exclusive"
    assert reserve_blindly(break_id="b2", max_ads=1).places == (0,)


def lifetime(viewer: uuid.UUID) -> dict[bytes, bytes]:
    counts: Any = stream.client().hgetall(f"life:v:{viewer}")
    return dict(counts)


def test_alternates_that_step_in_keep_the_rules_of_a_pod_among_themselves() -> None:
    """Both winners are gone; of the two that could stand in for either, of one category, only one does."""
    session, once = uuid.uuid4(), [cap("flight", 1, "stream")]
    for category, bid, caps in (("travel", 40, once), ("gaming", 30, once), ("finance", 20, []), ("finance", 10, [])):
        make_ad(category=category, bid_micros=bid * 1_000_000, frequency_caps=caps)
    assert reserve_blindly(session=session, break_id="b1").places == (0, 0)
    again = reserve_blindly(session=session, break_id="b2")
    assert [place is not None for place in again.places] == [True, False]
    assert "pod_conflict" in again.reasons[1]


def test_a_lifetime_is_counted_at_the_reservation_given_back_with_the_hold_and_rebuilt_from_what_was_seen() -> None:
    ad = make_ad(frequency_caps=[cap("flight", 2, "lifetime")])
    viewer, named = uuid.uuid4(), f"flight:{ad.flight_id}".encode()

    def ask(number: int) -> ServedBreak:
        return serve_break(make_request(viewer=viewer, consent=True, break_id=f"b{number}"), now=NOW + timedelta(seconds=number))

    track(ask(1).ads[0].token, "ad.impression", at=NOW)
    track(ask(2).ads[0].token, "ad.error", at=NOW)
    consumer.drain(now=NOW)
    assert lifetime(viewer) == {named: b"1"}
    assert ask(3).ads
    assert not ask(4).ads
    before = lifetime(viewer)
    stream.client().hset(f"life:v:{viewer}", named, 7)
    reservation.forget(stream.client())
    assert not ask(5).ads
    assert lifetime(viewer) == before == {named: b"2"}


@pytest.mark.parametrize("scope", ["campaign", "ad"])
def test_a_lifetime_cap_that_comes_later_counts_what_was_seen_before_it(scope: str) -> None:
    ad, viewer = make_ad(), uuid.uuid4()

    def ask(number: int) -> ServedBreak:
        return serve_break(make_request(viewer=viewer, consent=True, break_id=f"b{number}"), now=NOW + timedelta(seconds=number))

    for number in range(2):
        track(ask(number).ads[0].token, "ad.impression", at=NOW + timedelta(seconds=number))
    consumer.drain(now=NOW)
    row: Any = ad.flight.campaign if scope == "campaign" else ad.flight
    services.row_update(actor=User.objects.create_user("planner"), row=row, changes={"frequency_caps": [cap(scope, 3, "lifetime")]})
    assert [len(ask(number).ads) for number in (3, 4)] == [1, 0]
    assert stream.client().ttl(f"life:v:{viewer}") > 0, "a viewer who never comes back must not be kept for ever"


def test_a_late_impression_counts_for_the_lifetime_again() -> None:
    ad = make_ad(frequency_caps=[cap("campaign", 1, "lifetime")])
    viewer = uuid.uuid4()
    token = serve_break(make_request(viewer=viewer, consent=True), now=NOW).ads[0].token
    serve_break(make_request(), now=LATER)
    assert lifetime(viewer) == {}
    for _ in range(2):
        track(token, "ad.impression", at=LATER)
        consumer.drain(now=LATER)
    assert lifetime(viewer) == {f"campaign:{ad.flight.campaign_id}".encode(): b"1"}


def test_a_late_view_holds_its_price_again_until_it_is_complete() -> None:
    ad = make_ad(pricing="cpcv", bid_micros=40_000)
    token = serve_break(make_request(), now=NOW).ads[0].token
    serve_break(make_request(), now=LATER)
    track(token, "ad.impression", at=LATER)
    consumer.drain(now=LATER)
    assert reservation.counters(stream.client())[ad.flight_id].held_micros > 0


# An address that only asks


def served_to(address: str, count: int, *, at: Any = NOW) -> list[ServedBreak]:
    return [serve_break(make_request(ip_hash=address, max_ads=1), now=at) for _ in range(count)]


def filled(answers: list[ServedBreak]) -> int:
    return sum(len(answer.ads) for answer in answers)


def test_an_address_that_only_asks_is_bounded_and_gets_fewer_while_others_are_served(settings: Any) -> None:
    settings.HOLDS_PER_ADDRESS = 12
    make_ad()
    asked = served_to("asker", 15)
    assert filled(asked) == 12
    told = asked[-1].explanation
    assert (told["candidates"][0]["reason"], told["candidates"][0]["words"]) == ("address_quota", REASONS["address_quota"])
    assert told["unfilled"] == {"seconds": 30.0, "reason": "address_quota"}
    assert filled(served_to("neighbour", 3)) == 3
    assert filled(served_to("", 30)) == 30
    assert filled(served_to("asker", 15, at=LATER)) == 8


def test_an_address_whose_ads_are_watched_may_keep_more_of_them_open(settings: Any) -> None:
    settings.HOLDS_PER_ADDRESS = 2
    make_ad()
    for answer in served_to("household", 2):
        track(answer.ads[0].token, "ad.impression", at=NOW)
    consumer.drain(now=NOW)
    assert filled(served_to("household", 9)) == 6


def test_the_open_ads_of_an_address_are_known_again_after_the_counters_were_lost(settings: Any) -> None:
    settings.HOLDS_PER_ADDRESS = 5
    make_ad()
    served_to("asker", 3)
    stream.client().flushdb()
    served_to("asker", 0)
    for _ in range(2):
        reservation.forget(stream.client())
        recovery.rebuild(stream.client(), now=NOW)
    assert filled(served_to("asker", 6)) == 5


# Unconfirmed holds and the table


@pytest.mark.parametrize(("limit", "most"), [({"daily_budget_micros": 20_000}, 2), ({"daily_goal_amount": 30}, 3)])
def test_open_holds_stay_a_small_share_of_what_is_left_today_too(limit: dict[str, Any], most: int) -> None:
    make_ad(**limit)
    found = [reserve_blindly(break_id=f"b{number}") for number in range(most + 1)]
    assert [taken.places for taken in found] == [*[(0,)] * most, (None,)]
    assert reasons(found[-1]) == {"holds_full"}


def test_a_flight_that_the_table_does_not_know_brings_its_balance_along() -> None:
    first = make_ad()
    serve_break(make_request(), now=NOW)
    ready = stream.client().get(reservation.READY)
    late = make_ad(budget_micros=1_000)
    assert len(serve_break(make_request(max_ads=1), now=NOW).ads) == 1
    assert set(reservation.counters(stream.client())) == {first.flight_id, late.flight_id}
    assert stream.client().get(reservation.READY) == ready


def test_of_two_balances_the_later_one_stands_whatever_order_they_arrive_in() -> None:
    ad = make_ad()
    serve_break(make_request(), now=NOW)
    for version, booked in ((3, 500), (2, 900), (4, 200)):
        reservation.settle(stream.client(), [], [Balance(ad.flight_id, booked, NOW.date(), booked, 1, 1, version)], now=NOW)
    found = reservation.counters(stream.client())[ad.flight_id]
    assert (found.booked_micros, found.day_booked_micros, found.version, found.held_count) == (200, 200, 4, 1)


def test_a_redis_that_kept_its_counters_in_another_layout_is_rebuilt() -> None:
    ad = make_ad(budget_micros=1_000)
    track(serve_break(make_request(), now=NOW).ads[0].token, "ad.impression", at=NOW)
    consumer.drain(now=NOW)
    stream.client().delete(reservation.READY, TABLE, INDEX)
    stream.client().set("delivery:ready", "yes")
    stream.client().hset("delivery:flights", str(ad.flight_id), b"another layout")
    assert not serve_break(make_request(), now=NOW).ads


numbers = st.lists(st.tuples(st.integers(1, 40), st.integers(0, 10**15)), unique_by=lambda row: row[0], max_size=30)


@given(table=numbers, day=st.sampled_from([day_number(NOW.date()), 1]))
def test_columns_line_up_with_the_inventory_whatever_order_the_table_is_in(table: list[tuple[int, int]], day: int) -> None:
    inventory = rows.inventory(*(rows.flight(number) for number in range(5, 15)))
    blob = np.array([[flight, booked, 1, day, booked, 2, 3, 4, 0, 9] for flight, booked in table], dtype="<i8").tobytes()
    known = dict(table)
    replies = [1, 0, blob, [], [], {}]
    if missing := [flight for flight in range(5, 15) if flight not in known]:
        with pytest.raises(reservation.CountersLost) as lost:
            reservation.parse_state(replies, rows.request(), inventory, NOW, {})
        assert lost.value.flights == tuple(missing)
        return
    state = reservation.parse_state(replies, rows.request(), inventory, NOW, {})
    assert state.booked.tolist() == [known[flight] for flight in range(5, 15)]
    assert state.day_booked.tolist() == [known[flight] if day != 1 else 0 for flight in range(5, 15)]
