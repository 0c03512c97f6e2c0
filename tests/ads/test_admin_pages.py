"""Ad-ops staff's forms speak their language; lists stay quick; billing rows stay."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import DatabaseError, connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from adplatform.eventlog import consumer, stream
from ads import live_inventory
from ads.models import Ad, AdEvent, BillingRowsStay, Campaign, Decision, Flight, FlightBalance, LedgerEntry
from ads.serving import serve_break
from catalog.models import Genre

from .inventory import NOW, make_ad, make_request, track

pytestmark = pytest.mark.django_db


@pytest.fixture
def client() -> Client:
    signed_in = Client()
    signed_in.force_login(User.objects.create_superuser("planner"))
    return signed_in


@pytest.fixture
def served() -> Iterator[Ad]:
    ad = make_ad()
    answer = serve_break(make_request(), now=NOW)
    track(answer.ads[0].token, "ad.impression", at=NOW)
    consumer.drain(now=NOW)
    yield ad


def form(campaign: Campaign, **changes: Any) -> dict[str, Any]:
    fields = {
        "campaign": campaign.pk, "name": "Spring", "starts_at_0": "2026-06-01", "starts_at_1": "00:00", "ends_at_0": "2026-07-01",
        "ends_at_1": "00:00", "pricing": "cpm", "bid_micros": "18.50", "goal_type": "impressions", "goal_amount": "10000",
        "budget_micros": "1,250", "daily_budget_micros": "", "pacing": "even", "priority": "5", "frequency_caps": "3 per day\n2 per 30 minutes",
        "targeting-include-devices": ["tv", "mobile"], "targeting-include-dayparts": ["18", "19"], "targeting-include-genres": [], "targeting-exclude-weekdays": ["6"],
        "ads-TOTAL_FORMS": "0", "ads-INITIAL_FORMS": "0",
    }  # fmt: skip
    return fields | changes


def add(client: Client, **changes: Any) -> Any:
    campaign = Campaign.objects.first() or make_ad().flight.campaign
    return client.post(reverse("admin:ads_flight_add"), form(campaign, **changes))


def problems(answer: Any) -> str:
    assert answer.status_code == 200
    return str(answer.context["adminform"].form.errors.as_json(escape_html=False))


def test_a_flight_is_written_in_units_of_currency_lines_and_ticked_boxes(client: Client) -> None:
    assert add(client).status_code == 302
    flight = Flight.objects.get(name="Spring")
    assert (flight.bid_micros, flight.budget_micros, flight.daily_budget_micros) == (18_500_000, 1_250_000_000, None)
    assert flight.targeting == {"include": {"devices": ["tv", "mobile"], "dayparts": [18, 19]}, "exclude": {"weekdays": [6]}}
    assert flight.frequency_caps == [
        {"scope": "flight", "count": 3, "per": "day", "times": 1},
        {"scope": "flight", "count": 2, "per": "minute", "times": 30},
    ]
    page = client.get(reverse("admin:ads_flight_change", args=[flight.pk])).content.decode()
    assert 'value="18.5"' in page
    assert "2 per 30 minutes" in page
    assert flight.history.get().history_user.username == "planner"
    assert FlightBalance.objects.filter(flight=flight).exists()


def test_a_goal_of_spend_is_an_amount_of_money(client: Client) -> None:
    add(client, goal_type="spend", goal_amount="99.5")
    flight = Flight.objects.get(name="Spring")
    assert flight.goal_amount == 99_500_000
    assert 'value="99.5"' in client.get(reverse("admin:ads_flight_change", args=[flight.pk])).content.decode()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"ends_at_0": "2026-05-01"}, "ends before it starts"),
        ({"bid_micros": "cheap"}, "is no amount"),
        ({"bid_micros": "0.5"}, "below the reserve price"),
        ({"bid_micros": "-3"}, "cannot be negative"),
        ({"budget_micros": "0"}, "needs a budget"),
        ({"budget_micros": "0.01"}, "does not pay for a single charge"),
        ({"daily_budget_micros": "5000"}, "larger than the whole budget"),
        ({"goal_amount": "many"}, "whole number"),
        ({"goal_amount": "0"}, "at least 1"),
        ({"pricing": "cpcv", "goal_type": "clicks"}, "cannot have a goal of clicks"),
        ({"frequency_caps": "often"}, "is no cap"),
        ({"frequency_caps": "3 per day per planet"}, "scope is"),
        ({"frequency_caps": "1 per 50 days"}, "window"),
        ({"targeting-include-devices": ["toaster"]}, "does not know toaster"),
        ({"targeting-include-dayparts": ["24"]}, "does not know 24"),
    ],
)
def test_a_flight_that_makes_no_sense_is_refused_in_words(client: Client, changes: dict[str, Any], words: str) -> None:
    assert words in problems(add(client, **changes))
    assert not Flight.objects.filter(name="Spring").exists()


def test_targeting_with_unknown_keys_is_refused_wherever_it_comes_from() -> None:
    Genre.objects.create(name="Drama", slug="drama")
    flight = make_ad().flight
    flight.targeting = {"include": {"genres": ["drama"], "planets": ["mars"]}, "exclude": {"devices": "tv"}}
    with pytest.raises(Exception, match="planets") as refused:
        flight.full_clean()
    assert "must be a list" in str(refused.value)


def test_pricing_stays_once_a_flight_was_launched(client: Client) -> None:
    flight = make_ad().flight
    answer = client.post(reverse("admin:ads_flight_change", args=[flight.pk]), form(flight.campaign, name=flight.name, pricing="cpc"))
    assert "its pricing stays" in problems(answer)


@pytest.mark.django_db(transaction=True)
def test_another_kind_of_goal_is_counted_anew(client: Client) -> None:
    sold = make_ad(goal_amount=2)
    for number in range(2):
        track(serve_break(make_request(), now=NOW).ads[0].token, "ad.impression", at=NOW + timedelta(seconds=number))
        consumer.drain(now=NOW + timedelta(seconds=number))
    assert not serve_break(make_request(), now=NOW).ads
    flight = sold.flight
    values = form(flight.campaign, name=flight.name, goal_type="completed_views", goal_amount="2", starts_at_0="2026-05-01", pacing="asap")
    assert client.post(reverse("admin:ads_flight_change", args=[flight.pk]), values).status_code == 302
    assert serve_break(make_request(hour=18), now=NOW).ads


@pytest.mark.parametrize("model", ["advertiser", "campaign", "flight", "ad", "ledgerentry", "decision", "adevent"])
def test_every_list_and_page_opens(client: Client, served: Ad, model: str) -> None:
    listing = client.get(reverse(f"admin:ads_{model}_changelist"))
    assert listing.status_code == 200
    (row,) = listing.context["cl"].result_list
    page = client.get(reverse(f"admin:ads_{model}_change", args=[row.pk]))
    assert page.status_code == 200


def test_the_history_of_a_flight_opens(client: Client, served: Ad) -> None:
    assert client.get(reverse("admin:ads_flight_history", args=[served.flight_id])).status_code == 200


def test_a_decision_is_explained_in_words(client: Client, served: Ad) -> None:
    other = make_ad(targeting={"include": {"devices": ["mobile"]}})
    stream.client().delete(live_inventory.VERSION_KEY)
    answer = serve_break(make_request(), now=NOW)
    consumer.drain(now=NOW)
    page = client.get(reverse("admin:ads_decision_change", args=[answer.decision])).content.decode()
    assert "Does not target this device" in page
    assert other.name in page
    assert f"<strong>Slot 1: {served.name}</strong>" in page


BUDGETS = {"advertiser": 9, "campaign": 10, "flight": 12, "ad": 10, "ledgerentry": 11, "decision": 8, "adevent": 8}


@pytest.mark.parametrize("model", BUDGETS)
def test_a_list_asks_as_often_for_many_rows_as_for_few(client: Client, model: str) -> None:
    def queries() -> int:
        with CaptureQueriesContext(
            connection,
        ) as captured:
            assert client.get(reverse(f"admin:ads_{model}_changelist")).status_code == 200
        return len(captured)

    def more(count: int) -> None:
        for _ in range(count):
            make_ad()
        stream.client().delete(live_inventory.VERSION_KEY)
        for _ in range(count):
            for ad in serve_break(make_request(), now=NOW).ads:
                track(ad.token, "ad.impression", at=NOW)
        consumer.drain(now=NOW)

    more(2)
    queries()
    few = queries()
    more(8)
    assert queries() == few <= BUDGETS[model]


def test_billing_rows_cannot_be_deleted_by_anybody(client: Client, served: Ad) -> None:
    entry, decision, event = LedgerEntry.objects.get(), Decision.objects.get(), AdEvent.objects.get()
    balance = FlightBalance.objects.get(flight=served.flight)
    for row in (entry, decision, event, balance):
        with pytest.raises(BillingRowsStay):
            row.delete()
        with pytest.raises(BillingRowsStay):
            type(row)._default_manager.all().delete()
    for model, pk in (("ledgerentry", entry.pk), ("decision", decision.pk), ("adevent", event.pk), ("flight", served.flight.pk)):
        assert client.post(reverse(f"admin:ads_{model}_delete", args=[pk]), {"post": "yes"}).status_code == 403


def test_the_database_itself_refuses_to_change_the_ledger(served: Ad) -> None:
    for statement in ("UPDATE ads_ledgerentry SET amount_micros = 0", "DELETE FROM ads_ledgerentry"):
        with pytest.raises(DatabaseError, match="never changed or deleted"), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)


def test_the_admin_alone_relaxes_the_content_security_policy(client: Client) -> None:
    policy = client.get(reverse("admin:index"))["Content-Security-Policy"]
    assert "script-src 'self' 'unsafe-eval'" in policy
    assert "style-src 'self' 'unsafe-inline'" in policy
    assert "unsafe" not in client.get("/healthz")["Content-Security-Policy"]


def test_the_flight_list_shows_dates_ahead_and_past(client: Client) -> None:
    make_ad(starts_at=NOW + timedelta(days=2000), ends_at=NOW + timedelta(days=2010))
    assert "Scheduled" in client.get(reverse("admin:ads_flight_changelist")).content.decode()
