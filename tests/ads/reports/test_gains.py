"""Changes are tried on logged requests: as it is, the past comes out again; what is left out of a trial would not have changed it."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from io import StringIO

import numpy as np
import pytest
import time_machine
from django.contrib.auth.models import User
from django.core.cache import cache
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from adplatform.eventlog import consumer
from ads.models import Ad, Decision, Flight
from ads.reports.gains import changes, sample, told
from ads.reports.gains.estimate import gain
from ads.reports.gains.sample import NothingLogged
from ads.reports.gains.service import gains
from ads.reports.gains.world import World, run
from ads.serving import serve_break
from tests.ads.inventory import NOW, make_ad, make_request, track

pytestmark = pytest.mark.django_db
SINCE, BREAKS = NOW - timedelta(days=2), 48


@pytest.fixture
def logged() -> list[Ad]:
    """Two days of breaks for sixteen viewers, on two devices: a rich flight, a narrow one with a cap, a cheap one."""
    ads = [
        make_ad(bid_micros=30_000_000, tier="price_priority", goal_amount=None, budget_micros=400_000),
        make_ad(bid_micros=24_000_000, tier="price_priority", goal_amount=None, targeting={"include": {"devices": ["tv"]}},
                frequency_caps=[{"scope": "flight", "count": 1, "per": "day", "times": 1}]),
        make_ad(bid_micros=9_000_000, tier="price_priority", goal_amount=None),
        make_ad(bid_micros=12_000_000, tier="price_priority", goal_amount=None),
    ]  # fmt: skip
    viewers = [uuid.UUID(int=number * 7919) for number in range(16)]
    for number in range(BREAKS):
        at = SINCE + timedelta(minutes=60 * number + 1)
        viewer = viewers[number * 5 % 16]
        asked = make_request(viewer=viewer, consent=number % 3 > 0, device="tv" if number % 2 else "mobile", break_id=f"b{number}", hour=at.hour)
        for ad in serve_break(asked, now=at, rng=np.random.default_rng(number)).ads:
            track(ad.token, "ad.impression", at=at)
        if number % 4 == 0:
            consumer.drain(now=at)
    consumer.drain(now=NOW)
    return ads


def world_of(flight: Flight) -> tuple[sample.Proposal, World]:
    proposed = sample.proposal(flight, SINCE, now=NOW)
    return proposed, sample.world(flight, proposed, SINCE, NOW)


def test_with_the_flight_as_it_is_every_break_comes_out_as_it_did_and_what_a_trial_leaves_out_would_not_change_it(logged: list[Ad]) -> None:
    stored = [tuple(slot["flight"] for slot in one.slots) for one in Decision.objects.order_by("decided_at")]
    for ad in logged[2:]:
        proposed, world = world_of(ad.flight)
        found = run(world, proposed.sold())
        assert list(found.others) == stored
        assert (world.weight, len(world.logged)) == (1.0, BREAKS)
        assert found.won.sum() == sum(served.count(ad.flight_id) for served in stored)
    tried = 0
    for ad in logged:
        proposed, world = world_of(ad.flight)
        base = run(world, proposed.sold())
        for change in changes.candidates(proposed, world, base, named=lambda _, value: str(value), currency="USD", now=NOW):
            sold = change.made(proposed).sold()
            whole, quick = run(world, sold), run(world, sold, like=base, touches=change.touches)
            assert quick.others == whole.others, change.words
            assert np.array_equal(quick.won, whole.won)
            tried += 1
    assert tried >= 8


def test_a_flight_that_misses_a_device_is_told_to_target_it_and_what_that_brings(logged: list[Ad]) -> None:
    flight = Flight.objects.select_related("campaign__advertiser", "balance").get(pk=logged[1].flight_id)
    found = gains(flight, SINCE, NOW, now=NOW)
    words = [option.change.words for option in found.options]
    assert "Also target mobile (devices)" in words
    assert "Raise the cap of 1 per day to 2 per day" in [*words, *(words for words, _ in found.tried)]
    assert all(option.gain.impressions.low <= option.gain.impressions.extra <= option.gain.impressions.high for option in found.options)
    assert found.options[0].gain.impressions.extra == max(option.gain.impressions.extra for option in found.options)
    assert found.reasons["device_not_targeted"] == BREAKS / 2
    assert {name for option in found.options for _, name, _, _ in option.losers} <= {"Flight", ""}
    assert found.pair is None or found.pair.gain.impressions.extra > found.options[0].gain.impressions.extra
    answer = told.told(flight, found)
    narrowed = told.for_advertiser(answer, flight.campaign.advertiser_id)
    assert any(one["name"] == "Flight" for option in answer["options"] for one in option["losers"])
    assert {one["name"] for option in narrowed["options"] for one in option["losers"]} <= {told.ANOTHERS, "seconds that stayed empty"}


def test_a_budget_that_was_spent_stays_spent_however_much_is_bid(logged: list[Ad]) -> None:
    proposed, world = world_of(logged[0].flight)
    base = run(world, proposed.sold())
    spent = sum("budget_spent" in reasons for reasons in base.reasons)
    assert spent >= 8
    richer = changes.Change("bid", "Bid more", {"bid_micros": 60_000_000})
    assert gain(world, base, run(world, richer.made(proposed).sold()), proposed.columns["id"]).impressions.extra <= 0
    more = changes.Change("budget", "More budget", {"budget_micros": 9_000_000})
    assert gain(world, base, run(world, more.made(proposed).sold()), proposed.columns["id"]).impressions.sure


def test_a_draft_is_tried_as_if_it_had_been_live_and_a_silent_log_says_so(logged: list[Ad]) -> None:
    draft = make_ad(
        state=Flight.State.DRAFT, starts_at=NOW + timedelta(days=1), tier="price_priority", bid_micros=50_000_000, goal_amount=None
    ).flight
    found = gains(draft, SINCE, NOW, now=NOW)
    assert found.shifted
    assert found.impressions > 5
    assert sum(found.reasons.values()) == BREAKS
    with pytest.raises(NothingLogged, match="No break of this time"):
        gains(draft, NOW - timedelta(days=30), NOW - timedelta(days=20), now=NOW)


def test_one_decision_is_looked_at_and_made_again_as_if_the_flight_had_been_other(logged: list[Ad]) -> None:
    client = Client()
    client.force_login(User.objects.create_superuser("planner"))
    flight = logged[1].flight
    with time_machine.travel(NOW + timedelta(minutes=1), tick=False):
        page = client.get(reverse("admin:ads_flight_why_decisions", args=[flight.pk]), {"reason": "device_not_targeted"})
        found = page.context["found"]
        assert (page.context["count"], len(found)) == (BREAKS / 2, 4)
        assert all(one["device"] == "mobile" for one in found)
        address = reverse("admin:ads_flight_why_decision", args=[flight.pk, found[0]["id"]])
        assert "bit for bit" in client.get(address).content.decode()
        assert client.get(address, {"uncapped": "on"}).context["otherwise"]["won"] is False
        assert client.get(address, {"everybody": "on", "bid": "90"}).context["otherwise"]["won"] is True
        assert client.get(reverse("admin:ads_flight_why_decisions", args=[flight.pk]), {"reason": "none"}).status_code == 404
        assert "Also target mobile (devices): +" in command(flight)


def command(flight: Flight) -> str:
    out = StringIO()
    call_command("why_not", str(flight.pk), "--gains", stdout=out)
    return out.getvalue()


def test_a_planner_makes_a_proposed_change_from_the_page(logged: list[Ad]) -> None:
    cache.clear()
    client = Client()
    client.force_login(User.objects.create_superuser("planner"))
    flight = logged[1].flight
    moment: datetime = NOW + timedelta(minutes=1)
    with time_machine.travel(moment, tick=False):
        found = client.get(reverse("admin:ads_flight_why_gains", args=[flight.pk]), {"time": "7d"}).json()
        assert found["state"] == "done"
        assert "Also target mobile (devices)" in found["html"]
        kept = told.kept(flight, moment - timedelta(days=7), moment)
        assert kept is not None
        over_api = client.get(f"/api/v1/flights/{flight.pk}/gains?since=7d").json()["answer"]
        assert [one["words"] for one in over_api["options"]] == [one["words"] for one in kept["options"]]
        change = next(one for one in kept["options"] if one["words"] == "Also target mobile (devices)")["change"]
        address = reverse("admin:ads_flight_why_change", args=[flight.pk])
        assert "Devices: only Mobile, TV" in client.post(address, {"change": change}).content.decode().replace("TV, Mobile", "Mobile, TV")
        client.post(address, {"change": change, "sure": "1"})
        flight.refresh_from_db()
        assert flight.targeting == {"include": {"devices": ["tv", "mobile"]}}
        assert told.kept(flight, moment - timedelta(days=7), moment) is None
        again = client.post(address, {"change": change, "sure": "1"}, follow=True)
        assert "was changed since" in again.content.decode()
        assert client.post(address, {"change": "made up"}, follow=True).content.decode().count("cannot be read") == 1
