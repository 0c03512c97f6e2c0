"""Somebody of an advertiser reads their own rows, whichever door they try, and nothing of anybody else's in any byte."""

from __future__ import annotations

import itertools
import re
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import Group, User
from django.contrib.contenttypes.models import ContentType
from django.core.cache import cache
from django.core.management import call_command
from django.db import connections
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from adplatform.permissions import AD_OPS, ADVERTISER_MEMBER
from ads.models import (
    Ad,
    AdIcon,
    AdVerification,
    Advertiser,
    AdvertiserMember,
    Campaign,
    Companion,
    CreativeFile,
    DeliveryDay,
    DeliveryHour,
    Flight,
    FlightBalance,
    FlightForecast,
    LedgerEntry,
    SavedFilter,
)
from catalog.models import Title

from .inventory import make_ad

pytestmark = pytest.mark.django_db(databases=["default", "insights"])
# Stands in every name of the other advertiser; what is searched for is a part of it alone, so that an echo is no find.
MARK = b"Zanzibar"
PART = "Zanz"
NOW = datetime.now(UTC)


@dataclass(frozen=True)
class Sold:
    """One advertiser with a row of everything that has an advertiser."""

    advertiser: Advertiser
    campaign: Campaign
    flight: Flight
    ad: Ad
    rows: tuple[Any, ...]

    def keys(self) -> dict[str, set[str]]:
        return {type(row)._meta.label_lower: {str(row.pk)} for row in self.rows}


def sell(name: str) -> Sold:
    ad = make_ad(advertiser=f"{name} Group")
    flight, campaign = ad.flight, ad.flight.campaign
    Campaign.objects.filter(pk=campaign.pk).update(name=f"{name} spring", notes=f"{name} pays late")
    Flight.objects.filter(pk=flight.pk).update(name=f"{name} evenings", ends_at=NOW + timedelta(days=20))
    Ad.objects.filter(pk=ad.pk).update(
        name=f"{name} clip", headline=f"{name} for all", click_through=f"https://{name}.example/", universal_ad_id=f"id/{name}"
    )
    for row in (campaign, flight, ad):
        row.refresh_from_db()
        # The past is told too.
        row.save()
    advertiser = campaign.advertiser
    more = [
        CreativeFile.objects.create(asset=ad.asset, name=f"{name}.mp4", sha256=f"{ad.pk:064x}", size=1, problem=f"{name} is silent"),
        Companion.objects.create(ad=ad, width=300, height=250, alt_text=f"{name} card", click_through=f"https://{name}.example/card"),
        AdIcon.objects.create(ad=ad, program=f"{name} choices", width=20, height=20),
        AdVerification.objects.create(ad=ad, vendor=f"{name} checks", script="https://checks.example/a.js"),
        FlightForecast.objects.create(flight=flight, computed_at=NOW, warning="Expected 10 of 100.", requests=500),
        FlightBalance.objects.update_or_create(flight=flight, defaults={"booked_micros": 5_000_000})[0],
    ]
    today = NOW.replace(hour=0, minute=0, second=0, microsecond=0)
    keys = {
        "advertiser_id": advertiser.pk,
        "campaign_id": campaign.pk,
        "flight_id": flight.pk,
        "ad_id": ad.pk,
        "impressions": 700,
        "gross_impressions": 700,
    }
    DeliveryDay.objects.create(bucket=today, **keys)
    DeliveryHour.objects.create(bucket=today, **keys)
    entry = LedgerEntry.objects.create(
        decision=uuid.uuid4(), slot=0, kind="impression", flight=flight, campaign=campaign, advertiser=advertiser, ad=ad, amount_micros=5_000_000,
        note=f"{name} note", event=uuid.uuid4(), occurred_at=NOW, booked_at=NOW,
    )  # fmt: skip
    return Sold(advertiser, campaign, flight, ad, (advertiser, campaign, flight, ad, entry, *more))


@pytest.fixture(scope="module", autouse=True)
def _leaves_no_reader_behind() -> Iterator[None]:
    yield
    connections["insights"].close()


@dataclass(frozen=True)
class World:
    own: Sold
    other: Sold
    member: User
    client: Client


