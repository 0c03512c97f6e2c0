"""Whatever comes in whatever order, twice or late, judged, charged back and refunded: ledger, balances and figures say the same."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection, transaction
from django.db.models import Sum
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from adplatform.eventlog import ids, tokens
from adplatform.eventlog.envelope import Event
from adplatform.eventlog.partitions import ensure_partitions
from ads.closing import close_windows
from ads.handler import AdEvents
from ads.models import Ad, AdEvent, DeliveryDay, DeliveryHour, DeliveryMinute, FlightBalance, InvalidDay, InvalidHour, LedgerEntry
from ads.refunds import charge_refund
from ads.validity import ORDERED

from .inventory import NOW, make_ad, tracked

pytestmark = pytest.mark.django_db(transaction=True)

SLOTS = 6
COUNTED = ("ad.impression", "ad.click", "ad.complete")
FIGURES = (
    "impressions", "clicks", "completed_views", "gross_impressions", "gross_clicks", "gross_completed_views", "invalid", "revenue_micros",
    "reversed_micros",
)  # fmt: skip
# What is charged comes more often; times are mostly those of a real view, now and then from before the ad was chosen.
KINDS = (*ORDERED, "ad.heartbeat", "ad.error", *COUNTED * 3)
HAPPENED = st.tuples(
    st.integers(0, SLOTS - 1), st.sampled_from(KINDS), st.sampled_from([-400, 0, 1, 4, 6, 9, 10, 11]), st.sampled_from([0, 1, 20, 150])
)
STEPS = st.lists(st.one_of(st.lists(HAPPENED, min_size=1, max_size=14), st.sampled_from(["close", "refund", "again"])), min_size=2, max_size=9)


@pytest.fixture
def sold() -> list[Ad]:
    """Each pricing, with room for two or three charges."""
    return [
        make_ad(budget_micros=2_500),
        make_ad(pricing="cpc", bid_micros=1_000_000, budget_micros=2_500, goal_type="clicks", goal_amount=2),
        make_ad(pricing="cpcv", bid_micros=30_000, budget_micros=3_500),
    ]


@pytest.fixture
def rolled_back() -> Iterator[None]:
    ensure_partitions({NOW.date(), (NOW - timedelta(days=1)).date()})
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def token_of(ad: Ad, number: int) -> str:
    return tokens.sign(
        tokens.TrackingToken(
            decision=ids.derived_id(ids.new_id(NOW), number), slot=0, ad=ad.pk, flight=ad.flight_id, price_micros=1_000,
            expires=int(NOW.timestamp()) + 86_400, session=uuid.uuid4(), title=1,
        )
    )  # fmt: skip


def event(token: str, kind: str, occurred: int, delay: int) -> Event:
    """What happened ``occurred`` seconds after the decision by its sender's clock and came in ``delay`` seconds later, never before the decision."""
    at = NOW + timedelta(seconds=occurred)
    return replace(tracked(token, kind, at=at), received_at=max(at, NOW) + timedelta(seconds=delay))


def handle(events: list[Event]) -> None:
    with transaction.atomic(), connection.cursor() as wrapper:
        AdEvents()(wrapper.cursor, events, now=max(event.received_at for event in events))


@settings(max_examples=20)
@given(steps=STEPS)
@pytest.mark.usefixtures("rolled_back")
def test_ledger_balances_and_figures_agree_after_every_step(sold: list[Ad], steps: list[Any]) -> None:
    point = transaction.savepoint()
    lead = User.objects.create_user(uuid.uuid4().hex)
    signed = [token_of(sold[number % len(sold)], number) for number in range(SLOTS)]
    sent: list[Event] = []
    for step in steps:
        if step == "close":
            close_windows(now=NOW + timedelta(seconds=300))
        elif step == "refund":
            if entry := LedgerEntry.objects.filter(amount_micros__gt=0).exclude(decision__in=given_back()).order_by("pk").first():
                charge_refund(actor=lead, entry=entry, note="By chance")
        elif step == "again":
            if sent:
                handle(sent[::-1])
        else:
            batch = [event(signed[slot], kind, occurred, delay) for slot, kind, occurred, delay in step]
            sent += batch
            handle(batch)
        check(sold)
    close_windows(now=NOW + timedelta(days=1))
    check(sold)
    assert not AdEvent.objects.filter(judged_at=None).exists()
    transaction.savepoint_rollback(point)


def given_back() -> Any:
    return LedgerEntry.objects.filter(kind="reversal").values("decision")


def check(sold: list[Ad]) -> None:
    entries = LedgerEntry.objects.order_by().values_list("ad").annotate(Sum("amount_micros"))
    booked, back = dict(entries), dict(entries.filter(kind="reversal"))
    balances = dict(FlightBalance.objects.values_list("flight__ads", "booked_micros"))
    stored = Counter(AdEvent.objects.values_list("ad", "type", "valid", "reason"))
    for rollup in (DeliveryMinute, DeliveryHour, DeliveryDay):
        figures = {ad: row for ad, *row in rollup._default_manager.order_by().values_list("ad_id").annotate(*map(Sum, FIGURES))}
        for ad in sold:
            valid = [count_of(stored, ad, kind, valid=True) for kind in COUNTED]
            gross = [count + count_of(stored, ad, kind, valid=False) for count, kind in zip(valid, COUNTED, strict=True)]
            invalid = sum(times for (of, _, counts, _), times in stored.items() if of == ad.pk and not counts)
            told = figures.get(ad.pk, [0] * len(FIGURES))
            assert told == [*valid, *gross, invalid, booked.get(ad.pk, 0), -back.get(ad.pk, 0)]
    for ad in sold:
        assert booked.get(ad.pk, 0) == balances.get(ad.pk, 0) <= ad.flight.budget_micros
    reasons = Counter({(kind, reason): 0 for _, kind, _, reason in stored})
    for (_, kind, counts, reason), times in stored.items():
        reasons[kind, reason] += 0 if counts else times
    for by_reason in (InvalidHour, InvalidDay):
        rows = by_reason._default_manager.order_by().values_list("type", "reason").annotate(total=Sum("events"))
        assert {(kind, reason): total for kind, reason, total in rows if total} == +reasons


def count_of(stored: Counter[Any], ad: Ad, kind: str, *, valid: bool) -> int:
    return sum(times for (of, what, counts, _), times in stored.items() if (of, what, counts) == (ad.pk, kind, valid))
