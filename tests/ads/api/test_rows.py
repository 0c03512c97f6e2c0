"""The staff API: what is sold, written by tools, under the same rules and in the same words as in the admin."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.core.management import call_command
from django.test import Client
from django.utils import timezone

from adplatform.keys import key_make
from adplatform.permissions import AD_OPS, AD_OPS_LEAD, EDITOR, EXECUTIVE, GROUPS, READ_ONLY, VIEWER
from ads.models import Ad, AdPolicy, Advertiser, Campaign, Flight, FlightForecast, FunnelHour
from tests.ads.inventory import make_ad

# A flight is sold before it ends.
YEAR = datetime.now(UTC).year + 1
pytestmark = pytest.mark.django_db

FLIGHT: dict[str, Any] = {
    "name": "Spring", "tier": "standard", "starts_at": f"{YEAR}-06-01T00:00:00Z", "ends_at": f"{YEAR}-07-01T00:00:00Z", "pricing": "cpm",
    "bid": "18.50", "goal_type": "impressions", "goal": 10_000, "budget": {"amount": "1250", "currency": "USD"}, "pacing": "even",
}  # fmt: skip


def signed_in(group: str | None = AD_OPS) -> Client:
    user = User.objects.create_user("somebody", is_staff=group is None or GROUPS[group].staff, is_superuser=group is None)
    if group:
        call_command("sync_groups", verbosity=0)
        user.groups.add(Group.objects.get(name=group))
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def client() -> Client:
    return signed_in(None)


def post(client: Client, path: str, body: Any = None) -> Any:
    return client.post(f"/api/v1/{path}", body or {}, content_type="application/json")


def patch(client: Client, path: str, body: Any) -> Any:
    return client.patch(f"/api/v1/{path}", body, content_type="application/json")


def campaign() -> Campaign:
    return make_ad().flight.campaign


def test_everything_sold_can_be_created_read_and_changed(client: Client) -> None:
    advertiser = post(client, "advertisers", {"name": "Acme", "category": "travel", "website": "https://acme.example/"}).json()
    sold = post(client, "campaigns", {"advertiser": advertiser["id"], "name": "Acme spring"}).json()
    assert (sold["state"], sold["currency"]) == ("active", "USD")
    flight = post(client, "flights", FLIGHT | {"campaign": sold["id"]})
    assert flight.status_code == 201, flight.json()
    assert (flight.json()["state"], flight.json()["bid"]) == ("draft", {"amount": "18.5", "currency": "USD"})
    clip = make_ad().asset_id
    body = {
        "flight": flight.json()["id"],
        "name": "One",
        "asset": clip,
        "category": "travel",
        "click_through": "https://a.example/",
        "universal_ad_id": "acme/1",
    }
    assert post(client, "ads", body).json()["review"] == "in_review"
    changed = patch(client, f"flights/{flight.json()['id']}", {"bid": 20, "daily_budget": "100 USD"}).json()
    assert (changed["bid"]["amount"], changed["daily_budget"]["amount"], changed["budget"]["amount"]) == ("20", "100", "1250")
    stored = Flight.objects.get(pk=flight.json()["id"])
    assert [row.history_change_reason for row in stored.history.all()] == ["Changed", "Created"]
    assert {row.history_user.username for row in stored.history.all()} == {"somebody"}
    policy = post(client, "policies", {"reserve": "2.5", "break_seconds": 60}).json()
    assert client.get(f"/api/v1/policies/{policy['id']}").json()["reserve"] == {"amount": "2.5", "currency": "USD"}
    assert AdPolicy.objects.get().reserve_micros == 2_500_000


@pytest.mark.parametrize(
    ("changes", "field", "words"),
    [
        ({"ends_at": f"{YEAR}-05-01T00:00:00Z"}, "ends_at", "ends before it starts"),
        ({"frequency_caps": [{"scope": "flight", "count": 10**25, "per": "day", "times": 1}]}, "frequency_caps", "at most 1,000,000"),
        ({"targeting": {"include": {"weekdays": [5.0]}}}, "targeting", "does not know 5.0"),
        ({"starts_at": "2020-01-01T00:00:00Z", "ends_at": "2020-02-01T00:00:00Z"}, "ends_at", "over before it begins: it ends on 01 Feb 2020"),
        ({"ends_at": "9999-01-01T00:00:00Z"}, "ends_at", "is the year right?"),
        ({"goal": 10**25}, "goal", "at most 1,000,000,000,000"),
        ({"goal": 10**12 + 1}, "goal", "at most 1,000,000,000,000"),
        ({"daily_budget": "1" * 30}, "daily_budget", "nor larger than a trillion"),
        ({"bid": 1e300}, "bid", "nor larger than a trillion"),
        ({"bid": 0}, "bid", "needs a bid"),
        ({"bid": "0.50"}, "bid", "below the reserve price"),
        ({"bid": "12 EUR"}, "bid", "is in EUR; this installation sells in USD"),
        ({"budget": {"amount": "900", "currency": "GBP"}}, "budget", "is in GBP"),
        ({"bid": -1}, "bid", "cannot be negative"),
        ({"bid": True}, "bid", "An amount is a number"),
        ({"goal": None}, "goal", "guarantees a goal"),
        ({"goal": "many"}, "goal", "whole number"),
        ({"daily_goal": 20_000}, "daily_goal", "larger than the whole goal"),
        ({"daily_budget": 2000}, "daily_budget", "larger than the whole budget"),
        ({"goal_type": "spend", "goal": "5000"}, "goal", "more than the budget holds"),
        ({"tier": "sponsorship"}, "share_of_voice", "as a share of voice"),
        ({"share_of_voice": 0.5}, "share_of_voice", "Only a sponsorship"),
        ({"tier": "house"}, "bid", "costs nothing"),
        ({"targeting": "tv"}, "targeting", "must be an object"),
        ({"targeting": {"include": {"devices": ["toaster"]}}}, "targeting", "toaster"),
        ({"targeting": {"include": {"devices": ["tv"]}, "exclude": {"devices": ["tv"]}}}, "targeting", "reaches nobody"),
        ({"frequency_caps": [{"scope": "planet"}]}, "frequency_caps", "cap"),
        ({"bit": 3}, "bit", "There is no such field"),
        ({"state": "live"}, "state", "see the actions"),
        ({"campaign": 10**12}, "campaign", "There is no campaign 1000000000000."),
    ],
)
def test_a_bad_flight_is_refused_with_a_sentence_for_its_field(client: Client, changes: dict[str, Any], field: str, words: str) -> None:
    answer = post(client, "flights", FLIGHT | {"campaign": campaign().pk} | changes)
    assert answer.status_code == 400
    assert words in " ".join(answer.json()["errors"][field]), answer.json()
    assert not Flight.objects.filter(name="Spring").exists()


def test_a_flight_that_contradicts_its_campaign_is_refused_from_either_side(client: Client) -> None:
    sold = campaign()
    sold.targeting = {"include": {"devices": ["tv"]}}
    sold.save()
    mobile = {"include": {"devices": ["mobile"]}}
    answer = post(client, "flights", FLIGHT | {"campaign": sold.pk, "targeting": mobile})
    assert "none is in both" in answer.json()["errors"]["targeting"][0]
    assert post(client, "flights", FLIGHT | {"campaign": sold.pk, "targeting": {"include": {"devices": ["tv"]}}}).status_code == 201
    answer = patch(client, f"campaigns/{sold.pk}", {"targeting": mobile})
    assert "With its flight Spring" in answer.json()["errors"]["targeting"][0]


def test_a_campaign_in_another_currency_is_refused(client: Client) -> None:
    answer = patch(client, f"campaigns/{campaign().pk}", {"currency": "EUR"})
    assert "sells in USD" in answer.json()["errors"]["currency"][0]


def test_actions_steer_and_say_when_they_cannot(client: Client) -> None:
    ad = make_ad()
    assert post(client, f"flights/{ad.flight_id}/pause").json()["state"] == "paused"
    again = post(client, f"flights/{ad.flight_id}/pause")
    assert (again.status_code, "only live can be paused" in again.json()["detail"]) == (409, True)
    assert post(client, f"flights/{ad.flight_id}/resume").json()["state"] == "live"
    assert post(client, f"campaigns/{ad.flight.campaign_id}/pause").json()["state"] == "paused"
    assert post(client, f"flights/{ad.flight_id}/end").json()["state"] == "ended"
    assert ad.flight.history.first().history_user.username == "somebody"
    draft = make_ad(state=Flight.State.DRAFT)
    assert "ended on" in post(client, f"flights/{draft.flight_id}/launch").json()["detail"]


def test_changing_what_was_approved_sends_an_ad_back_to_review(client: Client) -> None:
    ad = make_ad()
    assert patch(client, f"ads/{ad.pk}", {"name": "Another name"}).json()["review"] == "approved"
    assert patch(client, f"ads/{ad.pk}", {"click_through": "https://elsewhere.example/"}).json()["review"] == "in_review"
    assert post(client, f"ads/{ad.pk}/approve").json()["review"] == "approved"


def test_lists_come_in_pages_and_can_be_narrowed(client: Client) -> None:
    first, second = make_ad(), make_ad(state=Flight.State.PAUSED)
    assert client.get("/api/v1/flights?page_size=1").json()["count"] == 2
    (found,) = client.get(f"/api/v1/flights?campaign={first.flight.campaign_id}").json()["results"]
    assert found["id"] == first.flight_id
    (found,) = client.get("/api/v1/flights?state=paused").json()["results"]
    assert found["id"] == second.flight_id
    assert "there are" in client.get("/api/v1/flights?state=lost").json()["errors"]["state"][0]
    assert client.get("/api/v1/campaigns?advertiser=x").status_code == 400
    assert [row["id"] for row in client.get(f"/api/v1/ads?flight={first.flight_id}").json()["results"]] == [first.pk]


def test_why_a_flight_did_not_serve_and_what_it_can_expect_are_told(client: Client) -> None:
    flight = make_ad().flight
    hour = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(hours=2)
    for reason, decisions in (("won", 3), ("device_not_targeted", 9)):
        FunnelHour.objects.create(bucket=hour, flight_id=flight.pk, ad_id=1, reason=reason, decisions=decisions)
    told = client.get(f"/api/v1/flights/{flight.pk}/why-not?since=24h").json()
    assert (told["considered"], told["served"]) == (12, 3)
    assert "75 % of the breaks were on devices it does not target" in told["obstacle"]
    assert client.get(f"/api/v1/flights/{flight.pk}/why-not?since=1h").json()["considered"] == 0
    assert "is no time" in client.get(f"/api/v1/flights/{flight.pk}/why-not?since=soon").json()["errors"]["since"][0]
    assert client.get(f"/api/v1/flights/{flight.pk}/forecast").status_code == 404
    FlightForecast.objects.create(flight=flight, computed_at=hour, supply=[1.0] * 168, eligible=900, expected_delivery=800, requests=50)
    assert client.get(f"/api/v1/flights/{flight.pk}/forecast").json()["expected_delivery"] == 800
    Flight.objects.filter(pk=flight.pk).update(goal_type="spend", goal_amount=900_000_000)
    FlightForecast.objects.update(expected_delivery=812_500_000.4)
    told = client.get(f"/api/v1/flights/{flight.pk}/forecast").json()
    assert (told["expected_delivery"]["amount"], told["goal"]["amount"]) == ("812.5", "900")


def test_rows_are_changed_and_never_replaced(client: Client) -> None:
    ad = make_ad()
    assert client.put(f"/api/v1/ads/{ad.pk}", {}, content_type="application/json").status_code == 405


@pytest.mark.parametrize(
    ("group", "read", "write", "approve"),
    [(AD_OPS, 200, 201, 403), (AD_OPS_LEAD, 200, 201, 200), (READ_ONLY, 200, 403, 403), (EDITOR, 403, 403, 403), (EXECUTIVE, 403, 403, 403), (VIEWER, 403, 403, 403)],
)  # fmt: skip
def test_each_group_may_do_over_the_api_what_it_may_in_the_admin(group: str, read: int, write: int, approve: int) -> None:
    client, ad = signed_in(group), make_ad()
    assert client.get("/api/v1/flights").status_code == read
    assert post(client, "advertisers", {"name": "New", "category": "travel"}).status_code == write
    Ad.objects.update(review="in_review")
    assert post(client, f"ads/{ad.pk}/approve").status_code == approve


def test_nobody_signed_in_is_told_so_and_a_session_needs_its_csrf_token() -> None:
    nobody = Client().get("/api/v1/flights")
    assert (nobody.status_code, nobody["WWW-Authenticate"]) == (401, 'Bearer realm="Intermission"')
    assert "manage.py api_key USER" in nobody.json()["detail"]
    user = User.objects.create_superuser("cookie")
    client = Client(enforce_csrf_checks=True)
    client.force_login(user)
    assert post(client, "advertisers", {"name": "New", "category": "travel"}).status_code == 403
    _, key = key_make(user=user, name="import", days=None, now=timezone.now())
    made = Client(enforce_csrf_checks=True).post(
        "/api/v1/advertisers", {"name": "New", "category": "travel"}, content_type="application/json", headers={"Authorization": f"Bearer {key}"}
    )
    assert made.status_code == 201
    assert Advertiser.objects.filter(name="New").exists()


def test_what_cannot_be_read_is_answered_in_words_and_never_with_an_error_of_ours(client: Client) -> None:
    deep = client.post("/api/v1/flights", "[" * 100_000, content_type="application/json")
    assert (deep.status_code, deep.json()["detail"]) == (400, "This JSON is nested too deeply to be read.")
    lost = client.get("/api/v1/flights/abc")
    assert (lost.status_code, lost.json()["detail"]) == (404, "“abc” is no id; an id is a whole number.")
    misspelt = client.get("/api/v1/flights?sate=live")
    assert misspelt.status_code == 400
    assert misspelt.json()["errors"] == {
        "sate": [
            "There is no filter “sate”; there are campaign, advertiser, state, tier, pricing, goal_type, at_risk, running_from, running_until, "
            "search, ordering, page, page_size."
        ]
    }
    assert client.get("/api/v1/flights?state=live&page=1&page_size=5").status_code == 200
