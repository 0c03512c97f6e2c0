"""What is judged for good when a window has closed: charges that appear, charges that are taken back, once, by whoever closes."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from urllib.parse import quote

import pytest
from django.db import connection, transaction
from msgspec.structs import replace

from adplatform.eventlog import consumer, ids, stream, tokens
from adplatform.eventlog.envelope import Event
from ads import closing
from ads.closing import Closed, close_windows
from ads.models import Ad, AdEvent, DeliveryDay, FlightBalance, LedgerEntry
from ads.validity import WINDOW

from .inventory import NOW, make_ad, tracked

pytestmark = pytest.mark.django_db(transaction=True)
PRICE = 1_000
LATER = NOW + timedelta(minutes=10)


def token_for(ad: Ad, *, decided: float = 0.0) -> str:
    return tokens.sign(
        tokens.TrackingToken(
            decision=ids.new_id(NOW + timedelta(seconds=decided)), slot=0, ad=ad.pk, flight=ad.flight_id, price_micros=PRICE,
            expires=int(NOW.timestamp()) + 86_400, session=uuid.uuid4(), title=1,
        )
    )  # fmt: skip


def seconds(number: float) -> Any:
    return NOW + timedelta(seconds=number)


def sent(token: str, kind: str, *, occurred: float, received: float) -> Event:
    """An event whose sender's clock says ``occurred`` and that arrives at ``received``, in seconds."""
    return replace(tracked(token, kind, at=seconds(occurred)), received_at=seconds(received))


def store(*events: Event, now: float) -> None:
    stream.append(list(events))
    consumer.drain(now=seconds(now))


def figures(ad: Ad) -> dict[str, int]:
    measures = ("impressions", "clicks", "completed_views", "gross_impressions", "gross_clicks", "invalid", "revenue_micros", "reversed_micros")
    row = DeliveryDay.objects.get(ad_id=ad.pk)
    return {name: value for name in measures if (value := getattr(row, name))}


def booked(ad: Ad) -> int:
    return FlightBalance.objects.get(flight=ad.flight).booked_micros


def test_a_click_whose_impression_comes_later_is_charged_when_the_window_closes() -> None:
    ad = make_ad(pricing="cpc", bid_micros=1_000_000)
    token = token_for(ad)
    store(sent(token, "ad.click", occurred=6, received=6), now=6)
    assert figures(ad) == {"gross_clicks": 1, "invalid": 1}
    store(sent(token, "ad.impression", occurred=1, received=30), now=30)
    assert not LedgerEntry.objects.exists()
    assert close_windows(now=LATER) == Closed(judged=2, appeared=1)
    assert figures(ad) == {"impressions": 1, "clicks": 1, "gross_impressions": 1, "gross_clicks": 1, "revenue_micros": PRICE}
    assert (LedgerEntry.objects.get().amount_micros, booked(ad)) == (PRICE, PRICE)
    assert not AdEvent.objects.filter(valid=False).exists()


def test_a_click_that_begins_to_count_is_charged_no_more_than_the_flight_has_left() -> None:
    ad = make_ad(pricing="cpc", bid_micros=1_000_000, budget_micros=PRICE)
    for _ in range(2):
        token = token_for(ad)
        store(sent(token, "ad.click", occurred=6, received=6), now=6)
        store(sent(token, "ad.impression", occurred=1, received=30), now=30)
    close_windows(now=LATER)
    assert sorted(LedgerEntry.objects.values_list("amount_micros", "reason")) == [(0, "over_budget"), (PRICE, "")]


def test_nothing_is_judged_for_good_before_the_window_closes() -> None:
    ad = make_ad()
    store(sent(token_for(ad), "ad.impression", occurred=0, received=0), now=0)
    assert close_windows(now=NOW + WINDOW - timedelta(seconds=1)) == Closed()
    assert close_windows(now=NOW + WINDOW) == Closed(judged=1)
    assert AdEvent.objects.get().judged_at == NOW + WINDOW


def test_a_click_without_an_impression_never_counts_and_one_that_comes_after_the_closing_changes_nothing() -> None:
    ad = make_ad(pricing="cpc", bid_micros=1_000_000)
    token = token_for(ad)
    store(sent(token, "ad.click", occurred=6, received=6), now=6)
    close_windows(now=LATER)
    store(sent(token, "ad.impression", occurred=1, received=700), now=700)
    close_windows(now=LATER + timedelta(hours=1))
    assert AdEvent.objects.get(type="ad.click").reason == "click_without_impression"
    assert not LedgerEntry.objects.exists()


def test_a_completed_view_that_others_contradict_is_charged_back() -> None:
    ad = make_ad(pricing="cpcv", bid_micros=30_000)
    token = token_for(ad, decided=-20)
    store(sent(token, "ad.impression", occurred=0, received=0.1), sent(token, "ad.complete", occurred=10, received=10.1), now=11)
    assert (booked(ad), figures(ad)["revenue_micros"]) == (PRICE, PRICE)
    store(sent(token, "ad.third_quartile", occurred=12, received=12.1), now=13)
    assert close_windows(now=LATER) == Closed(judged=3, vanished=1)
    assert AdEvent.objects.get(type="ad.complete").reason == "out_of_order"
    assert figures(ad) == {"impressions": 1, "gross_impressions": 1, "invalid": 1, "reversed_micros": PRICE}
    assert list(LedgerEntry.objects.order_by("pk").values_list("kind", "amount_micros", "reason")) == [
        ("completed_view", PRICE, ""),
        ("reversal", -PRICE, "out_of_order"),
    ]
    balance = FlightBalance.objects.get(flight=ad.flight)
    assert (balance.booked_micros, balance.completed_views, balance.impressions) == (0, 0, 1)