@pytest.fixture
def world() -> Iterator[World]:
    call_command("sync_groups", verbosity=0)
    cache.clear()
    own, other = sell("Ownhouse"), sell(MARK.decode())
    FlightForecast.objects.filter(flight=own.flight).update(conflicts=[{"flight": other.flight.pk, "name": str(other.flight), "share": 0.4}])
    seller = User.objects.create_user("seller", is_staff=True)
    seller.groups.add(Group.objects.get(name=AD_OPS))
    SavedFilter.objects.create(owner=seller, page="report", name=f"{MARK.decode()} weekly", query=f"campaign={other.campaign.pk}", shared=True)
    SavedFilter.objects.create(owner=seller, page="ads_flight_changelist", name=f"{MARK.decode()} flights", query="", shared=True)
    LogEntry.objects.create(
        user=seller, content_type=ContentType.objects.get_for_model(Flight), object_id=str(other.flight.pk), object_repr=str(other.flight),
        action_flag=CHANGE, change_message="paused",
    )  # fmt: skip
    member = User.objects.create_user("member", is_staff=True)
    member.groups.add(Group.objects.get(name=ADVERTISER_MEMBER))
    AdvertiserMember.objects.create(user=member, advertiser=own.advertiser)
    client = Client()
    client.force_login(member)
    yield World(own, other, member, client)


def body(answer: Any) -> bytes:
    if getattr(answer, "streaming", False):
        return b"".join(map(bytes, answer.streaming_content))
    return bytes(answer.content) + str(dict(answer.headers)).encode()


def patterns(resolver: URLResolver, before: str = "") -> Iterator[str]:
    for one in resolver.url_patterns:
        route = before + str(one.pattern)
        if isinstance(one, URLResolver):
            yield from patterns(one, route)
        elif isinstance(one, URLPattern):
            yield route


def addresses(world: World) -> Iterator[str]:
    """Every address of the admin and the API, with the keys of both advertisers' rows wherever one is asked for."""
    own, other = world.own.keys(), world.other.keys()
    month = f"{NOW:%Y-%m}"
    for route in patterns(get_resolver()):
        if not route.startswith(("admin/", "api/v1/")) or "schema" in route:
            continue
        parts = route.removeprefix("admin/").split("/")
        named = f"{parts[0]}.{parts[1]}" if len(parts) > 1 else ""
        keys = (own.get(named, set()) | other.get(named, set())) or {str(world.own.flight.pk), str(world.other.flight.pk)}
        # A statement is asked for by its advertiser.
        of_advertisers = {str(one.advertiser.pk) for one in (world.own, world.other)} if "statements" in route else set()
        yield from filled(route, keys | of_advertisers, month)


def filled(route: str, keys: set[str], month: str) -> Iterator[str]:
    plain = route.replace("^", "").replace("$", "").replace("\\.", ".").replace("\\Z", "").replace("/?", "")
    slots = re.findall(r"<[^>]+>|\(\?P<[^>]+>(?:[^()]|\([^()]*\))*\)", plain)
    values = [[month] if "month" in slot else ["json"] if "format" in slot else sorted(keys) for slot in slots]
    for chosen in itertools.product(*values):
        address = plain
        for slot, value in zip(slots, chosen, strict=True):
            address = address.replace(slot, value, 1)
        yield f"/{address}"


def test_no_address_tells_them_anything_of_another_advertiser(world: World) -> None:
    opened = set()
    for address in sorted(set(addresses(world)) - {"/admin/logout/"}):
        answer = world.client.get(address)
        assert MARK not in body(answer), address
        assert answer.status_code < 500, address
        if answer.status_code == 200:
            opened.add(address)
    flight, other = world.own.flight.pk, world.other.flight.pk
    assert {f"/admin/ads/flight/{flight}/change/", "/admin/", "/admin/reports/", f"/api/v1/flights/{flight}"} <= opened
    assert not {f"/admin/ads/flight/{other}/change/", f"/admin/ads/flight/{other}/why/", f"/api/v1/flights/{other}"} & opened
    assert f"/admin/reports/statements/{world.own.advertiser.pk}/{NOW:%Y-%m}/" in opened
    assert not [address for address in opened if "/history/" in address]


