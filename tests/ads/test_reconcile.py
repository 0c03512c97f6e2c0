"""Ledger, balances and counters held against each other: what differs is told in words and set right, also while events are stored."""

from __future__ import annotations

import io
import json
import uuid
from collections.abc import Callable
from datetime import timedelta
from threading import Event as Flag
from threading import Thread
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import connection, connections, transaction

from adplatform.eventlog import consumer, stream
from ads import ledger, recovery, reservation, services
from ads.balances import Balance
from ads.models import Ad, Flight, FlightBalance, LedgerEntry
from ads.reconcile import Report, reconcile
from ads.refunds import charge_refund
from ads.serving import serve_break

from .inventory import NOW, make_ad, make_request, track

pytestmark = pytest.mark.django_db(transaction=True)


def look(*, repair: bool = False) -> Report:
    return reconcile(stream.client(), now=NOW, repair=repair, grace=0.0)


def show(count: int, *kinds: str) -> None:
    for number in range(count):
        for served in serve_break(make_request(), now=NOW).ads:
            for place, kind in enumerate(("ad.impression", *kinds)):
                track(served.token, kind, at=NOW + timedelta(seconds=number + 11 * place))
    consumer.drain(now=NOW + timedelta(seconds=60))


def booked() -> int:
    return sum(LedgerEntry.objects.values_list("amount_micros", flat=True))


def change_balance(**figures: Any) -> None:
    FlightBalance.objects.update(**figures)


def change_counters() -> None:
    for balance in recovery.balances(live=True):
        wrong = Balance(balance.flight, 77, balance.day, 77, 1, 1, balance.version)
        reservation.settle(stream.client(), [], [wrong], now=NOW, anyway=True)


def drop_a_hold() -> None:
    held: Any = stream.client().hkeys("delivery:hold")
    stream.client().hdel("delivery:hold", held[0])


def lose_a_settlement() -> None:
    """A consumer that died between its commit and the counters."""
    entry = LedgerEntry.objects.filter(kind="impression")[0]
    item = ledger.Billable(
        uuid.uuid4(), "ad.impression", uuid.uuid4(), 0, entry.flight_id, entry.campaign_id, entry.advertiser_id, entry.ad_id, 1_000, NOW, NOW, False
    )
    with transaction.atomic(), connection.cursor() as cursor:
        ledger.book(cursor.cursor, [item])


@pytest.fixture
def ads() -> list[Ad]:
    return [make_ad(category="travel"), make_ad(category="gaming", pricing="cpc", bid_micros=2_000_000, goal_type="clicks")]


@pytest.mark.usefixtures("ads")
def test_what_was_never_touched_tells_the_same_everywhere() -> None:
    show(3, "ad.click")
    serve_break(make_request(), now=NOW)
    report = look()
    assert (report.differences, report.counters, report.flights) == ((), "whole", 2)


@pytest.mark.parametrize(
    ("damage", "where", "figures"),
    [
        (lambda: change_balance(booked_micros=5, impressions=90, clicks=90), "ledger", {"booked_micros", "impressions", "clicks"}),
        (lambda: change_balance(day_booked_micros=5, day_delivered=9), "ledger", {"day_booked_micros", "day_delivered"}),
        (change_counters, "redis", {"booked_micros", "day_booked_micros", "delivered", "day_delivered"}),
        (lambda: change_balance(version=0), "redis", {"version"}),
        (lose_a_settlement, "redis", {"booked_micros", "day_booked_micros", "delivered", "day_delivered"}),
        (drop_a_hold, "holds", {"held_micros", "held_count", "unconfirmed_micros"}),
    ],
)
@pytest.mark.usefixtures("ads")
def test_what_differs_is_told_left_alone_without_repair_and_right_after_it(damage: Callable[[], None], where: str, figures: set[str]) -> None:
    show(3, "ad.click")
    serve_break(make_request(), now=NOW)
    damage()
    told = look()
    assert {difference.figure for difference in told.differences if difference.where == where} == figures
    assert look().differences == told.differences
    assert look(repair=True).differences
    assert look().differences == ()
    if where == "redis":
        assert sum(row.booked_micros for row in reservation.counters(stream.client()).values()) == booked()
        assert sum(balance.booked_micros for balance in recovery.balances(live=True)) == booked()


