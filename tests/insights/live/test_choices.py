"""What there is to narrow the live figures to, and for whom."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from ads.models import Advertiser, AdvertiserMember, Campaign
from insights.live.business.choices import choices
from insights.live.permissions import Rights
from insights.live.streams import parse
from tests.insights.live import facts

pytestmark = pytest.mark.django_db


def member(group: str, advertiser: Advertiser | None = None) -> Client:
    user = User.objects.create_user(f"of-{group}")
    user.groups.add(Group.objects.get_or_create(name=group)[0])
    if advertiser:
        AdvertiserMember.objects.create(user=user, advertiser=advertiser)
    client = Client()
    client.force_login(user)
    return client


def two_advertisers() -> tuple[Advertiser, Advertiser]:
    volt, lantern = (Advertiser.objects.create(name=name, category="automotive") for name in ("Volt Motors", "Silver Lantern"))
    for owner in (volt, lantern):
        Campaign.objects.create(advertiser=owner, name=f"{owner.name} in autumn")
    return volt, lantern


def asked(client: Client) -> dict[str, Any]:
    response = client.get("/live/choices.json")
    assert response.status_code == 200
    found: dict[str, Any] = response.json()
    return found


def test_somebody_of_an_advertiser_chooses_among_their_own_campaigns_and_meets_no_other_name() -> None:
    volt, _ = two_advertisers()
    found = asked(member("advertiser-member", volt))
    assert [one["label"] for one in found["campaigns"]] == ["Volt Motors in autumn"]
    assert "Lantern" not in json.dumps(found)
    assert "advertisers" not in found
    everybody = asked(member("executive"))
    assert len(everybody["campaigns"]) == len(everybody["advertisers"]) == 2, "what is kept for one is not told to another"


def test_somebody_of_an_advertiser_opens_the_page_with_delivery_alone_and_without_a_membership_not_at_all() -> None:
    volt, _ = two_advertisers()
    page = member("advertiser-member", volt).get("/live/")
    assert page.status_code == 200
    assert {key for key in ("revenue", "ctr", "fill_rate", "active_sessions", "model_accuracy") if f'data-key="{key}"' in page.text} == {
        "revenue",
        "ctr",
    }
    assert member("read-only").get("/live/").text.count("data-key=") > page.text.count("data-key=")
    stranger = User.objects.create_user("stranger")
    stranger.groups.add(Group.objects.get(name="advertiser-member"))
    client = Client()
    client.force_login(stranger)
    assert client.get("/live/").status_code == 403


def test_an_editor_chooses_titles_and_meets_no_campaign() -> None:
    two_advertisers()
    facts.a_title()
    found = asked(member("editor"))
    assert found["titles"][0]["label"] == "Ember Coast"
    assert "Volt" not in json.dumps(found) and "campaigns" not in found


def test_who_is_not_signed_in_or_may_not_look_chooses_nothing() -> None:
    assert Client().get("/live/choices.json").status_code == 401
    assert member("viewer").get("/live/choices.json").status_code == 403


def test_every_choice_is_one_that_the_streams_take_and_more_rows_cost_no_more_queries() -> None:
    two_advertisers()
    facts.a_title()
    with CaptureQueriesContext(connection) as captured:
        found = choices(Rights(business=True, content=True))
    assert len(captured) == 4
    for param, name in (("campaign", "campaigns"), ("title", "titles"), ("genre", "genres"), ("device", "devices"), ("advertiser", "advertisers")):
        for one in found[name]:
            assert parse(f"now?{param}={one['value']}").get(param) == one["value"]
    for one in (*found["ranges"], found["default"]):
        assert parse(f"trend?range={one.get('value') or one['range']}")
