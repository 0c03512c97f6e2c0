"""What a flight's page, its form and the API tell of its forecast, and to whom."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import numpy as np
import pytest
import time_machine
from django.contrib.auth.models import Group, Permission, User
from django.core.management import CommandError, call_command
from django.test import Client
from msgspec import structs

from adplatform.eventlog import consumer
from ads.forecast import backtest, foresight
from ads.models import Ad, Flight
from ads.serving import serve_break

from ..api.staff import member_of, post, superuser
from ..inventory import NOW, make_ad, make_request, track

pytestmark = pytest.mark.django_db(transaction=True)
HOURS = 100
ENDS = NOW + timedelta(days=10)


@pytest.fixture
def logged() -> Ad:
    """A break each hour of four days, all won by one advertiser's flight. Now is their end."""
    rival = make_ad(advertiser="Rival", priority=1, ends_at=ENDS)
    for number in range(HOURS):
        at = NOW - timedelta(hours=HOURS - number)
        for ad in serve_break(make_request(hour=at.hour, max_ads=1), now=at, rng=np.random.default_rng(number)).ads:
            track(ad.token, "ad.impression", at=at)
    consumer.drain(now=NOW)
    return rival


def staff(group: str) -> Client:
    call_command("sync_groups", verbosity=0)
    user = User.objects.create_user(f"of {group}", is_staff=True)
    user.groups.add(Group.objects.get(name=group))
    client = Client()
    client.force_login(user)
    return client


def terms(ad: Ad, **changes: Any) -> dict[str, Any]:
    sold = {
        "campaign": ad.flight.campaign_id, "name": "Proposed", "starts_at": NOW.isoformat(), "ends_at": ENDS.isoformat(), "pricing": "cpm", "bid": "20",
        "goal": 5_000, "budget": "1000",
    }  # fmt: skip
    return sold | changes


def test_a_draft_is_told_who_takes_what_and_whom_it_hurts(logged: Ad) -> None:
    draft = make_ad(state="draft", priority=2, goal_amount=100, ends_at=ENDS).flight
    told = foresight.foresee(draft, now=NOW)
    (rival,) = told.conflicts
    assert (rival.flight, rival.share > 0.9) == (logged.flight_id, True)
    assert sum(share for _, share in told.where) == pytest.approx(1.0)
    assert told.available == pytest.approx(240, rel=0.2)
    assert told.expected is not None
    assert told.expected < 20
    draft.priority, draft.goal_amount = 1, None
    draft.tier, draft.share_of_voice = "sponsorship", 1.0
    taken = foresight.foresee(draft, now=NOW)
    assert [one.flight for one in taken.hurts] == [logged.flight_id]
    # It keeps what it has delivered.
    assert taken.hurts[0].after == pytest.approx(HOURS)


def test_a_guaranteed_goal_that_a_draft_would_break_is_a_warning(logged: Ad) -> None:
    Flight.objects.filter(pk=logged.flight_id).update(goal_amount=250)
    draft = make_ad(state="draft", tier="sponsorship", share_of_voice=1.0, goal_amount=None, ends_at=ENDS + timedelta(days=1)).flight
    told = foresight.foresee(draft, now=NOW)
    assert told.hurts[0].breaks_goal
    assert any(words.startswith(f"It would keep {logged.flight.campaign} / Flight from its goal: ") for words in told.warnings)


def test_somebody_of_an_advertiser_learns_nothing_of_the_others(logged: Ad) -> None:
    own = make_ad(advertiser="Own", state="draft", priority=2, goal_amount=100, ends_at=ENDS).flight
    client = member_of(own.campaign.advertiser)
    with time_machine.travel(NOW, tick=False):
        page = client.get(f"/admin/ads/flight/{own.pk}/forecast/")
        assert client.get(f"/admin/ads/flight/{logged.flight_id}/forecast/").status_code == 404
    assert page.status_code == 200
    assert "another flight" in page.content.decode()
    assert "Rival" not in page.content.decode()
    told = foresight.foresee(own, now=NOW)
    assert told.for_advertiser(logged.flight.campaign.advertiser_id).conflicts[0].name == "Flight"
    assert structs.replace(told, hurts=[]).for_advertiser(0).hurts == []


