"""Staff give charges back: once, with a reason, in the open month, and what was sold can be sold again."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db.models import Sum
from django.utils import timezone

from adplatform.eventlog import consumer, stream
from ads.models import Ad, AdEvent, DeliveryDay, FlightBalance, LedgerEntry
from ads.refunds import charge_refund, charges_refund
from ads.services import WrongState

from .inventory import NOW, make_ad, tracked
from .test_closing import PRICE, token_for

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def lead(db: None) -> User:
    return User.objects.create_user("lead")


def shown(ad: Ad, times: int = 1) -> list[LedgerEntry]:
    stream.append([tracked(token_for(ad), "ad.impression", at=NOW) for _ in range(times)])
    consumer.drain(now=NOW)
    return list(LedgerEntry.objects.filter(flight=ad.flight).order_by("pk"))


def test_a_refund_is_a_reversal_in_the_open_month_with_who_and_why(lead: User) -> None:
    ad = make_ad()
    (entry,) = shown(ad)
    before = timezone.now()
    reversal = charge_refund(actor=lead, entry=entry, note="  Wrong language  ")
    assert (reversal.amount_micros, reversal.reason, reversal.note, reversal.by) == (-PRICE, "refund", "Wrong language", lead)
    assert before <= reversal.booked_at
    assert LedgerEntry.objects.get(pk=entry.pk).amount_micros == PRICE


def test_what_was_given_back_leaves_revenue_where_it_was_earned_and_can_be_sold_again(lead: User) -> None:
    ad = make_ad(budget_micros=PRICE)
    (entry,) = shown(ad)
    charge_refund(actor=lead, entry=entry, note="Shown in the wrong film")
    day = DeliveryDay.objects.get(ad_id=ad.pk)
    assert (day.bucket.date(), day.revenue_micros, day.reversed_micros, day.impressions, day.gross_impressions) == (NOW.date(), 0, PRICE, 1, 1)
    assert AdEvent.objects.get().valid
    balance = FlightBalance.objects.get(flight=ad.flight)
    assert (balance.booked_micros, balance.impressions) == (0, 0)
    assert [charge.amount_micros for charge in shown(ad)[2:]] == [PRICE]


def test_a_charge_is_given_back_once(lead: User) -> None:
    (entry,) = shown(make_ad())
    charge_refund(actor=lead, entry=entry, note="Once")
    with pytest.raises(WrongState, match="given back already"):
        charge_refund(actor=lead, entry=entry, note="Twice")
    assert LedgerEntry.objects.aggregate(total=Sum("amount_micros"))["total"] == 0


@pytest.mark.parametrize("note", ["", "   ", "x" * 201])
def test_a_refund_needs_a_reason(lead: User, note: str) -> None:
    (entry,) = shown(make_ad())
    with pytest.raises(WrongState, match="Say why"):
        charge_refund(actor=lead, entry=entry, note=note)
    assert LedgerEntry.objects.count() == 1


def test_many_are_given_back_at_once_and_those_that_cannot_be_are_told(lead: User) -> None:
    ad = make_ad(budget_micros=3 * PRICE)
    entries = shown(ad, 4)
    first = charge_refund(actor=lead, entry=entries[0], note="One before")
    result = charges_refund(actor=lead, entries=[*entries, first], note="All of them")
    assert (len(result.entries), result.micros) == (2, 2 * PRICE)
    words = [result.skipped[entry.pk] for entry in (entries[0], entries[3], first)]
    assert ["given back already" in words[0], "Nothing was charged" in words[1], "itself a reversal" in words[2]] == [True] * 3
    assert FlightBalance.objects.get(flight=ad.flight).booked_micros == 0


def test_refunds_at_the_same_moment_give_back_once(lead: User) -> None:
    from concurrent.futures import ThreadPoolExecutor

    from django.db import connections

    (entry,) = shown(make_ad())

    def refund(_: int) -> Any:
        try:
            return charge_refund(actor=lead, entry=entry, note="At once")
        except WrongState:
            return None
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as pool:
        given = [reversal for reversal in pool.map(refund, range(4)) if reversal]
    assert len(given) == 1
    assert isinstance(given[0].booked_at, datetime)
    assert DeliveryDay.objects.get().reversed_micros == PRICE