def test_a_clock_that_is_wrong_is_corrected_by_the_rest_of_the_break_and_an_invented_time_is_not() -> None:
    honest, cheat = make_ad(), make_ad()
    slow, invented = token_for(honest), token_for(cheat)
    # A player whose clock is an hour slow: everything it sends is an hour early, and so is its impression.
    store(sent(slow, "ad.impression", occurred=-3595, received=5), sent(slow, "ad.heartbeat", occurred=-3594, received=6.2), now=7)
    # One whose clock is right, as its heartbeat shows, and whose impression claims to be from before the ad was chosen.
    store(sent(invented, "ad.impression", occurred=-3595, received=5), sent(invented, "ad.heartbeat", occurred=6, received=6.1), now=7)
    assert (booked(honest), booked(cheat)) == (PRICE, PRICE)
    assert close_windows(now=LATER) == Closed(judged=2, vanished=1)
    assert AdEvent.objects.get(valid=False).reason == "before_decision"
    assert (booked(honest), booked(cheat)) == (PRICE, 0)


def test_when_an_impression_is_found_invalid_its_click_goes_with_it() -> None:
    ad = make_ad(pricing="cpc", bid_micros=1_000_000)
    token = token_for(ad)
    store(
        sent(token, "ad.impression", occurred=-3595, received=5),
        sent(token, "ad.click", occurred=8, received=8.1),
        sent(token, "ad.heartbeat", occurred=6, received=6.1),
        now=9,
    )
    assert booked(ad) == PRICE
    assert close_windows(now=LATER) == Closed(judged=2, vanished=2)
    assert (AdEvent.objects.get(type="ad.click").reason, booked(ad)) == ("click_without_impression", 0)
    balance = FlightBalance.objects.get(flight=ad.flight)
    assert (balance.impressions, balance.clicks) == (0, 0)


def test_a_slot_that_another_event_joined_since_it_was_found_waits_for_that_one_too() -> None:
    ad = make_ad(pricing="cpc", bid_micros=1_000_000)
    token = token_for(ad)
    store(sent(token, "ad.complete", occurred=11, received=11.1), now=12)
    found = closing._waiting_slots(seconds(12))
    store(sent(token, "ad.click", occurred=6, received=131), now=132)
    assert closing._close(found, seconds(12) + WINDOW) == Closed()
    store(sent(token, "ad.impression", occurred=1, received=200), now=201)
    assert close_windows(now=LATER) == Closed(judged=3, appeared=2)
    assert booked(ad) == PRICE


def test_closing_locks_balances_before_the_figures_of_what_is_invalid_as_the_consumer_does() -> None:
    ad = make_ad(pricing="cpc", bid_micros=1_000_000)
    token = token_for(ad)
    store(sent(token, "ad.click", occurred=6, received=6), now=6)
    store(sent(token, "ad.impression", occurred=1, received=30), now=30)
    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic(), connection.cursor() as cursor:
            FlightBalance.objects.select_for_update().get(flight=ad.flight)
            other = pool.submit(closed_elsewhere)
            until = time.monotonic() + 30
            while not waiting_for_us():
                assert time.monotonic() < until, "closing never asked for the balance"
                time.sleep(0.02)
            # Would wait for the other, which waits for us, had it these rows already.
            cursor.execute("SELECT 1 FROM adplatform_rollupstate WHERE name = 'ads.invalid' FOR UPDATE NOWAIT")
        assert other.result(60) == Closed(judged=2, appeared=1)
    assert booked(ad) == PRICE


def closed_elsewhere() -> Closed:
    try:
        return close_windows(now=LATER)
    finally:
        connection.close()


def waiting_for_us() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY(pg_blocking_pids(pid))")
        return bool(cursor.fetchone()[0])


def everything() -> list[object]:
    return [
        list(DeliveryDay.objects.order_by("ad_id").values()),
        list(FlightBalance.objects.order_by("pk").values()),
        list(LedgerEntry.objects.order_by("pk").values()),
        list(AdEvent.objects.order_by("pk").values()),
    ]


def test_closing_again_and_closing_in_two_processes_changes_nothing_more() -> None:
    for number in range(8):
        ad = make_ad(pricing="cpc", bid_micros=1_000_000)
        token = token_for(ad)
        store(sent(token, "ad.click", occurred=6, received=6), now=6)
        if number % 2:
            store(sent(token, "ad.impression", occurred=1, received=30), now=30)
    database = connection.settings_dict
    url = f"postgresql://{database['USER']}@{quote(str(database['HOST']), safe='')}/{database['NAME']}"
    environment = {**os.environ, "DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "tests.settings"}
    command = [sys.executable, "manage.py", "judge_windows", "--now", LATER.isoformat()]
    processes = [subprocess.Popen(command, env=environment, stdout=subprocess.PIPE) for _ in range(2)]
    assert [process.wait(60) for process in processes] == [0, 0]
    for process in processes:
        assert process.stdout is not None
        process.stdout.close()
    assert LedgerEntry.objects.filter(amount_micros=PRICE).count() == 4
    assert not AdEvent.objects.filter(judged_at=None).exists()
    once = everything()
    assert close_windows(now=LATER + timedelta(hours=1)) == Closed()
    assert everything() == once