def test_refunds_and_figures_of_no_charge_leave_nothing_to_say(ads: list[Ad], django_user_model: Any) -> None:
    show(2, "ad.click")
    charge_refund(
        actor=django_user_model.objects.create(username="olga"), entry=LedgerEntry.objects.filter(flight=ads[0].flight)[0], note="Wrong film"
    )
    assert look().differences == ()


@pytest.mark.parametrize(("pricing", "bid"), [("cpm", 20_000_000), ("cpc", 2_000_000)])
def test_what_a_day_delivered_is_counted_anew_when_the_goal_becomes_another_kind_of_event(pricing: str, bid: int) -> None:
    ad = make_ad(pricing=pricing, bid_micros=bid, goal_amount=100, budget_micros=10_000_000_000)
    show(3)
    show(1, "ad.click")
    planner = User.objects.create_user("planner")
    for goal, delivered in (("clicks", 1), ("impressions", 4)):
        services.row_update(actor=planner, row=ad.flight, changes={"goal_type": goal})
        assert FlightBalance.objects.get().day_delivered == delivered
        serve_break(make_request(), now=NOW)
        (counters,) = reservation.counters(stream.client()).values()
        assert (counters.delivered, counters.day_delivered) == (delivered, delivered)
    assert not look().differences


def test_lost_counters_are_told_and_rebuilt() -> None:
    make_ad()
    show(1)
    stream.client().delete(reservation.READY)
    assert look().counters == "lost"
    assert look(repair=True).counters == "rebuilt"
    assert look().counters == "whole"


def test_rows_of_flights_that_no_longer_serve_leave_the_table_and_come_back_with_their_balance() -> None:
    ad, other = make_ad(), make_ad(category="gaming")
    show(2)
    Flight.objects.get(pk=ad.flight_id).ads.update(review="rejected")
    Flight.objects.get(pk=ad.flight_id).save()
    assert look(repair=True).dropped == 1
    assert set(reservation.counters(stream.client())) == {other.flight_id}
    ad.save()
    serve_break(make_request(), now=NOW)
    counters = reservation.counters(stream.client())
    assert counters[ad.flight_id].booked_micros == FlightBalance.objects.get(flight=ad.flight).booked_micros > 0
    assert look().differences == ()


def test_repairing_while_events_are_stored_neither_finds_nor_makes_a_difference() -> None:
    make_ad(), make_ad(category="gaming", pricing="cpcv", bid_micros=40_000)
    stop, reports = Flag(), list[Report]()

    def repair() -> None:
        while not stop.is_set():
            reports.append(look(repair=True))
        connection.close()

    thread = Thread(target=repair)
    thread.start()
    try:
        for _ in range(8):
            show(6, "ad.complete")
    finally:
        stop.set()
        thread.join()
        connections.close_all()
    assert reports
    assert [difference for report in reports for difference in report.differences if difference.where == "ledger"] == []
    assert look().differences == ()


def test_the_command_says_it_in_words_and_in_json_and_ends_with_a_status() -> None:
    ad = make_ad()
    show(2)
    change_balance(booked_micros=1_500)
    out = io.StringIO()
    with pytest.raises(SystemExit) as ended:
        call_command("reconcile", stdout=out)
    assert ended.value.code == 1
    assert f"{ad.flight}: the balance says 1,500 micros booked, the ledger 2,000 (500 too few)." in out.getvalue()
    out = io.StringIO()
    call_command("reconcile", "--repair", "--json", stdout=out)
    assert json.loads(out.getvalue())["differences"][0]["expected"] == 2_000
    out = io.StringIO()
    call_command("reconcile", stdout=out)
    assert out.getvalue() == "Ledger, balances and counters tell the same; flights: 1.\n"
