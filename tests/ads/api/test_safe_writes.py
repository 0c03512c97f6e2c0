"""Two tools do not overwrite each other, and what was served is not deleted."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from ads.models import Ad, AdPolicy, Campaign, Flight
from catalog.models import Title

from ..inventory import make_ad
from .staff import patch, post, superuser

pytestmark = pytest.mark.django_db


@pytest.fixture
def client() -> Client:
    return superuser()


def test_a_row_that_changed_since_it_was_read_is_not_overwritten(client: Client) -> None:
    path = f"flights/{make_ad(starts_at=timezone.now(), ends_at=timezone.now() + timedelta(days=9)).flight_id}"
    read = client.get(f"/api/v1/{path}")["ETag"]
    first = patch(client, path, {"priority": 3}, If_Match=read)
    assert (first.status_code, first["ETag"]) == (200, client.get(f"/api/v1/{path}")["ETag"])
    late = patch(client, path, {"priority": 7}, If_Match=read)
    assert (late.status_code, late.json()["type"], late["ETag"]) == (412, "/api/problems/stale", first["ETag"])
    assert post(client, f"{path}/pause", If_Match=read).status_code == 412
    assert client.delete(f"/api/v1/{path}", headers={"If-Match": read}).status_code == 412
    assert patch(client, path, {"goal_type": "clicks"}, If_Match=f'"other", {first["ETag"]}').status_code == 200
    assert patch(client, path, {"priority": 7}, If_Match=f"W/{first['ETag']}").status_code == 412
    assert patch(client, path, {"priority": 7}, If_Match="*").status_code == 200
    assert "with its quotes" in patch(client, path, {"priority": 7}, If_Match="unquoted").json()["errors"]["If-Match"][0]


def test_what_was_never_served_can_be_deleted_from_the_ad_upwards(client: Client) -> None:
    ad = make_ad(state=Flight.State.DRAFT)
    ad.history.all().delete()
    Ad.objects.update(review=Ad.Review.IN_REVIEW)
    flight, campaign = ad.flight, ad.flight.campaign
    refused = client.delete(f"/api/v1/flights/{flight.pk}")
    assert (refused.status_code, refused.json()["type"]) == (409, "/api/problems/still-needed")
    assert "has one ad; delete those first" in refused.json()["detail"]
    assert "has one flight" in client.delete(f"/api/v1/campaigns/{campaign.pk}").json()["detail"]
    assert "has one campaign" in client.delete(f"/api/v1/advertisers/{campaign.advertiser_id}").json()["detail"]
    for path in (f"ads/{ad.pk}", f"flights/{flight.pk}", f"campaigns/{campaign.pk}", f"advertisers/{campaign.advertiser_id}"):
        assert client.delete(f"/api/v1/{path}").status_code == 204
        assert client.delete(f"/api/v1/{path}").status_code == 404
    last = Flight.history.filter(id=flight.pk).first()
    assert (last.history_type, last.history_user.username, last.history_change_reason) == ("-", "somebody", "Deleted: it was never served")


def test_what_was_served_stays(client: Client) -> None:
    ad = make_ad()
    assert "may have been shown" in client.delete(f"/api/v1/ads/{ad.pk}").json()["detail"]
    assert "only a draft is deleted" in client.delete(f"/api/v1/flights/{ad.flight_id}").json()["detail"]
    Flight.objects.update(state=Flight.State.DRAFT)
    Ad.objects.update(review=Ad.Review.REJECTED)
    assert "was approved" in client.delete(f"/api/v1/ads/{ad.pk}").json()["detail"]
    assert "was launched once" in client.delete(f"/api/v1/flights/{ad.flight_id}").json()["detail"]
    assert Campaign.objects.exists()


def test_a_title_goes_back_to_the_common_policy_and_that_one_stays(client: Client) -> None:
    common = AdPolicy.objects.filter(title=None).first() or AdPolicy.objects.create()
    own = AdPolicy.objects.create(title=Title.objects.create(name="One", slug="one"))
    assert client.delete(f"/api/v1/policies/{own.pk}").status_code == 204
    assert "every title without one of its own" in client.delete(f"/api/v1/policies/{common.pk}").json()["detail"]


def test_what_was_never_launched_may_still_move(client: Client) -> None:
    draft, other = make_ad(state=Flight.State.DRAFT), make_ad()
    moved = patch(client, f"flights/{draft.flight_id}", {"campaign": other.flight.campaign_id, "name": "Moved"})
    assert (moved.status_code, moved.json()["campaign"]) == (200, other.flight.campaign_id)
