"""Ad-ops staff's forms speak their language; lists stay quick; billing rows stay."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from django.contrib.auth.models import Group, User
from django.contrib.messages import get_messages
from django.core.management import call_command
from django.db import DatabaseError, connection, transaction
from django.test import Client
from django.urls import reverse

from adplatform.eventlog import consumer, stream
from adplatform.permissions import AD_OPS, AD_OPS_LEAD
from ads import live_inventory, reach, services
from ads.admin import panels
from ads.models import Ad, AdEvent, AdPolicy, BillingRowsStay, Campaign, Decision, Flight, FlightBalance, FlightForecast, LedgerEntry
from ads.refunds import charge_refund
from ads.reports.gross_net import gross_net
from ads.serving import serve_break
from catalog.models import Genre

from .inventory import NOW, make_ad, make_request, track, tracked

# A flight is sold before it ends.
YEAR = datetime.now(UTC).year + 1
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
        "campaign": campaign.pk, "name": "Spring", "starts_at_0": f"{YEAR}-06-01", "starts_at_1": "00:00", "ends_at_0": f"{YEAR}-07-01",
        "ends_at_1": "00:00", "pricing": "cpm", "bid_micros": "18.50", "goal_type": "impressions", "goal_amount": "10000",
        "budget_micros": "1,250", "daily_budget_micros": "", "pacing": "even", "priority": "5", "tier": "standard",
        "slot_position": "any", "exclusivity": "pod", "daily_goal_amount": "", "share_of_voice": "", "frequency_caps": "3 per day\n2 per 30 minutes",
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
        ({"ends_at_0": f"{YEAR}-05-01"}, "ends before it starts"),
        ({"bid_micros": "cheap"}, "is no amount"),
        ({"bid_micros": "12 EUR"}, "is in EUR; this installation sells in USD"),
        ({"bid_micros": ""}, "needs a bid"),
        ({"goal_amount": ""}, "guarantees a goal"),
        ({"daily_goal_amount": "20000"}, "larger than the whole goal"),
        ({"tier": "sponsorship"}, "share of voice"),
        ({"tier": "sponsorship", "share_of_voice": "140"}, "between 1 and 100 percent"),
        ({"targeting-exclude-devices": ["tv", "mobile"]}, "reaches nobody"),
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


def test_a_sponsorship_is_sold_in_percent_and_a_house_flight_for_nothing(client: Client) -> None:
    add(client, tier="sponsorship", share_of_voice="25", goal_amount="", name="Sponsor")
    sponsor = Flight.objects.get(name="Sponsor")
    assert (sponsor.share_of_voice, sponsor.goal_amount) == (0.25, None)
    assert 'value="25"' in client.get(reverse("admin:ads_flight_change", args=[sponsor.pk])).text
    add(client, tier="house", share_of_voice="25", name="House")
    house = Flight.objects.get(name="House")
    assert (house.share_of_voice, house.goal_amount, house.bid_micros, house.budget_micros) == (None, None, 0, 0)


def test_what_a_flight_takes_from_its_campaign_is_told_in_words(client: Client) -> None:
    flight = make_ad().flight
    values = {
        "advertiser": flight.campaign.advertiser_id, "name": flight.campaign.name, "currency": "USD", "notes": "", "frequency_caps": "8 per week",
        "targeting-include-devices": ["tv"], "targeting-exclude-countries": ["AT"], "flights-TOTAL_FORMS": "0", "flights-INITIAL_FORMS": "0",
    }  # fmt: skip
    assert client.post(reverse("admin:ads_campaign_change", args=[flight.campaign_id]), values).status_code == 302
    campaign = Campaign.objects.get(pk=flight.campaign_id)
    assert campaign.frequency_caps == [{"scope": "campaign", "count": 8, "per": "week", "times": 1}]
    page = client.get(reverse("admin:ads_flight_change", args=[flight.pk])).text
    assert "Devices: only TV" in page
    assert "Countries: not AT" in page
    assert "At most 8 per week per campaign" in page


def test_a_flight_that_will_hardly_deliver_is_warned_of_when_it_is_saved(client: Client) -> None:
    answer = add(client, budget_micros="10")
    assert any("the budget pays for 540 of the 10,000 impressions" in str(message) for message in get_messages(answer.wsgi_request))


def test_a_forecast_is_shown_against_the_goal_with_the_shape_of_the_week(client: Client) -> None:
    flight = make_ad(starts_at=datetime.now(UTC) - timedelta(days=1), ends_at=datetime.now(UTC) + timedelta(days=9)).flight
    FlightForecast.objects.create(
        flight=flight, computed_at=NOW, supply=[float(hour) for hour in range(168)], requests=4000, eligible=123_456, win_share=0.5,
        expected_delivery=60_000, warning="It will end about 940,000 impressions short.",
    )  # fmt: skip
    page = client.get(reverse("admin:ads_flight_change", args=[flight.pk])).text
    assert "60,000 impressions" in page
    assert "123,456" in page
    assert page.count('class="shade-') == 168
    for model in ("flight", "campaign"):
        assert "standing-at_risk" in client.get(reverse(f"admin:ads_{model}_changelist")).text


def test_a_flight_is_launched_and_paused_from_its_own_page(client: Client) -> None:
    flight = make_ad(state=Flight.State.DRAFT, ends_at=datetime.now(UTC) + timedelta(days=3)).flight
    address = reverse("admin:ads_flight_change", args=[flight.pk])
    page = client.get(address).text
    assert 'name="ads_flight_launch_it"' in page
    assert 'name="ads_flight_pause_it"' not in page
    ends = f"{flight.ends_at:%Y-%m-%d}"
    values = form(
        flight.campaign,
        name=flight.name,
        starts_at_0=f"{flight.starts_at:%Y-%m-%d}",
        ends_at_0=ends,
        **{"ads_flight_launch_it": "", "targeting-exclude-weekdays": []},
    )
    client.post(address, values)
    flight.refresh_from_db()
    assert flight.state == Flight.State.LIVE
    assert flight.history.first().history_change_reason == "Launched"
    assert 'name="ads_flight_pause_it"' in client.get(address).text


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
    assert "comes out the same" in page
    assert "Standard, priority 5" in page
    assert "s stayed empty" in page


def test_an_approved_ad_that_changes_is_looked_at_again(client: Client) -> None:
    ad = make_ad()
    values = {"flight": ad.flight_id, "name": "Renamed", "asset": ad.asset_id, "category": ad.category, "click_through": ad.click_through,
              "skip_after": "", "universal_ad_id": ad.universal_ad_id}  # fmt: skip
    values |= {f"{part}-{count}_FORMS": 0 for part in ("companions", "icons", "verifications") for count in ("TOTAL", "INITIAL")}
    address = reverse("admin:ads_ad_change", args=[ad.pk])
    assert client.post(address, values).status_code == 302
    assert Ad.objects.get(pk=ad.pk).review == Ad.Review.APPROVED
    client.post(address, values | {"click_through": "https://elsewhere.example/"})
    assert Ad.objects.get(pk=ad.pk).review == Ad.Review.IN_REVIEW
    client.post(address, values | {"click_through": "https://elsewhere.example/", "ads_ad_approve_it": ""})
    assert Ad.objects.get(pk=ad.pk).review == Ad.Review.APPROVED


def test_ad_ops_cannot_approve_what_they_sell() -> None:
    call_command("sync_groups", verbosity=0)
    planner, lead = (User.objects.create_user(name, is_staff=True) for name in (AD_OPS, AD_OPS_LEAD))
    ad = make_ad()
    services.ad_reject(actor=User.objects.create_superuser("root"), ad=ad, note="Too loud")
    for user, allowed in ((planner, False), (lead, True)):
        user.groups.add(Group.objects.get(name=user.username))
        signed_in = Client()
        signed_in.force_login(user)
        page = signed_in.get(reverse("admin:ads_ad_change", args=[ad.pk])).text
        assert ('name="ads_ad_approve_it"' in page) is allowed
        signed_in.post(reverse("admin:ads_ad_changelist"), {"action": "approve", "_selected_action": [ad.pk]})
        assert (Ad.objects.get(pk=ad.pk).review == Ad.Review.APPROVED) is allowed


def test_the_policy_of_a_title_is_set_in_units_of_currency(client: Client) -> None:
    values = {"title": "", "mid_rolls": "on", "most_breaks": "", "spacing_seconds": "0", "break_seconds": "30", "break_ads": "2",
              "seconds_per_hour": "720", "long_watch_seconds": "1800", "ad_free_seconds": "0", "creative_gap_seconds": "120",
              "reserve_micros": "2.50", "house_ads": "on"}  # fmt: skip
    address = reverse("admin:ads_adpolicy_add")
    assert "Say how long the stretch without ads is" in client.post(address, values).text
    assert client.post(address, values | {"ad_free_seconds": "300"}).status_code == 302
    policy = AdPolicy.objects.get()
    assert policy.reserve_micros == 2_500_000
    assert "Every other title" in client.get(reverse("admin:ads_adpolicy_changelist")).text
    assert client.get(reverse("admin:ads_adpolicy_change", args=[policy.pk])).status_code == 200


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


def test_a_charge_is_given_back_once_with_a_word_why(client: Client, served: Ad) -> None:
    entry = LedgerEntry.objects.get()
    page = reverse("admin:ads_ledgerentry_change", args=[entry.pk])
    refund = reverse("admin:ads_ledgerentry_refund", args=[entry.pk])
    assert refund in client.get(page).text
    client.post(refund, {"note": " "})
    assert LedgerEntry.objects.count() == 1
    client.post(refund, {"note": "Clip was silent"})
    client.post(refund, {"note": "Again"})
    reversal = LedgerEntry.objects.get(kind=LedgerEntry.Kind.REVERSAL)
    assert (reversal.amount_micros, reversal.note, str(reversal.by)) == (-entry.amount_micros, "Clip was silent", "planner")
    assert "was given back" in client.get(page).text
    assert client.get(refund).status_code == 405
    call_command("sync_groups", verbosity=0)
    planner = User.objects.create_user("nobody", is_staff=True)
    planner.groups.add(Group.objects.get(name=AD_OPS))
    signed_in = Client()
    signed_in.force_login(planner)
    assert signed_in.post(refund, {"note": "please"}).status_code == 403
    assert refund not in signed_in.get(page).text


def test_why_a_flight_does_not_serve_is_shown_with_decisions_to_look_at(client: Client, served: Ad) -> None:
    decision = Decision.objects.get()
    told = panels.examples(served.flight, decision.decided_at + timedelta(minutes=1))
    assert [example["id"] for example in told] == [decision.pk]
    assert "Decisions to look at" not in client.get(reverse("admin:ads_flight_change", args=[served.flight_id])).text
    assert "served 1" in panels.why_not_shown(served.flight, now=decision.decided_at + timedelta(minutes=1), decisions=True)


def test_what_the_model_is_worth_has_a_page(client: Client, served: Ad) -> None:
    assert "nothing to compare yet" in client.get(reverse("admin:ads_decision_lift")).text


def test_an_event_that_does_not_count_says_why(client: Client, served: Ad) -> None:
    AdEvent.objects.update(valid=False, reason="crawler")
    page = client.get(reverse("admin:ads_adevent_changelist"), {"reason": "crawler"}).text
    assert "Sent by a robot that names itself" in page


def test_a_flight_shows_what_it_delivered_gross_and_net(client: Client, served: Ad) -> None:
    robot = serve_break(make_request(), now=NOW + timedelta(seconds=5)).ads[0].token
    stream.append([msgspec.structs.replace(tracked(robot, "ad.impression", at=NOW + timedelta(seconds=6)), invalid="crawler")])
    consumer.drain(now=NOW)
    found = gross_net(served.flight)
    assert (found.counts[0].gross, found.counts[0].net, found.counts[0].invalid) == (2, 1, 1)
    assert found.booked_micros == found.kept_micros == FlightBalance.objects.get(flight=served.flight).booked_micros > 0
    charge_refund(actor=User.objects.get(), entry=LedgerEntry.objects.get(), note="Clip was silent")
    found = gross_net(served.flight)
    assert (found.kept_micros, found.given_back_micros) == (0, found.booked_micros)
    reach.take_due()
    page = client.get(reverse("admin:ads_flight_change", args=[served.flight_id])).text
    assert "impression (1): Sent by a robot that names itself" in page
    assert "Reached one person (estimate; 95 %: 1 to 1); 1.0 counted impressions each." in page
