"""The ledger's arithmetic by itself: every limit is hard, reversals give back what was charged, and the sum of the entries is the balance."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.db.models import Sum
from hypothesis import given
from hypothesis import strategies as st

from ads import ledger
from ads.models import Ad, FlightBalance, LedgerEntry

from .inventory import NOW, make_ad

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("rolled_back")]
KINDS = list(ledger.KIND)


@pytest.fixture
def rolled_back() -> Iterator[None]:
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def billable(ad: Ad, decision: int, kind: str = "ad.impression", *, price: int = 1_000, at: Any = NOW) -> ledger.Billable:
    return ledger.Billable(
        event=uuid.UUID(int=(ad.pk << 40) + (decision << 8) + KINDS.index(kind)), type=kind, decision=uuid.UUID(int=(ad.pk << 20) + decision), slot=0,
        flight=ad.flight_id, campaign=ad.flight.campaign_id, advertiser=ad.flight.campaign.advertiser_id, ad=ad.pk, price_micros=price,
        occurred_at=at, received_at=at, synthetic=False,
    )  # fmt: skip


def book(*billables: ledger.Billable) -> ledger.Booked:
    with connection.cursor() as cursor:
        return ledger.book(cursor.cursor, billables)


def reverse(*billables: ledger.Billable, at: Any = NOW) -> ledger.Reversed:
    items = [
        ledger.Reversal(item.event, item.type, item.decision, item.slot, item.flight, "out_of_order", at, item.received_at) for item in billables
    ]
    with connection.cursor() as cursor:
        return ledger.reverse(cursor.cursor, items)


def reasons(ad: Ad) -> list[str]:
    return list(LedgerEntry.objects.filter(flight=ad.flight).order_by("pk").values_list("reason", flat=True))


def balance(ad: Ad) -> FlightBalance:
    return FlightBalance.objects.get(flight=ad.flight)


@pytest.mark.parametrize(
    ("limit", "reason"),
    [
        ({"budget_micros": 3_999}, "over_budget"),
        ({"goal_amount": 3}, "over_goal"),
        ({"goal_type": "spend", "goal_amount": 3_999}, "over_budget"),
        ({"daily_budget_micros": 3_000}, "over_daily_budget"),
        ({"daily_goal_amount": 3}, "over_daily_goal"),
        ({"goal_type": "spend", "goal_amount": None, "daily_goal_amount": 3_000}, "over_daily_budget"),
    ],
)
def test_what_lies_beyond_a_limit_is_booked_at_nothing_with_the_reason(limit: dict[str, Any], reason: str) -> None:
    ad = make_ad(**limit)
    book(*(billable(ad, number) for number in range(5)))
    assert reasons(ad) == ["", "", "", reason, reason]
    assert (balance(ad).booked_micros, balance(ad).impressions, balance(ad).day_delivered) == (3_000, 5, 5)


def test_a_flight_without_a_goal_is_charged_until_its_budget_ends_and_a_house_flight_never() -> None:
    endless, house = make_ad(goal_amount=None, budget_micros=2_000), make_ad(tier="house", bid_micros=0, budget_micros=0, goal_amount=None)
    book(*(billable(endless, number) for number in range(3)), *(billable(house, number, price=0) for number in range(3)))
    assert (reasons(endless), reasons(house)) == (["", "", "over_budget"], ["", "", ""])
    assert (balance(house).booked_micros, balance(house).impressions) == (0, 3)


def test_a_click_beyond_the_budget_books_nothing_and_counts() -> None:
    ad = make_ad(pricing="cpc", goal_type="clicks", goal_amount=100, budget_micros=5_000)
    book(*(billable(ad, number, "ad.click", price=4_000) for number in range(2)))
    assert reasons(ad) == ["", "over_budget"]
    assert (balance(ad).booked_micros, balance(ad).clicks) == (4_000, 2)


def test_a_daily_limit_holds_for_a_day_told_after_the_next_one_has_begun() -> None:
    ad = make_ad(daily_budget_micros=2_000, daily_goal_amount=10)
    book(billable(ad, 1))
    book(billable(ad, 2, at=NOW + timedelta(days=1)))
    book(billable(ad, 3), billable(ad, 4), billable(ad, 5, at=NOW + timedelta(days=1)), billable(ad, 6, at=NOW + timedelta(days=1)))
    assert reasons(ad) == ["", "", "", "over_daily_budget", "", "over_daily_budget"]
    assert (balance(ad).day, balance(ad).day_booked_micros, balance(ad).day_delivered) == ((NOW + timedelta(days=1)).date(), 2_000, 3)


def test_an_event_booked_before_under_another_id_is_neither_charged_nor_counted() -> None:
    ad = make_ad()
    first = billable(ad, 1)
    book(first)
    again = book(replace(first, event=uuid.uuid4()))
    assert not again.amounts
    assert (balance(ad).booked_micros, balance(ad).impressions, balance(ad).day_delivered) == (1_000, 1, 1)


def test_a_reversal_gives_money_and_count_back_once() -> None:
    ad = make_ad(goal_amount=2)
    shown = [billable(ad, number) for number in range(2)]
    book(*shown)
    assert reverse(shown[0]).amounts == {shown[0].event: 1_000}
    again = reverse(shown[0])
    assert (again.amounts, again.events, again.balances) == ({}, frozenset(), ())
    assert (balance(ad).booked_micros, balance(ad).impressions, balance(ad).day_booked_micros, balance(ad).day_delivered) == (1_000, 1, 1_000, 1)
    book(billable(ad, 7), billable(ad, 8))
    assert reasons(ad) == ["", "", "out_of_order", "", "over_goal"]


def test_a_reversal_goes_to_whom_the_charge_went_and_lands_in_the_open_month() -> None:
    ad, other = make_ad(), make_ad()
    item, later = billable(ad, 1), NOW + timedelta(days=40)
    book(item)
    ad.flight.campaign = other.flight.campaign
    ad.flight.name = "Moved"
    ad.flight.save()
    taken = reverse(item, at=later)
    row = LedgerEntry.objects.get(kind="reversal")
    assert (row.amount_micros, row.advertiser_id, row.booked_at, row.occurred_at) == (-1_000, item.advertiser, later, NOW)
    assert taken.balances[0].booked_micros == 0


def test_a_refund_of_another_day_does_not_reopen_the_budget_of_this_one() -> None:
    ad = make_ad(daily_budget_micros=1_000)
    tomorrow = NOW + timedelta(days=1)
    old = billable(ad, 1)
    book(old)
    book(billable(ad, 2, at=tomorrow))
    reverse(old, at=tomorrow)
    book(billable(ad, 3, at=tomorrow))
    assert reasons(ad) == ["", "", "out_of_order", "over_daily_budget"]


def test_a_view_that_was_only_counted_is_only_counted_back() -> None:
    ad = make_ad(pricing="cpc", goal_type="clicks", goal_amount=9)
    item = billable(ad, 1)
    book(item, billable(ad, 1, "ad.click"))
    taken = reverse(item)
    assert (dict(taken.amounts), set(taken.events)) == ({}, {item.event})
    assert (balance(ad).impressions, balance(ad).clicks, balance(ad).booked_micros) == (0, 1, 1_000)


def test_every_change_of_a_balance_raises_its_version() -> None:
    ad = make_ad()
    item = billable(ad, 1)
    versions = [book(item).accounts[ad.flight_id].balance().version, reverse(item).balances[0].version]
    versions.append(book(billable(ad, 2)).accounts[ad.flight_id].balance().version)
    assert versions == sorted(set(versions))


@pytest.fixture
def flights() -> list[Ad]:
    return [
        make_ad(budget_micros=5_000, goal_amount=10**6, daily_budget_micros=3_000), make_ad(goal_amount=4, daily_goal_amount=2),
        make_ad(pricing="cpc", budget_micros=9_000, goal_type="clicks", goal_amount=4),
        make_ad(pricing="cpcv", goal_type="spend", goal_amount=3_000, budget_micros=8_000),
    ]  # fmt: skip


events = st.tuples(st.integers(0, 3), st.sampled_from(KINDS), st.integers(0, 2_500), st.integers(0, 6), st.integers(0, 2))
steps = st.lists(st.tuples(st.booleans(), st.lists(events, max_size=12)), min_size=1, max_size=5)


@given(steps=steps)
def test_the_sum_of_the_ledger_is_the_balance_whatever_the_order_of_events_duplicates_and_reversals(flights: list[Ad], steps: Any) -> None:
    point, known, open_events = transaction.savepoint(), set[uuid.UUID](), dict[uuid.UUID, ledger.Billable]()
    for back, drawn in steps:
        items = [billable(flights[f], decision, kind, price=price, at=NOW + timedelta(days=day)) for f, kind, price, decision, day in drawn]
        if back:
            # Twice at once and once more than was ever counted: only what counts is given back.
            counted = [open_events[item.event] for item in items if item.event in open_events]
            charged = [item for item in counted if LedgerEntry.objects.filter(event=item.event).exists()]
            reverse(*counted, *charged, at=NOW + timedelta(days=2))
            reverse(*charged, at=NOW + timedelta(days=2))
            open_events = {event: item for event, item in open_events.items() if item not in counted}
        else:
            fresh = list({item.event: item for item in items if item.event not in known}.values())
            book(*fresh)
            known |= {item.event for item in fresh}
            open_events |= {item.event: item for item in fresh}
    for ad in flights:
        _assert_adds_up(ad, [item for item in open_events.values() if item.flight == ad.flight_id])
    transaction.savepoint_rollback(point)


def _assert_adds_up(ad: Ad, counted: list[ledger.Billable]) -> None:
    entries = LedgerEntry.objects.filter(flight=ad.flight)
    found = FlightBalance.objects.filter(flight=ad.flight).first() or FlightBalance(flight=ad.flight)
    sold = ad.flight
    limit = min(sold.budget_micros, sold.goal_amount or 0) if sold.goal_type == "spend" else sold.budget_micros
    assert (entries.aggregate(total=Sum("amount_micros"))["total"] or 0) == found.booked_micros <= limit
    assert [found.impressions, found.completed_views, found.clicks] == [sum(item.type == kind for item in counted) for kind in KINDS]
    for day, amount in _charged_by_day(ad).items():
        assert sold.daily_budget_micros is None or amount <= sold.daily_budget_micros
        assert day != found.day or amount == found.day_booked_micros


def _charged_by_day(ad: Ad) -> dict[date, int]:
    """What is charged by day, reversals taken off the day of their charge."""
    back = dict(LedgerEntry.objects.filter(flight=ad.flight, kind="reversal").values_list("event", "amount_micros"))
    days: dict[date, int] = {}
    for event, amount, at in LedgerEntry.objects.filter(flight=ad.flight).exclude(kind="reversal").values_list("event", "amount_micros", "booked_at"):
        days[at.date()] = days.get(at.date(), 0) + amount + back.get(event, 0)
    return days
