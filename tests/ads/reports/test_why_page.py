"""The page that says why a flight does not serve: its list to tick off, its sentence, and a funnel whose counts add up."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from itertools import pairwise

import numpy as np
import pytest
import time_machine
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from adplatform.eventlog import consumer
from ads.admin import why_picture
from ads.models import Ad, Campaign, Decision, Flight
from ads.reports.shown import parts, shown
from ads.reports.standing import blocking, standing
from ads.reports.verdict import verdict
from ads.reports.why_not import why_not
from ads.serving import serve_break
from tests.ads.inventory import NOW, make_ad, make_request, track

pytestmark = pytest.mark.django_db
SINCE, UNTIL = NOW - timedelta(hours=3), NOW + timedelta(hours=1)


@pytest.fixture
def served() -> list[Ad]:
    """Twelve breaks on two devices: one flight takes all it can, one targets television alone, one asks too much of the viewer."""
    ads = [
        make_ad(bid_micros=30_000_000, frequency_caps=[{"scope": "flight", "count": 4, "per": "day", "times": 1}]),
        make_ad(targeting={"include": {"devices": ["tv"]}}),
        make_ad(targeting={"include": {"age_bands": ["25-34"]}}),
    ]
    for number in range(12):
        at = NOW + timedelta(minutes=number)
        asked = make_request(device="tv" if number % 3 else "mobile", break_id=f"b{number}", session=make_request().session)
        answer = serve_break(asked, now=at, rng=np.random.default_rng(number))
        for ad in answer.ads[: 1 if number % 4 == 0 else 2]:
            track(ad.token, "ad.impression", at=at)
            if number % 2:
                track(ad.token, "ad.complete", at=at + timedelta(seconds=11))
    consumer.drain(now=NOW + timedelta(minutes=20))
    return ads


def told(ad: Ad) -> Counter[str]:
    """By brute force from every stored explanation: how often the ad ended where."""
    found: Counter[str] = Counter()
    for explanation in Decision.objects.values_list("explanation", flat=True):
        found.update(one["reason"] for one in explanation["candidates"] if one["ad"] == ad.pk)
        found.update(code for code, others in explanation["others"].items() if ad.pk in others)
    return found


def test_every_count_of_the_funnel_is_the_sum_over_the_stored_explanations_and_they_add_up(served: list[Ad]) -> None:
    for ad in served:
        funnel = why_not(ad.flight, SINCE, UNTIL)
        assert funnel.reasons == dict(told(ad))
        assert (funnel.requests, funnel.ads, funnel.absent, funnel.considered) == (12, 1, 0, 12)
        seen = shown(funnel)
        assert seen.reserved == funnel.served == sum(len([s for s in d.slots if s["ad"] == ad.pk]) for d in Decision.objects.all())
        assert seen.reserved - seen.unseen == seen.seen == seen.impressions + sum(one.count for one in seen.invalid)
        assert sum(part.reserved for part in parts(funnel, "device")) == sum(part.reserved for part in parts(funnel, "title_id")) == funnel.served
        rows = why_picture.rows(funnel, seen, funnel)
        lost = [row for row in rows if not row.after]
        assert all(after.left == before.left - after.out for before, after in pairwise(lost))


def test_each_ad_of_a_flight_has_a_funnel_of_its_own_and_they_sum_to_the_flights() -> None:
    ad = make_ad()
    Ad.objects.create(flight=ad.flight, name="Second", asset=ad.asset, category=ad.category, click_through="https://brand.example/",
                      universal_ad_id="test/second", review=Ad.Review.APPROVED)  # fmt: skip
    for number in range(4):
        serve_break(make_request(break_id=f"b{number}"), now=NOW + timedelta(minutes=number))
    consumer.drain(now=NOW + timedelta(minutes=20))
    whole = why_not(ad.flight, SINCE, UNTIL)
    each = [why_not(ad.flight, SINCE, UNTIL, ad=one) for one in ad.flight.ads.values_list("pk", flat=True)]
    assert (whole.requests, whole.ads, whole.considered, whole.absent) == (4, 2, 8, 0)
    assert sum((Counter(one.reasons) for one in each), Counter()) == Counter(whole.reasons)


def test_the_list_names_what_keeps_a_flight_from_serving_and_the_sentence_begins_with_it() -> None:
    ad = make_ad(budget_micros=5_000_000)
    flight = Flight.objects.select_related("campaign__advertiser").get(pk=ad.flight_id)
    assert blocking(standing(flight, now=NOW)) == []
    flight.campaign.state, flight.state, ad.review = Campaign.State.PAUSED, Flight.State.DRAFT, Ad.Review.IN_REVIEW
    ad.save()
    flight.balance.booked_micros = flight.budget_micros
    found = blocking(standing(flight, now=NOW - timedelta(days=90)))
    assert [check.name for check in found] == ["Campaign active", "Flight live", "Within its dates", "An approved ad", "Budget left"]
    assert [check.act for check in found] == ["campaign_resume", "launch", "flight", "ads", "flight"]
    words = verdict(flight, found, why_not(flight, SINCE, UNTIL))
    assert words.startswith(f"Not serving now. {flight.campaign.name} is paused: none of its flights serves. 4 more things stand in its way")


def test_the_sentence_says_what_most_breaks_were_and_what_is_not_the_problem(served: list[Ad]) -> None:
    words = [verdict(ad.flight, [], why_not(ad.flight, SINCE, UNTIL)) for ad in served]
    assert words[1].startswith("Live")
    assert "were on devices it does not target" in words[1]
    assert words[2] == (
        "Live, but 100 % of the breaks were for viewers who keep private what it targets on. It served in none of 12 breaks."
        " Budget, caps, pacing and its price are not the problem."
    )


def test_a_planner_reads_the_page_and_launches_the_draft_from_it(served: list[Ad]) -> None:
    client = Client()
    client.force_login(User.objects.create_superuser("planner"))
    flight = served[1].flight
    with time_machine.travel(NOW + timedelta(minutes=30), tick=False):
        page = client.get(reverse("admin:ads_flight_why", args=[flight.pk]))
        assert page.status_code == 200
        assert "were on devices it does not target" in page.content.decode()
        Flight.objects.filter(pk=flight.pk).update(state=Flight.State.DRAFT)
        assert 'value="launch"' in client.get(reverse("admin:ads_flight_why", args=[flight.pk]), {"time": "24h"}).content.decode()
        assert client.get(reverse("admin:ads_flight_why", args=[flight.pk]), {"since": "soon"}).content.decode().count("is no time") == 1
        client.post(reverse("admin:ads_flight_why_do", args=[flight.pk]), {"act": "launch"})
    flight.refresh_from_db()
    assert flight.state == Flight.State.LIVE