def test_the_page_tells_the_picture_and_the_assumptions(logged: Ad) -> None:
    draft = make_ad(state="draft", priority=2, goal_amount=100, ends_at=ENDS).flight
    with time_machine.travel(NOW, tick=False):
        page = staff("read-only").get(f"/admin/ads/flight/{draft.pk}/forecast/").content.decode()
    for words in ("Delivery until its end", "Goal 100", "Who takes what it wants", f"{HOURS} requests logged over 4 days", "Average frequency"):
        assert words in page
    assert "forecast" in superuser().get(f"/admin/ads/flight/{draft.pk}/change/").content.decode()


def test_a_form_is_forecast_and_nothing_is_saved(logged: Ad) -> None:
    client, reader = staff("ad-ops"), staff("read-only")
    draft = make_ad(state="draft", goal_amount=100, ends_at=ENDS).flight
    form = {
        "campaign": draft.campaign_id, "name": "Other name", "tier": "standard", "starts_at_0": "2026-06-01", "starts_at_1": "00:00", "ends_at_0": "2026-06-10",
        "ends_at_1": "00:00", "pricing": "cpm", "bid_micros": "20", "goal_type": "impressions", "goal_amount": "50", "budget_micros": "100",
        "pacing": "even", "priority": "5", "slot_position": "any", "exclusivity": "pod",
    }  # fmt: skip
    with time_machine.travel(NOW, tick=False):
        for address in ("/admin/ads/flight/forecast/", f"/admin/ads/flight/{draft.pk}/forecast/unsaved/"):
            told = client.post(address, form).json()
            assert "Expected at its end" in told["html"]
            assert client.post(address, form | {"bid_micros": ""}).json()["errors"]["Bid"]
            assert reader.post(address, form).status_code == 403
            assert client.get(address).status_code == 405
    draft.refresh_from_db()
    assert (draft.name, Flight.objects.count(), draft.history.count()) == ("Flight", 2, 1)


def test_the_api_forecasts_terms_that_nobody_has_sold(logged: Ad) -> None:
    client = superuser()
    with time_machine.travel(NOW, tick=False):
        told = post(client, "forecast", terms(logged)).json()
        assert told["low"] <= told["expected"] <= told["high"] < 5_000
        assert told["warnings"][0].startswith("Expected ")
        assert [one["flight"] for one in told["conflicts"]] == [logged.flight_id]
        assert post(client, "forecast", terms(logged, bid="0")).json()["errors"]["bid"]
        over = terms(logged, starts_at=(NOW - timedelta(days=3)).isoformat(), ends_at=(NOW - timedelta(days=1)).isoformat())
        assert "over before it begins" in post(client, "forecast", over).json()["errors"]["ends_at"][0]
        money = post(client, "forecast", terms(logged, goal_type="spend", goal="50")).json()
        assert set(money["expected"]) == {"amount", "currency"}
    assert Flight.objects.count() == 1
    reader = User.objects.create_user("reads", is_staff=True)
    reader.user_permissions.set(Permission.objects.filter(codename__in=["view_flight", "view_flightforecast"]))
    only_reads = Client()
    only_reads.force_login(reader)
    assert post(only_reads, "forecast", terms(logged)).status_code == 403


def test_the_past_is_forecast_with_what_was_known_then(logged: Ad) -> None:
    since = (NOW - timedelta(days=1)).replace(minute=0)
    (tested,) = backtest.backtest(since, 1)
    assert tested.actual == 24
    assert tested.inside
    assert tested.expected == pytest.approx(24, abs=4)
    assert tested.naive == pytest.approx(24, abs=1)
    told = backtest.summary([tested])
    assert (told.flights, told.coverage) == (1, 1.0)
    assert told.median_error < 0.2


def test_too_short_a_past_is_refused_in_words() -> None:
    with pytest.raises(CommandError, match="No decision is logged yet"):
        call_command("forecast", backtest=True)
    make_ad()
    serve_break(make_request(), now=NOW - timedelta(hours=1), rng=np.random.default_rng(1))
    consumer.drain(now=NOW)
    with pytest.raises(CommandError, match="2 days are logged before it and 2 after it"):
        call_command("forecast", backtest=True)
    with pytest.raises(CommandError, match="would need 2 days before it"):
        call_command("forecast", backtest=True, since=NOW - timedelta(days=2), days=1)
    with pytest.raises(CommandError, match="belong to --backtest"):
        call_command("forecast", days=2)