def queries(world: World) -> Iterator[str]:
    """Lists, searches, orders, filters and files, aimed at the other advertiser's rows."""
    other = world.other
    for model in admin.site._registry:
        label = f"/admin/{model._meta.app_label}/{model._meta.model_name}/"
        yield f"{label}?q={PART}"
        if not world.member.has_perm(f"{model._meta.app_label}.view_{model._meta.model_name}"):
            continue
        for path in ("campaign__advertiser", "flight__campaign__advertiser", "advertiser", "campaign", "flight", "asset__ads__flight__campaign"):
            yield f"{label}?{path}__name__startswith={PART}"
            yield f"{label}?{path}__id__exact={other.advertiser.pk}&o=-1.2"
        for field in model._meta.get_fields():
            if field.is_relation and not field.auto_created:
                options = model._meta
                yield (f"/admin/autocomplete/?app_label={options.app_label}&model_name={options.model_name}&field_name={field.name}&term={PART}")
    yield f"/admin/search/?s={PART.lower()}&extended=1"
    yield "/admin/search/?s=evenings&extended=1"
    for of in ("advertiser", "campaign", "flight", "ad", "title"):
        yield f"/admin/reports/options/?of={of}&q={PART}"
        yield f"/admin/reports/options/?of={of}&q="
    keys = (("advertiser", other.advertiser), ("campaign", other.campaign), ("flight", other.flight), ("ad", other.ad))
    for (name, row), form in itertools.product(keys, ("", "&format=csv", "&format=xlsx")):
        yield f"/admin/reports/?by=advertiser,campaign,flight,ad&{name}={row.pk}{form}"
    yield f"/admin/reports/statements/?advertiser={other.advertiser.pk}"
    yield f"/admin/reports/statements/?month={NOW:%Y-%m}"
    for name in ("advertisers", "campaigns", "flights", "ads"):
        for asked in (
            f"advertiser={other.advertiser.pk}",
            f"campaign={other.campaign.pk}",
            f"flight={other.flight.pk}",
            f"search={PART}",
            f"name={PART}",
        ):
            yield f"/api/v1/{name}?{asked}"
    for kind, row in keys[:3]:
        yield f"/admin/reports/reach/?{kind}={row.pk}"
        yield f"/api/v1/reports/reach?{kind}={row.pk}"
        yield f"/api/v1/reports/delivery?by={kind}&{kind}={row.pk}"
    yield f"/api/v1/reports/delivery?by=campaign&campaign={other.campaign.pk}&format=csv"


def test_no_search_filter_order_or_file_tells_them_either(world: World) -> None:
    for address in queries(world):
        answer = world.client.get(address)
        assert MARK not in body(answer), address
        assert answer.status_code < 500, address


def test_their_figures_are_their_own_alone(world: World) -> None:
    page = world.client.get("/admin/reports/?by=advertiser&period=7d&show=impressions").content.decode()
    assert "Ownhouse Group" in page
    assert ">700<" in page
    assert ">1,400<" not in page
    listed = world.client.get("/admin/reports/statements/").content.decode()
    assert f"ADV-{world.own.advertiser.pk}-" in listed
    assert f"ADV-{world.other.advertiser.pk}-" not in listed
    assert world.client.get(f"/admin/reports/statements/{world.other.advertiser.pk}/{NOW:%Y-%m}/").status_code == 404


def test_they_write_nothing(world: World) -> None:
    own = world.own
    before = [list(model.objects.order_by("pk").values()) for model in (Advertiser, Campaign, Flight, Ad, SavedFilter, LedgerEntry)]
    for row in own.rows:
        label = f"/admin/{row._meta.app_label}/{row._meta.model_name}/"
        for address in (f"{label}add/", f"{label}{row.pk}/change/", f"{label}{row.pk}/delete/", label):
            given = {"name": "Changed", "action": "pause", "_selected_action": [str(row.pk)], "note": "x"}
            # A list answers with itself where it has no such action for them.
            assert world.client.post(address, given).status_code in (200, 302, 403, 404, 405), address
    for address in sorted(set(addresses(world))):
        if not address.endswith(("/add/", "/change/", "/delete/", "/history/", "/logout/", "/password_change/")) and address.startswith("/admin/"):
            assert world.client.post(address, {"name": "Kept", "query": "by=day", "act": "end", "note": "x"}).status_code < 500, address
    for name, row in (("advertisers", own.advertiser), ("campaigns", own.campaign), ("flights", own.flight), ("ads", own.ad)):
        patched = world.client.patch(f"/api/v1/{name}/{row.pk}", {"name": "Changed"}, content_type="application/json")
        assert patched.status_code == 403, name
        for verb in ("pause", "end", "approve"):
            assert world.client.post(f"/api/v1/{name}/{row.pk}/{verb}").status_code in (403, 404, 405)
    assert [list(model.objects.order_by("pk").values()) for model in (Advertiser, Campaign, Flight, Ad, SavedFilter, LedgerEntry)] == before


def test_the_group_without_an_advertiser_sees_no_rows(world: World) -> None:
    AdvertiserMember.objects.all().delete()
    for address in ("/admin/ads/campaign/", "/admin/ads/flight/", "/admin/reports/?by=campaign", "/api/v1/campaigns"):
        found = body(world.client.get(address))
        assert MARK not in found, address
        assert b"Ownhouse" not in found, address
    assert world.client.get(f"/admin/reports/statements/{world.own.advertiser.pk}/{NOW:%Y-%m}/").status_code == 404


def test_a_title_is_named_to_them_where_their_ads_ran(world: World) -> None:
    title = Title.objects.create(name="Ember Coast", slug="ember-coast")
    DeliveryDay.objects.filter(advertiser_id=world.own.advertiser.pk).update(title_id=title.pk)
    assert "Ember Coast" in world.client.get("/admin/reports/?by=title&period=7d").content.decode()
