"""The demo's ad inventory. Safe to run again: what is there stays as staff left it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand
from django.db import transaction
from django.utils.text import slugify

from adplatform.demo import MEMBER
from ads.demo_inventory import ADVERTISERS, HEADLINES, POLICIES, SKIP_AFTER, DemoAdvertiser, DemoCampaign, DemoFlight, Targeting
from ads.models import Ad, AdPolicy, Advertiser, AdvertiserMember, Campaign, Flight
from catalog.models import MediaAsset, Title

MICROS = 1_000_000


class Command(BaseCommand):
    help = "Create the demo's 8 advertisers, 12 campaigns, their flights, ads and ad policies where missing."

    @transaction.atomic
    def handle(self, *args: Any, **options: Any) -> None:
        midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        titles = dict(Title.objects.values_list("slug", "pk"))
        _seed_policies(titles)
        made = sum(_seed_advertiser(advertiser, midnight, titles) for advertiser in ADVERTISERS)
        _seed_member()
        waiting = Ad.objects.exclude(asset__state=MediaAsset.State.READY).count()
        self.stdout.write(f"{made} ads created; {Ad.objects.count()} in all, {waiting} of them waiting for their clip")


def _seed_member() -> None:
    """The demo's login at an advertiser is of the first one, where that login was made."""
    if user := User.objects.filter(username=MEMBER).first():
        AdvertiserMember.objects.get_or_create(user=user, defaults={"advertiser": Advertiser.objects.get(name=ADVERTISERS[0].name)})


def _seed_policies(titles: dict[str, int]) -> None:
    for slug, policy in POLICIES.items():
        if slug is None or slug in titles:
            AdPolicy.objects.get_or_create(title=Title.objects.get(pk=titles[slug]) if slug else None, defaults=policy)


def _seed_advertiser(demo: DemoAdvertiser, midnight: datetime, titles: dict[str, int]) -> int:
    advertiser, _ = Advertiser.objects.get_or_create(name=demo.name, defaults={"category": demo.category, "website": demo.site})
    return sum(_seed_campaign(advertiser, campaign, demo, midnight, titles) for campaign in demo.campaigns)


def _seed_campaign(advertiser: Advertiser, sold: DemoCampaign, demo: DemoAdvertiser, midnight: datetime, titles: dict[str, int]) -> int:
    campaign, _ = Campaign.objects.get_or_create(
        name=sold.name,
        defaults={
            "advertiser": advertiser,
            "targeting": _by_id(sold.targeting, titles),
            "frequency_caps": sold.caps,
            "notes": sold.notes,
        },
    )
    return sum(_seed_flight(campaign, flight, demo, midnight, titles) for flight in sold.flights)


def _by_id(targeting: Targeting, titles: dict[str, int]) -> Targeting:
    """The demo names titles by slug. A title that is not in the catalogue cannot be targeted."""
    return {
        direction: {key: [titles[slug] for slug in values if slug in titles] if key == "titles" else values for key, values in asked.items()}
        for direction, asked in targeting.items()
    }


def _seed_flight(campaign: Campaign, demo: DemoFlight, advertiser: DemoAdvertiser, midnight: datetime, titles: dict[str, int]) -> int:
    unit = MICROS if demo.goal_type == Flight.Goal.SPEND else 1
    flight, _ = Flight.objects.get_or_create(
        campaign=campaign,
        name=demo.name,
        defaults={
            "state": demo.state,
            "tier": demo.tier,
            "share_of_voice": demo.share,
            "starts_at": midnight + timedelta(days=demo.starts),
            "ends_at": midnight + timedelta(days=demo.ends),
            "pricing": demo.pricing,
            "bid_micros": round(demo.bid * MICROS),
            "goal_type": demo.goal_type,
            "goal_amount": None if demo.goal is None else demo.goal * unit,
            "daily_goal_amount": None if demo.daily_goal is None else demo.daily_goal * unit,
            "budget_micros": round(demo.budget * MICROS),
            "daily_budget_micros": None if demo.daily is None else round(demo.daily * MICROS),
            "pacing": demo.pacing,
            "priority": demo.priority,
            "targeting": _by_id(demo.targeting, titles),
            "frequency_caps": demo.caps,
            "exclusivity": demo.exclusivity,
            "slot_position": demo.slot,
            "excluded_categories": demo.excludes,
            "strict_caps": demo.strict,
        },
    )
    return sum(_seed_ad(flight, key, name, demo, advertiser) for key, name in demo.ads.items())


def _seed_ad(flight: Flight, key: str, name: str, demo: DemoFlight, advertiser: DemoAdvertiser) -> bool:
    asset, _ = MediaAsset.objects.get_or_create(key=key, defaults={"kind": MediaAsset.Kind.AD})
    # One clip may run on several flights: each is an ad of its own, with figures of its own, and so has an id of its own.
    variant = slugify(name.partition(", ")[2])
    _, created = Ad.objects.get_or_create(
        universal_ad_id=f"intermission.example/{key}" + (f"/{variant}" if variant else ""),
        defaults={
            "flight": flight,
            "name": name,
            "asset": asset,
            "category": advertiser.category,
            "click_through": f"{advertiser.site}?from={key}",
            "headline": HEADLINES.get(key, ""),
            "skip_after": SKIP_AFTER if demo.skippable else None,
            "review": Ad.Review.APPROVED,
        },
    )
    return created
