"""Two advertisers: somebody of one reads their own rows over every door, and learns nothing of the other's, not even that they exist."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from ads.models import Ad, Campaign, CreativeFile

from ..inventory import make_ad
from .staff import member_of, patch, post, superuser

pytestmark = pytest.mark.django_db
KINDS = ("advertisers", "campaigns", "flights", "ads", "creatives")


def uploaded(ad: Ad) -> Ad:
    CreativeFile.objects.create(asset=ad.asset, file=f"{ad.pk}.mp4", name="spot.mp4", size=1, sha256=f"{ad.pk:064x}", state=CreativeFile.State.READY)
    return ad


@pytest.fixture
def own() -> Ad:
    return uploaded(make_ad(advertiser="Own"))


@pytest.fixture
def foreign() -> Ad:
    return uploaded(make_ad(advertiser="Foreign"))


@pytest.fixture
def member(own: Ad, foreign: Ad) -> Client:
    return member_of(own.flight.campaign.advertiser, "view_flightforecast", "view_decision", "view_adpolicy")


def ids(ad: Ad) -> dict[str, int]:
    sold = {"flights": ad.flight_id, "campaigns": ad.flight.campaign_id, "advertisers": ad.flight.campaign.advertiser_id}
    return sold | {"ads": ad.pk, "creatives": CreativeFile.objects.get(asset=ad.asset).pk}


def test_lists_hold_ones_own_rows_alone_whatever_is_filtered_by(member: Client, own: Ad, foreign: Ad) -> None:
    theirs = ids(foreign)
    for kind in KINDS:
        assert [row["id"] for row in member.get(f"/api/v1/{kind}").json()["results"]] == [ids(own)[kind]]
    for query in (
        f"flights?campaign={theirs['campaigns']}", f"flights?advertiser={theirs['advertisers']}", f"ads?flight={theirs['flights']}",
        f"campaigns?advertiser={theirs['advertisers']}", "campaigns?search=Foreign", "advertisers?search=Foreign",
        f"ads?universal_ad_id={foreign.universal_ad_id}",
    ):  # fmt: skip
        assert member.get(f"/api/v1/{query}").json()["count"] == 0, query
    assert member.get("/api/v1/policies").json()["count"] == 0
    assert member.get("/api/v1/decisions").json()["results"] == []


def test_a_row_of_another_advertiser_is_as_little_there_as_one_that_never_was(member: Client, own: Ad, foreign: Ad) -> None:
    for kind in KINDS:
        assert member.get(f"/api/v1/{kind}/{ids(own)[kind]}").status_code == 200
        theirs, nobodys = (member.get(f"/api/v1/{kind}/{number}") for number in (ids(foreign)[kind], 999_999))
        assert theirs.status_code == nobodys.status_code == 404
        assert theirs.json()["detail"].replace(str(ids(foreign)[kind]), "") == nobodys.json()["detail"].replace("999999", "")
    for action in ("why-not", "gains", "forecast"):
        assert member.get(f"/api/v1/flights/{foreign.flight_id}/{action}").status_code == 404


def test_somebody_of_an_advertiser_writes_nothing_not_even_their_own(own: Ad, foreign: Ad) -> None:
    member = member_of(own.flight.campaign.advertiser)
    assert member.get(f"/api/v1/flights/{own.flight_id}").status_code == 200
    assert member.get("/api/v1/policies").status_code == member.get("/api/v1/decisions").status_code == 403
    for ad in (own, foreign):
        numbers = ids(ad)
        assert patch(member, f"flights/{numbers['flights']}", {"name": "Mine"}).status_code == 403
        assert member.delete(f"/api/v1/campaigns/{numbers['campaigns']}").status_code == 403
        for action in (f"flights/{numbers['flights']}/pause", f"campaigns/{numbers['campaigns']}/end", f"ads/{numbers['ads']}/approve"):
            assert post(member, action).status_code == 403
        assert post(member, "flights", {"campaign": numbers["campaigns"], "name": "New"}).status_code == 403
    assert own.flight.history.count() == foreign.flight.history.count() == 1


def test_what_was_charged_stays_with_the_campaign_and_advertiser_it_was_charged_to(own: Ad, foreign: Ad) -> None:
    staff = superuser()
    assert patch(staff, f"flights/{own.flight_id}", {"campaign": foreign.flight.campaign_id}).status_code == 400
    assert (
        "stays in its campaign" in patch(staff, f"flights/{own.flight_id}", {"campaign": foreign.flight.campaign_id}).json()["errors"]["campaign"][0]
    )
    answer = patch(staff, f"campaigns/{own.flight.campaign_id}", {"advertiser": foreign.flight.campaign.advertiser_id})
    assert "stays with its advertiser" in answer.json()["errors"]["advertiser"][0]
    assert "stays in its flight" in patch(staff, f"ads/{own.pk}", {"flight": foreign.flight_id}).json()["errors"]["flight"][0]


def test_no_address_of_the_staff_api_is_forgotten_here() -> None:
    """Whoever adds a resource says here that it is scoped, and tests it."""
    known = {*KINDS, "policies"}
    found = {
        name.removeprefix("api-").rsplit("-", 1)[0]
        for name in _names(get_resolver().url_patterns)
        if name.startswith("api-") and name.endswith("-list")
    }
    assert {f"{name}s" if name != "policy" else "policies" for name in found} == known


def _names(patterns: list[URLPattern | URLResolver]) -> list[str]:
    found = []
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            found += _names(pattern.url_patterns)
        elif pattern.name:
            found.append(pattern.name)
    return found


def test_notes_on_a_campaign_are_the_sellers_own(member: Client, own: Ad) -> None:
    Campaign.objects.filter(pk=own.flight.campaign_id).update(notes="pays late")
    assert member.get(f"/api/v1/campaigns/{own.flight.campaign_id}").json()["notes"] == ""
    assert [row["notes"] for row in member.get("/api/v1/campaigns").json()["results"]] == [""]
    assert member.get("/api/v1/campaigns?search=late").json()["count"] == 0
    staff = superuser()
    assert staff.get("/api/v1/campaigns?search=late").json()["results"][0]["notes"] == "pays late"
