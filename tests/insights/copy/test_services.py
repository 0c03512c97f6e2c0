"""Suggestions from what was measured, and what people do with them: a line that is taken up waits for the review."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import Group, User
from django.core.exceptions import PermissionDenied
from django.core.management import call_command
from django.test import Client
from django.utils import timezone

from ads.models import Ad, Advertiser, Campaign, DeliveryDay, Flight
from catalog.models import Genre, MediaAsset
from insights.copy.headlines import Segment
from insights.copy.services import AlreadyDecided, headlines_suggest, suggestion_dismiss, suggestion_take
from insights.models import CopySuggestion

pytestmark = pytest.mark.django_db


@pytest.fixture
def ad() -> Ad:
    advertiser = Advertiser.objects.create(name="Volt Motors", category="automotive")
    campaign = Campaign.objects.create(advertiser=advertiser, name="Launch")
    now = timezone.now()
    flight = Flight.objects.create(
        campaign=campaign, name="Reach", starts_at=now - timedelta(days=3), ends_at=now + timedelta(days=9), pricing="cpm", bid_micros=10_000_000,
        goal_amount=1000, budget_micros=10**9,
    )  # fmt: skip
    asset = MediaAsset.objects.create(kind="ad", key="ad-x", state=MediaAsset.State.READY, duration=15, path="ad-x/1")
    return Ad.objects.create(
        flight=flight, name="Volt E", asset=asset, category="automotive", click_through="https://example.org", universal_ad_id="x/1",
        headline="Ready for the open road?", review=Ad.Review.APPROVED,
    )  # fmt: skip


@pytest.fixture
def seller() -> User:
    call_command("sync_groups", verbosity=0)
    user = User.objects.create_user("seller", is_staff=True)
    user.groups.add(Group.objects.get(name="ad-ops"))
    return user


def delivered(ad: Ad, *, device: str, impressions: int, clicks: int) -> None:
    DeliveryDay.objects.create(
        bucket=timezone.now() - timedelta(days=2), advertiser_id=ad.flight.campaign.advertiser_id, campaign_id=ad.flight.campaign_id,
        flight_id=ad.flight_id, ad_id=ad.pk, title_id=1, genre="drama", device=device, impressions=impressions, clicks=clicks,
    )  # fmt: skip


def test_a_suggestion_tells_what_was_measured_in_its_segment_and_what_was_not(ad: Ad, seller: User) -> None:
    delivered(ad, device="tv", impressions=1000, clicks=20)
    delivered(ad, device="mobile", impressions=9000, clicks=9)
    made, note = headlines_suggest(actor=seller, ad=ad, segment=Segment(device="tv"), now=timezone.now())
    assert not note
    assert len(made) == 4
    assert made[0].headline.endswith("?")
    assert "1,000 impressions" in made[0].why
    assert "2.00 % were clicked" in made[0].why
    assert all("Too few such lines" in one.why for one in made[1:])
    assert {one.engine for one in made} == {"template"}
    assert CopySuggestion.objects.filter(state="suggested").count() == 4


def test_asked_again_other_lines_come_until_none_are_left(ad: Ad, seller: User) -> None:
    seen: set[str] = set()
    for _ in range(4):
        made, note = headlines_suggest(actor=seller, ad=ad, segment=Segment(), now=timezone.now())
        assert not seen & {one.headline for one in made}
        seen |= {one.headline for one in made}
    assert not made
    assert "Nothing new" in note


def test_a_line_taken_up_is_an_ad_of_its_own_in_review_and_only_once(ad: Ad, seller: User) -> None:
    made, _ = headlines_suggest(actor=seller, ad=ad, segment=Segment(), now=timezone.now())
    variant = suggestion_take(actor=seller, suggestion=made[0], now=timezone.now())
    assert (variant.flight_id, variant.asset_id, variant.headline, variant.review) == (ad.flight_id, ad.asset_id, made[0].headline, "in_review")
    assert variant.universal_ad_id != ad.universal_ad_id
    ad.refresh_from_db()
    assert (ad.headline, ad.review) == ("Ready for the open road?", "approved")
    with pytest.raises(AlreadyDecided):
        suggestion_take(actor=seller, suggestion=made[0], now=timezone.now())
    suggestion_dismiss(actor=seller, suggestion=made[1], now=timezone.now())
    with pytest.raises(AlreadyDecided):
        suggestion_take(actor=seller, suggestion=made[1], now=timezone.now())
    assert Ad.objects.count() == 2


def test_who_may_not_change_ads_may_not_suggest(ad: Ad) -> None:
    call_command("sync_groups", verbosity=0)
    reader = User.objects.create_user("reader", is_staff=True)
    reader.groups.add(Group.objects.get(name="read-only"))
    with pytest.raises(PermissionDenied):
        headlines_suggest(actor=reader, ad=ad, segment=Segment(), now=timezone.now())
    client = Client()
    client.force_login(reader)
    page = client.get(f"/admin/insights/copysuggestion/for/{ad.pk}/")
    assert page.status_code == 200
    assert b"Suggest lines" not in page.content
    assert client.post(f"/admin/insights/copysuggestion/for/{ad.pk}/", {"do": "suggest"}).status_code == 403


def test_the_page_leads_from_the_ad_to_lines_and_from_a_line_to_its_review(ad: Ad, seller: User) -> None:
    Genre.objects.create(name="Drama", slug="drama")
    client = Client()
    client.force_login(seller)
    address = f"/admin/insights/copysuggestion/for/{ad.pk}/"
    assert address in client.get(f"/admin/ads/ad/{ad.pk}/change/").content.decode()
    client.post(address, {"do": "suggest", "device": "tv", "genre": "<script>"})
    first = CopySuggestion.objects.order_by("pk")[0]
    assert first.segment == {"device": "tv"}
    assert first.headline in client.get(address, {"device": "tv"}).content.decode()
    sent = client.post(address, {"do": "take", "suggestion": first.pk})
    assert Ad.objects.get(headline=first.headline).review == Ad.Review.IN_REVIEW
    assert sent.status_code == 302
    assert client.post(address, {"do": "take", "suggestion": "abc"}).status_code == 404


def test_a_headline_with_markup_or_a_link_is_refused_in_words(ad: Ad, seller: User) -> None:
    client = Client()
    client.force_login(seller)
    for line in ("<b>Now</b>", "See www.example.org"):
        ad.headline = line
        with pytest.raises(Exception, match="headline"):
            ad.full_clean()
