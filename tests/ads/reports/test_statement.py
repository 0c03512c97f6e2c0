"""A statement is the ledger of one advertiser and month, to the micro."""

from __future__ import annotations

import csv
import io
import itertools
import uuid
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Sum
from django.test import Client
from hypothesis import given, settings
from hypothesis import strategies as st

from ads.models import Ad, DeliveryDay, LedgerEntry
from ads.reports import files
from ads.reports.statement import CLOSED, OPEN, SETTLING, NoMonth, read_month, statement, summaries
from tests.ads.inventory import make_ad

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
MONTH = date(2026, 11, 1)
_numbers = itertools.count(1)


def charge(ad: Ad, micros: int, *, at: datetime, kind: str = "impression", reason: str = "", delivered: datetime | None = None) -> LedgerEntry:
    number = next(_numbers)
    return LedgerEntry.objects.create(
        decision=uuid.UUID(int=number), slot=0, kind=kind, flight=ad.flight, campaign=ad.flight.campaign, advertiser=ad.flight.campaign.advertiser,
        ad=ad, amount_micros=micros, reason=reason, event=uuid.UUID(int=number), occurred_at=delivered or at, booked_at=at,
    )  # fmt: skip


def give_back(entry: LedgerEntry, *, at: datetime, note: str = "") -> LedgerEntry:
    return LedgerEntry.objects.create(
        decision=entry.decision, slot=entry.slot, kind="reversal", flight=entry.flight, campaign=entry.campaign, advertiser=entry.advertiser, ad=entry.ad,
        amount_micros=-entry.amount_micros, reason="refund" if note else "burst", note=note, event=entry.event, occurred_at=entry.occurred_at, booked_at=at,
    )  # fmt: skip


def in_november(day: int, hour: int = 0) -> datetime:
    return datetime(2026, 11, day, hour, tzinfo=UTC)


HAPPENED = st.tuples(
    st.integers(0, 1),
    st.integers(0, 3_000_000),
    st.sampled_from(["impression", "completed_view", "click"]),
    st.integers(-80, 80),
    st.integers(-1, 70),
)


@settings(max_examples=15)
@given(happened=st.lists(HAPPENED, max_size=14))
def test_whatever_was_booked_and_given_back_the_statements_add_up_to_the_ledger(happened: list[tuple[int, int, str, int, int]]) -> None:
    with transaction.atomic():
        sold = [make_ad(), make_ad()]
        for which, micros, kind, days, back in happened:
            at = in_november(15) + timedelta(days=days, hours=days)
            entry = charge(sold[which], micros, at=at, kind=kind, reason="" if micros else "over_budget")
            if back >= 0 and micros:
                give_back(entry, at=at + timedelta(days=back), note="Asked for" if back % 2 else "")
        for ad in sold:
            who = ad.flight.campaign.advertiser
            months = [statement(who, month, now=NOW) for month in (date(2026, 8 + n, 1) if n < 5 else date(2027, n - 4, 1) for n in range(9))]
            entries = LedgerEntry.objects.filter(advertiser=who)
            for earlier, found in itertools.pairwise(months):
                assert found.opening == earlier.closing
            for found in months:
                booked = entries.filter(booked_at__year=found.month.year, booked_at__month=found.month.month)
                assert found.total == booked.aggregate(total=Sum("amount_micros", default=0))["total"]
                read = list(csv.reader(io.StringIO(b"".join(files.csv_chunks(files.statement_rows(found))).decode())))
                assert sum(Decimal(row[11]) for row in read[1:]) * 1_000_000 == found.total
                quantities = [
                    *(one.quantity for one in found.lines),
                    *(one.quantity for one in found.uncharged),
                    *(one.quantity for one in found.given_back),
                ]
                assert sum(quantities) == booked.count()
            assert months[-1].closing == entries.aggregate(total=Sum("amount_micros", default=0))["total"]
        transaction.set_rollback(True)


def test_lines_tell_what_was_charged_for_and_what_was_not() -> None:
    ad = make_ad()
    for micros in (1_500, 1_500, 2_001):
        charge(ad, micros, at=in_november(3))
    charge(ad, 0, at=in_november(4), reason="over_budget")
    charge(make_ad(), 9_999, at=in_november(4))
    found = statement(ad.flight.campaign.advertiser, MONTH, now=NOW)
    (line,) = found.lines
    assert (line.quantity, line.micros, line.lowest, line.highest, line.price) == (3, 5_001, 1_500, 2_001, 1_667)
    assert [(one.reason, one.quantity) for one in found.uncharged] == [("beyond the budget", 1)]
    assert (found.number, found.total) == (f"ADV-{ad.flight.campaign.advertiser_id}-2026-11", 5_001)


