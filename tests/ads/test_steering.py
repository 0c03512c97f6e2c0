"""Duplicate, extend, refund and end: shown before they are done, refused in words, told by the history."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.contrib.messages import get_messages
from django.test import Client
from django.urls import reverse

from adplatform.eventlog import consumer
from ads import flight_refunds, services, steering
from ads.models import Ad, Campaign, Companion, Flight, FlightBalance, LedgerEntry
from ads.serving import serve_break

from .inventory import NOW, make_ad, make_request, track

pytestmark = pytest.mark.django_db


@pytest.fixture
def staff() -> User:
    return User.objects.create_superuser("planner")


@pytest.fixture
def client(staff: User) -> Client:
    signed_in = Client()
    signed_in.force_login(staff)
    return signed_in


def running_ad(**flight: Any) -> Ad:
    now = datetime.now(UTC)
    return make_ad(**({"starts_at": now - timedelta(days=3), "ends_at": now + timedelta(days=7)} | flight))


def act(client: Client, model: str, verb: str, rows: list[Any], **form: Any) -> Any:
    data = {"action": verb, "_selected_action": [row.pk for row in rows]} | form
    return client.post(reverse(f"admin:ads_{model}_changelist"), data)


def told(answer: Any) -> str:
    return " ".join(str(message) for message in get_messages(answer.wsgi_request))


def test_a_copy_of_a_flight_is_a_draft_with_its_ads_that_begins_tomorrow(staff: User) -> None:
    ad = running_ad(targeting={"include": {"devices": ["tv"]}})
    Companion.objects.create(ad=ad, picture="pictures/one.png", width=300, height=250, alt_text="A car")
    now = datetime.now(UTC)
    first = steering.flight_duplicate(actor=staff, flight=ad.flight, now=now)
    second = steering.flight_duplicate(actor=staff, flight=first, now=now)
    assert (first.name, second.name, first.state) == ("Flight (copy)", "Flight (copy 2)", Flight.State.DRAFT)
    assert first.starts_at > now >= first.starts_at - timedelta(days=1)
    assert first.ends_at - first.starts_at == ad.flight.ends_at - ad.flight.starts_at
    assert first.targeting == ad.flight.targeting
    copied = first.ads.get()
    assert (copied.review, copied.asset_id, copied.universal_ad_id, copied.ad_id_registry) == (
        Ad.Review.APPROVED,
        ad.asset_id,
        f"{ad.universal_ad_id}#2",
        "unknown",
    )
    assert copied.companions.get().alt_text == "A car"
    assert first.history.get().history_change_reason.startswith("Duplicated from Campaign")
    assert services.flight_launch(actor=staff, flight=first, now=now).state == Flight.State.LIVE


def test_a_copy_of_a_campaign_moves_all_its_flights_alike(staff: User) -> None:
    ad = running_ad()
    later = steering.flight_duplicate(actor=staff, flight=ad.flight, now=datetime.now(UTC))
    copy = steering.campaign_duplicate(actor=staff, campaign=ad.flight.campaign, now=datetime.now(UTC))
    flights = {flight.name: flight for flight in copy.flights.all()}
    assert set(flights) == {"Flight", "Flight (copy)"}
    assert flights["Flight (copy)"].starts_at - flights["Flight"].starts_at == later.starts_at - ad.flight.starts_at
    assert {flight.state for flight in flights.values()} == {Flight.State.DRAFT}
    assert copy.name == f"{ad.flight.campaign.name} (copy)"


def test_extending_adds_days_goal_and_budget_and_only_adds(staff: User) -> None:
    flight = running_ad(goal_amount=1000, budget_micros=100_000_000).flight
    more = steering.read_more("7", "10%", "50", spend=False)
    longer = steering.flight_extend(actor=staff, flight=flight, more=more)
    assert (longer.goal_amount, longer.budget_micros, longer.ends_at) == (1100, 150_000_000, flight.ends_at + timedelta(days=7))
    assert longer.history.first().history_change_reason == "Extended"
    with pytest.raises(services.WrongState, match="duplicate it"):
        steering.flight_extend(actor=staff, flight=services.flight_end(actor=staff, flight=flight), more=more)


@pytest.mark.parametrize(
    ("days", "goal", "budget", "words"),
    [("", "", "", "Say by how much"), ("-3", "", "", "no number of days"), ("", "lots", "", "no goal to add"), ("", "", "-5", "cannot be negative"),
     ("", "0%", "", "no goal to add"), ("", "", "5 EUR", "is in EUR"), ("99999999999", "", "", "no number of days")],
)  # fmt: skip
def test_what_cannot_be_added_is_said_in_words(days: str, goal: str, budget: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        steering.read_more(days, goal, budget, spend=False)


def test_many_rows_are_shown_with_what_will_be_done_and_who_is_refused_before_anything_is(client: Client) -> None:
    live, paused = running_ad().flight, running_ad(state=Flight.State.PAUSED).flight
    page = act(client, "flight", "pause", [live, paused])
    assert page.status_code == 200
    assert "1 will be paused; 1 cannot be" in page.text
    assert "It is paused; only live flights can be paused." in page.text
    live.refresh_from_db()
    assert live.state == Flight.State.LIVE
    answer = act(client, "flight", "pause", [live, paused], agreed="1")
    assert "1 flight paused" in told(answer)
    live.refresh_from_db()
    assert live.state == Flight.State.PAUSED


def test_a_live_flight_is_ended_only_by_who_types_its_name(client: Client) -> None:
    flight = running_ad().flight
    address = reverse("admin:ads_flight_steer", args=[flight.pk, "end"])
    page = client.get(address)
    assert "Stops for good" in page.text
    assert "This cannot be undone" in page.text
    assert "nothing was done" in client.post(address, {"agreed": "1", "phrase": "yes"}).text
    assert Flight.objects.get(pk=flight.pk).state == Flight.State.LIVE
    client.post(address, {"agreed": "1", "phrase": flight.name})
    assert Flight.objects.get(pk=flight.pk).state == Flight.State.ENDED


def test_extending_is_previewed_and_a_wrong_amount_is_told_on_the_page(client: Client) -> None:
    flight = running_ad(goal_amount=1000).flight
    address = reverse("admin:ads_flight_steer", args=[flight.pk, "extend"])
    assert "no goal to add" in client.post(address, {"preview": "1", "goal": "many"}).text
    assert "Goal 1,000 impressions -&gt; 1,500 impressions" in client.post(address, {"preview": "1", "goal": "500"}).text
    assert Flight.objects.get(pk=flight.pk).goal_amount == 1000
    client.post(address, {"agreed": "1", "goal": "500"})
    assert Flight.objects.get(pk=flight.pk).goal_amount == 1500
    assert client.get(reverse("admin:ads_flight_steer", args=[flight.pk, "explode"])).status_code == 404


def test_a_duplicate_from_its_page_leads_to_the_copy(client: Client) -> None:
    flight = running_ad().flight
    answer = client.post(reverse("admin:ads_campaign_steer", args=[flight.campaign_id, "duplicate"]), {"agreed": "1"})
    copy = Campaign.objects.get(name__endswith="(copy)")
    assert answer["Location"] == reverse("admin:ads_campaign_change", args=[copy.pk])


def test_the_charges_of_a_period_are_given_back_once_by_who_types_how_many(client: Client, staff: User) -> None:
    ad = make_ad()
    for second in range(3):
        at = NOW + timedelta(seconds=second)
        track(serve_break(make_request(), now=at).ads[0].token, "ad.impression", at=at)
    consumer.drain(now=NOW)
    booked = FlightBalance.objects.get(flight=ad.flight).booked_micros
    address = reverse("admin:ads_flight_refund", args=[ad.flight_id])
    day = f"{NOW:%Y-%m-%d}"
    form = {"since": day, "until": day, "note": "Clip was silent", "amount": ""}
    assert flight_refunds.charged(ad.flight, NOW - timedelta(days=1), NOW + timedelta(days=1)) == flight_refunds.Charged(3, booked)
    assert "3 charges" in client.post(address, form | {"preview": "1"}).text
    assert "nothing was given back" in client.post(address, form | {"agreed": "1", "phrase": "yes"}).text
    client.post(address, form | {"agreed": "1", "phrase": "refund 3"})
    assert FlightBalance.objects.get(flight=ad.flight).booked_micros == 0
    assert LedgerEntry.objects.filter(kind="reversal", note="Clip was silent", by=staff).count() == 3
    assert "not given back already" in client.post(address, form | {"agreed": "1", "phrase": "refund 3"}).text
    client.force_login(User.objects.create_user("seller", is_staff=True))
    assert client.get(address).status_code == 403