def test_what_is_refunded_after_a_month_closed_stands_in_the_open_month_and_leaves_the_closed_one_as_it_was() -> None:
    ad = make_ad()
    entry = charge(ad, 7_000_001, at=in_november(30, 23), delivered=in_november(30, 22))
    who, later = ad.flight.campaign.advertiser, datetime(2026, 12, 9, tzinfo=UTC)
    before = statement(who, MONTH, now=later)
    give_back(entry, at=later, note="Wrong film")
    after, december = statement(who, MONTH, now=later), statement(who, date(2026, 12, 1), now=later)
    assert (before.total, after.total, before.closing) == (7_000_001, 7_000_001, after.closing)
    (back,) = december.given_back
    assert (back.day, back.charged_in, back.kind, back.note, back.micros) == (later.date(), MONTH, "impression", "Wrong film", -7_000_001)
    assert (december.opening, december.closing) == (7_000_001, 0)
    assert [(one.month.month, one.total) for one in summaries(MONTH, date(2026, 12, 1), now=later, advertiser=who.pk)] == [
        (12, -7_000_001),
        (11, 7_000_001),
    ]


def test_the_rollups_figure_stands_beside_it_by_the_time_of_delivery() -> None:
    ad = make_ad()
    late = charge(ad, 500, at=in_november(1, 1), delivered=in_november(1) - timedelta(hours=1))
    charge(ad, 300, at=in_november(2))
    for entry in LedgerEntry.objects.all():
        day = entry.occurred_at.replace(hour=0)
        DeliveryDay.objects.create(
            bucket=day, advertiser_id=entry.advertiser_id, campaign_id=entry.campaign_id, flight_id=entry.flight_id, ad_id=entry.ad_id,
            revenue_micros=entry.amount_micros, device=str(entry.pk),
        )  # fmt: skip
    found = statement(ad.flight.campaign.advertiser, MONTH, now=NOW)
    assert (found.total, found.delivered, found.rollup) == (800, 300, 300)
    give_back(late, at=in_november(5))
    found = statement(ad.flight.campaign.advertiser, MONTH, now=NOW)
    assert (found.total, found.delivered) == (300, 300)


def test_a_month_is_open_then_settling_then_closed() -> None:
    who = make_ad().flight.campaign.advertiser
    times = (NOW, datetime(2026, 12, 1, 5, tzinfo=UTC), datetime(2026, 12, 2, tzinfo=UTC))
    assert [statement(who, MONTH, now=now).state for now in times] == [OPEN, SETTLING, CLOSED]


@pytest.mark.parametrize("text", ["2026-13", "2026-1", "november", "1999-12", "2026-12", "\uff12026-11"])
def test_what_is_no_month_is_refused_in_words(text: str) -> None:
    with pytest.raises(NoMonth, match=r"no month|has not begun"):
        read_month(text, now=NOW)


def test_the_page_shows_rounded_and_exact_amounts_and_says_what_rounding_did() -> None:
    first, second = make_ad(advertiser="One"), make_ad(advertiser="One")
    for ad in (first, second):
        charge(ad, 1_005_000, at=in_november(1))
    client = Client()
    client.force_login(User.objects.create_superuser("lead"))
    who = first.flight.campaign.advertiser_id
    page = client.get(f"/admin/reports/statements/{who}/2026-11/").content.decode()
    assert "1.005000" in page
    assert "add up to 2.02" in page
    assert "rounding difference of -0.01" in page
    assert 'id="nav-sidebar"' not in page
    answer: Any = client.get(f"/admin/reports/statements/{who}/2026-11/?format=csv")
    assert b"2.010000" not in (text := b"".join(answer.streaming_content))
    assert text.count(b"1.005000") == 4
    listed = client.get("/admin/reports/statements/?month=2026-11").content.decode()
    assert f"ADV-{who}-2026-11" in listed
    assert client.get(f"/admin/reports/statements/{who}/2026-13/").status_code == 404
